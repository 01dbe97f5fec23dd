# SPDX-License-Identifier: MIT
"""docs/recipes/backup.md: its commands, run in their order, with the directories of a test."""

import shutil
import subprocess

import pytest

from lab import aws_plugin, documents, process
from lab.patience import seconds
from lab.service import PRODUCTS

PAGE = "docs/recipes/backup.md"

pytestmark = pytest.mark.long


def run(server, directory, line: str, options: str, fails: bool = False) -> str:
    """A line of the page. `options` say what option files and defaults say elsewhere."""
    words = [word.replace("/backup", str(directory)).replace("/var/lib/mysql", str(server.data))
             for word in line.split()]
    program, *rest = words
    if program == "chown":
        return ""  # The lab runs as one user.
    if program == "keyringctl":
        program, rest = str(PRODUCTS / program), [*rest, *options.split()]
    else:
        rest = [*rest, *options.split()]
    done = subprocess.run([program, *rest], text=True, capture_output=True, timeout=seconds(120), check=False,
                          env=process.bare_environment(directory, server.environment))
    assert (done.returncode == 0) == (not fails), done.stdout + done.stderr
    return done.stdout + done.stderr


def lines(number: int) -> list[str]:
    return documents.commands(documents.blocks(PAGE, "sh")[number])


def test_mariadb(kms, make_server, directory):
    server = make_server(kms, store="SEALED", options=["--innodb-encrypt-log=ON"]).start()
    aws_plugin.make_table(server, "t", 1)
    backup, prepare = lines(0)
    where = f"--datadir={server.data}"
    run(server, directory, backup, f"--socket={server.socket} --user=root {where}")
    said = "cannot open shared object file"
    assert said in (documents.ROOT / PAGE).read_text()
    assert said in run(server, directory, prepare.replace(" ", " --no-defaults ", 1), "",
                       fails=True)
    run(server, directory, prepare, "")
    server.sql("INSERT INTO d.t VALUES (2, 'after the backup')")
    server.stop()
    shutil.rmtree(server.data)
    server.data.mkdir()
    for line in lines(1):
        run(server, directory, line, where)
    server.start()
    assert server.sql("SELECT a FROM d.t") == [("1",)] and aws_plugin.readable(server, "t")


@pytest.mark.sid
def test_the_keyring_of_mysql(make_kms_mysql, directory):
    server = make_kms_mysql()
    server.start()
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENCRYPTION='Y'; INSERT INTO d.t VALUES"
               " (1)")
    config = server.plugin_directory / "component_keyring_kms.cnf"
    which = f"--config {config} --datadir {server.data}"
    for line in lines(2):
        run(server, directory, line, which)
    server.stop()
    server.keyring.unlink()
    for line in lines(3):
        run(server, directory, line, which)
    server.start()
    assert server.sql("SELECT a FROM d.t") == [("1",)]
