# SPDX-License-Identifier: MIT
"""keyringctl slot list, slot add, slot remove, reseal and recover."""

import os
import resource
import signal
import subprocess

import pytest

from changing import SOME, read_plain, snapshot
from sealed_file import SealedFile
from stopping import killed_everywhere
from lab import aws_client
from lab.patience import seconds


@pytest.fixture
def sealed(tool, directory, kms):
    return SealedFile(tool, directory, kms)


@pytest.fixture
def recovery(directory):
    """The two halves of a recovery key."""
    private, public = directory / "recovery-private.pem", directory / "recovery.pem"
    for command in (
        [
            "genpkey",
            "-quiet",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:3072",
            "-out",
            private,
        ],
        ["pkey", "-in", private, "-pubout", "-out", public],
    ):
        subprocess.run(["openssl", *map(str, command)], check=True, timeout=seconds(60))
    return private, public


def test_slots_are_listed_without_a_key_server_and_checked_with_one(sealed, kms):
    assert sealed.slots() == [(1, "aws-kms", "not checked")]
    assert sealed.slots("--check") == [(1, "aws-kms", "opened")]
    shown = sealed.tool.run("slot", "list", "--config", sealed.config).stdout
    assert shown.splitlines()[0].split() == ["SLOT", "KIND", "NAME", "STATE", "MADE", "BY"]
    assert sealed.first in shown
    kms.stop()
    assert sealed.tool.json("slot", "list", "--path", sealed.path)["checked"] is False
    sealed.run("slot", "list", "--check", code=4)


def test_a_slot_is_added_when_it_is_configured_and_removed_when_it_is_not(sealed):
    assert sealed.run("slot", "add", "--yes")["changed"] is False
    sealed.configure(sealed.first, sealed.second)
    before = snapshot(sealed.path)
    plan = sealed.run("slot", "add", "--dry-run")["plan"]
    assert len(plan) == 1 and sealed.second in plan[0]["target"]
    sealed.run("slot", "add", code=6)
    assert snapshot(sealed.path) == before
    assert sealed.run("slot", "add", "--yes")["changed"] is True
    assert sealed.slots("--check") == [(1, "aws-kms", "opened"), (2, "aws-kms", "opened")]
    assert sealed.keys() == SOME
    # It is refused as long as the configuration would add it again.
    for word in ("--yes", "--dry-run"):
        done = sealed.run("slot", "remove", "1", word, code=2)
        assert "configuration" in done["message"]
    sealed.configure(sealed.second)
    before = snapshot(sealed.path)
    assert sealed.run("slot", "remove", "1", "--dry-run")["plan"][0]["action"] == "remove"
    sealed.run("slot", "remove", "1", code=6)
    assert snapshot(sealed.path) == before
    reply = sealed.run("slot", "remove", "1", "--yes")
    assert [one["number"] for one in reply["slots"]] == [2] and reply["warnings"]
    assert sealed.keys() == SOME
    for wrong in ("1", "x", "99999"):
        sealed.run("slot", "remove", wrong, "--yes", code=2)
    sealed.run("slot", "remove", "2", "--yes", code=2)
    assert sealed.keys() == SOME


def test_a_dry_run_of_slot_remove_refuses_what_the_real_one_does(sealed, kms):
    """The slots that are added before count, and so does that they cannot be."""
    third = aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"]
    sealed.configure(sealed.second, third)
    before = snapshot(sealed.path)
    for state, code in (("Disabled", 2), ("Enabled", 0)):
        for key in (sealed.second, third):
            kms.control("POST", f"/keys/{key.rpartition('/')[2]}/state", {"state": state})
        for word in ("--dry-run", "--yes"):
            reply = sealed.run("slot", "remove", "1", word, code=code)
            if code:
                assert "no KMS key could open the file without it" in reply["message"]
                assert snapshot(sealed.path) == before
    assert [one["number"] for one in reply["slots"]] == [2, 3]
    assert sealed.keys() == SOME


def test_several_slots_that_are_outdated_are_found_and_wrapped_again(sealed):
    sealed.configure(sealed.first, sealed.second)
    sealed.run("slot", "add", "--yes")
    sealed.configure(sealed.first, sealed.second, encryption_context={"team": "x"})
    before = snapshot(sealed.path)
    reply = sealed.run("slot", "list", "--check", code=3)
    assert [one["state"] for one in reply["slots"]] == ["outdated"] * 2
    assert all("the file was opened read-only" in one["problem"] for one in reply["slots"])
    plan = sealed.run("slot", "add", "--dry-run")["plan"]
    assert [step["action"] for step in plan] == ["wrap again"] * 2
    assert snapshot(sealed.path) == before
    assert sealed.run("slot", "add", "--yes")["warnings"] == []
    assert [state for _, _, state in sealed.slots("--check")] == ["opened"] * 2
    assert sealed.keys() == SOME


def test_read_only_of_the_configuration_forbids_every_change(sealed):
    """Of another server's file, perhaps: this one was told not to write."""
    sealed.configure(sealed.first, sealed.second, read_only=True)
    before = snapshot(sealed.path)
    for words in (("slot", "add"), ("slot", "remove", "1"), ("reseal",), ("rewrap",)):
        for word in ("--dry-run", "--yes"):
            failed = sealed.run(*words, word, code=2)
            assert "the configuration has read_only" in failed["message"], words
    assert snapshot(sealed.path) == before
    assert sealed.run("slot", "list", "--check", code=3)["slots"][0]["state"] == "opened"


def test_a_slot_that_cannot_be_opened_is_a_problem(sealed, kms):
    sealed.configure(sealed.first, sealed.second)
    sealed.run("slot", "add", "--yes")
    key = sealed.second.rpartition("/")[2]
    kms.control("POST", f"/keys/{key}/state", {"state": "Disabled"})
    reply = sealed.run("slot", "list", "--check", code=3)
    assert [one["state"] for one in reply["slots"]] == ["opened", "failed"]
    assert reply["slots"][1]["problem"]


def test_the_only_slot_of_another_kms_key_is_outdated_and_wrapped_again(sealed):
    sealed.configure(sealed.second)
    reply = sealed.run("slot", "list", "--check", code=3)
    assert [one["state"] for one in reply["slots"]] == ["outdated"]
    assert sealed.second in reply["slots"][0]["problem"]
    before = snapshot(sealed.path)
    plan = sealed.run("slot", "add", "--dry-run")["plan"]
    assert [step["action"] for step in plan] == ["wrap again"]
    sealed.run("slot", "add", code=6)
    key = f"/keys/{sealed.second.rpartition('/')[2]}/state"
    sealed.kms.control("POST", key, {"state": "Disabled"})
    failed = sealed.run("slot", "add", "--yes", code=4)
    assert "could not be added or wrapped again" in failed["message"]
    assert snapshot(sealed.path) == before
    sealed.kms.control("POST", key, {"state": "Enabled"})
    assert sealed.run("slot", "add", "--yes")["slots"][0]["maker"] == sealed.second
    assert sealed.slots("--check") == [(1, "aws-kms", "opened")]
    assert sealed.keys() == SOME


def test_a_file_is_resealed(sealed):
    sealed.configure(sealed.first, sealed.second)
    sealed.run("slot", "add", "--yes")
    old = sealed.path.read_bytes()
    sealed.configure(sealed.second)
    before = snapshot(sealed.path)
    assert sealed.run("reseal", "--dry-run")["plan"][0]["action"] == "reseal"
    sealed.run("reseal", code=6)
    assert snapshot(sealed.path) == before
    reply = sealed.run("reseal", "--yes")
    assert len(reply["dropped"]) == 1 and sealed.first in reply["dropped"][0]
    assert [one["maker"] for one in reply["slots"]] == [sealed.second]
    assert sealed.keys() == SOME and sealed.path.read_bytes() != old


def test_killed_at_any_moment_the_file_is_the_old_one_or_the_new_one(sealed):
    old = sealed.path.read_bytes()
    states = []
    words = ("reseal", "--config", sealed.config, "--yes")
    for _ in killed_everywhere(sealed.tool, *words):
        states.append(sealed.path.read_bytes() != old)
        assert sealed.keys() == SOME
        sealed.path.write_bytes(old)
    assert len(states) > 3 and not states[0] and sealed.path.read_bytes() != old


def test_changes_are_refused_while_the_file_is_in_use(sealed):
    sealed.configure(sealed.first, sealed.second)
    holder = subprocess.Popen(["flock", "--no-fork", str(sealed.path), "sleep", "60"])
    try:
        lock = f"while flock -n {sealed.path} true; do sleep 0.05; done"
        subprocess.run(["sh", "-c", lock], check=True)
        before = snapshot(sealed.path)
        for words in (("slot", "add"), ("slot", "remove", "1"), ("reseal",), ("rewrap",)):
            reply = sealed.run(*words, "--yes", code=5)
            assert f"in use by process {holder.pid} (sleep); nothing" in reply["message"], words
        assert snapshot(sealed.path) == before
        assert sealed.slots() == [(1, "aws-kms", "not checked")]
    finally:
        holder.kill()
        holder.wait()


def test_a_recovery_key_opens_the_file_when_no_kms_key_does(sealed, kms, recovery, directory):
    private, public = recovery
    sealed.configure(recovery_public_key=str(public))
    sealed.run("slot", "add", "--yes")
    assert sealed.slots("--check")[1][1] == "public-key"
    # The old KMS key is gone; another one is configured.
    key = sealed.first.rpartition("/")[2]
    kms.control("POST", f"/keys/{key}/state", {"state": "Disabled"})
    sealed.tool.run("verify", "--config", sealed.config, code=4)
    sealed.configure(sealed.second)
    before = snapshot(sealed.path)
    words = ("recover", "--private-key", private, "--output", directory / "new")
    assert sealed.run(*words, "--dry-run")["plan"][0]["action"] == "create"
    sealed.run(*words, code=6)
    assert not (directory / "new").exists()
    assert sealed.run(*words, "--yes")["copied"] == len(SOME)
    assert snapshot(sealed.path) == before
    sealed.path = directory / "new"
    sealed.configure(sealed.second)
    assert sealed.keys() == SOME


def test_keys_are_printed_into_a_file_of_their_own_or_after_a_typed_word(
    sealed, recovery, directory
):
    private, public = recovery
    sealed.configure(recovery_public_key=str(public))
    sealed.run("slot", "add", "--yes")
    output = directory / "printed"
    words = ("recover", "--path", sealed.path, "--private-key", private, "--print-keys")
    os.umask(0o022)
    sealed.tool.run(*words, "--output", output, "--yes")
    assert read_plain(output) == SOME and output.stat().st_mode & 0o777 == 0o600
    sealed.tool.run(*words, "--output", output, "--yes", code=1)
    done = sealed.tool.run(*words, "--yes", code=2)
    assert done.stdout == "" and "--output FILE" in done.stderr
    plan = sealed.tool.json(*words, "--dry-run")["plan"]
    assert [step["action"] for step in plan] == ["print"]
    redirected = directory / "redirected"
    script = directory / "redirect.sh"
    script.write_text(f'#!/bin/sh\nexec "$@" > {redirected}\n')
    code, shown = sealed.tool.answer("print keys\n", *words, through=script)
    assert code == 2 and redirected.read_text() == ""
    code, shown = sealed.tool.answer("print keys\n", *words, "--dry-run")
    assert code == 0 and bytes(range(32)).hex().upper() not in shown
    code, shown = sealed.tool.answer("yes\n", *words, "--yes")
    assert code == 1 and bytes(range(32)).hex().upper() not in shown
    code, shown = sealed.tool.answer("print keys\n", *words)
    assert code == 0 and bytes(range(32)).hex().upper() in shown


def test_trouble_with_the_file_is_not_trouble_with_the_key_server(sealed, kms):
    """1 and 2 are for people to repair here; 4 says to try again later."""

    def small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    before = snapshot(sealed.path)
    for words in (["reseal"], ["rewrap"]):
        sealed.configure(sealed.second)
        words += ["--yes", "--config", sealed.config]
        done = sealed.tool.run(*words, code=1, preexec_fn=small_disk)
        assert "File too large" in done.stderr, words
    assert snapshot(sealed.path) == before
    sealed.configure(sealed.first)
    kms.stop()
    for words in (["reseal"], ["rewrap"], ["verify"], ["slot", "list", "--check"]):
        words += ["--yes"] if words[0].startswith("re") else []
        sealed.tool.run(*words, "--config", sealed.config, code=4)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_of_another_user_is_a_matter_of_who_runs_the_tool(sealed, directory):
    directory.chmod(0o755)
    for path in (sealed.config.parent, sealed.config):
        path.chmod(0o755)
    sealed.path.chmod(0o600)
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    for words in (["slot", "list", "--check"], ["slot", "add", "--yes"], ["rewrap", "--yes"],
                  ["convert", "--to", "percona", "--output", directory / "new", "--yes"]):
        done = sealed.tool.run(*words, "--config", sealed.config, code=2, **nobody)
        assert "Permission denied" in done.stderr, words


def test_a_wrong_or_locked_private_key_is_refused(sealed, recovery, directory):
    private, public = recovery
    sealed.configure(recovery_public_key=str(public))
    sealed.run("slot", "add", "--yes")
    locked = directory / "locked.pem"
    secret = directory / "passphrase"
    secret.write_text("a passphrase\n")
    command = [
        "openssl",
        "pkey",
        "-in",
        private,
        "-aes256",
        "-passout",
        f"file:{secret}",
        "-out",
        locked,
    ]
    subprocess.run(list(map(str, command)), check=True, timeout=seconds(60))
    words = ("recover", "--path", sealed.path, "--print-keys", "--output", directory / "x", "--yes")
    done = sealed.tool.run(*words, "--private-key", locked, code=2)
    assert "--passphrase-file" in done.stderr
    sealed.tool.run(*words, "--private-key", public, code=2)
    other = directory / "other.pem"
    command = [
        "openssl",
        "genpkey",
        "-quiet",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:3072",
        "-out",
        str(other),
    ]
    subprocess.run(command, check=True, timeout=seconds(60))
    done = sealed.tool.popen(*words, "--private-key", other)
    done.communicate(timeout=seconds(60))
    assert done.returncode != 0 and not (directory / "x").exists()
    sealed.tool.run(*words, "--private-key", locked, "--passphrase-file", secret)
    assert read_plain(directory / "x") == SOME
