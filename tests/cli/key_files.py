# SPDX-License-Identifier: MIT
"""MariaDB's key files, as the plugin of MariaDB itself writes them, without our code."""

import pathlib
import re

from lab import aws_client, aws_plugin, percona_file

VERSIONS = {(1, 1): bytes(range(16)), (1, 2): bytes(range(32)), (7, 1): b"k" * 32}


def options_of(directory, kms, place, *, name="mariadb.cnf", **more) -> tuple:
    """Writes the server's options: the arguments that name the key files in `place`."""
    lines = [value.removeprefix("--") for value in aws_plugin.options(kms, **more)]
    (directory / "data").mkdir(exist_ok=True)
    (directory / name).write_text(
        "[mariadb]\n"
        + "\n".join(lines)
        + f"\naws-key-management-keyfile-dir={place}\ndatadir={directory}/data\n"
    )
    return ("--product", "aws_key_management", "--defaults-file", directory / name)


def write_raw(place: pathlib.Path, kms) -> None:
    place.mkdir(mode=0o750)
    for (number, version), key in VERSIONS.items():
        path = place / f"aws-kms-key.{number}.{version}"
        path.write_bytes(percona_file.encrypt(kms, kms.alias, key))
        path.chmod(0o440)


def read_raw(place: pathlib.Path, kms) -> dict[tuple, bytes]:
    return {
        tuple(map(int, re.findall(r"\d+", path.name))): aws_client.decrypt(kms, path.read_bytes())
        for path in place.glob("aws-kms-key.*")
    }


def contents(place: pathlib.Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.glob("aws-kms-key.*")}
