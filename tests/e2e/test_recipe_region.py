# SPDX-License-Identifier: MIT
"""docs/recipes/another_region.md: its commands in their order, on two emulated regions; the old one
is gone when the server starts in the new one."""

import json
import shutil
import subprocess

import pytest

from lab import aws_plugin, documents, kms_regions, process
from lab.patience import seconds
from lab.service import PRODUCTS

PAGE = "docs/recipes/another_region.md"

pytestmark = pytest.mark.long


def tool(line: str, directory, options, environment) -> str:
    """A line of the page, as the user of the test."""
    words = line.removeprefix("sudo -u mysql ").split()
    assert words[0] == "keyringctl"
    done = subprocess.run([PRODUCTS / "keyringctl", *words[1:], *map(str, options)], text=True,
                          capture_output=True, timeout=seconds(120), check=False,
                          env=process.bare_environment(directory, environment))
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done.stdout + done.stderr


def lines(number: int) -> list[str]:
    return documents.commands(documents.blocks(PAGE, "sh")[number])


def entries(*regions) -> list[dict]:
    return [one.entry for one in regions]


def move(directory, old, new, environment, options_for, in_new_region) -> None:
    """Steps 1 to 4; `options_for(regions)` says which keys are configured, and tells the tool."""
    for line in lines(0):
        assert tool(line, directory, options_for(old, new), environment).count("opened") == 2
    options = in_new_region()
    old.stop()
    check, slots = lines(1)
    tool(check + " --skip permissions", directory, options, environment)
    assert "not configured" in tool(slots, directory, options, environment)
    for line in lines(2):
        tool(line, directory, options, environment)
    assert "not configured" not in tool(slots, directory, options, environment)


def test_mariadb(make_server, directory, regions):
    old, new = regions
    assert len(documents.settings(PAGE)[0].split("=")[1].split(",")) == 2
    environment = {**old.environment(), "AWS_MAX_ATTEMPTS": "1"}
    server = make_server(old, store="SEALED", environment=environment,
                         master_key_id=json.dumps(entries(old, new)))
    server.options = [one for one in server.options if "endpoint-url" not in one]
    server.start()
    aws_plugin.make_table(server, "t", 1)
    server.stop()
    data = server.data

    def options_for(*used, where=data):
        option_file = directory / "tool.cnf"
        option_file.write_text(f"[mariadb]\ndatadir={where}\nplugin_load_add=aws_key_management\n"
                               "aws_key_management_key_store=SEALED\n"
                               f"aws_key_management_master_key_id={json.dumps(entries(*used))}\n")
        return ["--product", "aws_key_management", "--defaults-file", option_file,
                "--plugin-dir", server.plugin_directory]

    moved = make_server(new, name="moved", store="SEALED", environment=environment,
                        master_key_id=json.dumps(entries(new)))
    moved.options = [one for one in moved.options if "endpoint-url" not in one]

    def in_new_region():
        shutil.rmtree(moved.data)
        shutil.copytree(data, moved.data)
        return options_for(new, where=moved.data)
    move(directory, old, new, environment, options_for, in_new_region)
    moved.start()
    assert aws_plugin.readable(moved, "t")
    aws_plugin.make_table(moved, "u", 2)


@pytest.mark.sid
def test_mysql(make_kms_mysql, directory, regions):
    old, new = regions
    keys = json.loads(documents.blocks(PAGE, "json")[0])["kms_key"]
    assert len(keys) == 2 and all(key.startswith("arn:") for key in keys)
    environment = {**old.environment(), "AWS_MAX_ATTEMPTS": "1"}
    server = make_kms_mysql(kms=old, environment=environment)
    server.start()
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENCRYPTION='Y'; INSERT INTO d.t VALUES"
               " (1)")
    server.configure(**kms_regions.keys(old, new))
    server.reload()
    assert server.status()["Slots"] == "2"
    server.stop()
    moved = make_kms_mysql(name="moved", kms=new, environment=environment)

    def options_for(*used, of=server):
        of.configure(**kms_regions.keys(*used))
        config = of.plugin_directory / "component_keyring_kms.cnf"
        return ["--config", config, "--datadir", of.data]

    def in_new_region():
        shutil.rmtree(moved.data)
        shutil.copytree(server.data, moved.data)
        shutil.copy(server.keyring, moved.keyring)
        return options_for(new, of=moved)
    move(directory, old, new, environment, options_for, in_new_region)
    moved.start()
    assert moved.sql("SELECT a FROM d.t") == [("1",)]
    moved.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY")
