# SPDX-License-Identifier: MIT
"""Mistakes in MySQL's manifest, and what the server says of each: the table in
docs/component_keyring_kms.md quotes it."""

import os
import pathlib

import pytest

from lab import process

pytestmark = pytest.mark.sid
ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/component_keyring_kms.md").read_text()
NAME = "component_keyring_kms"
RIGHT = f'{{ "components": "file://{NAME}" }}'
NOT_PARSED = "Could not parse 'components' attribute from manifest file."
NOT_LOADED = "Failed to load components from manifest file"
EMPTY = "No suitable 'keyring_component_metadata_query' service implementation found"


def manifest(server, text: str | None, name: str = "mysqld.my") -> None:
    (server.program_directory / "mysqld.my").unlink()
    if text is not None:
        (server.program_directory / name).write_text(text)


@pytest.mark.parametrize("text, said", [
    (RIGHT.replace('" }', '", }'), NOT_PARSED),
    (RIGHT.replace("components", "component"), NOT_PARSED),
    ('{ "read_local_manifest": "true" }', NOT_PARSED),
    (RIGHT.replace("file://", ""), NOT_LOADED),
    (RIGHT.replace("kms", "kms.so"), NOT_LOADED),
    (RIGHT.replace("//", "///usr/lib/mysql/plugin/"), NOT_LOADED),
])
def test_a_manifest_that_stops_the_server(make_kms_mysql, text, said):
    server = make_kms_mysql()
    manifest(server, text)
    code, output = server.run()
    assert code != 0 and "MY-013709" in output and said in output
    assert said.rstrip(".") in GUIDE and "MY-013709" in GUIDE


@pytest.mark.parametrize("text, name", [
    (None, ""),
    (RIGHT, "mysql.my"),
    ("", "mysqld.my"),
    ('{ "read_local_manifest": true }', "mysqld.my"),
    (RIGHT.replace("{", '{ "read_local_manifest": true,'), "mysqld.my"),
])
def test_a_manifest_that_is_not_read(make_kms_mysql, text, name):
    server = make_kms_mysql()
    manifest(server, text, name)
    server.start()
    assert server.status_rows() == [] and EMPTY in server.last_log()
    assert "MY-013712" in server.last_log() and EMPTY in GUIDE


@pytest.mark.skipif(os.getuid() != 0, reason="root alone starts a server as another user")
def test_a_manifest_that_the_servers_user_may_not_read_or_may_write(make_kms_mysql):
    server = make_kms_mysql(user="mysql")
    server.program_directory.chmod(0o755)
    path = server.program_directory / "mysqld.my"
    manifest(server, RIGHT)
    path.chmod(0o600)  # Of root.
    server.start()
    assert server.status_rows() == [] and "MY-013712" in server.last_log()
    path.chmod(0o666)
    server.restart()
    assert server.status()["Component_status"] == "Active"
    assert "MY-013711" in server.last_log() and "is not read-only" in server.last_log()
    assert "MY-013711" in GUIDE and "is not read-only" in GUIDE


def test_the_first_of_two_keyrings_is_loaded(make_kms_mysql):
    server = make_kms_mysql()
    server.write_config("component_keyring_file", {"path": str(server.directory / "other")})
    server.write_manifest("component_keyring_file", NAME)
    server.start()
    assert server.status()["Component_name"] == "component_keyring_file"
    for words in ("MY-014009", "Only one keyring component can be loaded at a time"):
        assert words in server.last_log() and words in GUIDE


def test_a_configuration_that_is_missing(make_kms_mysql):
    server = make_kms_mysql()
    (server.plugin_directory / f"{NAME}.cnf").unlink()
    server.start()
    assert server.status()["Component_status"] == "Disabled"
    for words in ("MY-013714", "cannot read config file"):
        assert words in server.last_log() and words in GUIDE
    process.wait_until(lambda: server.sql("SELECT 1"), "the server, which runs without a keyring", 5)
