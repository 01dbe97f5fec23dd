# SPDX-License-Identifier: MIT
"""Backups of encrypted servers: mariadb-backup, and MariaDB's own test of the AWS plugin."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from lab import aws_plugin, mariadb, process

SUITE = pathlib.Path("/usr/share/mysql/mysql-test/suite/mariabackup")
MOCK_BUILD = mariadb.ROOT / "build" / "mock"
TEST = "xb_aws_key_management"


def backup_program(server, *arguments, seconds=120) -> str:
    done = subprocess.run(
        [*server.installation.program("mariadb-backup"), *map(str, arguments)], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
        env=process.bare_environment(server.directory, server.environment))
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.mark.parametrize("encrypt_log", ["OFF", "ON"])
def test_back_up_and_restore(encrypt_log, kms, make_server, directory):
    server = make_server(kms, options=["--innodb-encrypt-tables=FORCE", f"--innodb-encrypt-log={encrypt_log}",
                                       "--innodb-encryption-threads=2"]).start()
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b TEXT) ENGINE=InnoDB;"
               "USE d; INSERT INTO d.t SELECT seq, REPEAT('x', 500) FROM seq_1_to_1000")
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=-1") == []
    target = directory / "backup"
    backup_program(server, "--no-defaults", "--backup", f"--target-dir={target}", f"--socket={server.socket}",
                   "--user=root", f"--datadir={server.data}")
    assert set(aws_plugin.key_files(target)) == set(aws_plugin.key_files(server.data))
    server.sql("INSERT INTO d.t VALUES (5000,'after the backup')")
    server.stop()
    backup_program(server, "--prepare", f"--target-dir={target}")
    shutil.rmtree(server.data)
    server.data.mkdir()
    backup_program(server, "--no-defaults", "--copy-back", f"--target-dir={target}", f"--datadir={server.data}")
    server.start()
    assert server.value("SELECT COUNT(*) FROM d.t") == "1000"
    assert server.value("SELECT DISTINCT b = REPEAT('x', 500) FROM d.t") == "1"
    server.stop()


@pytest.fixture(scope="session")
def mock_plugin():
    """A build with the in-process mock, which MariaDB's test wants. Never in build/products."""
    log = MOCK_BUILD.with_suffix(".log")
    log.parent.mkdir(exist_ok=True)
    with open(log, "w") as output:
        for command in (["cmake", "--preset", "release", "-B", MOCK_BUILD, "-DOPENKEYRING_MOCK_KMS=ON",
                         "-DOPENKEYRING_TESTS=OFF"],
                        ["cmake", "--build", MOCK_BUILD, "--target", "aws_key_management"]):
            done = subprocess.run(command, cwd=mariadb.ROOT, stdout=output, stderr=output, check=False)
            assert done.returncode == 0, f"see {log}"
    return MOCK_BUILD / "products" / "aws_key_management.so"


def test_mariadbs_own_test_of_the_plugin(mock_plugin, directory):
    """suite/mariabackup/xb_aws_key_management, unchanged but for have_debug: Debian has no debug server."""
    suite = directory / "mariabackup"
    suite.mkdir()
    for name in ("include", "suite.pm", "suite.opt"):
        (suite / name).symlink_to(SUITE / name)
    text = (SUITE / f"{TEST}.test").read_text()
    assert text.count("--source include/have_debug.inc\n") == 1
    text = text.replace("--source include/have_debug.inc\n", "").replace(
        "-- source include/restart_and_restore.inc", f"-- source {suite}/include/restart_and_restore.inc")
    (suite / f"{TEST}.test").write_text(text)
    shutil.copy(SUITE / f"{TEST}.result", suite)
    (suite / f"{TEST}.opt").write_text(
        f"--plugin-dir={mock_plugin.parent}\n--plugin-maturity=unknown\n" + (SUITE / f"{TEST}.opt").read_text())
    done = subprocess.run(
        ["perl", "mariadb-test-run.pl", f"--suite={suite}", f"--vardir={directory}/var", "--nowarnings",
         "--force", "--retry=0", TEST],
        cwd=SUITE.parents[1], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=300, env={**process.bare_environment(directory), "AWS_KEY_MANAGEMENT_SO": "aws_key_management",
                          **({"MTR_ALLOW_ROOT": "1"} if os.geteuid() == 0 else {})})
    assert re.search(rf"{TEST}.*\[ pass \]", done.stdout), done.stdout[-4000:]
    assert done.returncode == 0, done.stdout[-4000:]
