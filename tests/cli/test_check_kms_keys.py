# SPDX-License-Identifier: MIT
"""check with a list of KMS keys: each by itself, and one that works makes up for another."""

import json
import subprocess

import ctl
import pytest
from check_reports import finding, results

from lab import kms_regions
from lab.patience import seconds

MISSING_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
                       "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="module")
def shared_regions():
    with kms_regions.running("checkregions") as running:
        yield running


@pytest.fixture
def regions(shared_regions):
    for one in shared_regions:
        one.repair()
        assert one.entry
    yield shared_regions
    for one in shared_regions:
        one.repair()


def options(keyring, entries, **more) -> dict:
    return {"path": str(keyring.data / "keyring"), "kms_key": entries, "connect_timeout_ms": 500,
            "request_timeout_ms": 1000, "operation_deadline_ms": 2000, "reload_deadline_ms": 4000,
            "allow_unencrypted_endpoint": True, **more}


def environment(regions) -> dict[str, str]:
    return {**regions[0].environment(), "AWS_MAX_ATTEMPTS": "1"}


@pytest.fixture
def double(regions, directory):
    """A component's sealed file with one key, which the KMS keys of two regions open."""
    keyring = ctl.Keyring("component_keyring_kms", directory, environment(regions))
    keyring.configure(options(keyring, [one.entry for one in regions]))
    keyring.write("store k - AES")
    return keyring


@pytest.fixture
def double_set(regions, directory):
    """A MariaDB key set, which the KMS keys of two regions open."""
    entries = json.dumps([one.entry for one in regions])
    keyring = ctl.Keyring("aws_key_management", directory, environment(regions), [
        f"--aws_key_management_master_key_id={entries}",
        "--aws_key_management_startup_deadline=2"])
    keyring.option_file.write_text(
        f"[mysqld]\naws_key_management_master_key_id='{entries}'\n"
        "aws_key_management_startup_deadline=2\n")
    keyring.write("latest 1")
    return keyring


def check(keyring, *words, code=0, **more) -> dict:
    done = keyring.ctl("check", "--json", *words, **more)
    assert done.code == code, done
    return results(done)


def states(found: dict, name: str) -> dict:
    """The worst state that a check found for each KMS key."""
    worst = {}
    order = ["ok", "skipped", "warning", "failed"]
    for one in found[name]["findings"]:
        key = one.get("kms_key", "")
        if key not in worst or order.index(one["state"]) > order.index(worst[key]):
            worst[key] = one["state"]
    return worst


def names(regions) -> list[str]:
    return [one.entry["key"] for one in regions]


def texts(found: dict, name: str, state: str) -> list[str]:
    return [one["text"] for one in found[name]["findings"] if one["state"] == state]


def test_each_key_is_checked_at_its_own_endpoint(double, regions):
    for one in regions:
        one.reset_counters()
    found = check(double)
    for name in ("dns", "tcp", "kms-key", "kms-permissions"):
        assert states(found, name) == dict.fromkeys(names(regions), "ok"), found[name]
    assert {key for key in states(found, "credentials") if key} == set(names(regions))
    assert texts(found, "slots", "ok") == [
        f"key slot {number} (aws-kms {name}) opens the file"
        for number, name in enumerate(names(regions), 1)]
    assert all(one.calls("DescribeKey") >= 1 and one.calls("Decrypt") >= 1 for one in regions)
    for one in found["kms-permissions"]["findings"]:
        assert one["text"].startswith(one["kms_key"]), "the text names the key, too"


def test_a_second_key_that_is_denied_is_a_warning(double, regions):
    regions[1].fault("http_status", "*", -1, status=400, code="AccessDeniedException", message="no")
    found = check(double)
    assert states(found, "kms-permissions") == dict(zip(names(regions), ("ok", "warning")))
    assert texts(found, "slots", "warning")[0].startswith("key slot 2 ")
    assert found["start"]["state"] == "ok"
    assert double.ctl("check", "--strict").code == 3


def test_a_second_region_that_is_down_is_a_warning(double, regions):
    regions[1].stop()
    found = check(double)
    for name in ("tcp", "kms-key", "kms-permissions"):
        assert states(found, name) == dict(zip(names(regions), ("ok", "warning"))), found[name]
    assert found["slots"]["state"] == "warning" and found["start"]["state"] == "ok"
    # Before there is a file, the other key makes up for it as well.
    assert states(check(double, "--pre"), "tcp") == dict(zip(names(regions), ("ok", "warning")))


def test_a_first_region_that_is_down_is_a_warning(double, regions):
    regions[0].stop()
    found = check(double)
    assert states(found, "kms-key") == dict(zip(names(regions), ("warning", "ok")))
    assert found["clock"]["state"] == "ok", "the other one says the time"


def test_no_region_that_answers_is_a_failure(double, regions):
    for one in regions:
        one.stop()
    found = check(double, code=4)
    assert states(found, "tcp") == dict.fromkeys(names(regions), "failed")
    assert len(texts(found, "slots", "warning")) == 2 and texts(found, "slots", "failed")
    assert found["start"]["state"] == "failed"
    assert states(check(double, "--pre", code=4), "tcp") == dict.fromkeys(names(regions), "failed")


def test_a_key_does_not_make_up_for_itself(double, regions):
    """The second one opens the file, but could wrap no other, and nothing else opens it."""
    regions[0].stop()
    regions[1].fault("http_status", "GenerateDataKeyWithoutPlaintext", -1, status=400,
                     code="AccessDeniedException", message="no")
    found = check(double, code=4)
    assert states(found, "kms-permissions") == dict(zip(names(regions), ("warning", "failed")))
    assert found["start"]["state"] == "ok"


def test_a_second_key_that_will_be_deleted_is_named(double, regions):
    regions[1].set_key_state("PendingDeletion")
    found = check(double)
    assert states(found, "kms-key") == dict(zip(names(regions), ("ok", "warning")))
    [text] = texts(found, "kms-key", "warning")
    assert names(regions)[1] in text and "is pending deletion" in text
    hint = next(one["hint"] for one in found["kms-key"]["findings"] if one["hint"])
    assert "cancel-key-deletion --key-id " + names(regions)[1] in hint


def test_a_key_without_a_slot_makes_up_for_nothing(double, regions):
    """The only key that opens the file will be deleted; the other one could open the next file."""
    double.configure(options(double, names(regions)[0], region=regions[0].region,
                             endpoint_url=regions[0].url, path=str(double.data / "one")))
    double.write("store k - AES")
    double.configure(options(double, [one.entry for one in regions], path=str(double.data / "one")))
    found = check(double)
    assert f"aws-kms {names(regions)[1]} has no key slot in the file, and cannot open it" in texts(
        found, "slots", "warning")
    assert found["start"]["state"] == "ok"
    assert finding(double.ctl("check", "--json"), "slots", "has no key slot in the file")
    regions[0].set_key_state("PendingDeletion")
    found = check(double, code=3)
    assert states(found, "kms-key") == dict(zip(names(regions), ("failed", "ok")))
    assert "no key slot could be opened" in texts(found, "slots", "failed")


def test_an_outdated_slot_is_named(double, regions):
    double.configure(options(double, [one.entry for one in regions], encryption_context={"a": "b"}))
    found = check(double)
    assert [text.partition(" is outdated: ")[0] for text in texts(found, "slots", "warning")] == [
        f"key slot {number} (aws-kms {name})" for number, name in enumerate(names(regions), 1)]
    assert len(texts(found, "slots", "ok")) == 2 and found["start"]["state"] == "ok"


def test_an_only_key_that_was_replaced_is_outdated(double, regions):
    double.configure(options(double, names(regions)[0], region=regions[0].region,
                             endpoint_url=regions[0].url, path=str(double.data / "one")))
    double.write("store k - AES")
    double.configure(options(double, regions[0].alias, region=regions[0].region,
                             endpoint_url=regions[0].url, path=str(double.data / "one")))
    assert "is outdated: " in texts(check(double), "slots", "warning")[0]
    assert finding(double.ctl("check", "--json"), "slots", "is outdated")


def test_a_slot_of_another_key_that_opens_the_file_is_enough(double, regions):
    """As a start tries them: an alias has no slot of its own, and is the key of the first one."""
    double.configure(options(double, [{"key": regions[0].alias, "endpoint_url": regions[0].url,
                                       "region": regions[0].region}]))
    found = check(double)
    assert texts(found, "slots", "ok") == [
        f"key slot 1 (aws-kms {names(regions)[0]}) opens the file"]
    assert "has no key slot in the file" in texts(found, "slots", "warning")[0]
    assert found["start"]["state"] == "ok"


def test_a_slot_of_a_key_that_is_not_configured_is_told(double, regions):
    double.configure(options(double, [regions[0].entry]))
    found = check(double)
    assert texts(found, "slots", "skipped") == [
        f"key slot 2 (aws-kms {names(regions)[1]}) is not in the configuration: "
        "not opened by this check"]
    assert found["slots"]["state"] == "ok"


def test_public_keys_and_a_local_file_have_slots_too(double, regions, directory):
    private, public = directory / "private.pem", directory / "public.pem"
    for words in (["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072",
                   "-out", private],
                  ["pkey", "-in", private, "-pubout", "-out", public]):
        subprocess.run(["openssl", *map(str, words)], check=True, timeout=seconds(60))
    local = directory / "local"
    local.write_bytes(bytes(range(32)))
    local.chmod(0o600)
    more = {"recovery_public_key": str(public), "local_unlock_file": str(local)}
    entries = [one.entry for one in regions]
    double.configure(options(double, entries, **more))
    missing = texts(check(double), "slots", "warning")
    assert len(missing) == 2 and all("has no key slot in the file" in text for text in missing)
    double.write("store other - AES")
    found = check(double)
    assert any("(local-file " in text for text in texts(found, "slots", "ok"))
    assert any("(public-key " in text for text in texts(found, "slots", "skipped"))
    local.write_bytes(bytes(32))
    assert any("(local-file " in text for text in texts(check(double), "slots", "warning"))
    # The last resort is not a KMS key: it makes no warning of a failure.
    local.write_bytes(bytes(range(32)))
    for one in regions:
        one.stop()
    found = check(double, code=4)
    assert states(found, "tcp") == dict.fromkeys(names(regions), "failed")
    assert found["slots"]["state"] == "warning"
    # A start would open it by the file, and say so.
    expect_local_file(found, 2)
    verified = double.ctl("verify", "--json").json()
    assert verified["ok"] and verified["readable"] == 2
    assert any("local" in one for one in verified["warnings"])
    local.write_bytes(bytes(32))
    found = check(double, code=3)
    assert found["keys"]["state"] == found["start"]["state"] == "failed"
    # It would not be used where it lies.
    inside = double.data / "local"
    inside.write_bytes(bytes(range(32)))
    inside.chmod(0o600)
    double.configure(options(double, entries, **{**more, "local_unlock_file": str(inside)}))
    assert check(double, code=3)["start"]["state"] == "failed"


def expect_local_file(found: dict, keys: int, left_out="") -> None:
    assert found["keys"]["state"] == found["start"]["state"] == "warning", found
    assert texts(found, "keys", "warning") == [
        f"{keys} keys can be read, but by local_unlock_file only: no KMS key opens the keyring"]
    assert texts(found, "start", "warning") == [
        f"yes, by local_unlock_file after the startup deadline: {keys} keys{left_out}"]


def test_a_local_file_of_a_key_set_of_mariadb(double_set, regions, directory):
    local = directory / "local"
    local.write_bytes(bytes(range(32)))
    local.chmod(0o600)
    option = f"aws_key_management_local_unlock_file={local}"
    with open(double_set.option_file, "a") as file:
        file.write(option + "\n")
    double_set.variables.append(f"--{option}")
    double_set.write("latest 2")
    words = ["--skip", "manifest", "--skip", "library"]
    assert check(double_set, *words)["start"]["state"] == "ok"
    # While KMS answers, nothing tries it.
    verified = double_set.ctl("verify", "--json", "--strict")
    assert verified.code == 0 and verified.json()["warnings"] == []
    with open(double_set.option_file, "a") as file:
        file.write("aws_key_management_startup_deadline=0\n")
    double_set.variables.append("--aws_key_management_startup_deadline=0")
    assert "is tried" not in double_set.write("latest 1").stderr, "one attempt, which has its time"
    for one in regions:
        one.stop()
    expect_local_file(check(double_set, *words, code=4), 2, " (not judged: manifest, library)")
    local.unlink()
    assert check(double_set, *words, code=4)["start"]["state"] == "failed"


def test_each_key_has_the_credentials_of_its_own_profile(double, regions, directory):
    keys = regions[0].environment()
    shared = directory / "aws-credentials"
    entries = [regions[0].entry, {**regions[1].entry, "profile": "second"}]
    double.configure(options(double, entries))

    def write(secret: str) -> None:
        shared.write_text(f"[second]\naws_access_key_id = {keys['AWS_ACCESS_KEY_ID']}\n"
                          f"aws_secret_access_key = {secret}\n")
    write(keys["AWS_SECRET_ACCESS_KEY"])
    profile = {"AWS_SHARED_CREDENTIALS_FILE": str(shared)}
    found = check(double, environment=profile)
    assert found["credentials"]["state"] == "ok" and found["slots"]["state"] == "ok"
    sources = [one["text"] for one in found["credentials"]["findings"]
               if one["state"] == "ok" and one.get("kms_key") == names(regions)[1]]
    assert len(sources) == 1 and "second" in sources[0], sources
    write("wrong" + keys["AWS_SECRET_ACCESS_KEY"])
    found = check(double, environment=profile)
    assert states(found, "kms-permissions") == dict(zip(names(regions), ("ok", "warning")))
    assert texts(found, "slots", "warning")[0].startswith("key slot 2 ")
    # Without any for the others, the profile's key opens the file.
    write(keys["AWS_SECRET_ACCESS_KEY"])
    found = check(double, environment={**profile, **MISSING_CREDENTIALS})
    failed = [one for one in found["credentials"]["findings"] if one["state"] == "warning"]
    assert [one["kms_key"] for one in failed] == names(regions)[:1]
    assert "no source has AWS credentials" in failed[0]["text"]


def test_a_key_set_of_mariadb(double_set, regions):
    found = check(double_set, "--skip", "manifest", "--skip", "library")
    assert states(found, "kms-key") == dict.fromkeys(names(regions), "ok")
    assert len(texts(found, "slots", "ok")) == 2
    regions[1].set_key_state("Disabled")
    found = check(double_set, "--skip", "manifest", "--skip", "library")
    assert states(found, "kms-key") == dict(zip(names(regions), ("ok", "warning")))
    assert texts(found, "slots", "warning")[0].startswith("key slot 2 ")
    assert found["start"]["state"] == "ok"


def test_one_key_is_checked_as_ever(make_keyring):
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store k - AES")
    found = check(keyring)
    assert all("kms_key" not in one for name in found for one in found[name]["findings"])
    assert found["kms-key"]["findings"][0]["text"].startswith("arn:")
