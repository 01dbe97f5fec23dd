# SPDX-License-Identifier: MIT
"""keyringctl init: what a server needs to load a product, and nothing overwritten."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from changing import Tool, snapshot
from lab import kms_component


@pytest.fixture
def server(directory):
    """Directories as an installed server has them, a program that prints its options included."""
    for name in ("bin", "plugin", "data", "conf.d"):
        (directory / name).mkdir()
    (directory / "plugin" / "component_keyring_kms.so").touch()
    options = directory / "my.cnf"
    options.write_text(f"[mysqld]\ndatadir={directory}/data\nplugin-dir={directory}/plugin\n")
    return options


def test_option_files_of_the_plugins(tool: Tool, directory, server):
    cases = {
        "aws_key_management": [
            "plugin-load-add=aws_key_management",
            "aws-key-management-region=eu-central-1",
        ],
    }
    for product, expected in cases.items():
        place = directory / f"options-{product}"
        place.mkdir()
        words = (
            "init",
            product,
            "--defaults-file",
            server,
            "--kms-key",
            "alias/k",
            "--region",
            "eu-central-1",
            "--option-dir",
            place,
            "--keyring-dir",
            directory / "keyring",
        )
        before = snapshot(directory)
        assert tool.json(*words, "--dry-run")["plan"][-1]["target"] == f"{place}/openkeyring.cnf"
        tool.run(*words, code=6)
        assert snapshot(directory) == before
        reply = tool.json(*words, "--yes")
        lines = (place / "openkeyring.cnf").read_text().splitlines()
        assert lines[0] == "[mariadb]"
        assert all(line in lines for line in expected)
        assert f"{place}/openkeyring.cnf" in reply["written"]
        assert tool.json(*words, "--yes")["changed"] is False
        (place / "openkeyring.cnf").write_text("[mysqld]\nmine=1\n")
        done = tool.run(*words, "--yes", code=1)
        assert "nothing was changed" in done.stderr
        assert (place / "openkeyring.cnf").read_text() == "[mysqld]\nmine=1\n"


def test_every_missing_option_is_named(tool: Tool, server):
    done = tool.run("init", "aws_key_management", "--defaults-file", server, "--yes", code=2)
    assert "--kms-key" in done.stderr and "--region" in done.stderr
    done = tool.run("init", "kmip_key_management", "--defaults-file", server, "--yes", code=2)
    for name in ("--kmip-servers", "--server-ca", "--client-cert", "--client-key"):
        assert name in done.stderr


@pytest.fixture
def running_mysql(directory, server):
    """What calls itself a MySQL that runs on this data directory: the machine may have another."""
    words = ["/nowhere/mysqld", "-c", "print('up', flush=True); import time; time.sleep(600)",
             f"--datadir={directory}/data"]
    with subprocess.Popen(words, executable=sys.executable, stdout=subprocess.PIPE) as started:
        started.stdout.readline()
        yield started
        started.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
@pytest.mark.parametrize("state", ["killed", "in use", "of another user"])
def test_killed_before_the_directory_has_its_owner_the_next_run_sets_it(
        tool: Tool, directory, running_mysql, state):
    """Only of an empty directory of root: any other is as somebody wanted it."""
    keyring, options = directory / "keyring", directory / "conf.d"
    os.chown(directory / "data", 65534, 65534)
    keyring.mkdir(mode=0o750)
    if state == "in use":
        (keyring / "keyring_aws_data").touch()
    if state == "of another user":
        os.chown(keyring, 33, 33)
    words = ("init", "keyring_aws", "--kms-key", "alias/k", "--region", "eu-central-1",
             "--keyring-dir", keyring, "--option-dir", options, "--datadir", directory / "data")
    plan = tool.json(*words, "--dry-run")["plan"]
    planned = [step["action"] for step in plan if step["target"] == str(keyring)]
    assert planned == (["set owner"] if state == "killed" else [])
    tool.run(*words, "--yes")
    owner = keyring.stat()
    assert (owner.st_uid, owner.st_gid) == {
        "killed": (65534, 65534), "in use": (0, 0), "of another user": (33, 33)}[state]
    assert tool.json(*words, "--yes")["changed"] is False


@pytest.mark.sid
def test_a_server_loads_what_was_written(tool: Tool, directory, kms):
    """A real MySQL, which is found because it runs, without a keyring so far."""
    server = kms_component.MySQLWithKms(directory / "m", kms)
    (server.program_directory / "mysqld.my").unlink()
    (server.plugin_directory / "component_keyring_kms.cnf").unlink()
    server.start()
    place = directory / "keyring"
    words = (
        "init",
        "component_keyring_kms",
        "--datadir",
        server.data,
        "--plugin-dir",
        server.plugin_directory,
        "--kms-key",
        kms.alias,
        "--region",
        kms.region,
        "--endpoint-url",
        kms.url,
        "--keyring-dir",
        place,
    )
    reply = tool.json(*words, "--yes")
    server.stop()
    assert [pathlib.Path(path).name for path in reply["written"]] == [
        "keyring",
        "component_keyring_kms.cnf",
        "mysqld.my",
    ]
    about, data = place.stat(), server.data.stat()
    assert about.st_mode & 0o777 == 0o750
    assert (about.st_uid, about.st_gid) == (data.st_uid, data.st_gid) or os.getuid() != 0
    manifest = json.loads((server.program_directory / "mysqld.my").read_text())
    assert manifest == {"components": "file://component_keyring_kms"}
    server.start()
    try:
        assert server.status()["Component_status"] == "Active"
        assert (place / "keyring").exists()
    finally:
        server.kill()
