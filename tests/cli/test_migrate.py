# SPDX-License-Identifier: MIT
"""keyringctl migrate: every key arrives, nothing is overwritten, interrupted copies go on."""

import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess

import pytest

from changing import (
    SOME,
    interrupt_after,
    kmip_config,
    kms_config,
    plain_config,
    read_plain,
    snapshot,
    write_plain,
)
from lab import aws_keyring_plugin, percona_file
from stopping import killed_everywhere

MANY = {(f"key-{number}", ""): ("AES", number.to_bytes(32, "big")) for number in range(40)}


@pytest.fixture
def plain(directory):
    """MySQL's file keyring with some keys: its configuration."""
    write_plain(directory / "plain", SOME)
    return plain_config(directory, directory / "plain")


def back_to_plain(tool, directory, keyring):
    """The keys of a keyring, read by copying them into MySQL's format."""
    target = directory / "read-back"
    target.unlink(missing_ok=True)
    tool.run("migrate", keyring, f"component_keyring_file:{target}", "--allow-plaintext", "--yes")
    return read_plain(target)


def aws_options(directory, kms):
    conf = directory / "aws_conf"
    aws_keyring_plugin.write_conf(conf, kms)
    values = aws_keyring_plugin.variables(kms, conf, directory / "aws_data")
    options = directory / "my.cnf"
    lines = [value.removeprefix("--loose-") for value in values]
    options.write_text("[mysqld]\nearly-plugin-load=keyring_aws.so\n" + "\n".join(lines) + "\n")
    return f"keyring_aws:{options}"


def test_keys_go_through_every_product_and_come_back_the_same(tool, directory, kms, kmip, plain):
    (directory / "data").mkdir()
    keyrings = [
        kms_config(directory / "sealed", kms, directory / "sealed.keys"),
        kmip_config(directory / "kmip", kmip, "everything"),
        aws_options(directory, kms),
        kms_config(directory / "json", kms, directory / "json.keys", file_format="percona"),
    ]
    common = ("--datadir", directory / "data", "--yes")
    source = plain
    for keyring in keyrings:
        before = snapshot(directory / "plain", directory / "sealed.keys")
        reply = tool.json("migrate", source, keyring, *common)
        assert (reply["copied"], reply["already_there"], reply["compared"]) == (4, 0, 4), keyring
        assert reply["changed"] is True
        if str(source) != str(plain):
            assert {path: state for path, state in snapshot(directory / "plain").items()} == {
                directory / "plain": before[directory / "plain"]
            }
        source = keyring
    assert back_to_plain(tool, directory, source) == SOME
    assert (directory / "sealed.keys").read_bytes().startswith(b"\x89OKR")
    on_disk = percona_file.read(directory / "json.keys", kms)
    assert {(name, owner): (kind, key) for owner, name, kind, key in on_disk} == SOME
    # Once more: nothing is left to do, and nothing is changed.
    before = snapshot(directory)
    for keyring in keyrings[::-1]:
        reply = tool.json("migrate", plain, keyring, *common)
        assert (reply["copied"], reply["already_there"], reply["changed"]) == (0, 4, False)
    assert {k: v for k, v in snapshot(directory).items() if k.is_file()} == {
        k: v for k, v in before.items() if k.is_file() or v is None
    }


def test_a_key_of_another_value_is_refused_and_named(tool, directory, kms, plain):
    target = kms_config(directory / "k", kms, directory / "keys")
    tool.run("migrate", plain, target, "--yes")
    write_plain(directory / "plain", {**SOME, ("same name", "app@%"): ("SECRET", b"another")})
    before = snapshot(directory)
    done = tool.run("migrate", plain, target, "--yes", code=1)
    assert 'key "same name" of "app@%"' in done.stderr and "nothing was changed" in done.stderr
    write_plain(directory / "plain", {**SOME, ("same name", "app@%"): ("AES", b"pass\0word")})
    tool.run("migrate", plain, target, "--yes", code=1)
    before.pop(directory / "plain")
    after = snapshot(directory)
    after.pop(directory / "plain")
    assert after == before


def test_missing_keys_are_added_to_a_keyring_that_is_there(tool, directory, kms, plain):
    for file_format in ("sealed", "percona"):
        config = kms_config(
            directory / file_format, kms, directory / f"{file_format}.keys", file_format=file_format
        )
        tool.run("migrate", plain, config, "--yes")
        write_plain(directory / "plain", {**SOME, ("more", ""): ("AES", bytes(24))})
        reply = tool.json("migrate", plain, config, "--yes")
        assert (reply["copied"], reply["already_there"]) == (1, 4)
        assert back_to_plain(tool, directory, config)[("more", "")] == ("AES", bytes(24))
        write_plain(directory / "plain", SOME)


def test_a_target_whose_configuration_is_read_only_is_not_changed(
    tool, directory, kms, kmip, plain
):
    (directory / "o").mkdir()
    for config in (
        kms_config(directory / "k", kms, directory / "keys"),
        kmip_config(directory / "i", kmip, "readonly"),
        plain_config(directory / "o", directory / "other"),
    ):
        written = {**json.loads(config.read_text()), "read_only": True}
        config.write_text(json.dumps(written))
        before = snapshot(directory)
        for more in ("--yes", "--dry-run"):
            done = tool.run("migrate", plain, config, "--allow-plaintext", more, code=2)
            assert "has read_only" in done.stderr and "nothing was changed" in done.stderr
        assert snapshot(directory) == before
        config.write_text(json.dumps({**written, "read_only": False}))
        tool.run("migrate", plain, config, "--allow-plaintext", "--yes")
        # It may still be copied from.
        config.write_text(json.dumps(written))
        assert back_to_plain(tool, directory, config) == SOME


def test_a_dry_run_prints_the_plan_and_changes_nothing(tool, directory, kms, kmip, plain):
    for target in (
        kms_config(directory / "k", kms, directory / "keys"),
        kmip_config(directory / "i", kmip, "dry"),
    ):
        before = snapshot(directory)
        reply = tool.json("migrate", plain, target, "--dry-run")
        assert reply["dry_run"] is True and len(reply["plan"]) == 1
        assert (
            "4 keys" in reply["plan"][0]["detail"]
            and "INNODBKey-0f3a-1" in reply["plan"][0]["detail"]
        )
        done = tool.run("migrate", plain, target, "--dry-run")
        assert done.stdout.startswith("would ") and "4 keys" in done.stdout
        assert snapshot(directory) == before
    # And a source without keys is refused: no key came to the server.
    for word in ("--dry-run", "--yes"):
        empty = tool.json("migrate", kmip_config(directory / "i", kmip, "dry"), plain, word,
                          "--allow-plaintext", code=2)
        assert "has no keys to copy" in empty["message"]


def test_it_asks_on_a_terminal_and_nowhere_else(tool, directory, kms, plain):
    target = kms_config(directory / "k", kms, directory / "keys")
    done = tool.run("migrate", plain, target, code=6)
    assert "nothing was changed" in done.stderr and "--yes" in done.stderr
    code, shown = tool.answer("n\n", "migrate", plain, target)
    assert code == 1 and "[y/N]" in shown and not (directory / "keys").exists()
    code, shown = tool.answer("y\n", "migrate", plain, target)
    assert code == 0 and (directory / "keys").exists()


def test_keys_in_the_clear_need_an_option_of_their_own(tool, directory, kms, plain):
    config = kms_config(directory / "k", kms, directory / "keys")
    tool.run("migrate", plain, config, "--yes")
    words = ("migrate", config, f"component_keyring_file:{directory}/clear", "--yes")
    assert "--allow-plaintext" in tool.run(*words, code=2).stderr
    assert not (directory / "clear").exists()
    tool.run(*words, "--allow-plaintext")
    assert read_plain(directory / "clear") == SOME
    assert (directory / "clear").stat().st_mode & 0o777 == 0o600


def test_keys_are_in_no_output_and_no_temporary_file(tool, directory, kms, plain):
    target = kms_config(directory / "k", kms, directory / "keys")
    done = tool.run("migrate", plain, target, "--yes", "--verbose")
    for kind, key in SOME.values():
        for text in (key.hex(), key.hex().upper()):
            assert text not in done.stdout + done.stderr
    secret = bytes(range(32))
    for path in directory.rglob("*"):
        if path.is_file() and path != directory / "plain":
            assert (
                secret not in path.read_bytes()
                and secret.hex().encode() not in path.read_bytes().lower()
            )


def plugin_file(keys) -> bytes:
    """As MySQL 8.0's plugin keyring_file writes it."""
    mask = b"*305=Ljt0*!@$Hnm(*-9-w;:"
    body = b""
    for (data_id, owner), (kind, key) in keys.items():
        parts = [
            data_id.encode(),
            kind.encode(),
            owner.encode(),
            bytes(byte ^ mask[i % len(mask)] for i, byte in enumerate(key)),
        ]
        size = 40 + sum(map(len, parts))
        padded = (size + 7) // 8 * 8
        body += (
            struct.pack("<5Q", padded, *map(len, parts)) + b"".join(parts) + bytes(padded - size)
        )
    return b"Keyring file version:2.0" + body + b"EOF" + hashlib.sha256(body).digest()


def test_the_file_of_the_plugin_keyring_file_can_be_read(tool, directory, kms):
    (directory / "keyring").write_bytes(plugin_file(SOME))
    target = kms_config(directory / "k", kms, directory / "keys")
    tool.run("migrate", f"keyring_file:{directory}/keyring", target, "--yes")
    assert back_to_plain(tool, directory, target) == SOME
    tool.run("migrate", f"{directory}/keyring", target, "--yes")
    assert (
        "not into one"
        in tool.run("migrate", target, f"keyring_file:{directory}/new", "--yes", code=2).stderr
    )
    damaged = bytearray(plugin_file(SOME))
    damaged[100] ^= 1
    (directory / "keyring").write_bytes(damaged)
    assert "checksum" in tool.run("migrate", f"{directory}/keyring", target, "--yes", code=3).stderr


def test_what_mysql_left_half_written_is_not_taken(tool, directory, kms, plain):
    shutil.copy(directory / "plain", directory / "plain.backup")
    target = kms_config(directory / "k", kms, directory / "keys")
    done = tool.run("migrate", plain, target, "--yes", code=3)
    assert "plain.backup" in done.stderr and not (directory / "keys").exists()


@pytest.mark.parametrize("content,code", [(b'{"version":"1.0","elements":[', 3), (b"\0\1\2", 3)])
def test_a_damaged_source_is_refused(tool, directory, kms, plain, content, code):
    (directory / "plain").write_bytes(content)
    target = kms_config(directory / "k", kms, directory / "keys")
    tool.run("migrate", plain, target, "--yes", code=code)
    assert not (directory / "keys").exists()


def test_a_keyring_in_use_is_refused_with_the_pid(tool, directory, kms, plain):
    target = kms_config(directory / "k", kms, directory / "keys")
    tool.run("migrate", plain, target, "--yes")
    write_plain(directory / "plain", {**SOME, ("more", ""): ("AES", bytes(24))})
    with subprocess.Popen(["flock", str(directory / "keys"), "sleep", "60"]) as holder:
        try:
            while tool.popen("list", "--path", directory / "keys").wait() != 0:
                pass
            subprocess.run(
                ["sh", "-c", f"until ! flock -n {directory}/keys true; do sleep 0.05; done"],
                check=True,
            )
            for words in (
                ("migrate", plain, target),
                ("migrate", target, plain, "--allow-plaintext"),
            ):
                before = snapshot(directory)
                done = tool.json(*words, "--yes", code=5)
                assert "in use by process" in str(done)
                assert snapshot(directory) == before
        finally:
            subprocess.run(["pkill", "-P", str(holder.pid)], check=False)
            holder.kill()


def test_a_key_server_that_is_away_or_refuses(tool, directory, kms, plain):
    target = kms_config(directory / "k", kms, directory / "keys")
    kms.fault("http_status", "*", count=-1, status=400, code="AccessDeniedException", message="no")
    tool.run("migrate", plain, target, "--yes", code=4)
    assert not (directory / "keys").exists()
    kms.clear_faults()
    kms.stop()
    tool.run("migrate", plain, target, "--yes", code=4)
    assert not (directory / "keys").exists()
    assert [path for path in directory.iterdir() if path.name.startswith(".")] == []


def test_killed_at_any_moment_a_new_file_has_all_keys_or_is_not_there(tool, directory, kms):
    write_plain(directory / "plain", MANY)
    plain = plain_config(directory, directory / "plain")
    target = kms_config(directory / "k", kms, directory / "keys")
    before = snapshot(directory / "plain")
    there = []
    for _ in killed_everywhere(tool, "migrate", plain, target, "--yes"):
        there.append((directory / "keys").exists())
        if there[-1]:
            assert tool.json("list", "--path", directory / "keys")["count"] == len(MANY)
            (directory / "keys").unlink()
        assert snapshot(directory / "plain") == before
    assert len(there) > 5 and not there[0]
    assert back_to_plain(tool, directory, target) == MANY


def test_killed_while_adding_it_goes_on_where_it_was(tool, directory, kms, kmip):
    for target, every in (
        (kms_config(directory / "k", kms, directory / "keys"), 1),
        (kmip_config(directory / "i", kmip, "killed"), 7),
    ):
        write_plain(directory / "plain", {("first", ""): ("AES", bytes(16))})
        plain = plain_config(directory, directory / "plain")
        tool.run("migrate", plain, target, "--yes")
        write_plain(directory / "plain", {("first", ""): ("AES", bytes(16)), **MANY})
        steps = list(killed_everywhere(tool, "migrate", plain, target, "--yes", every=every))
        assert len(steps) > 3
        found = back_to_plain(tool, directory, target)
        assert found == {("first", ""): ("AES", bytes(16)), **MANY}


def test_interrupted_it_ends_with_130(tool, directory, kms):
    write_plain(directory / "plain", MANY)
    plain = plain_config(directory, directory / "plain")
    target = kms_config(directory / "k", kms, directory / "keys", file_format="percona")
    kms.latency(30)
    with tool.popen("migrate", plain, target, "--yes") as running:
        assert interrupt_after(running, 0.5, signal.SIGINT) == 130
    assert not (directory / "keys").exists()


def test_a_full_disk_leaves_nothing(tool, directory, kms, plain):
    disk = directory / "disk"
    disk.mkdir()
    if (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk], check=False
        ).returncode
        != 0
    ):
        pytest.skip("cannot mount a small disk here")
    try:
        (disk / "filler").write_bytes(bytes(8192))
        target = kms_config(directory / "k", kms, disk / "keys")
        done = tool.run("migrate", plain, target, "--yes", code=1)
        assert "No space left" in done.stderr
        assert [path.name for path in disk.iterdir()] == ["filler"]
        (disk / "filler").unlink()
        tool.run("migrate", plain, target, "--yes")
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
def test_files_that_root_makes_belong_to_the_owner_of_their_directory(tool, directory, kms, plain):
    place = directory / "mysql-keyring"
    place.mkdir(mode=0o750)
    os.chown(place, 65534, 65534)
    tool.run("migrate", plain, kms_config(directory / "k", kms, place / "keys"), "--yes")
    about = (place / "keys").stat()
    assert (about.st_uid, about.st_gid, about.st_mode & 0o777) == (65534, 65534, 0o640)


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
def test_another_user_who_may_not_write_there_is_told_so(tool, directory, kms, plain):
    place = directory / "mysql-keyring"
    place.mkdir(mode=0o755)
    target = kms_config(directory / "k", kms, place / "keys")
    for path in (directory, directory / "k", target, directory / "plain", plain):
        path.chmod(0o755)
    done = tool.run("migrate", plain, target, "--yes", code=2, user=65534)
    assert "Permission denied" in done.stderr and list(place.iterdir()) == []


def test_no_plain_key_is_left_behind_by_a_killed_run(tool, directory, plain, kms):
    """A file without a name, and what an older version left is removed."""
    keyring = kms_config(directory / "k", kms, directory / "keys")
    tool.run("migrate", plain, keyring, "--yes")
    target = directory / "plain-again"
    leftover = directory / ".plain-again.0123456789abcdef.tmp"
    kept = [directory / name for name in (".plain-again2.0123456789abcdef.tmp",
                                          ".plain-again.x.0123456789abcdef.tmp")]
    for path in (leftover, *kept):
        path.write_text("keys")
    words = ("migrate", keyring, f"component_keyring_file:{target}", "--allow-plaintext", "--yes")
    tool.run(*words)
    assert target.stat().st_mode & 0o777 == 0o600
    assert not leftover.exists() and all(path.exists() for path in kept)
    for path in kept:
        path.unlink()
    target.unlink()
    for _ in killed_everywhere(tool, *words):
        assert not list(directory.glob(".plain-again*"))
        assert not target.exists() or read_plain(target) == SOME
        target.unlink(missing_ok=True)
