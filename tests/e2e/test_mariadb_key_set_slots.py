# SPDX-License-Identifier: MIT
"""A key set that several keys open: two regions, a recovery key, a local unlock file."""

import json
import os
import subprocess

import pytest

from lab import aws_client, aws_plugin, key_set
from lab.aws_plugin import make_table, make_tables, readable, refusal, said, status, wait_usable

ROTATE = "SET GLOBAL aws_key_management_rotate_key"
ONCE = {"AWS_MAX_ATTEMPTS": "1"}
SOON = "--aws-key-management-startup-deadline=2"
LATE = "it had not answered when another key slot opened the file"
DENIED = {"status": 400, "code": "AccessDeniedException", "message": "not you"}


@pytest.fixture
def make(make_server, regions, installation):
    """A function that makes servers whose key set both regions open."""
    def make_one(**more):
        return make_server(regions[0], store="AUTO", environment=ONCE, installation=installation,
                           master_key_id=json.dumps([one.entry for one in regions]), **more)
    return make_one


def test_the_second_region_serves_while_the_first_is_down(make, regions):
    server = make().start()
    make_tables(server, {"a": 1, "b": 5})
    first = status(server)
    assert (first["slots"], first["opened_by_local_slot"]) == ("2", "0")
    server.stop()
    regions[0].stop()
    server.start()
    assert all(readable(server, name) for name in "ab")
    now = status(server)
    assert now["versions_failed"] == "0" and "eu-central-1" in now["slots_failed"] and "eu-west-1" in now["slot_opened"]
    make_table(server, "c", 7)
    assert server.warnings_of(f"{ROTATE}=-1") == [], "the second region makes keys, too"
    server.stop()
    regions[0].start()
    regions[1].stop()
    server.start()
    assert all(readable(server, name) for name in "abc")
    server.stop()


def test_a_start_does_not_wait_for_a_region_that_hangs(make, regions):
    """It is given up when the second one has opened the set, and not when its time is over."""
    server = make(options=["--aws-key-management-request-timeout=40000"]).start()
    make_table(server, "a", 5)
    server.stop()
    regions[0].fault("hang", "Decrypt", count=-1)
    for one in regions:
        one.reset_counters()
    server.start()
    assert [one.calls("Decrypt") for one in regions] == [1, 1], "each was asked, and once"
    now = status(server)
    assert "key slot 2" in now["slot_opened"] and regions[1].key_arn in now["slot_opened"]
    assert LATE in now["slots_failed"] and "key slot 1" in now["slots_failed"]
    assert LATE in said(server) and "it was opened by key slot 2" in said(server)
    assert readable(server, "a") and now["versions_failed"] == "0"
    server.stop()


def test_the_second_region_serves_whatever_the_first_one_says_at_a_start(make, regions):
    server = make().start()
    make_tables(server, {"a": 1, "b": 5})
    server.stop()
    for break_it, reason in (
        (lambda: regions[0].fault("http_status", count=-1, **DENIED), "AccessDeniedException: not you"),
        (lambda: regions[0].set_key_state("PendingDeletion"), "KMSInvalidStateException"),
    ):
        break_it()
        seen = len(said(server))
        server.start()
        assert all(readable(server, name) for name in "ab"), reason
        now = status(server)
        assert now["versions_failed"] == "0" and "key slot 2" in now["slot_opened"]
        assert "key slot 1" in now["slots_failed"] and reason in now["slots_failed"]
        assert now["slots"] == "2" and now["opened_by_local_slot"] == "0"
        log = said(server)[seen:]
        assert "key slot 1" in log and reason in log and "it was opened by key slot 2" in log
        server.stop()
        regions[0].repair()
    server.start()
    assert "key slot 1" in status(server)["slot_opened"] and status(server)["slots_failed"] == ""
    server.stop()


def test_both_regions_down_are_both_named(make, regions):
    server = make(options=[SOON, "--aws-key-management-operation-deadline=2"]).start()
    make_table(server, "a", 5)
    server.stop()
    for kms in regions:
        kms.stop()
    server.start()
    told = refusal(server, 5)
    assert regions[0].url.removeprefix("http://") in told and regions[1].url.removeprefix("http://") in told
    for kms in regions:
        kms.start()
    wait_usable(server, 5)
    server.restart()
    assert readable(server, "a")
    server.stop()


def test_a_slot_is_added_when_its_region_is_back(make_server, make, regions, installation):
    server = make_server(regions[0], store="AUTO", installation=installation, master_key_id=regions[0].key_arn).start()
    make_table(server, "a", 5)
    assert status(server)["slots"] == "1"
    server.stop()
    assert regions[1].entry  # Known while it is down, too.
    regions[1].stop()
    with_both = make()
    with_both.start()
    assert status(with_both)["slots"] == "1" and "eu-west-1" in status(with_both)["slots_missing"]
    assert readable(with_both, "a")
    with_both.stop()
    regions[1].start()
    with_both.start()
    assert status(with_both)["slots"] == "2" and status(with_both)["slots_missing"] == ""
    with_both.stop()


def test_a_local_unlock_file_and_a_recovery_key(make_server, regions, directory, installation):
    kms = regions[0]
    secret, public, private = (directory / name for name in ("secret", "recovery.pem", "private.pem"))
    secret.write_bytes(os.urandom(32))
    secret.chmod(0o600)
    subprocess.run(["openssl", "genrsa", "-out", private, "3072"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    server = make_server(kms, store="AUTO", installation=installation, environment=ONCE, master_key_id=kms.key_arn,
                         options=[SOON, f"--aws-key-management-local-unlock-file={secret}",
                                  f"--aws-key-management-recovery-public-key={public}"]).start()
    make_table(server, "a", 5)
    assert status(server)["slots"] == "3"
    server.stop()
    # KMS refuses, and answers before the startup deadline: the local file is not used.
    kms.fault("http_status", "Decrypt", count=2, **DENIED)
    kms.reset_counters()
    server.start("--aws-key-management-startup-deadline=60")
    assert status(server)["opened_by_local_slot"] == "0" and readable(server, "a")
    assert kms.calls("Decrypt") == 3 and "local_unlock_file is tried" not in said(server)
    server.stop()
    kms.stop()
    server.start()
    assert readable(server, "a")
    assert status(server)["opened_by_local_slot"] == "1"
    assert "local_unlock_file is tried" in said(server)
    assert "the last resort" in said(server)
    assert "make one reachable and restart the server" in said(server)
    server.stop()
    inside = server.data / "secret"
    inside.write_bytes(secret.read_bytes())
    inside.chmod(0o600)
    server.launch("--aws-key-management=FORCE", f"--aws-key-management-local-unlock-file={inside}")
    assert server.process.wait(40) != 0
    assert f"local_unlock_file: {inside}" in said(server)


def test_key_files_take_one_key(make, regions):
    server = make()
    server.launch("--aws-key-management=FORCE", "--aws-key-management-key-store=FILES")
    assert server.process.wait(30) != 0
    assert "these have one KMS key" in said(server)
    assert not aws_plugin.key_files(server.data) and not (server.data / key_set.NAME).exists()


def test_one_endpoint_for_several_keys_is_refused(make_server, regions):
    """Half a list that works for one region would look like two slots."""
    keys = json.dumps([regions[0].entry, {"key": regions[1].entry["key"]}])
    server = make_server(regions[0], store="AUTO", environment=ONCE, master_key_id=keys)
    server.launch("--aws-key-management=FORCE")
    assert server.process.wait(30) != 0
    assert "aws_key_management_endpoint_url is for one KMS key" in said(server)
    assert not (server.data / key_set.NAME).exists()


def test_two_keys_of_one_region_stand_between_commas(make_server, regions):
    kms = regions[0]
    second = aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"]
    server = make_server(kms, store="AUTO", master_key_id=f"{kms.key_arn}, {second}",
                         environment={**ONCE, "AWS_ENDPOINT_URL_KMS": kms.url},
                         options=["--aws-key-management-endpoint-url="]).start()
    make_table(server, "a", 5)
    assert status(server)["slots"] == "2"
    server.stop()
    kms.set_key_state("Disabled")
    server.start()
    assert readable(server, "a") and second in status(server)["slot_opened"]
    server.stop()


def test_without_a_master_key_the_other_slots_open(make_server, regions, directory):
    """A server that only reads: KMS may open the set, and when it is down the local unlock file does."""
    kms, secret = regions[0], directory / "secret"
    secret.write_bytes(os.urandom(32))
    secret.chmod(0o600)
    options = [SOON, f"--aws-key-management-local-unlock-file={secret}"]
    server = make_server(kms, store="AUTO", environment=ONCE, master_key_id=kms.key_arn, options=options).start()
    make_table(server, "a", 5)
    server.stop()
    without = make_server(kms, store="AUTO", environment=ONCE, master_key_id="", options=options).start()
    assert readable(without, "a") and status(without)["opened_by_local_slot"] == "0"
    assert status(without)["slots"] == "2" and status(without)["slots_missing"] == ""
    without.stop()
    kms.stop()
    without.start()
    assert readable(without, "a") and status(without)["opened_by_local_slot"] == "1"
    without.stop()
