# SPDX-License-Identifier: MIT
"""How a server is told to use aws_key_management, and what is seen of its keys."""

import pathlib
import re

from .mariadb import PRODUCTS, MariaDB

PLUGIN = PRODUCTS / "aws_key_management.so"

# Everything that MariaDB can encrypt.
ENCRYPT_ALL = ["--innodb-encrypt-tables=FORCE", "--innodb-encrypt-log=ON", "--innodb-encryption-threads=2",
               "--innodb-encryption-rotate-key-age=1", "--aria-encrypt-tables=ON", "--encrypt-tmp-files=ON",
               "--encrypt-tmp-disk-tables=ON", "--encrypt-binlog=ON", "--log-bin=binlog", "--server-id=1"]


def options(kms, *, master_key_id: str = "alias/openkeyring") -> list[str]:
    """Command line options for a KMS of the lab (it has url and region)."""
    return ["--plugin-load-add=aws_key_management", f"--aws-key-management-master-key-id={master_key_id}",
            f"--aws-key-management-region={kms.region}", f"--aws-key-management-endpoint-url={kms.url}"]


def key_files(folder: pathlib.Path) -> dict[tuple[int, int], pathlib.Path]:
    """The key files in a folder by (key id, version)."""
    found = {}
    for path in folder.glob("aws-kms-key*"):
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
