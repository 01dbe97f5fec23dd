# SPDX-License-Identifier: MIT
"""component_keyring_kmip in a private MySQL server, on a KMIP server that a test owns."""

import pathlib

from . import mysql
from .mariadb import PRODUCTS

NAME = "component_keyring_kmip"
LIBRARY = PRODUCTS / f"{NAME}.so"


def config(kmip, user: str = "mysql", **more) -> dict:
    """A configuration for PyKMIP or the emulator. None leaves an option out."""
    options = {"server_addr": "127.0.0.1", "server_port": str(kmip.port), **kmip.client_files(user),
               "startup_deadline_ms": 4000, "kmip_timeout_ms": 2000, **more}
    return {name: value for name, value in options.items() if value is not None}


class MySQLWithKmip(mysql.MySQL):
    """A MySQL server whose keyring is our component. `kmip_user` owns the objects."""

    def __init__(
        self,
        directory: pathlib.Path,
        kmip,
        *,
        where: str = "plugin",
        kmip_user: str = "mysql",
        more=None,
        **options
    ):
        super().__init__(directory, plugins=[LIBRARY, *options.pop("plugins", ())], **options)
        self.kmip, self.kmip_user, self.where, self.more = kmip, kmip_user, where, dict(more or {})
        self.configure()

    def configure(self, **more) -> None:
        """Writes manifest and configuration again, with what the constructor got and `more`."""
        self.write_manifest(NAME, where="data" if self.where == "data" else "program")
        self.write_config(
            NAME, config(self.kmip, self.kmip_user, **{**self.more, **more}), where=self.where
        )

    def reload(self) -> None:
        self.sql("ALTER INSTANCE RELOAD KEYRING")
