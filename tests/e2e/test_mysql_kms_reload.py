# SPDX-License-Identifier: MIT
"""A reload never loses a key that a real MySQL server has loaded, and no new keyring is created where data need a key."""

import os
import shutil
import time

import pytest
from lab import percona_file

pytestmark = pytest.mark.sid

TABLE = "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY) ENCRYPTION='Y'; INSERT INTO d.t VALUES (1)"
RELOAD = "ALTER INSTANCE RELOAD KEYRING"


def generate(server, name: str) -> None:
    assert server.value(f"SELECT keyring_key_generate('{name}','AES',32)") == "1"


def value_of(server, name: str) -> str:
    return server.value(f"SELECT HEX(keyring_key_fetch('{name}'))")


@pytest.fixture(params=["sealed", "percona"])
def server(request, kms, make_kms_mysql):
    """A running server with an encrypted table and a key of a user."""
    made = make_kms_mysql(more={"file_format": request.param})
    made.options_now = {"file_format": request.param}
    made.start()
    made.sql(TABLE)
    made.install_udf()
    generate(made, "first")
    return made


def test_a_kms_that_answers_slowly_has_the_time_of_a_reload(kms, make_kms_mysql):
    """In Percona's format, which takes a call for each key."""
    count, latency_s, parallel = 8, 0.9, 2
    options = {"file_format": "percona", "load_parallelism": parallel,
               "reload_deadline_ms": None}
    server = make_kms_mysql(more=options)
    percona_file.write(server.keyring, kms, kms.alias, [
        ("", f"k{number}", "AES", bytes([number]) * 32) for number in range(count)])
    server.start()
    keys = server.keyring_keys()
    assert len(keys) == count
    kms.latency(int(latency_s * 1000))
    started = time.monotonic()
    server.sql(RELOAD)
    needed = count / parallel * latency_s
    assert time.monotonic() - started >= needed > 3, "a store's time would have been enough"
    server.configure(**{**options, "reload_deadline_ms": 1000})
    started = time.monotonic()
    assert server.run_error(RELOAD)[0] == 4035
    assert time.monotonic() - started < 3
    assert "reload_deadline_ms has passed" in server.last_log()
    assert server.keyring_keys() == keys


def refused_reload(server) -> str:
    seen = len(server.error_log())
    assert server.run_error(RELOAD)[0] == 4035
    return server.error_log()[seen:]


def test_an_older_backup_put_back_and_reloaded_loses_no_key(server):
    backup = server.keyring.read_bytes()
    generate(server, "second")
    newest = server.keyring.read_bytes()
    keys, secret = server.keyring_keys(), value_of(server, "second")
    for in_place in (True, False):
        if in_place:
            server.keyring.write_bytes(backup)
        else:
            other = server.keyring.parent / "restored"
            other.write_bytes(backup)
            other.rename(server.keyring)
        log = refused_reload(server)
        assert f"of {len(keys)} keys in use, 1 (key \"second\" of " in log, log
        assert "would be lost" in log and "restart the server" in log
        assert server.keyring_keys() == keys
        assert value_of(server, "second") == secret
        assert server.status()["Component_status"] == "Active"
    server.keyring.write_bytes(newest)
    server.reload()
    generate(server, "third")
    # A restart is the deliberate way.
    server.keyring.write_bytes(backup)
    server.restart()
    assert [key for key, _ in server.keyring_keys() if key in ("first", "second", "third")] == ["first"]


def test_a_path_to_a_missing_file_and_a_reload_lose_no_key(server, kms):
    keys, secret = server.keyring_keys(), value_of(server, "first")
    right, wrong = server.keyring, server.keyring.parent / "elsewhere"
    server.keyring = wrong
    server.configure(**server.options_now)
    assert "while keys are in use" in refused_reload(server)
    assert not wrong.exists()
    assert server.keyring_keys() == keys and value_of(server, "first") == secret
    # Another keyring, with other keys, is no better.
    percona_file.write(wrong, kms, kms.alias, [("", "of another writer", "AES", bytes(range(32)))])
    assert "would be lost" in refused_reload(server)
    assert server.keyring_keys() == keys
    server.keyring = right
    server.configure(**server.options_now)
    server.reload()
    generate(server, "next")
    assert server.value("SELECT a FROM d.t") == "1"


def test_a_lost_keyring_is_not_replaced_by_a_new_one_at_a_start(server):
    away = server.keyring.rename(server.keyring.parent / "away")
    server.stop()
    seen = len(server.error_log())
    server.start()
    log = server.error_log()[seen:]
    assert "is encrypted and needs its key" in log and "d/t.ibd" in log, log
    assert server.status()["Component_status"] == "Disabled"
    assert not server.keyring.exists()
    away.rename(server.keyring)
    server.restart()
    assert server.value("SELECT a FROM d.t") == "1"


@pytest.mark.parametrize("options", [["--innodb-redo-log-encrypt=ON"], ["--innodb-undo-log-encrypt=ON"],
                                     ["--log-bin=binlog", "--binlog-encryption=ON"]])
def test_every_kind_of_encrypted_log_is_recognized(options, make_kms_mysql):
    """Our reader of the first bytes agrees with what this server writes."""
    server = make_kms_mysql()
    server.start(*options)
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1)")
    server.stop()
    server.keyring.unlink()
    seen = len(server.error_log())
    _, text = server.run("--validate-config")
    assert "is encrypted and needs its key" in text + server.error_log()[seen:], options
    assert not server.keyring.exists()


def test_a_new_keyring_beside_plain_data_is_a_warning(make_kms_mysql):
    server = make_kms_mysql()
    server.start()
    line = [line for line in server.error_log().splitlines() if f"created the new, empty keyring file {server.keyring}" in line]
    assert line and "[Warning]" in line[0]
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY)")
    server.restart()


def test_allow_new_keyring_gives_encrypted_data_up(server):
    server.stop()
    server.keyring.unlink()
    server.configure(**server.options_now, allow_new_keyring=True)
    server.start()
    assert server.status()["Component_status"] == "Active"


def test_a_link_as_path_stays_a_link(kms, make_kms_mysql, directory):
    real = directory / "real"
    real.mkdir(exist_ok=True)
    for form in ("sealed", "percona"):
        server = make_kms_mysql(name=f"link-{form}", more={"file_format": form})
        server.start()
        server.install_udf()
        generate(server, "first")
        server.stop()
        target = real / form
        shutil.move(server.keyring, target)
        server.keyring.symlink_to(target)
        server.start()
        # More than a compaction's worth of changes of a large key.
        for _ in range(6 if form == "sealed" else 1):
            assert server.value("SELECT keyring_key_store('big','SECRET',REPEAT('x',16000))" if form == "sealed"
                                else "SELECT keyring_key_store('big','SECRET','x')") == "1"
            assert server.value("SELECT keyring_key_remove('big')") == "1"
        generate(server, "second")
        assert server.keyring.is_symlink() and os.readlink(server.keyring) == str(target)
        assert [path.name for path in server.keyring.parent.iterdir()] == [server.keyring.name]
        server.stop()
        server.keyring.unlink()
        shutil.move(target, server.keyring)
        server.start()
        assert {"first", "second"} <= {key for key, _ in server.keyring_keys()}
        server.stop()


def test_an_empty_file_stays_perconas_and_is_a_warning(make_kms_mysql):
    server = make_kms_mysql()
    server.keyring.touch()
    server.start()
    server.install_udf()
    assert "stays in Percona's format" in server.error_log()
    generate(server, "first")
    assert server.keyring.read_bytes().startswith(b'{"version":"1.0"')
    server.restart()
    assert "first" in {key for key, _ in server.keyring_keys()}


def test_a_sealed_file_that_was_truncated_is_not_an_empty_keyring(make_kms_mysql):
    """Without encrypted data, too: keys of users are as lost."""
    server = make_kms_mysql()
    server.start()
    server.install_udf()
    generate(server, "first")
    server.stop()
    content = server.keyring.read_bytes()
    note = server.data / "component_keyring_kms.sealed"
    assert note.stat().st_mode & 0o777 == 0o640
    server.keyring.write_bytes(b"")
    server.start()
    assert server.status()["Component_status"] == "Disabled"
    assert "is missing or empty, but this server's" in server.status()["Last_failure"]
    assert server.keyring.read_bytes() == b""
    server.keyring.write_bytes(content)
    server.restart()
    assert "first" in {key for key, _ in server.keyring_keys()}
    server.stop()
    # The way to Percona's format stays open.
    server.keyring.write_bytes(b"")
    note.unlink()
    server.start()
    assert "stays in Percona's format" in server.last_log()
    assert not note.exists()
