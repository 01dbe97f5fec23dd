# SPDX-License-Identifier: MIT
"""component_keyring_kms in a private MySQL server, on a KMS that a test owns."""

import pathlib

from . import mysql
from .mariadb import PRODUCTS

NAME = "component_keyring_kms"
LIBRARY = PRODUCTS / f"{NAME}.so"


def config(kms, file: pathlib.Path, **more) -> dict:
    """A configuration; credentials come from the environment. None leaves an option out."""
    options = {
        "path": str(file),
        "kms_key": kms.alias,
        "region": kms.region,
        "endpoint_url": kms.url,
        "connect_timeout_ms": 1000,
        "startup_deadline_ms": 4000,
        "operation_deadline_ms": 3000,
        "reload_deadline_ms": 6000,
        **more,
    }
    return {name: value for name, value in options.items() if value is not None}


class MySQLWithKms(mysql.MySQL):
    """A MySQL server whose keyring is our component. `keyring` is the key file."""

    def __init__(
        self,
        directory: pathlib.Path,
        kms,
        *,
        where: str = "plugin",
        keyring=None,
        more=None,
        **options
    ):
        environment = {**kms.environment(), **options.pop("environment", {})}
        super().__init__(
            directory,
            plugins=[LIBRARY, *options.pop("plugins", ())],
            environment=environment,
            **options
        )
        self.kms = kms
        self.where = where
        self.keyring = pathlib.Path(keyring or self.directory / "keyring" / "keys")
        self.keyring.parent.mkdir(exist_ok=True)
        self.configure(**(more or {}))
        if self.user or self.switch_user:
            self.give_to_user()

    def configure(self, **more) -> None:
        """Writes manifest and configuration again."""
        self.write_manifest(NAME, where="data" if self.where == "data" else "program")
        self.write_config(NAME, config(self.kms, self.keyring, **more), where=self.where)

    def reload(self) -> None:
        self.sql("ALTER INSTANCE RELOAD KEYRING")
