# SPDX-License-Identifier: MIT
"""Which keys are this server's: foreign, missing and lost ones, and what is done where the wrong place is looked at."""

import shutil

import pytest

from lab import aws_plugin, process
from lab.aws_plugin import make_table, make_tables, readable, said, told
from lab.mariadb import SqlError

ROTATE = "SET GLOBAL aws_key_management_rotate_key"


def ended(server) -> bool:
    process.wait_until(lambda: "ready for connections" in server.last_log() or not server.running(), "a start or a refusal", 60)
    return not server.running()


def test_a_file_of_another_server_on_the_same_kms_key_is_refused(kms, make_server):
    other = make_server(kms, name="other").start()
    make_table(other, "t", 5)
    other.stop()
    server = make_server(kms).start()
    make_table(server, "t", 5)
    server.stop()
    own = (server.data / "aws-kms-key.5.1").read_bytes()
    (server.data / "aws-kms-key.5.1").unlink()
    shutil.copy(other.data / "aws-kms-key.5.1", server.data)
    server.start()
    assert "aws-kms-key.5.1 belongs to another installation" in said(server)
    assert not readable(server, "t")
    server.stop()
    (server.data / "aws-kms-key.5.1").unlink()
    (server.data / "aws-kms-key.5.1").write_bytes(own)
    server.start()
    assert readable(server, "t")
    server.stop()


def test_a_lost_installation_id_is_restored_from_the_key_files(kms, make_server):
    server = make_server(kms).start()
    make_table(server, "t", 5)
    server.stop()
    identity = server.data / aws_plugin.INSTALLATION
    before = identity.read_text()
    identity.unlink()
    server.start()
    assert "is missing and is restored from the key files" in said(server)
    assert identity.read_text() == before and readable(server, "t")
    make_table(server, "u", 6)
    server.stop()


def test_an_empty_key_directory_is_not_a_new_server(kms, make_server, directory):
    keys, empty = directory / "keys", directory / "empty"
    keys.mkdir()
    empty.mkdir()
    option = "--aws-key-management-keyfile-dir"
    server = make_server(kms).start(f"{option}={keys}")
    make_table(server, "t", 5)
    server.stop()
    server.launch(f"{option}={empty}", "--aws-key-management=FORCE")
    assert ended(server)
    assert f"{empty} has no key of it" in said(server) and not any(empty.iterdir())
    server.start(f"{option}={keys}")
    assert readable(server, "t")
    server.stop()


def test_no_first_key_is_made_where_the_redo_log_is_encrypted(kms, make_server):
    server = make_server(kms, options=["--innodb-encrypt-tables=FORCE", "--innodb-encrypt-log=ON"]).start()
    assert "made version 1 of key 1, key file aws-kms-key.1.1: nothing was stored there" in said(server)
    make_table(server, "t", 1)
    server.stop()
    safe = server.directory / "safe"
    safe.mkdir()
    for path in server.data.glob("aws-kms-key*"):
        path.rename(safe / path.name)
    server.launch()
    assert ended(server)
    assert "ib_logfile0 is encrypted, and no key at all is stored" in said(server)
    assert not list(server.data.glob("aws-kms-key*"))
    for path in safe.iterdir():
        path.rename(server.data / path.name)
    server.start()
    assert readable(server, "t")
    server.stop()


def test_nor_where_only_a_table_is(kms, make_server):
    server = make_server(kms).start()
    make_table(server, "t", 5)
    server.stop()
    safe = server.directory / "safe"
    safe.mkdir()
    for path in server.data.glob("aws-kms-key*"):
        path.rename(safe / path.name)
    server.start()
    assert not readable(server, "t")
    server.run_error(
        "CREATE TABLE d.other (a INT) ENGINE=InnoDB ENCRYPTED=YES ENCRYPTION_KEY_ID=7")
    assert "d/t.ibd is encrypted, and no key at all is stored" in said(server)
    assert not list(server.data.glob("aws-kms-key*"))
    server.stop()
    for path in safe.iterdir():
        path.rename(server.data / path.name)
    server.start()
    assert readable(server, "t")
    server.stop()


def test_a_rotation_without_the_right_to_decrypt_leaves_nothing_behind(kms, make_server):
    server = make_server(kms).start()
    make_tables(server, {"a": 1, "b": 5})
    kms.fault("http_status", "Decrypt", count=-1, status=400, code="AccessDeniedException")
    assert "the new key file aws-kms-key.5.2: " in told(server.warnings_of(f"{ROTATE}=5"))
    assert set(aws_plugin.key_files(server.data)) == {(1, 1), (5, 1)}
    kms.clear_faults()
    server.restart()
    assert readable(server, "a") and readable(server, "b")
    make_table(server, "c", 5)
    assert aws_plugin.key_versions(server, "d/c")[1] == 1
    server.stop()


def test_a_missing_newest_version_is_neither_replaced_nor_made_again(kms, make_server):
    server = make_server(kms, options=aws_plugin.TOUCH_NOTHING).start()
    make_tables(server, {"a": 1, "b": 5})
    assert server.warnings_of(f"{ROTATE}=5") == []
    make_table(server, "new", 5)
    server.stop()
    newest = server.data / "aws-kms-key.5.2"
    content = newest.read_bytes()
    newest.unlink()
    server.start()
    assert "version 2 of key 5 was stored and is missing" in said(server)
    assert "the newest version of key 5 cannot be used" in aws_plugin.refusal(server, 5)
    assert "not rotated" in told(server.warnings_of(f"{ROTATE}=-1"))
    assert not newest.exists() and not (server.data / "aws-kms-key.5.3").exists()
    assert server.warnings_of(f"{ROTATE}=5") == [], "asked for this very key"
    assert not newest.exists() and (server.data / "aws-kms-key.5.3").exists()
    make_table(server, "newer", 5)
    newest.write_bytes(content)
    server.restart()
    assert all(readable(server, name) for name in ("a", "b", "new", "newer"))
    server.stop()


def test_all_versions_of_a_key_missing_is_not_a_new_key(kms, make_server):
    server = make_server(kms).start()
    make_tables(server, {"a": 1, "b": 5})
    server.stop()
    (server.data / "aws-kms-key.5.1").rename(server.directory / "kept")
    server.start()
    assert "the newest version of key 5 cannot be used" in aws_plugin.refusal(server, 5)
    server.stop()
    (server.directory / "kept").rename(server.data / "aws-kms-key.5.1")
    server.start()
    assert readable(server, "b")
    server.stop()


def test_a_damaged_newest_version_is_refused_until_its_key_is_rotated(kms, make_server):
    server = make_server(kms, options=aws_plugin.TOUCH_NOTHING).start()
    make_tables(server, {"a": 1, "b": 5})
    assert server.warnings_of(f"{ROTATE}=5") == []
    server.stop()
    newest = server.data / "aws-kms-key.5.2"
    newest.chmod(0o600)
    newest.write_bytes(newest.read_bytes()[:-1] + b"!")
    server.start()
    assert "the newest version of key 5 cannot be used" in aws_plugin.refusal(server, 5)
    assert server.warnings_of(f"{ROTATE}=5") == []
    make_table(server, "c", 5)
    assert aws_plugin.key_versions(server, "d/c")[1] == 3
    server.stop()


def test_help_makes_no_call_and_no_file(kms, make_server):
    server = make_server(kms)
    kms.reset_counters()
    kms.fault("http_status", count=-1, status=500)
    server.launch("--help", "--verbose")
    assert server.process.wait(20) == 0
    assert kms.counters()["operations"] == {}
    assert not list(server.data.glob("*aws-kms-key*"))


def test_an_assignment_that_fails_does_not_undo_a_rotation(kms, make_server):
    """As the variable's description says."""
    server = make_server(kms).start()
    with pytest.raises(SqlError):
        server.sql(f"{ROTATE}=1, GLOBAL aws_key_management_bind_key_id='bad'")
    assert (server.data / "aws-kms-key.1.2").exists()
    server.stop()
