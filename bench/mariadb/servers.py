# SPDX-License-Identifier: MIT
"""The servers that are compared: with our plugin, with Debian's file_key_management, without any.
"""

import pathlib
import secrets

from lab import aws_plugin, mariadb

# Debian's own, beside which our plugin is put in the servers of the lab.
FILE_PLUGIN = pathlib.Path("/usr/lib/mysql/plugin/file_key_management.so")


def with_kms(directory: pathlib.Path, kms, plugin: pathlib.Path, options=(), environment=None,
             installation=None) -> mariadb.MariaDB:
    return mariadb.MariaDB(
        directory,
        installation,
        plugins=[plugin],
        environment={**kms.environment(), **(environment or {})},
        options=[*aws_plugin.options(kms, master_key_id=kms.alias, store="AUTO"), *options],
    )


def with_file_keys(directory: pathlib.Path, options=()) -> mariadb.MariaDB:
    directory.mkdir()
    keys = directory / "keys.txt"
    keys.write_text(f"1;{secrets.token_hex(16)}\n")
    return mariadb.MariaDB(
        directory,
        plugins=[FILE_PLUGIN],
        options=[
            "--plugin-load-add=file_key_management",
            f"--file-key-management-filename={keys}",
            *options,
        ],
    )


def without(directory: pathlib.Path, options=()) -> mariadb.MariaDB:
    return mariadb.MariaDB(directory, options=list(options))
