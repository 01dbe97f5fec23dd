# SPDX-License-Identifier: MIT
"""keyring_aws.so in a private MySQL server, on a KMS that a test owns."""

import pathlib
import subprocess

from . import mysql, process
from .mariadb import PRODUCTS
from .mysql_installation import as_root
from .patience import seconds

NAME = "keyring_aws"
LIBRARY = PRODUCTS / f"{NAME}.so"
FUNCTIONS = "".join(
    f"CREATE FUNCTION keyring_aws_rotate_{what} RETURNS INTEGER SONAME 'keyring_aws.so';"
    for what in ("cmk", "keys")
)
INSTALL = "INSTALL PLUGIN keyring_aws SONAME 'keyring_aws.so'"
UNINSTALL = "UNINSTALL PLUGIN keyring_aws"


def write_conf(path: pathlib.Path, kms, text: str | None = None, mode: int = 0o600) -> None:
    """The file of two lines, or another text."""
    path.unlink(missing_ok=True)
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(
        f"{kms.ready['access_key_id']}\n{kms.ready['secret_access_key']}\n"
        if text is None
        else text
    )


def variables(kms, conf: pathlib.Path, data: pathlib.Path, **more) -> list[str]:
    """Options for the command line. None leaves a variable out."""
    values = {
        "cmk_id": kms.alias,
        "region": kms.region,
        "endpoint_url": kms.url,
        "conf_file": conf,
        "data_file": data,
        "connect_timeout_ms": 1000,
        "request_timeout_ms": 1500,
        "operation_deadline_ms": 3000,
        **more,
    }
    return [
        f"--loose-keyring-aws-{name.replace('_', '-')}={value}"
        for name, value in values.items()
        if value is not None
    ]


class MySQLWithKeyringAws(mysql.MySQL):
    """A MySQL server whose keyring is the plugin, loaded early. `keyring` is its data file."""

    def __init__(self, directory: pathlib.Path, kms, *, early: bool = True, more=None, **options):
        super().__init__(directory, plugins=[LIBRARY, *options.pop("plugins", ())], **options)
        self.kms = kms
        self.conf = self.directory / "keyring_aws_conf"
        self.keyring = self.directory / "mysql-keyring" / "keyring_aws_data"
        if not self.conf.exists():
            write_conf(self.conf, kms)
        self.early = ["--early-plugin-load=keyring_aws.so"] if early else []
        self.configure(**(more or {}))

    def configure(self, **more) -> None:
        """Values from the next start on."""
        self.values = variables(self.kms, self.conf, self.keyring, **more)

    def command(self, *extra: str) -> list[str]:
        return super().command(*self.early, *self.values, *extra)

    def migrate(self, source: str, destination: str, direction: str) -> None:
        """mysqld as the tool that copies keys ("to" or "from" a component), between the .so files
        named."""
        command = [
            *self.installation.server_command(self.program_directory),
            f"--datadir={self.data}",
            f"--plugin-dir={self.plugin_directory}",
            "--secure-file-priv=",
            f"--tmpdir={self.directory}",
            *as_root(self.user),
            *self.values,
            f"--keyring-migration-source={source}",
            f"--keyring-migration-destination={destination}",
            f"--keyring-migration-{direction}-component",
        ]
        done = subprocess.run(
            [str(part) for part in command],
            text=True,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds(60),
            cwd=self.directory,
            env=process.bare_environment(self.directory),
        )
        if done.returncode != 0:
            raise process.Failed(f"the migration ended with {done.returncode}\n{done.stdout}")
