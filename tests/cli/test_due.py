# SPDX-License-Identifier: MIT
"""keyringctl due: keys, KMS keys and key slots that are older than an age."""

import json
import os
import shutil
import time

import pytest

from changing import SOME, kms_config, snapshot, write_plain
from check_reports import results
from lab import aws_client, key_set, kmip_component, kms_regions

YEAR = 365 * 86400


@pytest.fixture(scope="module")
def region():
    with kms_regions.running("clidue") as regions:
        regions[1].stop()
        yield regions[0]


def make_older(kms, seconds: int) -> None:
    """Everything that the emulator has was made that much earlier."""
    def shifted(value):
        if isinstance(value, dict):
            return {name: inner - seconds if name == "created" else shifted(inner)
                    for name, inner in value.items()}
        return [shifted(one) for one in value] if isinstance(value, list) else value

    kms.stop()
    state = kms.directory / "state.json"
    state.write_text(json.dumps(shifted(json.loads(state.read_text()))))
    kms.start()


@pytest.fixture
def sealed(tool, directory, region):
    """A sealed file under a KMS key of its own; gives a function that runs `due`."""
    if not region.running():
        region.start()
    arn = aws_client.call(region, "CreateKey")["KeyMetadata"]["Arn"]
    return Sealed(tool, directory, region, arn)


class Sealed:
    def __init__(self, tool, directory, kms, arn):
        self.tool, self.directory, self.kms, self.arn = tool, directory, kms, arn
        self.path = directory / "keys"
        tool.environment |= {**kms.environment(), "AWS_MAX_ATTEMPTS": "1"}
        self.configure(arn)
        write_plain(directory / "plain", SOME)
        tool.run("migrate", f"component_keyring_file:{directory}/plain", self.config, "--yes")

    def configure(self, key: str, **more) -> None:
        self.config = kms_config(self.directory / "k", self.kms, self.path, kms_key=key, **more)

    def due(self, age: str, code: int = 0, **more) -> tuple[list, list]:
        reply = self.tool.json("due", "--older-than", age, "--config", self.config, code=code,
                               **more)
        assert reply["unknown_age"] == len(SOME), "a sealed file has no dates of keys"
        return ([(one["kind"], one["what"], one["text"]) for one in reply["due"]],
                [(one["kind"], one["what"], one["text"]) for one in reply["unknown"]])

    def deny(self, *operations: str) -> None:
        secret = "s" * 40
        self.kms.control("POST", "/identities", {"access_keys": [
            {"id": "AKIADUE", "secret": secret, "policy": {"deny_operations": operations}}]})
        self.tool.environment |= {"AWS_ACCESS_KEY_ID": "AKIADUE", "AWS_SECRET_ACCESS_KEY": secret}


def test_a_young_kms_key_and_its_slot_are_not_due_and_nothing_is_printed(sealed):
    before = snapshot(sealed.path)
    assert sealed.due("1d") == ([], [])
    done = sealed.tool.run("due", "--older-than", "1d", "--config", sealed.config)
    assert (done.stdout, done.stderr) == ("", "")
    assert snapshot(sealed.path) == before


def test_key_material_is_as_old_as_its_last_rotation(sealed):
    make_older(sealed.kms, YEAR + 3600)
    due, unknown = sealed.due("90d", code=3)
    assert [(kind, what) for kind, what, _ in due] == [("kms-key", sealed.arn)]
    assert due[0][2].startswith("key material made 1y ago, on ")
    assert due[0][2].endswith("; automatic rotation is off")
    assert unknown == [("slot", f"key slot 1 (aws-kms {sealed.arn})",
                        "a sealed file does not store when a key slot was made")]
    shown = sealed.tool.run("due", "--older-than", "90d", "--config", sealed.config, "--verbose",
                            code=3)
    assert shown.stdout.splitlines() == [f"kms-key {sealed.arn}: {due[0][2]}"]
    assert "unknown: slot key slot 1" in shown.stderr and "4 keys without a date" in shown.stderr
    aws_client.call(sealed.kms, "EnableKeyRotation", KeyId=sealed.arn)
    assert "; automatic rotation is on, next on 2" in sealed.due("90d", code=3)[0][0][2]
    aws_client.call(sealed.kms, "RotateKeyOnDemand", KeyId=sealed.arn)
    due, unknown = sealed.due("90d")
    assert due == [] and [kind for kind, _, _ in unknown] == ["slot"]


def test_a_kms_key_that_will_be_deleted_is_due_whatever_its_age(sealed):
    """Also one that only an old slot needs."""
    aws_client.call(sealed.kms, "ScheduleKeyDeletion", KeyId=sealed.arn, PendingWindowInDays=7)
    due, _ = sealed.due("1y", code=3)
    assert [(kind, what) for kind, what, _ in due] == [("kms-key", sealed.arn)]
    assert "is pending deletion, on 2" in due[0][2]
    other = aws_client.call(sealed.kms, "CreateKey")["KeyMetadata"]["Arn"]
    sealed.configure(other)
    assert sealed.due("1y", code=3)[0] == due


def test_where_aws_may_not_be_asked_the_age_is_unknown(sealed):
    make_older(sealed.kms, YEAR)
    sealed.deny("DescribeKey")
    due, unknown = sealed.due("90d")
    assert due == [] and [kind for kind, _, _ in unknown] == ["kms-key", "slot"]
    assert "kms:DescribeKey" in unknown[0][2]
    sealed.deny("ListKeyRotations")
    due, unknown = sealed.due("90d")
    assert due == [] and unknown[0][:2] == ("kms-key", sealed.arn)
    assert "when it was rotated is unknown" in unknown[0][2]
    sealed.deny("GetKeyRotationStatus")
    due, _ = sealed.due("90d", code=3)
    assert "ago, on " in due[0][2] and "automatic" not in due[0][2]


def test_a_key_server_that_does_not_answer_leaves_the_question_open(sealed):
    sealed.kms.stop()
    failed = sealed.tool.json("due", "--older-than", "1d", "--config", sealed.config, code=4)
    assert sealed.arn in failed["message"]
    # What needs no key server is still said.
    reply = sealed.tool.json("due", "--older-than", "1d", "--path", sealed.path)
    assert reply["due"] == [] and [one["kind"] for one in reply["unknown"]] == ["kms-key", "slot"]
    assert "not configured" in reply["unknown"][0]["text"]


def test_an_old_key_file_is_due_and_a_key_server_that_is_away_is_a_warning(make_keyring, kms):
    keyring = make_keyring("aws_key_management", key_store="FILES")
    keyring.write("latest 1", "latest 2", "rotate 2")
    for name in ("aws-kms-key.1.1", "aws-kms-key.2.1"):
        os.utime(keyring.data / name, (1_500_000_000, 1_500_000_000))
    environment = {"AWS_MAX_ATTEMPTS": "1"}
    reply = keyring.ctl("due", "--older-than", "1y", "--json", environment=environment)
    assert reply.code == 3 and [one["what"] for one in reply.json()["due"]] == ["1.1"]
    kms.stop()
    reply = keyring.ctl("due", "--older-than", "1y", "--json", environment=environment)
    assert reply.code == 3 and [one["what"] for one in reply.json()["due"]] == ["1.1"]
    assert reply.json()["warnings"]


def test_an_age_of_centuries_is_one(make_keyring):
    keyring = make_keyring("aws_key_management", key_store="FILES")
    keyring.write("latest 1")
    for age in ("100y", "300y", "100000y"):
        assert keyring.ctl("due", "--older-than", age).code == 0, age


def test_a_wrong_age_is_refused(sealed):
    for wrong in ("", "90", "d", "-1d", "1w", "1000000d"):
        sealed.tool.run("due", "--older-than", wrong, "--config", sealed.config, code=2)


def test_a_key_of_a_key_set_that_was_never_rotated_is_as_old_as_its_mark(make_keyring, directory):
    keyring = make_keyring("aws_key_management")
    keyring.write("latest 1", "rotate 1", "latest 2")

    def due(*words, code=0):
        done = keyring.ctl("due", "--json", "--older-than", "90d", *words)
        assert done.code == code, done
        reply = done.json()
        return [(one["kind"], one["what"]) for one in reply["due"]], reply["unknown_age"]

    assert due() == ([], 1), "a key set does not say when a key was rotated"
    mark = keyring.data / "aws-kms-key-made.2.1"
    os.utime(mark, (time.time() - 2 * YEAR,) * 2)
    assert due(code=3) == ([("key", "2.1")], 1)
    created = {(one["id"], one["version"]): one["created"]
               for one in keyring.ctl("list", "--json").json()["keys"]}
    assert created[("1", 2)] is None and created[("2", 1)] < created[("1", 1)]
    # A copy that kept no times, and one of the set without its marks, know nothing.
    os.utime(mark, (0, 0))
    assert due() == ([], 2)
    (directory / "copy").mkdir()
    shutil.copy(keyring.data / key_set.NAME, directory / "copy")
    assert due("--path", directory / "copy" / key_set.NAME) == ([], 2)


def test_a_private_key_is_not_called_a_certificate(make_keyring, kmip, directory):
    keyring = make_keyring("component_keyring_kmip")
    key = directory / "client.key"
    shutil.copy(kmip.client_files("mysql")["client_key"], key)
    key.chmod(0o600)
    keyring.configure(kmip_component.config(
        kmip, "mysql", object_group=directory.name, client_key=str(key)))
    keyring.write("store k - AES")

    def of_files() -> list[str]:
        reply = keyring.ctl("due", "--json", "--older-than", "1d").json()
        return [one["what"] for one in reply["due"] if one["kind"] == "private-key"]

    assert of_files() == []
    key.chmod(0o644)
    assert of_files() == [f"private key {key} is world-readable"]
    key.unlink()
    for directory_instead in (False, True):  # Root may read every file.
        if directory_instead:
            key.mkdir()
        unreadable = keyring.ctl("due", "--json", "--older-than", "1d")
        assert unreadable.code == 3
        assert str(key) in of_files()[0]
        assert any("keys were not looked at" in warning and str(key) in warning
                   for warning in unreadable.json()["warnings"]), unreadable
        found = results(keyring.ctl("check", "--json"))["certificates"]["findings"]
        assert [one["state"] for one in found if one["text"].startswith("private key: ")] == [
            "failed"], found
