# SPDX-License-Identifier: MIT
"""Key files of aws_key_management as docs/file_formats.md has them, whole, foreign and damaged."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import stat

import pytest

from lab import aws_client, aws_plugin
from lab.aws_plugin import (TOUCH_NOTHING, make_table, make_tables, readable, refusal, said, status, told,
                            wait_usable)

BIND = "aws_key_management_bind_key_id"


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_what_the_document_says(kms, make_server):
    server = make_server(kms, options=TOUCH_NOTHING).start()
    make_table(server, "bound", 1)
    server.sql(f"SET GLOBAL {BIND}=OFF")
    make_tables(server, {"raw": 2, "raw2": 2})
    server.sql(f"SET GLOBAL {BIND}=ON; SET GLOBAL aws_key_management_key_spec='AES_256'")
    make_table(server, "large", 3)
    stock = aws_client.stock_file(kms, server.data, 7).read_bytes()
    make_tables(server, {"stock": 7, "stock2": 7})  # Found though the file came while the server ran.

    files = aws_plugin.key_files(server.data)
    assert set(files) == {(1, 1), (2, 1), (3, 1), (7, 1)}
    assert [mode(files[key]) for key in sorted(files)] == [0o440, 0o440, 0o440, 0o444]
    assert files[7, 1].read_bytes() == stock
    for key_id, size in ((1, 16), (3, 32)):
        bound = aws_client.read_bound(files[key_id, 1].read_bytes())
        assert bound.pairs == aws_client.context_of(key_id, 1, server.data)
        assert bound.key_arn in str(kms.control("GET", "/keys"))
        assert len(aws_client.decrypt(kms, bound.blob, bound.pairs)) == size
        with pytest.raises(aws_client.AwsRefused, match="InvalidCiphertext"):
            aws_client.decrypt(kms, bound.blob)
    assert len(aws_client.decrypt(kms, files[2, 1].read_bytes())) == 16

    server.restart(f"--{BIND.replace('_', '-')}=REQUIRED")
    assert readable(server, "bound") and readable(server, "large")
    assert not readable(server, "raw") and not readable(server, "stock")
    for key_id in (2, 7):
        refused = f"aws-kms-key.{key_id}.1 is not bound to its key id, and {BIND}=REQUIRED refuses"
        assert refused in said(server)
        assert refused in refusal(server, key_id)
    server.sql(f"SET GLOBAL {BIND}=ON")
    wait_usable(server, 2, 7)
    assert readable(server, "raw2") and readable(server, "stock2")
    server.restart()
    assert readable(server, "raw") and readable(server, "stock")
    server.stop()


DAMAGES = {  # key id: (what happens to the file, what the log says of it)
    11: ("empty", "it is empty"),
    12: ("cut", "its checksum is wrong"),
    13: ("cut to the magic", "it is truncated"),
    14: ("flip", "its checksum is wrong"),
    15: ("oversize", "is larger than"),
    16: ("directory", "is not a regular file"),
    17: ("fifo", "is not a regular file"),
    18: ("loop", "Too many levels of symbolic links"),
    19: ("raw cut", "InvalidCiphertextException"),
    20: ("text", "InvalidCiphertextException"),
    21: ("large raw", "it is larger than any wrapped key"),
    22: ("newer", "which a newer OpenKeyring wrote"),
    23: ("renamed", 'its openkeyring:key-id is "24"): it was renamed or swapped'),
    24: ("renamed", 'its openkeyring:key-id is "23"): it was renamed or swapped'),
    25: ("old version", 'its openkeyring:key-version is "1"): it was renamed or swapped'),
}


def damage(path: pathlib.Path, how: str) -> None:
    content = path.read_bytes()
    path.unlink()
    if how == "directory":
        path.mkdir()
    elif how == "fifo":
        os.mkfifo(path)
    elif how == "loop":
        path.symlink_to(path.name)
    else:
        middle = len(content) // 2
        path.write_bytes({
            "empty": b"",
            "cut": content[:-40],
            "cut to the magic": content[:12],
            "flip": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:],
            "oversize": content + bytes(40000),
            "raw cut": aws_client.read_bound(content).blob[:-1],
            "text": b"not a key",
            "large raw": bytes(7000),
            "newer": _newer(content),
            "renamed": b"",  # The test fills it in.
            "old version": b"",
        }[how])


def _newer(content: bytes) -> bytes:
    body = content[:8] + b"\x00\x03" + content[10:-32]
    return body + hashlib.sha256(body).digest()


def test_a_damaged_file_harms_its_key_only_and_is_seen_when_repaired(kms, make_server, directory):
    server = make_server(kms, options=TOUCH_NOTHING).start()
    make_tables(server, {"whole": 1, "t25": 25})
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=25") == []
    make_tables(server, {f"{name}{key_id}": key_id for key_id in DAMAGES for name in "tu" if key_id != 25})
    server.sql("CREATE TABLE d.u25 (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID=25; INSERT INTO d.u25 VALUES (2)")
    server.stop()
    saved = directory / "saved"
    files = aws_plugin.key_files(server.data)
    paths = {key_id: files[key_id, 2 if key_id == 25 else 1] for key_id in DAMAGES}
    saved.mkdir()
    for path in files.values():
        shutil.copy2(path, saved)
    for key_id, (how, _) in DAMAGES.items():
        damage(paths[key_id], how)
    for source, target in ((paths[23], 24), (paths[24], 23), (files[25, 1], 25)):
        shutil.copy(saved / source.name, paths[target])

    server.start()
    assert readable(server, "whole")
    make_table(server, "whole2", 1)
    log = said(server)
    for key_id, (how, expected) in DAMAGES.items():
        lines = [line for line in log.splitlines() if paths[key_id].name in line]
        assert any(expected in line for line in lines), f"{key_id} {how}: {lines or log}"
        assert not readable(server, f"t{key_id}"), how
        refused = refusal(server, key_id)
        assert expected in refused, f"{key_id} {how}: {refused}"
    assert status(server)["versions_failed"] == str(len(DAMAGES))

    for path in paths.values():
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        shutil.copy2(saved / path.name, path)
    wait_usable(server, *DAMAGES)
    for key_id in DAMAGES:
        assert key_id == 25 or readable(server, f"u{key_id}")
    server.restart()
    assert all(readable(server, f"t{key_id}") for key_id in DAMAGES)
    assert server.value("SELECT a FROM d.u25") == "2"
    assert status(server)["versions_failed"] == "0"
    server.stop()


FOREIGN = ["aws-kms-key.01.1", "aws-kms-key.1.01", "aws-kms-key.1.1.bak", "aws-kms-key.1.1~", "aws-kms-key.0.1",
           "aws-kms-key.1.0", "aws-kms-key.1", "aws-kms-key.1.", "aws-kms-key.-1.1", "aws-kms-key.+1.1",
           "aws-kms-key. 1.1", "aws-kms-key.1.4294967295", "aws-kms-key.4294967296.1", "AWS-KMS-KEY.1.1",
           "xaws-kms-key.1.1", "aws-kms-key.1.1x"]


def test_foreign_names_are_ignored_and_leftovers_are_removed(kms, make_server):
    server = make_server(kms)
    for name in FOREIGN:
        (server.data / name).write_bytes(b"not ours")
    left = server.data / ".aws-kms-key.1.2.0123456789abcdef.tmp"
    busy = server.data / ".aws-kms-key.1.2.fedcba9876543210.tmp"
    other = server.data / ".aws-kms-key.1.2.not-of-ours.tmp"
    for path in (left, busy, other):
        path.write_bytes(b"half a k")
    with open(busy, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # As another server that is just making it.
        server.start()
        assert status(server)["keys"] == "1"  # Key 1, which MariaDB asks for when it starts.
    assert not left.exists() and busy.exists() and other.exists()
    assert f"{left.name}, left unfinished by a crash" in said(server)
    aws_client.read_bound((server.data / "aws-kms-key.1.1").read_bytes())
    assert all((server.data / name).read_bytes() == b"not ours" for name in FOREIGN)
    server.stop()


def test_a_bogus_newest_version_blocks_its_key_until_it_is_removed(kms, make_server):
    server = make_server(kms).start()
    make_table(server, "t", 1)
    server.stop()
    bogus = server.data / "aws-kms-key.1.4294967294"
    bogus.write_bytes(b"garbage")
    server.start()
    refused = aws_plugin.refusal(server, 1)
    assert "the newest version of key 1 cannot be used" in refused and bogus.name in refused
    rotated = told(server.warnings_of("SET GLOBAL aws_key_management_rotate_key=1"))
    assert "the highest version there can be" in rotated and bogus.name in rotated
    bogus.unlink()
    server.restart()
    assert readable(server, "t")
    make_table(server, "second", 1)
    assert aws_plugin.key_versions(server, "d/second")[1] == 1
    server.stop()


def ended(server) -> int:
    return server.process.wait(30)


def test_a_directory_that_is_missing_elsewhere_or_read_only(kms, make_server, directory):
    keys = directory / "keys"
    server = make_server(kms, options=[f"--aws-key-management-keyfile-dir={keys}"], user="mysql" if os.geteuid() == 0
                         else None)
    server.launch("--aws-key-management=FORCE")
    assert ended(server) != 0
    for expected in ("cannot start: cannot open directory", str(keys), "the directory of the key files must exist"):
        assert expected in said(server)
    server.start("--aws-key-management=ON")
    assert server.sql("SELECT PLUGIN_STATUS FROM information_schema.PLUGINS"
                      " WHERE PLUGIN_NAME='aws_key_management'") in ([], [("DISABLED",)], [("INACTIVE",)])
    server.stop()

    keys.mkdir()
    keys.chmod(0o777)
    server.start()
    make_table(server, "t", 1)
    assert set(aws_plugin.key_files(keys)) == {(1, 1)}
    assert aws_plugin.key_files(server.data) == {}
    server.stop()

    keys.chmod(0o555)
    server.start()
    assert readable(server, "t")
    server.sql("INSERT INTO d.t VALUES (2,'new')")
    refused = told(server.failure_of("CREATE TABLE d.other (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID=2"))
    assert "cannot make key 2: cannot create " in refused and "Permission denied" in refused
    rotated = told(server.warnings_of("SET GLOBAL aws_key_management_rotate_key=1"))
    assert "cannot create " in rotated and "Permission denied" in rotated
    server.sql("INSERT INTO d.t VALUES (3,'new')")
    keys.chmod(0o777)
    wait_usable(server, 2)
    server.stop()
