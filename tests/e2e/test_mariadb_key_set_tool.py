# SPDX-License-Identifier: MIT
"""keyringctl changes the key slots of a stopped MariaDB, and the other region starts the server."""

import json
import subprocess

import pytest

from lab import process
from lab.aws_plugin import make_table, make_tables, readable, status
from lab.patience import seconds
from lab.service import PRODUCTS

ROTATE = "SET GLOBAL aws_key_management_rotate_key"


class World:
    """One data directory, configured for some regions: for a server, and for the tool."""

    def __init__(self, make_server, directory, regions, installation):
        self.make_server, self.directory, self.regions = make_server, directory, regions
        self.installation = installation

    @staticmethod
    def keys(regions) -> str:
        return json.dumps([one.entry for one in regions])

    def server(self, *regions, options=()):
        return self.make_server(regions[0], store="SEALED", installation=self.installation,
                                environment={"AWS_MAX_ATTEMPTS": "1"},
                                master_key_id=self.keys(regions), options=options)

    def tool(self, data, regions, *words, code=0) -> str:
        option_file = self.directory / "tool.cnf"
        option_file.write_text(
            f"[mariadb]\ndatadir={data}\naws_key_management_key_store=SEALED\n"
            f"aws_key_management_master_key_id={self.keys(regions)}\n")
        done = subprocess.run(
            [PRODUCTS / "keyringctl", *words, "--product", "aws_key_management",
             "--defaults-file", option_file],
            env=process.bare_environment(self.directory, regions[0].environment()),
            capture_output=True, text=True, check=False, timeout=seconds(120))
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr


@pytest.fixture
def world(make_server, directory, regions, installation):
    return World(make_server, directory, regions, installation)


def test_the_other_region_starts_the_server_after_each_change_of_the_tool(world, regions):
    first, second = regions
    server = world.server(first).start()
    make_tables(server, {"a": 1, "b": 5})
    assert f"process {server.process.pid} (" in world.tool(
        server.data, regions, "slot", "add", "--yes", code=5)
    server.stop()

    world.tool(server.data, [first, second], "slot", "add", "--yes")
    first.stop()
    other = world.server(second).start()
    assert all(readable(other, name) for name in "ab")
    make_table(other, "c", 7)
    assert status(other)["slots"] == "2" and "eu-west-1" in status(other)["slot_opened"]
    other.stop()

    # The first region is given up; nothing of the set needs it.
    world.tool(server.data, [second], "slot", "remove", "1", "--yes")
    other.start()
    assert status(other)["slots"] == "1" and all(readable(other, name) for name in "abc")
    other.stop()

    first.start()
    world.tool(server.data, [first, second], "rewrap", "--yes")
    second.stop()
    server = world.server(first).start()
    assert all(readable(server, name) for name in "abc")
    server.stop()

    second.start()
    world.tool(server.data, [second], "reseal", "--yes")
    first.stop()
    other.start()
    assert status(other)["slots"] == "1" and all(readable(other, name) for name in "abc")
    assert other.warnings_of(f"{ROTATE}=-1") == []
    other.restart()
    assert all(readable(other, name) for name in "abc") and status(other)["versions_failed"] == "0"
    other.stop()


def test_a_lost_account_is_recovered_with_the_private_key_only(world, regions, directory):
    """Into a new directory under another KMS key; the server goes on with it."""
    first, second = regions
    private, public = directory / "private.pem", directory / "recovery.pem"
    subprocess.run(["openssl", "genrsa", "-out", private, "3072"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], check=True,
                   capture_output=True)
    server = world.server(
        first, options=[f"--aws-key-management-recovery-public-key={public}"]).start()
    make_tables(server, {"a": 1, "b": 5})
    assert server.warnings_of(f"{ROTATE}=5") == []
    make_table(server, "c", 5)
    server.stop()
    first.stop()
    new = directory / "recovered"
    world.tool(server.data, [second], "recover", "--private-key", private, "--output", new, "--yes")
    other = world.server(second, options=[f"--aws-key-management-keyfile-dir={new}"]).start()
    assert all(readable(other, name) for name in "abc") and status(other)["versions_failed"] == "0"
    assert status(other)["slots"] == "1" and second.key_arn in status(other)["slot_opened"]
    make_table(other, "d", 7)
    assert other.warnings_of(f"{ROTATE}=-1") == []
    other.restart()
    assert all(readable(other, name) for name in "abcd")
    other.stop()
