# SPDX-License-Identifier: MIT
"""Every changing command, killed at each of its changes and with each of them refused by the
system: the old state or the new one, and the same command again ends what was begun."""

import errno
import subprocess

import pytest

import key_files
from changing import SOME, TOOL, kms_config, read_plain, write_plain
from lab import aws_client
from lab.patience import seconds
from sealed_file import SealedFile
from stopped_change import Change, check_killed_everywhere, check_refused_everywhere


def sealed_change(name: str, tool, directory, kms) -> Change:
    sealed = SealedFile(tool, directory, kms)
    if name == "slot add":
        sealed.configure(sealed.first, sealed.second)
        words = ("slot", "add")
    elif name == "rewrap":
        sealed.configure(sealed.second)
        words = ("rewrap",)
    else:
        sealed.configure(sealed.first, sealed.second)
        sealed.run("slot", "add", "--yes")
        sealed.configure(sealed.second)
        words = ("slot", "remove", "1") if name == "slot remove" else ("reseal",)

    def check() -> None:
        assert sealed.keys() == SOME

    def ended() -> bool:
        if name == "rewrap":
            found = tool.json("list", "--config", sealed.config)
            return found["wrapping_keys"] == [sealed.second]
        return len(sealed.slots()) == (2 if name == "slot add" else 1)

    words = (*words, "--config", sealed.config, "--yes")
    return Change(words, [sealed.path], check, ended, once=name == "slot remove")


def percona_rewrap(tool, directory, kms) -> Change:
    keys = directory / "keys"
    config = kms_config(directory / "k", kms, keys, file_format="percona")
    write_plain(directory / "plain", SOME)
    tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    new_key = aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"]
    kms_config(directory / "k", kms, keys, kms_key=new_key, file_format="percona")
    back = directory / "back"
    old = keys.read_bytes()

    def check() -> None:
        back.unlink(missing_ok=True)
        words = ("migrate", config, f"component_keyring_file:{back}", "--allow-plaintext", "--yes")
        tool.run(*words)
        assert read_plain(back) == SOME

    words = ("rewrap", "--config", config, "--yes")
    return Change(words, [keys], check, lambda: keys.read_bytes() != old)


def new_file(name: str, tool, directory, kms) -> Change:
    """A command that makes something new: it is there completely, or not at all."""
    write_plain(directory / "plain", SOME)
    plain = f"component_keyring_file:{directory}/plain"
    config = kms_config(directory / "k", kms, directory / "keys", file_format="percona")
    made = directory / "made"
    if name == "migrate":
        target = kms_config(directory / "t", kms, made)
        words = ("migrate", plain, target)
    else:
        tool.run("migrate", plain, config, "--yes")
        words = ("convert", "--config", config, "--to", "sealed", "--output", made)
        if name == "backup":
            words = ("backup", "--config", config, made)
    source = directory / ("plain" if name == "migrate" else "keys")
    before = source.read_bytes()

    def check() -> None:
        assert source.read_bytes() == before
        if made.exists() and name == "backup":
            tool.run("restore", "--config", config, made, "--dry-run")
        elif made.exists():
            assert tool.json("list", "--path", made)["count"] == len(SOME)

    return Change((*words, "--yes"), [made], check, made.exists, once=True)


def initialized(tool, directory, kms) -> Change:
    for name in ("plugin", "data", "etc", "conf.d"):
        (directory / name).mkdir()
    options = directory / "etc" / "my.cnf"
    options.write_text(f"[mysqld]\ndatadir={directory}/data\nplugin-dir={directory}/plugin\n")
    words = ("init", "aws_key_management", "--defaults-file", options, "--kms-key", kms.alias)
    words += ("--region", kms.region, "--option-dir", directory / "conf.d")
    words += ("--keyring-dir", directory / "ring")
    written = directory / "conf.d" / "openkeyring.cnf"
    whole = []

    def check() -> None:
        if written.exists():
            whole.append(written.read_bytes())
            assert whole[-1] == whole[0] and whole[-1].endswith(b"\n")

    return Change((*words, "--yes"), [written], check, lambda: bool(written.exists()))


def key_files_change(name: str, tool, directory, kms) -> Change:
    """MariaDB's key files, which no command may change but rewrap."""
    raw, made = directory / "raw", directory / "made"
    key_files.write_raw(raw, kms)
    named = key_files.options_of(directory, kms, raw)
    before = key_files.contents(raw)
    back = key_files.options_of(directory, kms, made, name="made.cnf")
    if name == "convert key files":
        words, least = ("convert", *named, "--to", "bound", "--output", made), 10

        def ended() -> bool:
            return made.exists()
    else:
        new_key = aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"]
        named = key_files.options_of(directory, kms, raw, master_key_id=new_key)
        words, least = ("rewrap", *named), 10

        def ended() -> bool:
            return not set(before.values()) & set(key_files.contents(raw).values())

    def check() -> None:
        assert key_files.read_raw(raw, kms) == key_files.VERSIONS
        if name == "convert key files":
            assert key_files.contents(raw) == before
            if made.exists():
                assert tool.json("verify", *back)["readable"] == len(before)
            assert not list(directory.glob(".made*")) or not made.exists()

    places = [made] if name == "convert key files" else [raw]
    return Change((*words, "--yes"), places, check, ended, once=made in places, least=least)


def restored(name: str, tool, directory, kms) -> Change:
    """A keyring that was lost: what is there already is as it was, or a file that is not used."""
    place = directory / "ring"
    if name == "restore":
        place.mkdir()
        write_plain(directory / "plain", SOME)
        config = kms_config(directory / "k", kms, place / "keys")
        named = ("--config", config)
        tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    else:
        key_files.write_raw(directory / "raw", kms)
        named = key_files.options_of(directory, kms, directory / "raw")
        tool.run("convert", *named, "--to", "bound", "--output", place, "--yes")
        named = key_files.options_of(directory, kms, place)
    tool.run("backup", *named, directory / "b", "--yes")

    def there() -> dict:
        used = (path for path in place.iterdir() if not path.name.startswith("."))
        return {path.name: (path.read_bytes(), path.stat().st_mode) for path in used}

    before = there()
    for path in place.iterdir():
        path.unlink()

    def check() -> None:
        assert there().items() <= before.items()

    def ended() -> bool:
        return there() == before

    return Change(("restore", *named, directory / "b", "--yes"), [place], check, ended)


NAMES = ["slot add", "slot remove", "reseal", "rewrap", "rewrap percona", "init", "migrate",
         "convert", "backup", "rewrap key files", "convert key files", "restore",
         "restore key files"]


@pytest.fixture(params=NAMES)
def change(request, tool, directory, kms) -> Change:
    if request.param == "init":
        made = initialized(tool, directory, kms)
    elif request.param == "rewrap percona":
        made = percona_rewrap(tool, directory, kms)
    elif request.param in ("migrate", "convert", "backup"):
        made = new_file(request.param, tool, directory, kms)
    elif request.param in ("rewrap key files", "convert key files"):
        made = key_files_change(request.param, tool, directory, kms)
    elif request.param in ("restore", "restore key files"):
        made = restored(request.param, tool, directory, kms)
    else:
        made = sealed_change(request.param, tool, directory, kms)
    return made.begin()


def test_killed_at_each_change_it_is_the_old_state_or_the_new_one(tool, change):
    check_killed_everywhere(tool, change)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES])
def test_refused_at_each_change_it_says_so_and_nothing_is_lost(tool, change, error):
    check_refused_everywhere(tool, change, error)


def test_no_message_gets_into_a_file_by_the_number_of_a_closed_descriptor(
    tool, directory, change
):
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        change.put_back()
        words = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", TOOL, *change.words, "--verbose"]
        subprocess.run(words, env=tool.environment, cwd=directory, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds(60))
        assert change.ended(), closed
        change.check()
        for path in directory.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert b"keyringctl: " not in content, (closed, path)
                assert b"compared and equal" not in content, (closed, path)
