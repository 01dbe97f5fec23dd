# SPDX-License-Identifier: MIT
"""list, show and verify, on every product: what they say, and that they change nothing."""

import json
import os
import pathlib
import re
import shutil
import signal

import conftest
import ctl
import pytest

from lab import aws_client, percona_file, process
from lab.patience import seconds


def ids(reply: dict) -> list[str]:
    return [key["id"] + (f".{key['version']}" if key["version"] else "") for key in reply["keys"]]


def expected(keyring) -> list[str]:
    if keyring.product.endswith("management"):
        return ["1.1", "1.2", "2.1"]
    return ["INNODBKey-a-1", "app"]


def test_list_names_every_key(filled):
    reply = filled.ctl("list", "--json").json()
    assert ids(reply) == expected(filled) and reply["count"] == len(expected(filled))
    assert not reply["warnings"], reply["warnings"]
    shown = filled.ctl("list")
    assert shown.code == 0 and shown.err == "", shown
    for name in expected(filled):
        assert name in shown.out


def test_verify_reads_every_key(filled):
    reply = filled.ctl("verify", "--json")
    assert reply.code == 0, reply
    assert reply.json()["readable"] == len(expected(filled)) and reply.json()["ok"]
    assert "can be read" in filled.ctl("verify").out


def test_show_describes_one_key(filled):
    name = expected(filled)[0]
    reply = filled.ctl("show", name, "--json").json()
    assert len(reply["keys"]) == 1
    missing = filled.ctl("show", "no-such-key")
    assert missing.code == 1 and "no key no-such-key" in missing.err
    assert filled.ctl("show", "no-such-key", "--json").error()["kind"] == "NotFound"


def test_no_key_material_is_printed(filled, kms):
    """By the plain keys of a JSON file, which the test itself encrypted."""
    if filled.product != "component_keyring_kms":
        pytest.skip("the test must know the keys")
    file = filled.data / "keyring"
    file.unlink()
    secret = os.urandom(32)
    percona_file.write(file, kms, kms.alias, [("", "k", "AES", secret)])
    for command in ("list", "show k", "verify", "check", "due --older-than 1d"):
        for more in ((), ("--json",)):
            done = filled.ctl(command, *more, "--verbose")
            text = done.out + done.err
            assert secret.hex() not in text.lower() and secret not in text.encode(), command
            assert kms.environment()["AWS_SECRET_ACCESS_KEY"] not in text


READING = ["list", "show app", "verify", "check", "due --older-than 1d"]


@pytest.mark.parametrize("server", ["stopped", "running"])
def test_reading_changes_nothing(filled, kms, kmip, server):
    """No file, no time, no lock, no object: not even what a start would change."""
    held = filled.hold() if server == "running" else None
    # What a start would sweep, and what it would write.
    (filled.data / ".keyring.0123456789abcdef.tmp").write_text("left by a crash")
    (filled.data / ".aws-kms-key.9.9.0123456789abcdef.tmp").write_text("left by a crash")
    for note in filled.data.glob("*.group"):
        if not held:
            note.unlink()
    for mark in filled.data.glob("aws-kms-key-made*"):
        mark.unlink()
    before, objects = ctl.picture(filled.directory), kmip.objects()
    kms.reset_counters()
    changing = [kmip.calls(name) for name in CHANGING]
    for command in READING:
        done = filled.ctl(command)
        assert done.code in (0, 1, 3), (command, done)
        assert ctl.picture(filled.directory) == before, command
        assert kmip.objects() == objects, command
    assert [kmip.calls(name) for name in CHANGING] == changing
    asked = kms.counters()["operations"]
    assert set(asked) <= ASKED, asked
    if held:
        held.send_signal(signal.SIGKILL)
        held.wait()


# Of KMIP; and what KMS may be asked: the two that make something are dry runs.
CHANGING = ["Create", "Register", "Activate", "Revoke", "Destroy", "Add Attribute", "Set Attribute",
            "Modify Attribute", "Delete Attribute"]
ASKED = {"Decrypt", "DescribeKey", "Encrypt", "GenerateDataKeyWithoutPlaintext",
         "Unknown",  # A GET that asks for the time.
         *(f"kms:{name}" for name in ("Decrypt", "DescribeKey", "Encrypt",
                                      "GenerateDataKeyWithoutPlaintext"))}


def test_a_keyring_in_use_says_by_whom(make_keyring):
    for product in ("component_keyring_kms", "keyring_aws"):
        keyring = make_keyring(product)
        keyring.write("store k - AES")
        held = keyring.hold()
        reply = keyring.ctl("list", "--json").json()
        assert reply["locked_by"]["pid"] == held.pid, reply
        assert f"in use by: process {held.pid}" in keyring.ctl("list").out
        assert keyring.ctl("verify").code == 0
        held.kill()
        held.wait()
        assert keyring.ctl("list", "--json").json()["locked_by"] is None
        shutil.rmtree(keyring.data)


def test_a_sealed_file_is_listed_without_any_configuration(make_keyring, directory):
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store k u@h AES")
    copy = directory / "copy"
    shutil.copy(keyring.data / "keyring", copy)
    reply = ctl.run(directory, "list", "--path", copy, "--json").json()
    assert ids(reply) == ["k"] and reply["keys"][0]["owner"] == "u@h"
    assert reply["keys"][0]["bytes"] == 16 and reply["format"].startswith("sealed")


def test_a_backup_is_verified_with_the_configuration(make_keyring, directory):
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store k - AES")
    copy = directory / "copy"
    shutil.copy(keyring.data / "keyring", copy)
    (keyring.data / "keyring").unlink()
    assert keyring.ctl("verify").code == 2
    assert keyring.ctl("verify", "--path", copy).code == 0


def test_a_place_without_keys_is_not_simply_ok(make_keyring):
    """As the wrong directory of several, where a backup is looked for."""
    keyring = make_keyring("aws_key_management", key_store="FILES")
    done = keyring.ctl("verify")
    assert done.code == 0 and done.out == f"no keys in {keyring.data}\n"
    assert "there are no keys in" in done.err
    assert keyring.ctl("verify", "--strict").code == 3
    reply = keyring.ctl("verify", "--json").json()
    assert reply["readable"] == 0 and len(reply["warnings"]) == 1


@pytest.mark.parametrize("product,file", [("component_keyring_kms", "keyring"),
                                          ("keyring_aws", "keyring_aws_data")])
def test_every_damaged_byte_is_a_problem(make_keyring, product, file):
    keyring = make_keyring(product)
    keyring.write("store k - AES", "store l - AES")
    path = keyring.data / file
    good = path.read_bytes()
    for at in (*range(0, len(good) - 60, max(1, len(good) // 12)), len(good) // 2):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        done = keyring.ctl("verify")
        assert done.code in (2, 3), (at, done)
        assert path.name in done.out + done.err
    path.write_bytes(good)
    assert keyring.ctl("verify").code == 0


def test_a_damaged_and_a_missing_key_file_are_problems(make_keyring):
    keyring = make_keyring("aws_key_management", key_store="FILES")
    keyring.write("latest 1", "latest 2", "latest 3")
    (keyring.data / "aws-kms-key.1.1").unlink()
    broken = keyring.data / "aws-kms-key.2.1"
    broken.chmod(0o600)
    broken.write_bytes(broken.read_bytes()[:-1])
    done = keyring.ctl("verify", "--json")
    assert done.code == 3 and done.json()["readable"] == 1
    text = " ".join(problem["message"] for problem in done.json()["problems"])
    assert "missing" in text and len(done.json()["problems"]) == 2
    states = {key["id"]: key["state"] for key in keyring.ctl("list", "--json").json()["keys"]}
    assert states == {"1": "missing", "2": "damaged", "3": "active"}


def test_a_blob_under_another_name_is_a_problem_of_that_key(make_keyring):
    keyring = make_keyring("aws_key_management", key_store="FILES")
    keyring.write("latest 1", "latest 2")
    shutil.copy(keyring.data / "aws-kms-key.1.1", keyring.data / "aws-kms-key.3.1")
    done = keyring.ctl("verify", "--json")
    assert done.code == 3 and done.json()["readable"] == 2
    assert "aws-kms-key.3.1" in done.json()["problems"][0]["what"]


def test_a_raw_file_is_listed_as_not_bound(make_keyring, kms):
    keyring = make_keyring("aws_key_management", key_store="FILES")
    keyring.write("latest 1")
    aws_client.stock_file(kms, keyring.data, 7)
    keys = {key["id"]: key for key in keyring.ctl("list", "--json").json()["keys"]}
    assert keys["7"]["state"] == "not bound" and keys["1"]["state"] == "active"
    assert keys["1"]["wrapping_key"].startswith("arn:") and keys["1"]["age_seconds"] < 3600


def test_a_key_that_kms_refuses_is_one_problem_of_several(make_keyring, kms):
    keyring = make_keyring("component_keyring_kms")
    file = keyring.data / "keyring"
    percona_file.write(file, kms, kms.alias, [("", f"k{i}", "AES", b"x" * 16) for i in range(5)])
    document = json.loads(file.read_text())
    blob = bytearray(percona_file.blob_of(document["elements"][2]["data"]))
    blob[-1] ^= 1
    document["elements"][2]["data"] = bytes(blob).hex().upper()
    file.write_text(json.dumps(document))
    done = keyring.ctl("verify", "--json")
    assert done.code == 3 and done.json()["readable"] == 4, done
    assert "k2" in done.json()["problems"][0]["what"]


def test_kms_that_is_away_is_not_a_damaged_key(filled, kms):
    if "aws" not in filled.product and "kms" not in filled.product:
        pytest.skip("on KMIP servers")
    kms.stop()
    done = filled.ctl("verify", "--json")
    assert done.code == 4 and done.error()["kind"] in ("Unavailable", "Timeout")
    assert filled.ctl("list").code == 0, "a list needs no key server"


def written(make_keyring, kms, storage: str) -> ctl.Keyring:
    """A keyring of one key, in each format of which KMS opens every key or the file."""
    if storage in ("key_files", "key_set"):
        keyring = make_keyring("aws_key_management",
                               key_store="FILES" if storage == "key_files" else "SEALED")
        keyring.write("latest 1")
        return keyring
    keyring = make_keyring("keyring_aws" if storage == "keyring_aws" else "component_keyring_kms")
    if storage == "percona":
        percona_file.write(keyring.data / "keyring", kms, kms.alias, [("", "k", "AES", b"x" * 16)])
    else:
        keyring.write("store k - AES")
    return keyring


@pytest.mark.parametrize("storage", ["sealed", "percona", "keyring_aws", "key_files", "key_set"])
def test_kms_that_denies_is_exit_code_4_and_not_a_bad_key(make_keyring, kms, storage):
    keyring = written(make_keyring, kms, storage)
    kms.fault("http_status", "Decrypt", -1, status=400, code="AccessDeniedException",
              message="no")
    done = keyring.ctl("verify", "--json")
    assert done.code == 4 and done.error()["kind"] == "Denied"
    done = keyring.ctl("check", "--json")
    assert "from a backup" not in done.out
    keys = next(check for check in done.json()["checks"] if check["id"] == "keys")
    assert keys["state"] == "failed"


def catches_signals(pid: int) -> bool:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    caught = int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16)
    return bool(caught >> (signal.SIGINT - 1) & 1)


@pytest.mark.parametrize("storage,command", [
    ("sealed", "verify"), ("key_set", "verify"), ("percona", "verify"),
    ("sealed", "slot list --check"), ("sealed", "due --older-than 1d")])
def test_a_reading_command_that_is_interrupted_ends_with_130(make_keyring, kms, storage, command):
    keyring = written(make_keyring, kms, storage)
    kms.pause()
    try:
        running = keyring.start(*command.split(), "--json")
        process.wait_until(lambda: catches_signals(running.pid), "keyringctl to begin")
        running.send_signal(signal.SIGINT)
    finally:
        kms.resume()
    out, err = running.communicate(timeout=seconds(60))
    assert (running.returncode, out) == (130, "") and "interrupted" in err


def test_an_interrupted_command_is_not_one_of_which_the_key_server_is_away(make_keyring, kms):
    keyring = make_keyring("component_keyring_kms", startup_deadline_ms=1000)
    keyring.write("store k - AES")
    kms.pause()
    running = keyring.start("slot", "list", "--check")
    process.wait_until(lambda: catches_signals(running.pid), "keyringctl to begin")
    running.send_signal(signal.SIGINT)
    kms.stop()
    assert running.wait(60) == 130
    assert "interrupted" in running.communicate()[1]


def test_a_kmip_server_that_is_away_is_exit_code_4(make_keyring, kmip):
    keyring = make_keyring("component_keyring_kmip")
    keyring.write("store k - AES")
    kmip.stop()
    for command in ("list", "verify"):
        assert keyring.ctl(command, "--json").error()["code"] == 4


def test_a_path_relative_to_an_unknown_data_directory_is_not_looked_for_here(
    make_keyring, kms, directory
):
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store k - AES")
    shutil.copy(keyring.data / "keyring", directory / "keyring")  # Of another server.
    keyring.configure({**conftest.kms_options(kms, directory), "path": "keyring"})
    config = ["--config", keyring.config]
    for words in (["list"], ["verify"], ["rewrap", "--yes"], ["slot", "add", "--yes"]):
        done = ctl.run(directory, *words, *config, environment=kms.environment())
        assert done.code == 2 and "name it with --datadir" in done.err, done
    done = keyring.ctl("verify")
    assert done.code == 0, done
    assert f"{keyring.data}/keyring" in done.out


def test_a_local_configuration_of_an_unknown_data_directory_is_not_looked_for_here(
    make_keyring, directory
):
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store k - AES")
    local = directory / keyring.config.name
    shutil.copy(keyring.config, local)  # Of anybody.
    keyring.configure({"read_local_config": True})
    done = ctl.run(directory, "verify", "--config", keyring.config,
                   environment=keyring.environment)
    assert done.code == 2 and "name it with --datadir" in done.err, done
    shutil.copy(local, keyring.data / local.name)
    assert keyring.ctl("verify").code == 0


def test_nothing_is_migrated_to_a_path_relative_to_an_unknown_data_directory(
    make_keyring, kms, directory
):
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store k - AES")
    plain = directory / "component_keyring_file.cnf"
    plain.write_text(json.dumps({"path": "plain", "read_only": False}))
    done = ctl.run(directory, "migrate", keyring.config, plain, "--allow-plaintext", "--yes",
                   environment=kms.environment())
    assert done.code == 2 and "relative to the server's data directory" in done.err, done
    assert not (directory / "plain").exists()


def test_a_file_of_another_user_is_a_matter_of_who_runs_it(make_keyring):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store k - AES")
    done = ctl.run(keyring.directory, "list", "--path", keyring.data / "keyring", user="nobody")
    assert done.code == 2 and "Permission denied" in done.err, done


def test_a_file_in_a_directory_of_another_user_is_not_called_missing(make_keyring):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store k - AES")
    keyring.config.chmod(0o644)
    keyring.data.chmod(0o700)
    for words in ("slot list --check", "slot add --yes", "rewrap --yes", "reseal --yes"):
        done = ctl.run(keyring.directory, *words.split(), "--config", keyring.config,
                       user="nobody", environment=keyring.environment)
        assert done.code == 2 and "Permission denied" in done.err, (words, done)
