# SPDX-License-Identifier: MIT
"""How a server is told to use aws_key_management, and what is seen of its keys."""

import pathlib
import re

from . import process
from .mariadb import PRODUCTS, MariaDB, SqlError

PLUGIN = PRODUCTS / "aws_key_management.so"

INSTALLATION = "aws-kms-key-installation"
KEY_SET = ("aws-kms-key-set", "aws-kms-key-set-made")  # lab/key_set.py
MARK = r"aws-kms-key-made\.(\d+)\.(\d+)"  # The highest version made of an id.

# Everything that MariaDB can encrypt.
ENCRYPT_ALL = [
    "--innodb-encrypt-tables=FORCE",
    "--innodb-encrypt-log=ON",
    "--innodb-encryption-threads=2",
    "--innodb-encryption-rotate-key-age=1",
    "--aria-encrypt-tables=ON",
    "--encrypt-tmp-files=ON",
    "--encrypt-tmp-disk-tables=ON",
    "--encrypt-binlog=ON",
    "--log-bin=binlog",
    "--server-id=1",
]


def options(kms, *, master_key_id: str = "alias/openkeyring", store: str = "FILES") -> list[str]:
    """Command line options for a KMS of the lab (it has url and region). Most tests are about key
    files; lab/key_set.py is for the other store."""
    return [
        f"--aws-key-management-key-store={store}",
        "--plugin-load-add=aws_key_management",
        f"--aws-key-management-master-key-id={master_key_id}",
        f"--aws-key-management-region={kms.region}",
        f"--aws-key-management-endpoint-url={kms.url}",
    ]


def key_files(directory: pathlib.Path) -> dict[tuple[int, int], pathlib.Path]:
    """The key files in a directory by (key id, version)."""
    found = {}
    for path in directory.glob("aws-kms-key*"):
        if path.name in (INSTALLATION, *KEY_SET) or re.fullmatch(MARK, path.name):
            continue
        match = re.fullmatch(r"aws-kms-key\.(\d+)\.(\d+)", path.name)
        assert match, f"a file of an unknown name: {path}"
        found[int(match[1]), int(match[2])] = path
    return found


def key_versions(server: MariaDB, table: str) -> tuple[int, int]:
    """(oldest, newest) key version of an InnoDB table "database/table"; (0, 0) is not encrypted."""
    rows = server.sql("SELECT MIN_KEY_VERSION, CURRENT_KEY_VERSION FROM"
                      f" information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE NAME='{table}'")
    assert len(rows) == 1, f"{table}: {rows}"
    return int(rows[0][0]), int(rows[0][1])


# InnoDB calls a table that it read without its key "corrupted" until the server is restarted,
# whatever becomes of the key. So what must work without a restart is shown by tables that nobody
# touched meanwhile; with these options (and clean shutdowns) that is also InnoDB itself.
TOUCH_NOTHING = ["--innodb-fast-shutdown=0", "--innodb-buffer-pool-load-at-startup=OFF"]


def make_tables(server: MariaDB, tables: dict[str, int]) -> None:
    """d.<name>, encrypted with that key, with one row."""
    server.sql("CREATE DATABASE IF NOT EXISTS d;" + "".join(
        f"CREATE TABLE d.{name} (a INT PRIMARY KEY, b VARCHAR(60)) ENGINE=InnoDB ENCRYPTED=YES"
        f" ENCRYPTION_KEY_ID={key_id}; INSERT INTO d.{name} VALUES (1,'row of {name}');"
        for name, key_id in tables.items()))


def make_table(server: MariaDB, name: str, key_id: int) -> None:
    make_tables(server, {name: key_id})


def readable(server: MariaDB, name: str) -> bool:
    """Whether d.<name> gives the row of make_table."""
    try:
        return server.value(f"SELECT b FROM d.{name} WHERE a=1") == f"row of {name}"
    except SqlError:
        return False


def usable(server: MariaDB, key_id: int) -> bool:
    """Whether new data can be encrypted with the key. Tries what failed again, and touches no
    table."""
    try:
        server.sql(
            "CREATE DATABASE IF NOT EXISTS d;"
            f"CREATE TABLE d.probe (a INT) ENGINE=InnoDB ENCRYPTED=YES ENCRYPTION_KEY_ID={key_id};"
            "DROP TABLE d.probe"
        )
    except SqlError:
        return False
    return True


def wait_usable(server: MariaDB, *key_ids: int, seconds: float = 20) -> None:
    """Failures are tried again within five seconds, without a restart."""
    for key_id in key_ids:
        process.wait_until(
            lambda key_id=key_id: usable(server, key_id), f"key {key_id}", seconds, every=0.1
        )


def refusal(server: MariaDB, key_id: int) -> str:
    """What a client is told that makes a table with a key that cannot be used."""
    return told(
        server.failure_of(
            "CREATE DATABASE IF NOT EXISTS d;"
            f"CREATE TABLE d.probe (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID={key_id}"
        )
    )


def status(server: MariaDB, plugin: str = "Aws_key_management") -> dict[str, str]:
    """SHOW GLOBAL STATUS, without "Aws_key_management_"."""
    rows = server.sql(f"SHOW GLOBAL STATUS LIKE '{plugin}%'")
    return {row[0].removeprefix(f"{plugin}_"): row[1] if len(row) > 1 else "" for row in rows}


def said(server: MariaDB, plugin: str = "AWS KMS plugin") -> str:
    """The plugin's lines of the error log, each whole: long ones are logged in pieces."""
    text = ""
    for line in server.error_log().splitlines():
        _, found, message = line.partition(f"{plugin}: ")
        if not found:
            continue
        text = text[:-4] + message[3:] if message.startswith("...") and text.endswith(" ...") \
            else f"{text}\n{message}"
    return text


def told(warnings) -> str:
    """The texts of SHOW WARNINGS' rows, long ones whole."""
    text = ""
    for row in warnings:
        message = row[-1].removeprefix("AWS KMS plugin: ").removeprefix("KMIP plugin: ")
        text = text[:-4] + message[3:] if message.startswith("...") and text.endswith(" ...") \
            else f"{text}\n{message}"
    return text
