# SPDX-License-Identifier: MIT
"""As test_stopped.py, of MariaDB's key set: what changes it, and what is made of it."""

import errno
import json

import pytest

import key_files
import recovery_keys
from changing import read_plain, snapshot
from lab import aws_client, key_set
from stopped_change import Change, check_killed_everywhere, check_refused_everywhere

MARKS = ("aws-kms-key-made.", key_set.MADE)


class TwoKeySet:
    """A key set in a directory of its own, under the first of two KMS keys and a recovery key,
    by which its keys are read without any key server."""

    def __init__(self, make_keyring, tool, directory, kms):
        self.tool, self.directory, self.kms = tool, directory, kms
        self.ring = directory / "ring"
        self.ring.mkdir()
        self.keyring = make_keyring("aws_key_management")
        self.first, self.second = (
            aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"] for _ in range(2))
        self.private, self.public = recovery_keys.pair()
        self.configure(self.first)
        self.keyring.write("latest 1", "rotate 1")
        self.keys = self.values(self.ring)

    def configure(self, *kms_keys) -> None:
        """The KMS keys, in this order."""
        entries = [{"key": key, "endpoint_url": self.kms.url} for key in kms_keys]
        options = {"master_key_id": json.dumps(entries), "region": self.kms.region,
                   "startup_deadline": 5, "keyfile_dir": self.ring,
                   "recovery_public_key": self.public}
        self.keyring.variables = [f"--aws_key_management_{name}={value}"
                                  for name, value in options.items()]
        self.keyring.option_file.write_text("[mysqld]\n" + "\n".join(
            word.removeprefix("--") for word in self.keyring.variables) + "\n")

    def values(self, place) -> dict:
        printed = self.directory / "printed"
        printed.unlink(missing_ok=True)
        self.tool.run("recover", "--path", place, "--private-key", self.private, "--print-keys",
                      "--output", printed, "--yes")
        return read_plain(printed)

    def slots(self) -> list[str]:
        reply = self.tool.json("slot", "list", "--path", self.ring)
        return [one["name"] for one in reply["slots"] if one["kind"] == "aws-kms"]


def changed(name: str, a_set: TwoKeySet) -> Change:
    """One replacement of the file."""
    if name == "slot remove":
        a_set.configure(a_set.first, a_set.second)
        a_set.tool.run("slot", "add", *a_set.keyring.where(), "--yes")
    words = {"slot remove": ("slot", "remove", "1"), "slot add": ("slot", "add"),
             "reseal": ("reseal",), "rewrap": ("rewrap",)}[name]
    wanted = [a_set.second] if name in ("slot remove", "rewrap") else [a_set.first, a_set.second]
    a_set.configure(*wanted)
    before = a_set.slots()

    def check() -> None:
        assert a_set.values(a_set.ring) == a_set.keys
        assert a_set.slots() in (before, wanted)

    return Change((*words, *a_set.keyring.where(), "--yes"), [a_set.ring], check,
                  lambda: a_set.slots() == wanted, once=name == "slot remove")


def made_of_it(name: str, a_set: TwoKeySet) -> Change:
    """A new directory: it is there completely, or not at all."""
    made, before = a_set.directory / "made", snapshot(a_set.ring)
    words = ("recover", "--private-key", a_set.private)
    if name == "convert":
        words = ("convert", "--to", "bound")
    in_made = key_files.options_of(a_set.directory, a_set.kms, made, name="made.cnf",
                                   master_key_id=a_set.first, store="AUTO")

    def check() -> None:
        assert snapshot(a_set.ring) == before
        if not made.exists():
            return
        assert not list(a_set.directory.glob(".made*"))
        assert a_set.tool.json("verify", *in_made)["readable"] == len(a_set.keys)
        assert name == "convert" or a_set.values(made) == a_set.keys

    words = (*words, "--output", made, *a_set.keyring.where(), "--yes")
    return Change(words, [made], check, made.exists, once=True)


def restored(a_set: TwoKeySet) -> Change:
    """A key set that was lost: nothing of a half restored one looks like a new directory."""
    where = a_set.keyring.where()
    a_set.tool.run("backup", *where, a_set.directory / "b", "--yes")

    def there() -> dict:
        used = (path for path in a_set.ring.iterdir() if not path.name.startswith("."))
        return {path.name: (path.read_bytes(), path.stat().st_mode) for path in used}

    before = there()
    marks = {name for name in before if name.startswith(MARKS)}
    assert len(marks) == 2
    for path in a_set.ring.iterdir():
        path.unlink()

    def check() -> None:
        now = there()
        assert now.items() <= before.items()
        assert now.keys() <= marks or marks <= now.keys(), "the marks come first"
        assert key_set.NAME not in now or now == before, "and the set comes last"

    return Change(("restore", *where, a_set.directory / "b", "--yes"), [a_set.ring], check,
                  lambda: there() == before)


NAMES = ["slot remove", "recover", "convert", "restore",
         *(pytest.param(name, marks=pytest.mark.long) for name in ("slot add", "rewrap", "reseal"))]


@pytest.fixture(params=NAMES)
def change(request, make_keyring, tool, directory, kms) -> Change:
    a_set = TwoKeySet(make_keyring, tool, directory, kms)
    if request.param == "restore":
        return restored(a_set).begin()
    if request.param in ("recover", "convert"):
        return made_of_it(request.param, a_set).begin()
    return changed(request.param, a_set).begin()


def test_killed_at_each_change_it_is_the_old_state_or_the_new_one(tool, change):
    check_killed_everywhere(tool, change)


@pytest.mark.parametrize(
    "error", [errno.ENOSPC, pytest.param(errno.EACCES, marks=pytest.mark.long)])
def test_refused_at_each_change_it_says_so_and_nothing_is_lost(tool, change, error):
    check_refused_everywhere(tool, change, error)
