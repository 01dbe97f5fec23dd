# SPDX-License-Identifier: MIT
"""Torture: real servers with the plugin, each test with an emulator of its own, which it may maltreat."""

import pytest

from lab import aws_plugin, emulator, mariadb

ALIAS = "alias/openkeyring"


@pytest.fixture
def kms(directory):
    """An emulator of this test's own."""
    with emulator.Emulator(directory / "kms", alias=ALIAS) as running:
        running.start()
        yield running


@pytest.fixture
def make_server(directory, kms):
    """A function that makes servers with the plugin, everything encrypted; they end with the test."""
    made = []

    def make(name: str = "m", *, options=(), environment=None, **more) -> mariadb.MariaDB:
        server = mariadb.MariaDB(
            directory / name, plugins=[aws_plugin.PLUGIN],
            options=[*aws_plugin.options(kms, master_key_id=ALIAS), *aws_plugin.ENCRYPT_ALL,
                     "--innodb-encryption-threads=4", *options],
            environment=kms.environment() if environment is None else environment, **more)
        made.append(server)
        return server

    yield make
    for server in made:
        server.kill()
