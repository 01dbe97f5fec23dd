# SPDX-License-Identifier: MIT
"""MariaDB's key set under two regions: its key slots, rewrap, reseal and recover."""

import json
import pathlib
import shutil
import subprocess

import pytest

import stopping
from changing import read_plain, snapshot
from lab import aws_client, key_set, kms_regions
from lab.patience import seconds


@pytest.fixture(scope="module")
def both_regions():
    with kms_regions.running("clisets") as regions:
        yield regions


@pytest.fixture
def regions(both_regions):
    for one in both_regions:
        one.repair()
    yield both_regions


class KeySet:
    """A key set in a data directory, and the option file that configures it."""

    def __init__(self, keyring, tool, regions):
        self.keyring, self.tool, self.regions = keyring, tool, regions
        tool.environment |= {**regions[0].environment(), "AWS_MAX_ATTEMPTS": "1"}
        keyring.environment = regions[0].environment()
        self.directory = keyring.data
        self.path = keyring.data / key_set.NAME
        self.configure(regions[0])
        keyring.write("latest 1", "rotate 1", "latest 2")
        self.keys = self.values()

    def configure(self, *regions, **more) -> None:
        """These regions' keys; one is taken with the options for an only key."""
        self.first = regions[0]
        options = {"startup_deadline": 5}
        if len(regions) == 1:
            options |= {"master_key_id": regions[0].key_arn, "region": regions[0].region,
                        "endpoint_url": regions[0].url}
        else:
            options["master_key_id"] = json.dumps([one.entry for one in regions])
        options |= more
        self.keyring.variables = [f"--aws_key_management_{name}={value}"
                                  for name, value in options.items()]
        self.keyring.option_file.write_text("[mysqld]\n" + "\n".join(
            word.removeprefix("--") for word in self.keyring.variables) + "\n")

    def where(self) -> list[str]:
        return self.keyring.where()

    def run(self, *words, code=0, **more) -> dict:
        return self.tool.json(*words, *self.where(), code=code, **more)

    def slots(self, *words, code=0) -> list[tuple]:
        reply = self.run("slot", "list", *words, code=code)
        return [(one["number"], one["kind"], one["state"]) for one in reply["slots"]]

    def values(self) -> dict[str, bytes]:
        """Every key, by the name that its key file would have: KMS opens what convert writes."""
        output = self.keyring.directory / "values"
        self.tool.run("convert", *self.where(), "--to", "raw", "--output", output, "--yes")
        found = {path.name: aws_client.decrypt(self.first, path.read_bytes())
                 for path in output.glob("aws-kms-key.*")}
        shutil.rmtree(output)
        return found


@pytest.fixture
def a_set(make_keyring, tool, regions):
    return KeySet(make_keyring("aws_key_management"), tool, regions)


def test_slots_are_listed_without_a_key_server_and_checked_with_one(a_set, regions):
    assert a_set.slots() == [(1, "aws-kms", "not checked")]
    assert a_set.run("slot", "list")["place"] == str(a_set.path)
    assert a_set.slots("--check") == [(1, "aws-kms", "opened")]
    a_set.configure(*regions)
    before = snapshot(a_set.directory)
    assert a_set.slots("--check", code=3)[-1] == (None, "aws-kms", "missing")
    assert snapshot(a_set.directory) == before
    regions[0].stop()
    reply = a_set.tool.json("slot", "list", "--path", a_set.directory)
    assert (reply["checked"], len(reply["slots"])) == (False, 1)
    a_set.run("slot", "list", "--check", code=4)


def test_a_slot_is_added_and_another_one_removed(a_set, regions):
    first, second = regions
    assert a_set.run("slot", "add", "--yes")["changed"] is False
    a_set.configure(first, second)
    before = snapshot(a_set.directory)
    plan = a_set.run("slot", "add", "--dry-run")["plan"]
    assert [(step["action"], step["target"]) for step in plan] == [
        ("add", f"aws-kms {second.key_arn}")]
    a_set.run("slot", "add", code=6)
    second.stop()
    a_set.run("slot", "add", "--yes", code=4)
    assert snapshot(a_set.directory) == before
    second.start()
    assert a_set.run("slot", "add", "--yes")["changed"] is True
    assert a_set.slots("--check") == [(1, "aws-kms", "opened"), (2, "aws-kms", "opened")]
    assert a_set.run("verify")["readable"] == 3
    for word in ("--yes", "--dry-run"):
        assert "configuration" in a_set.run("slot", "remove", "1", word, code=2)["message"]
    a_set.configure(second)
    before = snapshot(a_set.directory)
    assert a_set.run("slot", "remove", "1", "--dry-run")["plan"][0]["action"] == "remove"
    a_set.run("slot", "remove", "1", code=6)
    # Proof: the slot that stays opens the set now.
    second.set_key_state("Disabled")
    for word in ("--yes", "--dry-run"):
        a_set.run("slot", "remove", "1", word, code=4)
    assert snapshot(a_set.directory) == before
    second.set_key_state("Enabled")
    reply = a_set.run("slot", "remove", "1", "--yes")
    assert [one["number"] for one in reply["slots"]] == [2] and reply["warnings"]
    first.stop()
    assert a_set.slots("--check") == [(2, "aws-kms", "opened")]
    assert a_set.run("verify")["readable"] == 3
    first.start()
    assert a_set.values() == a_set.keys
    for wrong in ("1", "x", "99999"):
        a_set.run("slot", "remove", wrong, "--yes", code=2)


def test_another_region_is_configured_and_the_set_is_rewrapped(a_set, regions):
    first, second = regions
    assert a_set.run("rewrap", "--yes")["changed"] is False
    assert a_set.run("rewrap", "--dry-run")["plan"] == []
    a_set.configure(first, second)
    before = snapshot(a_set.directory)
    plan = a_set.run("rewrap", "--dry-run")["plan"]
    assert [(step["action"], step["target"]) for step in plan] == [("wrap again", str(a_set.path))]
    a_set.run("rewrap", code=6)
    second.set_key_state("Disabled")
    failed = a_set.run("rewrap", "--yes", code=4)
    assert failed["unchanged"] == [str(a_set.path)]
    assert snapshot(a_set.directory) == before
    second.set_key_state("Enabled")
    reply = a_set.run("rewrap", "--yes")
    assert (reply["changed"], reply["compared"], reply["warnings"]) == (True, 3, [])
    assert reply["wrapping_keys"] == sorted([first.key_arn, second.key_arn])
    assert a_set.run("rewrap", "--yes")["changed"] is False
    # Both have to open it, or the old KMS key is not given up.
    second.set_key_state("Disabled")
    assert "key slot 2" in a_set.run("rewrap", "--yes", code=4)["message"]
    second.set_key_state("Enabled")
    assert a_set.values() == a_set.keys


def test_an_alias_that_is_another_key_now_is_an_error(a_set, regions):
    kms = regions[0]
    alias = "alias/moved"

    def point_alias():
        arn = aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"]
        key = {"region": kms.region, "id": arn.rpartition("/")[2], "alias": alias}
        kms.control("POST", "/keys", key)

    point_alias()
    a_set.configure(kms, master_key_id=alias)
    assert a_set.run("rewrap", "--yes")["changed"] is True
    point_alias()
    for word in ("--yes", "--dry-run"):
        failed = a_set.run("rewrap", word, code=2)
        assert "set aws_key_management_master_key_id to that key's ARN" in failed["message"]


def test_a_set_is_resealed(a_set, regions):
    first, second = regions
    a_set.configure(first, second)
    a_set.run("slot", "add", "--yes")
    old = a_set.path.read_bytes()
    a_set.configure(second)
    before = snapshot(a_set.directory)
    assert a_set.run("reseal", "--dry-run")["plan"][0]["action"] == "reseal"
    a_set.run("reseal", code=6)
    assert snapshot(a_set.directory) == before
    reply = a_set.run("reseal", "--yes")
    assert len(reply["dropped"]) == 1 and first.key_arn in reply["dropped"][0]
    assert [one["maker"] for one in reply["slots"]] == [second.key_arn]
    first.stop()
    assert a_set.run("verify")["readable"] == 3
    first.start()
    assert a_set.values() == a_set.keys and a_set.path.read_bytes() != old
    # Put back, the old copy is still opened by the region that was dropped.
    a_set.path.write_bytes(old)
    a_set.configure(first)
    assert a_set.run("verify")["readable"] == 3


@pytest.mark.parametrize("words", [("reseal",), ("rewrap",), ("slot", "add")])
def test_killed_at_any_moment_the_set_is_the_old_one_or_the_new_one(a_set, regions, words):
    a_set.configure(*regions)
    for _ in stopping.killed_everywhere(a_set.tool, *words, *a_set.where(), "--yes", every=5):
        assert a_set.run("verify")["readable"] == 3
    a_set.run(*words, "--yes")
    assert len(a_set.slots("--check")) == 2
    assert not list(a_set.directory.glob(".*.tmp"))
    assert a_set.values() == a_set.keys


def test_changes_are_refused_while_a_server_has_the_set(a_set, regions):
    holder = a_set.keyring.hold()
    try:
        a_set.configure(*regions)
        before = snapshot(a_set.directory)
        for words in (("slot", "add"), ("slot", "remove", "1"), ("reseal",), ("rewrap",)):
            failed = a_set.run(*words, "--yes", code=5)
            assert f"process {holder.pid} (keyring_writer); nothing" in failed["message"], words
        assert snapshot(a_set.directory) == before
        assert a_set.slots("--check", code=3)[0] == (1, "aws-kms", "opened")
    finally:
        holder.stdin.close()
        holder.wait(timeout=seconds(60))


def test_what_is_no_set_to_be_changed_is_refused(a_set, regions):
    changes = (("slot", "add"), ("slot", "remove", "1"), ("reseal",), ("rewrap",))

    def refused(code, text):
        before = snapshot(a_set.directory)
        for words in changes:
            for word in ("--yes", "--dry-run"):
                assert text in a_set.run(*words, word, code=code)["message"], words
        assert snapshot(a_set.directory) == before

    # No KMS key to be under.
    a_set.configure(regions[0], master_key_id="")
    refused(2, "no KMS key is configured")
    assert a_set.slots("--check") == [(1, "aws-kms", "opened")]
    # Key files are wanted, where a key set is.
    a_set.configure(regions[0], key_store="FILES")
    refused(2, "aws_key_management_key_store=FILES")
    # A recovery key that is not one.
    a_set.configure(regions[0], recovery_public_key="/nowhere.pem")
    refused(2, "recovery_public_key: cannot open /nowhere.pem")
    a_set.configure(regions[0])
    # An old copy: a version is marked that it lacks.
    mark = a_set.directory / "aws-kms-key-made.2.5"
    mark.touch()
    refused(3, "lacks version 5 of key 2")
    mark.unlink()
    assert a_set.run("rewrap", "--yes")["changed"] is False


def test_a_set_that_is_lost_or_another_servers_is_not_a_directory_of_key_files(a_set, regions):
    kept = a_set.path.read_bytes()
    a_set.path.unlink()
    for words in (("slot", "list"), ("slot", "add", "--yes"), ("reseal", "--yes"),
                  ("rewrap", "--yes")):
        assert "was made and is missing" in a_set.run(*words, code=2)["message"], words
    a_set.path.write_bytes(kept)
    name = a_set.directory / "aws-kms-key-installation"
    name.unlink()
    (a_set.directory / key_set.MADE).unlink()
    # Key files alone have no slots.
    a_set.path.rename(a_set.keyring.directory / "aside")
    for mark in a_set.directory.glob("aws-kms-key-made.*"):
        mark.unlink()
    a_set.configure(regions[0], key_store="FILES")
    a_set.keyring.write("latest 1")
    for words in (("slot", "list"), ("slot", "add", "--yes"), ("reseal", "--yes")):
        failed = a_set.run(*words, code=2)
        assert "key files, which have no key slots" in failed["message"], words
    assert a_set.run("rewrap", "--yes")["changed"] is False
    # The set of the installation before.
    for file in a_set.directory.glob("aws-kms-key.*"):
        file.unlink()
    a_set.configure(regions[0])
    (a_set.keyring.directory / "aside").rename(a_set.path)
    failed = a_set.run("reseal", "--yes", code=2)
    assert "another installation" in failed["message"]


# ---- Recovery ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recovery(tmp_path_factory):
    """The two halves of a recovery key."""
    directory = tmp_path_factory.mktemp("recovery")
    private, public = directory / "private.pem", directory / "public.pem"
    for command in (["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072",
                     "-out", private], ["pkey", "-in", private, "-pubout", "-out", public]):
        subprocess.run(["openssl", *map(str, command)], check=True, timeout=seconds(60))
    return private, public


def test_the_file_of_a_set_means_the_set(a_set):
    for words in (("list",), ("slot", "list")):
        by_file = a_set.tool.json(*words, "--path", a_set.path)
        by_directory = a_set.tool.json(*words, "--path", a_set.directory)
        assert by_file == by_directory and by_file["place"] == str(a_set.path)
    assert by_file["slots"] and a_set.tool.json("list", "--path", a_set.path)["count"] == 3


def test_a_recovery_key_gives_a_new_set_under_another_region(a_set, regions, recovery):
    private, public = recovery
    first, second = regions
    a_set.configure(first, recovery_public_key=public)
    a_set.run("slot", "add", "--yes")
    assert a_set.slots()[1][1] == "public-key"
    first.set_key_state("Disabled")
    a_set.run("verify", code=4)
    a_set.configure(second)
    before = snapshot(a_set.directory)
    output = a_set.keyring.directory / "recovered"
    words = ("recover", "--private-key", private, "--output", output)
    plan = a_set.run(*words, "--dry-run")["plan"]
    assert [(step["action"], step["target"]) for step in plan] == [("create", str(output))]
    a_set.run(*words, code=6)
    second.set_key_state("Disabled")
    a_set.run(*words, "--yes", code=4)
    second.set_key_state("Enabled")
    assert not output.exists() and not list(output.parent.glob(".recovered*"))
    assert a_set.run(*words, "--yes")["copied"] == 3
    a_set.run(*words, "--yes", code=1)
    assert snapshot(a_set.directory) == before
    a_set.configure(second, keyfile_dir=output)
    assert a_set.run("verify")["readable"] == 3
    assert key_set.versions(output) == key_set.versions(a_set.directory)
    installation = "aws-kms-key-installation"
    assert (output / installation).read_bytes() == (a_set.directory / installation).read_bytes()
    assert a_set.values() == a_set.keys
    # The server's own code uses it, and makes keys in it.
    a_set.keyring.write("latest 1", "rotate 1")
    assert (1, 3) in key_set.versions(output)


def test_a_recovered_set_that_has_another_key_is_not_kept(a_set, regions, recovery, tmp_path):
    """The disk gives back a set of the same names, of which one is another key."""
    private, public = recovery
    library = tmp_path / "swap_set.so"
    source = pathlib.Path(__file__).with_name("swap_set.c")
    subprocess.run(["cc", "-Wall", "-Werror", "-shared", "-fPIC", source, "-o", library],
                   check=True)
    a_set.configure(regions[0], recovery_public_key=public)
    a_set.run("slot", "add", "--yes")
    shutil.copytree(a_set.directory, tmp_path / "before")
    words = ("recover", "--private-key", private, "--yes", "--output")
    a_set.keyring.write("rotate 1")
    other, output = a_set.keyring.directory / "other", a_set.keyring.directory / "output"
    assert a_set.run(*words, other)["copied"] == 4
    shutil.rmtree(a_set.directory)
    shutil.copytree(tmp_path / "before", a_set.directory)
    a_set.keyring.write("rotate 1")
    a_set.tool.environment |= {"LD_PRELOAD": str(library), "OTHER_SET": str(other / key_set.NAME),
                               "OTHER_SET_TAKEN": str(tmp_path / "taken")}
    failed = a_set.run(*words, output, code=3)
    assert (tmp_path / "taken").exists()
    assert "is another key in the new key set" in failed["message"]
    assert not output.exists() and not list(output.parent.glob(".output*"))


@pytest.mark.parametrize("place", ["beside", "elsewhere", "elsewhere, with its marks"])
def test_an_old_copy_is_recovered_with_the_marks_of_what_it_lacks(a_set, regions, recovery, place):
    """No server makes a key again that the data may be encrypted with."""
    private, public = recovery
    a_set.configure(regions[0], recovery_public_key=public)
    a_set.run("slot", "add", "--yes")
    copy = a_set.keyring.directory / "copy"
    shutil.copytree(a_set.directory, copy)
    a_set.keyring.write("latest 5", "rotate 1")
    where = ("--path", copy)
    if place == "elsewhere, with its marks":
        for mark in a_set.directory.glob("aws-kms-key-made.5.*"):
            mark.rename(copy / mark.name)
    if place == "beside":
        shutil.copy(copy / key_set.NAME, a_set.path)
        where = ()
    output = a_set.keyring.directory / "recovered"
    words = ("recover", *where, "--private-key", private, "--output", output)
    lacks = "lacks version 1 of key 5, which was made"
    plan = a_set.run(*words, "--dry-run", code=3)
    assert any(lacks in one for one in plan["warnings"]) and not output.exists()
    reply = a_set.run(*words, "--yes", code=3)
    assert reply["copied"] == 3 and any(lacks in one for one in reply["warnings"])
    assert (output / "aws-kms-key-made.5.1").exists()
    a_set.configure(regions[0], keyfile_dir=output)
    # The server's own code.
    assert a_set.keyring.write("latest 5", check=False).returncode != 0
    assert a_set.keyring.write("latest 1").returncode == 0
    assert not any(key_id == 5 for key_id, _ in key_set.versions(output))


def test_what_another_server_has_made_is_not_missing(a_set, regions, recovery):
    private, public = recovery
    a_set.configure(regions[0], recovery_public_key=public)
    a_set.run("slot", "add", "--yes")
    copy, other, output = (a_set.keyring.directory / name for name in ("copy", "other", "output"))
    shutil.copytree(a_set.directory, copy)
    other.mkdir()
    # Or it would be refused as the wrong directory of this server.
    (a_set.keyring.data / "aws-kms-key-installation").unlink()
    a_set.configure(regions[0], keyfile_dir=other)
    a_set.keyring.write("latest 9")
    assert (other / "aws-kms-key-made.9.1").exists()
    words = ("recover", "--path", copy, "--private-key", private, "--output", output, "--yes")
    assert a_set.run(*words)["copied"] == 3
    assert not (output / "aws-kms-key-made.9.1").exists()


def test_an_old_copy_that_lacks_a_key_is_a_problem(a_set, tmp_path):
    old = a_set.path.read_bytes()
    a_set.keyring.write("latest 5")
    a_set.run("verify")
    a_set.path.write_bytes(old)
    lacks = f"{a_set.path} lacks version 1 of key 5, which was made"
    before = snapshot(a_set.directory)
    reply = a_set.run("verify", code=3)
    assert (reply["readable"], reply["ok"]) == (3, False)
    assert [one["what"] for one in reply["problems"]] == ["key 5.1"]
    assert lacks in reply["problems"][0]["message"]
    listed = a_set.run("list")
    assert listed["count"] == 3 and any(lacks in one for one in listed["warnings"])
    failed = [finding["text"] for check in a_set.run("check", code=3)["checks"]
              for finding in check["findings"] if finding["state"] == "failed"]
    assert any(lacks in message for message in failed), failed
    assert snapshot(a_set.directory) == before
    # A file on its own has no marks, and what is in it is complete.
    (tmp_path / key_set.NAME).write_bytes(old)
    assert a_set.tool.json("list", "--path", tmp_path)["warnings"] == []


def test_keys_of_a_set_are_printed_into_a_file(a_set, regions, recovery):
    private, public = recovery
    a_set.configure(regions[0], recovery_public_key=public)
    a_set.run("slot", "add", "--yes")
    output = a_set.keyring.directory / "printed"
    words = ("recover", "--path", a_set.directory, "--private-key", private, "--print-keys")
    for one in regions:
        one.stop()
    a_set.tool.run(*words, "--output", output, "--yes")
    assert output.stat().st_mode & 0o777 == 0o600
    printed = read_plain(output)
    assert {f"aws-kms-key.{key_id}.{version}": key
            for (key_id, version), (_, key) in printed.items()} == a_set.keys
    a_set.tool.run(*words, "--yes", code=2)
