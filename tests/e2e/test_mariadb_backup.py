# SPDX-License-Identifier: MIT
"""Backups of encrypted servers: mariadb-backup, and MariaDB's own test of the AWS plugin."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from lab import aws_plugin, kmip_plugin, mariadb, process
from lab.certificates import Authority
from lab.kmip_emulator import KmipEmulator
from lab.patience import seconds

SUITE = pathlib.Path("/usr/share/mysql/mysql-test/suite/mariabackup")
MOCK_BUILD = mariadb.ROOT / "build" / "mock"
TEST = "xb_aws_key_management"


def run_backup_program(server, *arguments, seconds=120) -> tuple[int, str]:
    done = subprocess.run(
        [*server.installation.program("mariadb-backup"), *map(str, arguments)], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
        env=process.bare_environment(server.directory, server.environment))
    return done.returncode, done.stdout


def backup_program(server, *arguments, seconds=120) -> str:
    code, output = run_backup_program(server, *arguments, seconds=seconds)
    assert code == 0, output[-3000:]
    return output


def back_up(server, target, *options) -> str:
    return backup_program(server, "--no-defaults", "--backup", f"--target-dir={target}", f"--socket={server.socket}",
                          "--user=root", f"--datadir={server.data}", *options)


def restore(server, target) -> None:
    shutil.rmtree(server.data)
    server.data.mkdir()
    backup_program(server, "--no-defaults", "--copy-back", f"--target-dir={target}", f"--datadir={server.data}")


def fill(server, name, key_id) -> None:
    """A table of some pages: its keys are needed by redo and by pages."""
    aws_plugin.make_table(server, name, key_id)
    server.sql(f"USE d; INSERT INTO d.{name} SELECT seq, REPEAT('x', 50) FROM seq_2_to_3000")


def intact(server, name) -> bool:
    return aws_plugin.readable(server, name) and server.value(f"SELECT COUNT(*) FROM d.{name}") == "3000"


@pytest.mark.parametrize("encrypt_log", ["OFF", "ON"])
def test_back_up_and_restore(encrypt_log, kms, make_server, directory):
    server = make_server(kms, options=["--innodb-encrypt-tables=FORCE", f"--innodb-encrypt-log={encrypt_log}",
                                       "--innodb-encryption-threads=2"]).start()
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b TEXT) ENGINE=InnoDB;"
               "USE d; INSERT INTO d.t SELECT seq, REPEAT('x', 500) FROM seq_1_to_1000")
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=-1") == []
    target = directory / "backup"
    back_up(server, target)
    assert set(aws_plugin.key_files(target)) == set(aws_plugin.key_files(server.data))
    server.sql("INSERT INTO d.t VALUES (5000,'after the backup')")
    server.stop()
    backup_program(server, "--prepare", f"--target-dir={target}")
    restore(server, target)
    server.start()
    assert server.value("SELECT COUNT(*) FROM d.t") == "1000"
    assert server.value("SELECT DISTINCT b = REPEAT('x', 500) FROM d.t") == "1"
    server.stop()


ENCRYPTED = ["--innodb-encrypt-tables=FORCE", "--innodb-encrypt-log=ON", "--innodb-encryption-threads=2"]


def chain(server, directory) -> tuple:
    """A full backup and two increments; between them new ids, rotations and restarts. The keys of each."""
    full, first, second = (directory / name for name in ("full", "first", "second"))
    fill(server, "a", 1)
    back_up(server, full)
    fill(server, "b", 5)
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=-1") == []
    server.restart()
    fill(server, "c", 5)
    back_up(server, first, f"--incremental-basedir={full}")
    fill(server, "d", 6)
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=-1") == []
    fill(server, "e", 7)
    server.restart()
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=6") == []
    fill(server, "f", 6)
    back_up(server, second, f"--incremental-basedir={first}")
    assert {(1, 1), (1, 2), (1, 3), (5, 2), (6, 3), (7, 1)} <= set(aws_plugin.key_files(second))
    return full, first, second


def test_a_chain_of_increments_with_new_keys_in_between_is_restored(installation, kms, make_server, directory):
    server = make_server(kms, installation=installation, options=ENCRYPTED).start()
    full, first, second = chain(server, directory)
    server.stop()
    keys = {key: path.read_bytes() for key, path in aws_plugin.key_files(server.data).items()}
    backup_program(server, "--prepare", f"--target-dir={full}")
    for increment in (first, second):
        before = kms.calls("GenerateDataKeyWithoutPlaintext")
        backup_program(server, "--prepare", f"--target-dir={full}", f"--incremental-dir={increment}")
        assert kms.calls("GenerateDataKeyWithoutPlaintext") == before, "a key is made by the server only"
    restore(server, full)
    assert {key: path.read_bytes() for key, path in aws_plugin.key_files(server.data).items()} == keys
    assert (server.data / aws_plugin.INSTALLATION).exists()
    server.start()
    assert all(intact(server, name) for name in "abcdef")
    server.sql("CHECK TABLE d.a, d.b, d.c, d.d, d.e, d.f")
    server.stop()


@pytest.mark.parametrize("lost", ["aws-kms-key.5.*", "aws-kms-key*.5.*"])
def test_an_increment_without_its_keys_fails_loudly_and_harms_nothing(lost, installation, kms, make_server, directory):
    server = make_server(kms, installation=installation, options=ENCRYPTED).start()
    full, first, second = chain(server, directory)
    server.stop()
    backup_program(server, "--prepare", f"--target-dir={full}")
    kept = directory / "kept"
    kept.mkdir()
    for path in first.glob(lost):
        path.rename(kept / path.name)
    for _ in range(2):
        before = kms.calls("GenerateDataKeyWithoutPlaintext")
        code, output = run_backup_program(server, "--prepare", f"--target-dir={full}", f"--incremental-dir={first}")
        assert code != 0, output[-2000:]
        assert "AWS KMS plugin: " in output
        assert ("version 2 of key 5 was stored and is missing" if lost == "aws-kms-key.5.*" else "key 5") in output
        assert "completed OK" not in output
        assert kms.calls("GenerateDataKeyWithoutPlaintext") == before
        assert not [key for key in aws_plugin.key_files(full) if key[0] == 5]
    for path in kept.iterdir():
        path.rename(first / path.name)
    for increment in (first, second):
        backup_program(server, "--prepare", f"--target-dir={full}", f"--incremental-dir={increment}")
    restore(server, full)
    server.start()
    assert all(intact(server, name) for name in "abcdef")
    server.stop()


class Renamed(mariadb.Installation):
    """MariaDB 10.11 with programs that misleading links call."""

    def program(self, name: str) -> list[str]:
        called = {"mariadbd": "database", "mariadb-backup": "mysqld"}.get(name)
        if called is None:
            return super().program(name)
        link = process.new_directory("names") / called
        link.symlink_to(super().program(name)[-1])
        return [str(link)]


def test_a_program_is_recognized_by_what_it_is_and_not_by_its_name(kms, make_server, directory):
    server = make_server(kms, installation=Renamed(mariadb.mariadb_10().prefix), options=ENCRYPTED).start()
    full, increment = directory / "full", directory / "increment"
    fill(server, "a", 1)
    back_up(server, full)
    fill(server, "b", 5)
    assert (5, 1) in aws_plugin.key_files(server.data), "the server makes keys"
    back_up(server, increment, f"--incremental-basedir={full}")
    server.stop()
    backup_program(server, "--prepare", f"--target-dir={full}")
    for path in increment.glob("aws-kms-key*.5.*"):
        path.unlink()
    before = kms.calls("GenerateDataKeyWithoutPlaintext")
    code, output = run_backup_program(server, "--prepare", f"--target-dir={full}", f"--incremental-dir={increment}")
    assert code != 0 and "AWS KMS plugin: " in output and "key 5" in output
    assert kms.calls("GenerateDataKeyWithoutPlaintext") == before, "a backup program makes none"


def test_preparing_without_kms_says_so_on_standard_error_and_can_be_repeated(kms, make_server, directory):
    server = make_server(kms, options=[*ENCRYPTED, "--aws-key-management-startup-deadline=1"],
                         environment={"AWS_MAX_ATTEMPTS": "1"}).start()
    full, first, _ = chain(server, directory)
    server.stop()
    backup_program(server, "--prepare", f"--target-dir={full}")
    kms.stop()
    arguments = ["--prepare", f"--target-dir={full}", f"--incremental-dir={first}"]
    code, output = run_backup_program(server, *arguments)
    assert code != 0
    assert "attempt 1: " in output and "no answer from 127.0.0.1" in output and "cannot start" in output
    kms.start()
    backup_program(server, *arguments)
    restore(server, full)
    server.start()
    assert all(intact(server, name) for name in "abc")
    server.stop()


def test_an_increment_of_another_server_is_refused(kms, make_server, directory):
    backups = []
    for name in ("one", "two"):
        server = make_server(kms, name=name, options=ENCRYPTED).start()
        fill(server, "a", 1)
        backups.append(directory / f"full-{name}")
        back_up(server, backups[-1])
        backups.append(directory / f"more-{name}")
        back_up(server, backups[-1], f"--incremental-basedir={backups[-2]}")
        server.stop()
    backup_program(server, "--prepare", f"--target-dir={backups[0]}")
    code, output = run_backup_program(server, "--prepare", f"--target-dir={backups[0]}",
                                      f"--incremental-dir={backups[3]}")
    assert code != 0 and "does not belong to this full backup" in output


def test_increments_with_keys_on_a_kmip_server_are_restored(kmip_servers, make_kmip_mariadb, directory):
    server = make_kmip_mariadb(kmip_servers["emulator"], options=ENCRYPTED).start()
    full, first = directory / "full", directory / "first"
    fill(server, "a", 1)
    back_up(server, full)
    fill(server, "b", 5)
    assert server.warnings_of("SET GLOBAL kmip_key_management_rotate_key=-1") == []
    fill(server, "c", 5)
    back_up(server, first, f"--incremental-basedir={full}")
    before = kmip_plugin.status(server)
    server.stop()
    backup_program(server, "--prepare", f"--target-dir={full}")
    backup_program(server, "--prepare", f"--target-dir={full}", f"--incremental-dir={first}")
    restore(server, full)
    server.start()
    assert all(intact(server, name) for name in "abc")
    after = kmip_plugin.status(server)
    assert (after["keys"], after["versions_loaded"]) == (before["keys"], before["versions_loaded"])
    server.stop()


def test_preparing_without_the_kmip_server_stops_and_can_be_repeated(make_kmip_mariadb, directory):
    kmip = KmipEmulator(directory / "kmip", Authority(directory / "tls")).start()
    try:
        server = make_kmip_mariadb(kmip, options=ENCRYPTED).start()
        full, first = directory / "full", directory / "first"
        fill(server, "a", 1)
        back_up(server, full)
        fill(server, "b", 5)
        back_up(server, first, f"--incremental-basedir={full}")
        server.stop()
        backup_program(server, "--prepare", f"--target-dir={full}")
        kmip.pause()
        arguments = ["--prepare", f"--target-dir={full}", f"--incremental-dir={first}"]
        code, output = run_backup_program(server, *arguments)
        assert code != 0 and "KMIP plugin: " in output and "mariadb-backup is stopped" in output
        kmip.resume()
        backup_program(server, *arguments)
        restore(server, full)
        server.start()
        assert intact(server, "a") and intact(server, "b")
        server.stop()
    finally:
        kmip.resume()
        kmip.stop()


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
        timeout=seconds(300),
        env={**process.bare_environment(directory), "AWS_KEY_MANAGEMENT_SO": "aws_key_management",
             **({"MTR_ALLOW_ROOT": "1"} if os.geteuid() == 0 else {})})
    assert re.search(rf"{TEST}.*\[ pass \]", done.stdout), done.stdout[-4000:]
    assert done.returncode == 0, done.stdout[-4000:]
