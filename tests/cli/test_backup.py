# SPDX-License-Identifier: MIT
"""keyringctl backup and restore: complete, unchanged, not older, or refused."""

import itertools
import json
import pathlib
import resource
import shutil
import subprocess

import ctl
import jsonschema
import pytest

from changing import SCHEMAS, SOME, kmip_config, kms_config, snapshot, write_plain
from key_files import options_of
from lab import aws_client, percona_file, process
from stopping import killed_everywhere

MORE = {**SOME, ("later", ""): ("AES", bytes(24))}


class Keyring:
    """A keyring that can get more keys: the arguments that name it, and its files."""

    def __init__(self, tool, directory, arguments, files, grow):
        self.tool, self.directory, self.arguments, self.files, self.grow = (
            tool,
            directory,
            arguments,
            files,
            grow,
        )

    def lose(self) -> None:
        for path in self.files():
            path.unlink()


@pytest.fixture(params=["sealed", "percona", "key files"])
def keyring(request, tool, directory, kms):
    if request.param == "key files":
        place = directory / "keys"
        place.mkdir()
        words = options_of(directory, kms, place)
        made = []

        def grow():
            made.append(len(made) + 1)
            (place / f"aws-kms-key.1.{made[-1]}").write_bytes(
                percona_file.encrypt(kms, kms.alias, bytes(32))
            )
            for mark in place.glob("aws-kms-key-made.1.*"):
                mark.unlink()
            (place / f"aws-kms-key-made.1.{made[-1]}").touch()

        grow()
        return Keyring(
            tool,
            directory,
            words,
            lambda: sorted(place.iterdir()),
            grow,
        )
    config = kms_config(directory / "k", kms, directory / "keys", file_format=request.param)
    sets = iter((SOME, MORE))

    def grow_file():
        write_plain(directory / "plain", next(sets))
        tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
        (directory / "plain").unlink()

    grow_file()
    return Keyring(
        tool,
        directory,
        ("--config", config),
        lambda: [path for path in [directory / "keys"] if path.exists()],
        grow_file,
    )


def contents(keyring) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in keyring.files()}


def test_a_backup_can_be_verified_and_listed_by_its_directory(filled, directory):
    backup = directory / "b"
    assert filled.ctl("backup", backup, "--yes").code == 0
    there = ("--path", backup)
    if filled.product in ("component_keyring_kmip", "kmip_key_management"):
        for command in ("verify", "list"):
            done = filled.ctl(command, "--json", *there)
            assert done.code == 2 and "the keys are on the server" in done.error()["message"]
        return
    keys = filled.ctl("list", "--json").json()["keys"]
    verified = filled.ctl("verify", "--json", *there).json()
    assert verified["ok"] and verified["readable"] == len(keys) >= 2
    assert verified["place"].startswith(str(backup))
    listed = ctl.run(directory, "list", "--json", *there).json()["keys"]
    assert [one["id"] for one in listed] == [one["id"] for one in keys]
    other = "component_keyring_kmip"
    done = ctl.run(directory, "list", "--json", "--product", other, *there)
    assert done.code == 2 and f"is a backup of {filled.product}" in done.error()["message"]

    manifest = json.loads((backup / "manifest.json").read_text())
    extra = backup / manifest["files"][-1]["name"]
    content = extra.read_bytes()
    for changed in (content + b" ", None):  # What a reader does not mind.
        extra.unlink()
        if changed is not None:
            extra.write_bytes(changed)
        done = filled.ctl("verify", "--json", *there)
        assert done.code == 3 and str(extra) in done.error()["message"], done
    extra.write_bytes(content)
    assert filled.ctl("verify", *there).code == 0
    (backup / "manifest.json").write_text("{")
    done = filled.ctl("list", *there)
    assert done.code == 3 and f"{backup}/manifest.json" in done.err


@pytest.mark.parametrize("product,more", [
    ("component_keyring_kms", {}), ("keyring_aws", {}), ("aws_key_management", {}),
    ("aws_key_management", {"key_store": "FILES"})])
def test_a_backup_is_not_changed_where_it_lies(make_keyring, directory, product, more):
    keyring = make_keyring(product, **more)
    keyring.write("store k - AES" if product != "aws_key_management" else "latest 1")
    assert keyring.ctl("backup", directory / "b", "--yes").code == 0
    name = json.loads((directory / "b/manifest.json").read_text())["name"]
    words = ["rewrap"] if product == "keyring_aws" or more else [
        "rewrap", "reseal", "slot add", "slot remove 1"]
    paths = [directory / "b" / name]
    if name:
        paths.append(directory / "link" / name)
        paths[1].parent.mkdir()
        paths[1].symlink_to(paths[0])
    before = snapshot(directory / "b")
    for word, path in itertools.product(words, paths):
        done = keyring.ctl(word, "--path", path, "--yes")
        assert done.code == 2 and f"{directory}/b is a backup" in done.err, (word, path, done)
    assert snapshot(directory / "b") == before


def test_a_dry_run_is_refused_as_the_backup_is(keyring, tool, directory):
    (directory / "b").mkdir()
    before = snapshot(directory)
    for word in ("--dry-run", "--yes"):
        reply = tool.json("backup", *keyring.arguments, directory / "b", word, code=1)
        assert f"{directory}/b is there already" in reply["message"]
        assert "does not exist" in reply["hint"]
        reply = tool.json("backup", *keyring.arguments, "/nowhere/b", word, code=2)
        assert "/nowhere" in reply["message"]
    assert snapshot(directory) == before
    keyring.lose()
    for word in ("--dry-run", "--yes"):
        reply = tool.json("backup", *keyring.arguments, directory / "c", word, code=2)
        assert "no keyring at" in reply["message"]


def test_what_was_lost_comes_back_as_it_was(tool, directory, keyring):
    before, modes = contents(keyring), {path.name: path.stat().st_mode for path in keyring.files()}
    reply = tool.json("backup", *keyring.arguments, directory / "b", "--yes")
    assert reply["changed"] and reply["files"] == len(before) and reply["notes"]
    manifest = json.loads((directory / "b" / "manifest.json").read_text())
    jsonschema.validate(manifest, json.loads((SCHEMAS / "backup-manifest.1.json").read_text()))
    subprocess.run(
        ["sha256sum", "--check", "--quiet", "manifest.json.sha256"], cwd=directory / "b", check=True
    )
    assert (directory / "b").stat().st_mode & 0o777 == 0o700
    assert contents(keyring) == before
    keyring.lose()
    reply = tool.json("restore", *keyring.arguments, directory / "b", "--yes")
    assert len(reply["files"]) == len(before)
    assert contents(keyring) == before
    assert {path.name: path.stat().st_mode for path in keyring.files()} == modes
    assert tool.json("restore", *keyring.arguments, directory / "b", "--yes")["changed"] is False


def test_an_older_backup_is_refused(tool, directory, keyring):
    tool.run("backup", *keyring.arguments, directory / "old", "--yes")
    keyring.grow()
    tool.run("backup", *keyring.arguments, directory / "new", "--yes")
    before = contents(keyring)
    done = tool.run("restore", *keyring.arguments, directory / "old", "--yes", code=1)
    assert "older" in done.stderr and "nothing was changed" in done.stderr
    assert contents(keyring) == before
    tool.run("restore", *keyring.arguments, directory / "new", "--yes")
    keyring.lose()
    tool.run("restore", *keyring.arguments, directory / "old", "--yes")
    # What is there is older now: a file is replaced and kept, key files are added.
    tool.run("restore", *keyring.arguments, directory / "new", "--yes")
    now = contents(keyring)
    assert {name: now[name] for name in before} == before


def test_an_incomplete_or_changed_backup_is_refused(tool, directory, keyring):
    tool.run("backup", *keyring.arguments, directory / "b", "--yes")
    keyring.lose()

    def refused(reason: str) -> None:
        done = tool.run("restore", *keyring.arguments, directory / "x", "--yes", code=3)
        assert reason in done.stderr, done.stderr
        assert not keyring.files()
        shutil.rmtree(directory / "x")

    for name in [path.name for path in (directory / "b").iterdir()]:
        shutil.copytree(directory / "b", directory / "x")
        (directory / "x" / name).unlink()
        refused(name if name != "manifest.json" else "incomplete")
        shutil.copytree(directory / "b", directory / "x")
        with (directory / "x" / name).open("r+b") as file:
            content = bytearray(file.read() or b"\0")
            content[len(content) // 2] ^= 1
            file.seek(0)
            file.write(content)
        refused("changed")
    shutil.copytree(directory / "b", directory / "x")
    (directory / "x" / "extra").touch()
    refused("extra")
    (directory / "x").mkdir()
    refused("not a backup")


def test_a_dry_run_and_the_missing_confirmation_change_nothing(tool, directory, keyring):
    words = ("backup", *keyring.arguments, directory / "b")
    before = snapshot(directory)
    assert tool.json(*words, "--dry-run")["plan"][0]["action"] == "create"
    tool.run(*words, code=6)
    assert snapshot(directory) == before
    assert tool.answer("y\n", *words)[0] == 0
    keyring.lose()
    words = ("restore", *keyring.arguments, directory / "b")
    before = snapshot(directory)
    assert {step["action"] for step in tool.json(*words, "--dry-run")["plan"]} == {"create"}
    tool.run(*words, code=6)
    assert tool.answer("n\n", *words)[0] == 1
    assert snapshot(directory) == before


def test_killed_at_any_moment_a_backup_is_complete_or_not_there(tool, directory, keyring):
    there = []
    for _ in killed_everywhere(tool, "backup", *keyring.arguments, directory / "b", "--yes"):
        there.append((directory / "b").exists())
        if there[-1]:
            tool.run("restore", *keyring.arguments, directory / "b", "--yes")
            shutil.rmtree(directory / "b")
    assert len(there) > 5 and not there[0]
    assert not [path.name for path in directory.iterdir() if path.name.startswith(".b.")]


def test_another_keyring_is_not_replaced(tool, directory, kms):
    configs = []
    for name in ("one", "two"):
        write_plain(directory / "plain", SOME)
        configs.append(kms_config(directory / name, kms, directory / f"{name}.keys"))
        tool.run("migrate", f"component_keyring_file:{directory}/plain", configs[-1], "--yes")
    tool.run("backup", "--config", configs[0], directory / "b", "--yes")
    before = (directory / "two.keys").read_bytes()
    done = tool.run("restore", "--config", configs[1], directory / "b", "--yes", code=1)
    assert "another keyring" in done.stderr
    assert (directory / "two.keys").read_bytes() == before


def test_a_damaged_file_is_replaced_and_kept(tool, directory, kms):
    config = kms_config(directory / "k", kms, directory / "keys")
    write_plain(directory / "plain", SOME)
    tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    good = (directory / "keys").read_bytes()
    tool.run("backup", "--config", config, directory / "b", "--yes")
    damaged = bytes(40) + good[40:]
    (directory / "keys").write_bytes(damaged)
    assert (
        tool.json("restore", "--config", config, directory / "b", "--dry-run")["plan"][0]["action"]
        == "replace"
    )
    tool.run("restore", "--config", config, directory / "b", "--yes")
    assert (directory / "keys").read_bytes() == good
    kept = list(directory.glob("keys.replaced-*"))
    assert len(kept) == 1 and kept[0].read_bytes() == damaged
    (directory / "keys").write_bytes(damaged)
    tool.run("backup", "--config", config, directory / "bad", "--yes", code=3)
    assert not (directory / "bad").exists(), "a damaged file makes a bad backup"


def test_a_keyring_in_use_is_not_replaced_but_can_be_backed_up(tool, directory, kms):
    config = kms_config(directory / "k", kms, directory / "keys")
    write_plain(directory / "plain", SOME)
    tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    holder = subprocess.Popen(["flock", "--no-fork", str(directory / "keys"), "sleep", "60"])
    try:
        subprocess.run(
            ["sh", "-c", f"while flock -n {directory}/keys true; do sleep 0.05; done"], check=True
        )
        tool.run("backup", "--config", config, directory / "b", "--yes")
        reply = tool.json("restore", "--config", config, directory / "b", "--yes", code=5)
        assert str(holder.pid) in reply["message"]
    finally:
        holder.kill()
        holder.wait()


def test_keys_on_a_kmip_server_are_named_and_looked_for(tool, directory, kmip):
    data = directory / "data"
    (data / "mysql").mkdir(parents=True)
    config = kmip_config(directory / "i", kmip, "backup")
    write_plain(directory / "plain", SOME)
    common = ("--config", config, "--datadir", data)
    tool.run(
        "migrate", f"component_keyring_file:{directory}/plain", config, "--datadir", data, "--yes"
    )
    note = data / "component_keyring_kmip.group"
    content = note.read_bytes()
    reply = tool.json("backup", *common, directory / "b", "--yes")
    assert (
        reply["keys"] == 4
        and reply["files"] == 1
        and any("KMIP server" in line for line in reply["notes"])
    )
    for path in (directory / "b").iterdir():
        assert bytes(range(32)).hex() not in path.read_text().lower()
    note.unlink()
    tool.run("restore", *common, directory / "b", "--yes")
    assert note.read_bytes() == content
    elsewhere = kmip_config(directory / "j", kmip, "somebody-else")
    done = tool.run(
        "restore", "--config", elsewhere, "--datadir", data, directory / "b", "--yes", code=3
    )
    assert "lacks keys" in done.stderr and "INNODBKey-0f3a-1" in done.stderr


def test_keys_whose_names_are_not_utf_8_are_put_back(directory, make_keyring):
    keyring = make_keyring("component_keyring_kms")
    command = [ctl.writer(), keyring.product, keyring.plugin, keyring.data]
    environment = process.bare_environment(directory, keyring.environment)
    subprocess.run(command, input=b"store a\xff u@h AES\nstore a\xfe u@h AES\n", check=True,
                   capture_output=True, cwd=keyring.data, env=environment)
    assert keyring.ctl("backup", directory / "b", "--yes").code == 0
    path = keyring.data / "keyring"
    before = path.read_bytes()
    assert keyring.ctl("restore", directory / "b", "--yes").code == 0
    path.unlink()
    done = keyring.ctl("restore", directory / "b", "--yes")
    assert done.code == 0 and "with 2 keys" in done.out, done
    assert path.read_bytes() == before


def test_a_limit_of_file_sizes_is_a_failure_and_no_signal(tool, directory, keyring):
    done = tool.run("backup", *keyring.arguments, directory / "b", "--yes", code=1,
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    assert "File too large" in done.stderr
    assert not (directory / "b").exists()


def test_a_disk_that_is_full_leaves_no_backup(tool, directory, keyring):
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
        (disk / "filler").write_bytes(bytes(4096))
        done = tool.run("backup", *keyring.arguments, disk / "b", "--yes", code=1)
        assert "No space left" in done.stderr
        assert [path.name for path in pathlib.Path(disk).iterdir()] == ["filler"]
    finally:
        subprocess.run(["umount", disk], check=True)


# What names do not tell.


def file_of(keyring) -> pathlib.Path:
    return keyring.data / ("keyring_aws_data" if keyring.product == "keyring_aws" else "keyring")


def refuse(keyring, backup, reason: str) -> None:
    before = {path: path.read_bytes() for path in keyring.data.rglob("*") if path.is_file()}
    done = keyring.ctl("restore", backup, "--yes")
    assert done.code == 1 and reason in done.err and "nothing was changed" in done.err, done
    after = {path: path.read_bytes() for path in keyring.data.rglob("*") if path.is_file()}
    assert after == before


def back_up(keyring, name: str) -> str:
    done = keyring.ctl("backup", keyring.directory / name, "--yes")
    assert done.code == 0, done
    return str(keyring.directory / name)


FILES = [
    ("component_keyring_kms", "sealed"),
    ("component_keyring_kms", "percona"),
    ("keyring_aws", None),
]


@pytest.fixture(params=FILES, ids=lambda one: one[1] or one[0])
def one_file(request, make_keyring):
    product, file_format = request.param
    made = make_keyring(product, **({"file_format": file_format} if file_format else {}))
    made.write("store INNODBKey-a-1 - AES", "store app u@h SECRET")
    return made


def test_a_key_that_was_stored_again_is_not_put_back(one_file):
    old = back_up(one_file, "b")
    one_file.write("remove app u@h", "store app u@h SECRET")
    kind = json.loads((one_file.directory / "b" / "manifest.json").read_text())["format"]
    refuse(one_file, old, "another value of" if "Percona" in kind else "older")
    assert one_file.ctl("restore", back_up(one_file, "now"), "--yes").code == 0


@pytest.mark.parametrize("one_file", [FILES[0], FILES[2]], indirect=True)
def test_a_key_that_was_removed_since_makes_a_backup_older(one_file):
    """Of the formats that count their changes."""
    old = back_up(one_file, "b")
    one_file.write("remove app u@h")
    refuse(one_file, old, "older")


def test_a_newer_copy_with_the_same_keys_and_more_is_put_in_place(one_file):
    older = file_of(one_file).read_bytes()
    one_file.write("store INNODBKey-a-2 - AES")
    newer = file_of(one_file).read_bytes()
    backup = back_up(one_file, "b")
    file_of(one_file).write_bytes(older)
    done = one_file.ctl("restore", backup, "--yes")
    assert done.code == 0 and file_of(one_file).read_bytes() == newer, done


def test_a_keyring_that_was_continued_from_an_older_copy_is_not_replaced(one_file):
    """MySQL counts its keys: the next one has the same name in both."""
    older = file_of(one_file).read_bytes()
    one_file.write("store INNODBKey-a-2 - AES", "store INNODBKey-a-3 - AES")
    backup = back_up(one_file, "b")
    file_of(one_file).write_bytes(older)
    one_file.write("store INNODBKey-a-2 - AES")
    refuse(one_file, backup, "")


def test_a_sealed_file_of_an_older_generation_is_replaced_when_its_keys_are_the_same(
    make_keyring, kms
):
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store INNODBKey-a-1 - AES")
    older = file_of(keyring).read_bytes()
    new = aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"]
    options = json.loads(keyring.config.read_text())
    keyring.configure({**options, "kms_key": new})
    assert keyring.ctl("rewrap", "--yes").code == 0
    newer = file_of(keyring).read_bytes()
    backup = back_up(keyring, "b")
    file_of(keyring).write_bytes(older)
    kms.stop()
    assert keyring.ctl("restore", backup, "--yes").code == 4
    assert file_of(keyring).read_bytes() == older
    kms.start()
    assert keyring.ctl("restore", backup, "--yes").code == 0
    assert file_of(keyring).read_bytes() == newer
    old_backup = keyring.directory / "old"
    file_of(keyring).write_bytes(older)
    keyring.ctl("backup", old_backup, "--yes")
    file_of(keyring).write_bytes(newer)
    refuse(keyring, old_backup, "rewritten since")


def test_another_format_is_not_replaced(make_keyring):
    keyring = make_keyring("component_keyring_kms", file_format="percona")
    keyring.write("store INNODBKey-a-1 - AES")
    backup = back_up(keyring, "b")
    file_of(keyring).unlink()
    options = json.loads(keyring.config.read_text())
    keyring.configure({**options, "file_format": "sealed"})
    keyring.write("store INNODBKey-a-1 - AES")
    refuse(keyring, backup, "another format")
    content = file_of(keyring).read_bytes()
    words = ("restore", backup, "--path", file_of(keyring), "--yes")
    done = ctl.run(keyring.directory, *words)
    assert done.code == 1 and file_of(keyring).read_bytes() == content


def test_a_keyring_that_was_converted_is_the_same(make_keyring, directory):
    keyring = make_keyring("component_keyring_kms", file_format="percona")
    keyring.write("store INNODBKey-a-1 - AES")
    backup, before = back_up(keyring, "b"), file_of(keyring).read_bytes()
    words = ("--to", "sealed", "--output", directory / "sealed", "--yes")
    assert keyring.ctl("convert", *words).code == 0
    (directory / "sealed").rename(file_of(keyring))
    assert keyring.ctl("restore", backup, "--yes").code == 0
    assert file_of(keyring).read_bytes() == before


@pytest.fixture
def key_set(make_keyring):
    keyring = make_keyring("aws_key_management", key_store="SEALED")
    keyring.write("latest 1", "rotate 1")
    return keyring


def test_a_key_set_with_more_keys_is_not_replaced(key_set):
    backup = back_up(key_set, "b")
    key_set.write("rotate 1")
    refuse(key_set, backup, "older")


def test_a_lost_key_set_comes_back_unless_its_marks_say_that_it_is_old(key_set):
    backup = back_up(key_set, "b")
    place = key_set.data / "aws-kms-key-set"
    content = place.read_bytes()
    place.unlink()
    done = key_set.ctl("restore", backup, "--yes")
    assert done.code == 0 and place.read_bytes() == content, done
    key_set.write("latest 2")
    place.unlink()
    refuse(key_set, backup, "lacks key 2 version 1, which was made")


def test_key_files_and_a_key_set_are_not_mixed(make_keyring, directory):
    keyring = make_keyring("aws_key_management", key_store="FILES")
    keyring.write("latest 1")
    files = back_up(keyring, "files")
    for path in keyring.data.glob("aws-kms-key*"):
        path.unlink()
    keyring.option_file.write_text(keyring.option_file.read_text().replace("=FILES", "=SEALED"))
    keyring.variables = [word.replace("=FILES", "=SEALED") for word in keyring.variables]
    keyring.write("latest 1")
    a_set = back_up(keyring, "set")
    refuse(keyring, files, "in a key set")
    for path in keyring.data.glob("aws-kms-key*"):
        path.unlink()
    shutil.copy(directory / "files" / "aws-kms-key.1.1", keyring.data)
    refuse(keyring, a_set, "not made of aws-kms-key.1.1")


def test_a_keyring_whose_name_begins_with_a_dot_is_backed_up_and_restored(tool, directory, kms):
    write_plain(directory / "plain", SOME)
    config = kms_config(directory / "k", kms, directory / ".keys")
    tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    content = (directory / ".keys").read_bytes()
    tool.run("backup", directory / "b", "--config", config, "--yes")
    (directory / ".keys").unlink()
    tool.run("restore", directory / "b", "--config", config, "--yes")
    assert (directory / ".keys").read_bytes() == content
