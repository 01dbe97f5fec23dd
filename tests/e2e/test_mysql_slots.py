# SPDX-License-Identifier: MIT
"""component_keyring_kms in real MySQL 9.7 with several key slots: regions that are lost, keys that are deleted."""

import base64
import os
import pathlib
import subprocess
import time

import mysql_workload
import pytest
from lab import aws_client, kms_regions, process, service
from lab.patience import seconds

pytestmark = pytest.mark.sid

GENERATE = "SELECT keyring_key_generate('{}','AES',32)"
DOCS = pathlib.Path(__file__).parents[2] / "docs"
LATE = "it had not answered when another key slot opened the file"
DENIED = {"kind": "http_status", "status": 400, "code": "AccessDeniedException", "message": "not you"}


@pytest.fixture(scope="module")
def all_regions():
    with kms_regions.running("regions") as running:
        yield running


@pytest.fixture
def regions(all_regions):
    """Two regions of KMS, as they were whatever the test before has done."""
    for one in all_regions:
        one.repair()
    return all_regions


@pytest.fixture
def make_slots_mysql(make_kms_mysql, regions):
    """A function that makes servers whose file both regions open."""

    def make(*used, **more):
        more["more"] = {**kms_regions.keys(*(used or regions)), **more.get("more", {})}
        more.setdefault("environment", {"AWS_MAX_ATTEMPTS": "1"})
        return make_kms_mysql(kms=regions[0], **more)

    return make


def keep(server, **more) -> None:
    """Writes the configuration again, with these options changed."""
    server.slot_options = {**getattr(server, "slot_options", {}), **more}
    server.configure(**server.slot_options)


def start_seconds(server) -> float:
    began = time.monotonic()
    server.start()
    return time.monotonic() - began


def public_key(directory, name="recovery"):
    """A new key pair: the path of each half, the private one out of the server's reach."""
    private, public = directory / f"{name}-private.pem", directory / f"{name}.pem"
    for command in (
        ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-out", str(private)],
        ["pkey", "-in", str(private), "-pubout", "-out", str(public)],
    ):
        subprocess.run(["openssl", *command], check=True, timeout=seconds(60))
    return private, public


def local_secret(directory, mode=0o400):
    path = directory / "unlock"
    path.write_bytes(os.urandom(32))
    path.chmod(mode)
    return path


def test_the_second_key_serves_whatever_the_first_one_says(regions, make_slots_mysql):
    first, second = regions
    server = make_slots_mysql()
    server.start()
    server.install_udf()
    status = server.status()
    assert (status["File_format"], status["Slots"], status["Slots_opening"]) == ("sealed 2", "2", "2")
    assert status["KeyId"] == f"{first.entry['key']}, {second.entry['key']}"
    assert server.value(GENERATE.format("of both")) == "1"
    keys = server.keyring_keys()
    cases = [  # (what happens to the first region, what is said about its slot)
        (lambda: first.fault(operation="*", count=-1, **DENIED), "not you"),
        (lambda: first.set_key_state("PendingDeletion"), "KMSInvalidStateException"),
        (lambda: first.set_key_state("Disabled"), "enable the KMS key"),
        (lambda: first.fault("hang", count=-1), LATE),
        (first.stop, "no answer from"),
    ]
    for break_it, expected in cases:
        break_it()
        seen = len(server.error_log())
        server.reload()
        status = server.status()
        assert (status["Slots"], status["Slots_opening"]) == ("2", "1"), expected
        assert "key slot 2" in status["Slot_opened"] and second.entry["key"] in status["Slot_opened"]
        assert "key slot 1" in status["Slots_failed"] and expected in status["Slots_failed"]
        assert status["Wrapping_key"] == second.entry["key"]
        assert status["Backend_reachable"] == "Yes" and status["Opened_by_local_slot"] == "0"
        log = server.error_log()[seen:]
        assert "key slot 1" in log and expected in log and "opened by key slot 2" in log
        assert server.keyring_keys() == keys
        assert server.value(GENERATE.format(f"under {expected}")) == "1", "a store needs no KMS"
        keys = server.keyring_keys()
        first.repair()
    server.reload()
    status = server.status()
    assert "key slot 1" in status["Slot_opened"] and status["Slots_failed"] == "<NONE>"


def test_at_a_start_the_second_key_serves_whatever_the_first_one_says(regions, make_slots_mysql):
    server = make_slots_mysql()
    server.start()
    mysql_workload.fill(server)
    server.stop()
    for break_it, reason in (
        (lambda: regions[0].fault(operation="*", count=-1, **DENIED), "AccessDeniedException: not you"),
        (lambda: regions[0].set_key_state("PendingDeletion"), "KMSInvalidStateException"),
    ):
        break_it()
        seen = len(server.error_log())
        server.start()
        mysql_workload.check(server)
        status = server.status()
        assert status["Component_status"] == "Active" and "key slot 2" in status["Slot_opened"]
        assert "key slot 1" in status["Slots_failed"] and reason in status["Slots_failed"]
        assert (status["Slots"], status["Opened_by_local_slot"]) == ("2", "0")
        log = server.error_log()[seen:]
        assert "key slot 1" in log and reason in log and "it was opened by key slot 2" in log
        server.stop()
        regions[0].repair()


def test_a_start_does_not_wait_for_a_region_that_hangs(regions, make_slots_mysql):
    """It is given up when the second one has opened the file, and not when its time is over."""
    server = make_slots_mysql(more={"request_timeout_ms": 40000, "startup_deadline_ms": 60000})
    server.start()
    server.stop()
    usual = start_seconds(server)
    assert server.status()["Component_status"] == "Active"
    server.stop()
    regions[0].pause()
    try:
        hung = start_seconds(server)
        status = server.status()
    finally:
        regions[0].resume()
    print(f"start: {usual:.2f} s, with the first region hung: {hung:.2f} s")
    assert status["Component_status"] == "Active" and "key slot 2" in status["Slot_opened"]
    assert LATE in status["Slots_failed"]
    server.stop()
    regions[0].stop()
    server.start()
    status = server.status()
    assert "key slot 2" in status["Slot_opened"] and "no answer from" in status["Slots_failed"]


def test_when_both_regions_are_down_the_message_names_both(regions, make_slots_mysql):
    server = make_slots_mysql(more={"startup_deadline_ms": 1500})
    server.start()
    server.stop()
    regions[0].fault(operation="*", count=-1, **DENIED)
    regions[1].stop()
    server.start()
    status = server.status()
    assert status["Component_status"] == "Disabled"
    for text in (status["Last_failure"], server.error_log()):
        assert "none of its key slots could be opened" in text
        assert "key slot 1" in text and "not you" in text
        assert "key slot 2" in text and "no answer from" in text
    regions[1].start()
    server.reload()
    assert server.status()["Component_status"] == "Active"


def test_a_slot_is_added_when_its_region_is_back_and_the_file_becomes_version_2(regions, make_slots_mysql):
    first, second = regions
    server = make_slots_mysql(first)
    server.start()
    server.install_udf()
    assert server.value(GENERATE.format("old")) == "1"
    status = server.status()
    assert (status["File_format"], status["Slots"]) == ("sealed 1", "1")
    both = kms_regions.keys(first, second)
    second.stop()
    server.configure(**both)
    server.restart()
    status = server.status()
    assert (status["File_format"], status["Slots"]) == ("sealed 1", "1")
    assert second.entry["key"] in status["Slots_missing"] and "no answer" in status["Slots_missing"]
    assert "it is added at a later load" in server.error_log()
    second.start()
    server.reload()
    status = server.status()
    assert (status["File_format"], status["Slots"], status["Slots_missing"]) == ("sealed 2", "2", "<NONE>")
    keys = server.keyring_keys()
    first.stop()
    server.restart()
    assert "key slot 2" in server.status()["Slot_opened"]
    assert server.keyring_keys() == keys
    # The other key alone: the slot of the first stays, and is reported.
    server.configure(**kms_regions.keys(second))
    server.restart()
    status = server.status()
    assert status["Slots"] == "2" and first.entry["key"] in status["Slots_foreign"]
    first.start()
    server.configure(**kms_regions.keys(first))
    server.restart()
    assert "key slot 1" in server.status()["Slot_opened"], "a removed key still opens: no revocation"
    assert server.keyring_keys() == keys


def test_a_json_file_has_one_key_and_says_so(regions, make_slots_mysql):
    server = make_slots_mysql(regions[0], more={"file_format": "percona"})
    server.start()
    server.install_udf()
    assert server.value(GENERATE.format("in JSON")) == "1"
    server.stop()
    before = server.keyring.read_bytes()
    server.configure(**kms_regions.keys(*regions))
    output = server.run("--validate-config")[1]
    assert "JSON format, which has one KMS key" in output, output
    assert server.keyring.read_bytes() == before
    server.configure(**kms_regions.keys(*regions), file_format="percona")
    assert "file_format percona has one KMS key" in server.run("--validate-config")[1]


def test_wrong_options_are_all_reported_at_once(directory, regions, make_slots_mysql):
    server = make_slots_mysql()
    private, _ = public_key(directory)
    in_data = server.data / "unlock"
    in_data.write_bytes(bytes(32))
    in_data.chmod(0o400)
    entries = [{**regions[0].entry, "regoin": "x"}, regions[1].entry, regions[1].entry]
    server.configure(kms_key=entries, region=None, recovery_public_key=str(private), local_unlock_file=str(in_data))
    output = server.run("--validate-config")[1]
    for expected in (
        "kms_key, entry 1: there is no option regoin; did you mean region?",
        "is a duplicate",
        "endpoint_url is for one KMS key",
        f"recovery_public_key: {private}: this is a PRIVATE key",
        f"local_unlock_file: {in_data} lies in {server.data}",
    ):
        assert (expected in output) == (expected != "endpoint_url is for one KMS key"), output
    assert private.read_text().splitlines()[1] not in output
    secret = local_secret(directory, 0o444)
    server.configure(**kms_regions.keys(*regions), local_unlock_file=str(secret))
    assert f"local_unlock_file: {secret} is accessible to all users" in server.run("--validate-config")[1]
    server.configure(kms_key=[one.entry["key"] for one in regions])
    assert "endpoint_url is for one KMS key" in server.run("--validate-config")[1]
    assert not server.keyring.exists()


def test_the_local_file_opens_only_after_everything_else_has_failed(directory, regions, make_slots_mysql):
    secret = local_secret(directory)
    options = {"local_unlock_file": str(secret), "startup_deadline_ms": 2500}
    server = make_slots_mysql(more=options)
    server.start()
    server.install_udf()
    assert server.value(GENERATE.format("a key")) == "1"
    status = server.status()
    assert (status["Slots"], status["Opened_by_local_slot"]) == ("3", "0")
    assert str(secret) in server.keyring.read_bytes().decode("latin-1"), "its name, not its content"
    keys = server.keyring_keys()
    server.stop()
    usual = start_seconds(server)
    assert server.status()["Opened_by_local_slot"] == "0"
    server.stop()
    regions[0].fault(operation="*", count=-1, **DENIED)
    regions[1].stop()
    seen = len(server.error_log())
    took = start_seconds(server)
    assert took > 2.4, "not before the startup deadline"
    assert took < usual + 2.5 + seconds(3.5)
    status = server.status()
    assert status["Component_status"] == "Active" and status["Opened_by_local_slot"] == "1"
    assert "local-file" in status["Slot_opened"]
    assert "not you" in status["Slots_failed"] and "no answer" in status["Slots_failed"]
    log = server.error_log()[seen:]
    assert "local_unlock_file is tried" in log
    assert "[ERROR]" in log and "the last resort" in log
    assert server.keyring_keys() == keys
    assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035, "never at a reload"
    assert server.status()["Opened_by_local_slot"] == "1" and server.keyring_keys() == keys
    regions[1].start()
    server.reload()
    assert server.status()["Opened_by_local_slot"] == "0"
    content, log = secret.read_bytes(), (server.error_log() + str(server.status_rows())).encode()
    for form in (content, content.hex().encode(), base64.b64encode(content)):
        assert form not in log and form not in server.keyring.read_bytes()
    assert server.environment["AWS_SECRET_ACCESS_KEY"].encode() not in log
    # Without the file the keyring serves as long as KMS does.
    secret.unlink()
    server.restart()
    assert server.status()["Component_status"] == "Active"
    assert "local_unlock_file is missing" in server.error_log()
    server.stop()
    for one in regions:
        one.fault(operation="*", count=-1, **DENIED)
        one.reset_counters()
    server.start()
    assert [one.calls("Decrypt") for one in regions] == [1, 1], "nothing to wait for"
    assert server.status()["Component_status"] == "Disabled"


def test_a_lost_account_is_recovered_with_the_private_key_only(directory, regions, make_slots_mysql):
    private, public = public_key(directory)
    server = make_slots_mysql(more={"recovery_public_key": str(public)})
    server.start()
    server.install_udf()
    mysql_workload.fill(server)
    assert server.value(GENERATE.format("precious")) == "1"
    value = server.value("SELECT HEX(keyring_key_fetch('precious'))")
    status = server.status()
    assert status["Slots"] == "3" and "public-key" in status["Slots_untried"]
    server.stop()
    number = slot_number(status["Slots_untried"])
    recover = ["/usr/bin/python3", str(DOCS / "recover_sealed_keyring.py")]
    blob = subprocess.run([*recover, "--blob", "--slot", number, str(server.keyring)], check=True, timeout=seconds(60),
                          capture_output=True).stdout
    (directory / "blob").write_bytes(blob)
    subprocess.run(["openssl", "pkeyutl", "-decrypt", "-inkey", str(private), "-in", str(directory / "blob"),
                    "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256",
                    "-out", str(directory / "data-key")], check=True, timeout=seconds(60))
    shown = subprocess.run([*recover, "--data-key", str(directory / "data-key"), str(server.keyring)], check=True,
                           timeout=seconds(60), capture_output=True, text=True).stdout
    assert value.lower() in shown.lower()
    # And by the program alone.
    shown = subprocess.run([*recover, "--private-key", str(private), str(server.keyring)], check=True, timeout=seconds(60),
                           capture_output=True, text=True).stdout
    assert value.lower() in shown.lower()
    # A new file for another account, by the tool; the server goes on with it.
    for one in regions:
        one.set_key_state("Disabled")
    new_key = aws_client.call(regions[1], "CreateKey")["KeyMetadata"]["Arn"]
    server.keyring = server.keyring.with_name("recovered")
    options = {"kms_key": new_key, "region": regions[1].region, "endpoint_url": regions[1].url}
    server.configure(**options)
    done = subprocess.run([service.PRODUCTS / "keyringctl", "recover", "--path", server.keyring.with_name("keys"),
                           "--config", server.plugin_directory / "component_keyring_kms.cnf",
                           "--private-key", private, "--output", server.keyring, "--yes"], timeout=seconds(60), check=False,
                          capture_output=True, text=True,
                          env=process.bare_environment(directory, regions[1].environment()))
    assert done.returncode == 0, done
    server.start()
    mysql_workload.check(server)
    assert server.value("SELECT HEX(keyring_key_fetch('precious'))") == value
    assert server.status()["Slots"] == "1" and new_key in server.status()["Slot_opened"]


def slot_number(text: str) -> str:
    """Of "key slot 3 (public-key ...)"."""
    return text.partition("key slot ")[2].partition(" ")[0]


def test_credentials_that_hang_hold_nothing_up_either(directory, regions, make_slots_mysql):
    first, second = regions
    shared = directory / "aws-config"
    started = directory / "started"
    shared.write_text(f"[profile slow]\ncredential_process = sh -c 'echo $$ > {started}; exec sleep 120'\n")
    environment = {
        "AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": str(shared), "AWS_ENDPOINT_URL_STS": first.url,
    }
    server = make_slots_mysql(environment=environment)
    server.start()
    keys = server.keyring_keys()
    role = "arn:aws:iam::111122223333:role/other"
    first.fault("hang", operation="sts:*", count=-1)
    for settings in ({"profile": "slow"}, {"role_arn": role, "external_id": "x"}):
        entries = [{**first.entry, **settings}, second.entry]
        server.configure(kms_key=entries, region=None, endpoint_url=None)
        began = time.monotonic()
        server.reload()
        took = time.monotonic() - began
        assert took > 0.9, settings
        status = server.status()
        assert "key slot 2" in status["Slot_opened"] and "it had not answered" in status["Slots_failed"]
        assert server.keyring_keys() == keys
    assert service.thread_state(pathlib.Path("/proc") / started.read_text().strip()) in "XZ", "the program was ended"
