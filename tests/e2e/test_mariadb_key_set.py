# SPDX-License-Identifier: MIT
"""aws_key_management with a sealed key set, on real servers: life, outages, mistakes, imports."""

import pathlib
import random
import stat
import subprocess
import threading
import time

import pytest

from lab import aws_client, aws_plugin, key_set, process
from lab.aws_plugin import (TOUCH_NOTHING, make_table, make_tables, readable, refusal, said, status, told,
                            wait_usable)
from lab.mariadb import SqlError

ROTATE = "SET GLOBAL aws_key_management_rotate_key"
STORE = "--aws-key-management-key-store"
LOCAL = "--aws-key-management-key-source=LOCAL"
ONCE = {"AWS_MAX_ATTEMPTS": "1"}
MADE, IMPORTED = "AES", "AES-IMPORTED"


@pytest.fixture
def make(make_server, kms):
    """A function that makes servers with the default store."""
    def make_one(*, kms_server=None, **more):
        return make_server(kms_server or kms, store="AUTO", **more)
    return make_one


def refused(server, *extra: str) -> str:
    """What the plugin says about a start that must fail."""
    server.launch(*extra, "--aws-key-management=FORCE")
    assert server.process.wait(30) != 0
    return said(server)


def no_key_files(server) -> bool:
    return not any(server.data.glob("aws-kms-key.*"))


def ids(server) -> set[tuple[int, int]]:
    return set(key_set.versions(server.data))


def test_a_new_server_has_a_key_set_and_starts_with_one_call(installation, kms, make):
    server = make(installation=installation, options=aws_plugin.ENCRYPT_ALL).start()
    assert "made version 1 of key 1, record 1.1 of key set aws-kms-key-set: nothing was stored there" in said(server)
    make_tables(server, {"a": 1, "b": 99999, "c": 4294967294})
    assert server.warnings_of(f"{ROTATE}=-1") == []
    assert no_key_files(server) and (server.data / key_set.MADE).exists()
    assert stat.S_IMODE((server.data / key_set.NAME).stat().st_mode) & 0o007 == 0
    pairs, _ = key_set.header(server.data)
    assert pairs["openkeyring:product"] == "aws_key_management"
    assert pairs["openkeyring:installation"] == aws_client.installation(server.data)
    assert {(1, 1), (1, 2), (99999, 2), (4294967294, 2)} <= ids(server)
    assert len(key_set.appends(server.data)[-1]) == len({key_id for key_id, _ in ids(server)}), \
        "a rotation of all is one append"
    kms.reset_counters()
    server.restart()
    assert (kms.calls("Decrypt"), kms.calls("GenerateDataKey"), kms.calls("GenerateDataKeyWithoutPlaintext")) == (1, 0, 0)
    assert status(server)["key_store"] == "SEALED"
    assert status(server)["versions_loaded"] == str(len(ids(server)))
    assert all(readable(server, name) for name in "abc")
    make_table(server, "d", 99999)
    assert aws_plugin.key_versions(server, "d/d")[1] == 2
    server.kill()
    server.start()
    assert all(readable(server, name) for name in "abcd")
    server.stop()


def test_rotation_reaches_the_tables(installation, make):
    server = make(installation=installation, options=aws_plugin.ENCRYPT_ALL).start()
    make_table(server, "t", 5)
    for version in (2, 3):
        assert server.warnings_of(f"{ROTATE}=5") == []
        assert server.variable("aws_key_management_rotate_key") == "0"
        assert (5, version) in ids(server)
    process.wait_until(lambda: aws_plugin.key_versions(server, "d/t") == (3, 3), "re-encryption", 60)
    assert "555" in told(server.warnings_of(f"{ROTATE}=555"))
    server.restart()
    assert readable(server, "t")
    server.stop()


def test_a_new_key_is_one_call_and_kms_makes_it(kms, make):
    server = make().start()
    kms.reset_counters()
    make_table(server, "t", 5)
    assert server.warnings_of(f"{ROTATE}=5") == []
    assert kms.calls("GenerateDataKey") == 2
    assert kms.calls("GenerateDataKeyWithoutPlaintext") == kms.calls("Decrypt") == 0
    kms.fault("http_status", "GenerateDataKey", count=-1, status=400, code="AccessDeniedException")
    assert server.warnings_of(f"{ROTATE}=5") == [], "the permissions of MariaDB's own plugin suffice"
    assert (kms.calls("GenerateDataKeyWithoutPlaintext"), kms.calls("Decrypt")) == (1, 1)
    assert {(5, 1), (5, 2), (5, 3)} <= ids(server)
    server.stop()


def test_local_keys_need_no_kms(kms, make):
    server = make(options=[LOCAL]).start()
    kms.stop()
    make_tables(server, {"a": 5, "b": 6})
    assert server.warnings_of(f"{ROTATE}=-1") == []
    assert {(5, 2), (6, 2)} <= ids(server)
    kms.start()
    kms.reset_counters()
    server.restart()
    assert readable(server, "a") and readable(server, "b")
    assert kms.counters()["operations"] == {"Decrypt": 1} or kms.calls("Decrypt") == 1
    server.sql("SET GLOBAL aws_key_management_master_key_id=''")
    assert "aws_key_management_master_key_id" in refusal(server, 7)
    assert "aws_key_management_master_key_id" in told(server.warnings_of(f"{ROTATE}=5"))
    server.stop()


def test_without_a_master_key_id_keys_work_and_none_are_made(kms, make_server, make):
    server = make(master_key_id="").start()
    assert "aws_key_management_master_key_id" in refusal(server, 5)
    assert not (server.data / key_set.NAME).exists()
    server.sql("SET GLOBAL aws_key_management_master_key_id='alias/openkeyring'")
    make_table(server, "t", 5)
    server.restart()
    assert readable(server, "t")
    assert "aws_key_management_master_key_id" in refusal(server, 6)
    server.stop()


def test_a_server_starts_without_kms_and_one_call_brings_all_keys(kms, make):
    server = make(options=[*TOUCH_NOTHING, "--aws-key-management-operation-deadline=2"], environment=ONCE).start()
    make_tables(server, {"a": 5, "b": 6, "c": 7})
    server.stop()
    kms.stop()
    server.start("--aws-key-management-startup-deadline=1", "--aws-key-management=FORCE_PLUS_PERMANENT")
    assert "attempt 1: 4 of 4 key versions are not loaded yet: keyring file aws-kms-key-set: " in said(server)
    assert status(server)["versions_failed"] == "4"
    assert "no answer from 127.0.0.1" in refusal(server, 5)
    assert "no answer from 127.0.0.1" in refusal(server, 77)
    assert ids(server) == {(1, 1), (5, 1), (6, 1), (7, 1)}, "none in place of what is not reachable"
    kms.start()
    kms.reset_counters()
    wait_usable(server, 5, 6, 7)
    assert kms.calls("Decrypt") == 1 and status(server)["versions_loaded"] == "4"
    assert all(readable(server, name) for name in "abc")
    make_table(server, "d", 77)
    server.stop()


def test_the_server_waits_for_kms_until_the_startup_deadline(kms, make):
    server = make(environment=ONCE, options=aws_plugin.ENCRYPT_ALL).start()
    make_tables(server, {"a": 1, "b": 2})
    server.kill()
    kms.stop()
    server.launch("--aws-key-management-startup-deadline=60")
    process.wait_until(lambda: "attempt 2: " in said(server), "two attempts", 30)
    kms.start()
    server.wait_ready()
    assert readable(server, "a") and readable(server, "b")
    server.stop()


def test_a_second_server_is_refused(make, directory):
    keys = directory / "keys"
    keys.mkdir()
    where = f"--aws-key-management-keyfile-dir={keys}"
    first, second = (make(name=name, options=[where]) for name in "ab")
    first.start()
    make_table(first, "t", 5)
    told_second = refused(second)
    assert "a key set belongs to one server" in told_second and "key_store=FILES" in told_second
    assert str(first.process.pid) in told_second
    assert readable(first, "t")
    first.stop()


def test_a_lost_key_set_is_not_a_new_server(make):
    server = make().start()
    make_table(server, "t", 5)
    server.stop()
    where = server.data / key_set.NAME
    where.rename(server.directory / "kept")
    for store in ("AUTO", "FILES", "SEALED"):
        assert "aws-kms-key-set was made and is missing" in refused(server, f"{STORE}={store}")
    assert not where.exists() and no_key_files(server)
    (server.directory / "kept").rename(where)
    server.start()
    assert readable(server, "t")
    server.stop()


def test_damage_and_another_servers_set_are_refused_and_a_torn_end_is_not(make):
    server, other = make().start(), make(name="other").start()
    make_table(server, "t", 5)
    for one in (server, other):
        one.stop()
    where = server.data / key_set.NAME
    whole = where.read_bytes()
    where.write_bytes((other.data / key_set.NAME).read_bytes())
    assert "belongs to another installation" in refused(server)
    _, start = key_set.header(other.data)
    where.write_bytes(whole[: start + 60] + bytes([whole[start + 60] ^ 1]) + whole[start + 61:])
    server.start()
    assert "the file is damaged at byte" in said(server) and not readable(server, "t")
    assert "the file is damaged" in refusal(server, 77), "none is made beside"
    server.stop()
    where.write_bytes(whole + b"OKR\4" + random.randbytes(50))
    server.start()
    assert "ended with an incomplete record" in said(server) and readable(server, "t")
    server.stop()


# ---- Files and key set -------------------------------------------------------


def make_files(server) -> None:
    """Two ids with two versions each, in files; the server has stopped."""
    server.start(f"{STORE}=FILES")
    make_tables(server, {"a": 1, "b": 5})
    assert server.warnings_of(f"{ROTATE}=-1") == []
    make_tables(server, {"c": 1, "d": 5})
    server.stop()


@pytest.mark.parametrize("bind", ["ON", "OFF"])
def test_key_files_are_imported_once_and_stay(bind, installation, kms, make):
    server = make(installation=installation, options=[f"--aws-key-management-bind-key-id={bind}"])
    make_files(server)
    files = {path.name: path.read_bytes() for path in server.data.glob("aws-kms-key.*")}
    server.start()
    assert status(server)["key_store"] == "FILES", "AUTO takes what is there"
    server.stop()
    server.start(f"{STORE}=SEALED")
    assert "imported 4 key versions from key files into a key set, read it again and compared them" in said(server)
    assert key_set.versions(server.data) == dict.fromkeys([(1, 1), (1, 2), (5, 1), (5, 2)], IMPORTED)
    assert all(readable(server, name) for name in "abcd")
    assert server.warnings_of(f"{ROTATE}=-1") == []
    assert {path.name: path.read_bytes() for path in server.data.glob("aws-kms-key.*")} == files
    for store in ("SEALED", "AUTO"):
        server.stop()
        kms.reset_counters()
        server.start(f"{STORE}={store}")
        assert "imported" not in said(server).rpartition("imported 4")[2]
        assert kms.calls("Decrypt") == 1 and status(server)["key_store"] == "SEALED"
    make_table(server, "e", 5)
    assert aws_plugin.key_versions(server, "d/e")[1] == 3
    server.stop()
    assert "keyringctl convert" in refused(server, f"{STORE}=FILES")
    for path in server.data.glob("aws-kms-key.*"):
        path.unlink()
    server.start()
    assert all(readable(server, name) for name in "abcde")
    server.stop()


def test_a_key_file_that_was_made_beside_the_set_is_refused(kms, make):
    server = make().start()
    make_table(server, "t", 5)
    server.stop()
    for key_id in (5, 6):  # One that the set has, too, and one that it has not.
        stray = aws_client.stock_file(kms, server.data, key_id)
        told_all = refused(server)
        assert f"{stray.name} was not imported into key set" in told_all
        stray.unlink()
    server.start()
    assert readable(server, "t")
    stray = aws_client.stock_file(kms, server.data, 6)
    assert "was not imported" in refusal(server, 6)
    stray.unlink()
    wait_usable(server, 6)
    server.stop()


def test_nothing_is_imported_while_a_key_file_cannot_be_opened(kms, make):
    server = make(environment=ONCE)
    make_files(server)
    damaged = server.data / "aws-kms-key.5.1"
    content = damaged.read_bytes()
    damaged.chmod(0o600)
    damaged.write_bytes(content[:-1])
    sealed = [f"{STORE}=SEALED", "--aws-key-management-startup-deadline=0"]
    server.start(*sealed)
    assert "not imported into a key set, and stay in use" in said(server) and damaged.name in said(server)
    assert status(server)["key_store"] == "FILES" and readable(server, "a")
    server.stop()
    damaged.write_bytes(content)
    kms.stop()
    server.start(*sealed)
    assert not (server.data / key_set.NAME).exists()
    kms.start()
    server.restart(*sealed)
    assert status(server)["key_store"] == "SEALED" and readable(server, "b")
    server.stop()


def test_files_are_not_used_beside_a_key_set_whose_import_may_be_lost(kms, make, directory):
    """The name of the key set is there, and its directory cannot be synced: files that are made now would be refused later."""
    library = directory / "failing_sync.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", pathlib.Path(__file__).with_name("failing_sync.c"), "-o", library, "-ldl"],
                   check=True)
    server = make(environment={"LD_PRELOAD": str(library), "FAILING_SYNC_BESIDE": key_set.NAME})
    make_files(server)
    files = {path.name for path in server.data.glob("aws-kms-key.*")}
    told_all = refused(server, f"{STORE}=SEALED")
    assert "appeared while the key files were imported" in told_all and "start again" in told_all
    assert {path.name for path in server.data.glob("aws-kms-key.*")} == files
    server.environment = {**kms.environment()}
    server.start(f"{STORE}=SEALED")
    assert status(server)["key_store"] == "SEALED" and all(readable(server, name) for name in "abcd")
    server.stop()


# ---- kill -9 -------------------------------------------------------------------


def kill_while_keys_are_made(server, seconds: float, dice: random.Random) -> None:
    """Creates ids and rotates until it is killed."""
    def work():
        try:
            for _ in range(1000):
                key_id = dice.randint(2, 2000)
                server.sql(f"CREATE TABLE IF NOT EXISTS d.t{key_id} (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID={key_id};"
                           f"INSERT INTO d.t{key_id} VALUES (1); {ROTATE}=-1; {ROTATE}={key_id}")
        except SqlError:
            pass  # It was killed.
    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(seconds)
    server.kill()
    worker.join()


def survive(server, rounds: int) -> None:
    dice = random.Random(12)
    server.start()
    server.sql("CREATE DATABASE IF NOT EXISTS d")
    seen: dict[int, int] = {}
    for _ in range(rounds):
        kill_while_keys_are_made(server, dice.uniform(0.2, 1.5), dice)
        server.start()
        found = ids(server)
        assert status(server)["versions_failed"] == "0"
        assert status(server)["versions_loaded"] == str(len(found))
        newest: dict[int, int] = {}
        for key_id, version in found:
            newest[key_id] = max(version, newest.get(key_id, 0))
        assert all(newest[key_id] >= version for key_id, version in seen.items()), "versions only grow"
        assert len(found) == sum(newest.values()), "no gaps"
        seen = newest
        for (name,) in server.sql("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA='d'"):
            server.sql(f"SELECT * FROM d.{name}")
    server.stop()


def test_nothing_is_lost_when_the_server_is_killed_while_it_makes_keys(make):
    survive(make(options=[LOCAL, *aws_plugin.ENCRYPT_ALL]), 3)


@pytest.mark.long
@pytest.mark.parametrize("source", ["KMS", "LOCAL"])
def test_nothing_is_lost_in_many_kills(source, make):
    survive(make(options=[f"--aws-key-management-key-source={source}", *aws_plugin.ENCRYPT_ALL]), 40)
