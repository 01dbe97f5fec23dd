# SPDX-License-Identifier: MIT
"""The program: options, state that survives, TLS, start and end."""
import concurrent.futures
import json
import os
import signal
import stat
import subprocess
import sys
import time

import botocore.credentials
import botocore.exceptions
import pytest

import emulator as emulator_module
from emulator import code_of

from lab.patience import seconds

KEY_ID = "01234567-89ab-cdef-0123-456789abcdef"


def test_without_options_it_makes_a_key_and_credentials(make_emulator, tmp_path):
    running = make_emulator()
    assert running.client().generate_data_key(KeyId="alias/openkeyring", KeySpec="AES_256")
    assert running.ready["account"] == "111122223333" and running.ready["region"] == "us-east-1"
    assert running.ready["aliases"] == ["alias/openkeyring"]
    assert stat.S_IMODE((tmp_path / "ready.json").stat().st_mode) == 0o600
    banner = (tmp_path / "log.txt").read_text()
    assert "NOT A KMS" in banner and running.ready["secret_access_key"] in banner


def test_options_name_keys_regions_account_and_credentials(make_emulator, tmp_path):
    running = make_emulator(
        "--account",
        "000000000001",
        "--region",
        "eu-central-1",
        "--create-key",
        "alias/a/b=" + KEY_ID,
        "--access-key",
        "AKIAMINE:secret:with:colons",
    )
    assert running.ready["access_key_id"] == "AKIAMINE"
    assert running.ready["secret_access_key"] == "secret:with:colons"
    assert "secret:with:colons" not in (tmp_path / "log.txt").read_text()
    arn = running.client().describe_key(KeyId="alias/a/b")["KeyMetadata"]["Arn"]
    assert arn == f"arn:aws:kms:eu-central-1:000000000001:key/{KEY_ID}"
    assert running.ready["url"] == f"http://127.0.0.1:{running.ready['port']}"


@pytest.mark.parametrize("options,text", [
    (["--listen", "0.0.0.0"], "--allow-non-loopback"),
    (["--account", "12"], "12 digits"),
    (["--access-key", "noseparator"], "ID:SECRET"),
    (["--create-key", "noprefix"], "alias name"),
    (["--create-key", "alias/x=noid"], "key id"),
    (["--replicate", "mrk-00000000000000000000000000000000=eu-west-1"], "multi-region"),
    (["--tls-cert", "missing.pem"], "tls-key"),
    (["--listen", "localhost"], "not an IP address"),
    (["--parent-pid", "999999999"], "parent"),
    (["--nonsense"], "nonsense")])
def test_bad_options_end_the_program_with_a_reason(tmp_path, options, text):
    done = subprocess.run(
        [emulator_module.program(), *options], capture_output=True, text=True, timeout=seconds(10)
    )
    assert done.returncode != 0
    assert text in done.stdout + done.stderr


def test_a_taken_port_is_a_clear_error(make_emulator):
    running = make_emulator()
    done = subprocess.run([emulator_module.program(), "--port", str(running.ready["port"])],
                          capture_output=True, text=True, timeout=seconds(10))
    assert done.returncode == 1 and "in use" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_state_survives_the_end(make_emulator, tmp_path, how):
    state = tmp_path / "state.json"
    running = make_emulator("--state", str(state), "--create-key", "alias/kept")
    kms = running.client()
    blob = kms.encrypt(KeyId="alias/kept", Plaintext=b"x")["CiphertextBlob"]
    key_id = kms.describe_key(KeyId="alias/kept")["KeyMetadata"]["KeyId"]
    assert running.call("RotateKeyOnDemand", {"KeyId": key_id}).status == 200
    kms.create_alias(AliasName="alias/second", TargetKeyId=key_id)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=other)
    running.control("POST", "/identities", {"access_keys": [{"id": "AKIAKEPT", "secret": "kept"}]})
    before = running.credentials()
    assert running.stop(how) == (0 if how == signal.SIGTERM else -how)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    (tmp_path / ".state.json.0123456789abcdef.tmp").write_text("half")  # As a kill may leave it.
    running.start()
    assert running.ready["access_key_id"] == before.access_key or \
        running.ready["access_key_id"] == "AKIAKEPT"
    kms = running.client(credentials=before)
    assert kms.decrypt(CiphertextBlob=blob, KeyId="alias/second")["Plaintext"] == b"x"
    assert kms.describe_key(KeyId=other)["KeyMetadata"]["KeyState"] == "Disabled"
    kept = botocore.credentials.Credentials("AKIAKEPT", "kept")
    assert running.client(credentials=kept).generate_random(NumberOfBytes=1)
    assert len(running.call("ListKeyRotations", {"KeyId": key_id}).json()["Rotations"]) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.txt", "ready.json", "state.json"]


def test_the_account_of_the_state_file_stays(make_emulator, tmp_path):
    state = str(tmp_path / "state.json")
    make_emulator("--state", state, "--account", "000000000001").stop()
    running = make_emulator("--state", state, "--account", "000000000002")
    assert running.ready["account"] == "000000000001"
    assert (
        ":000000000001:"
        in running.client().describe_key(KeyId="alias/openkeyring")["KeyMetadata"]["Arn"]
    )


def test_a_stale_ready_file_goes_at_the_start(make_emulator, tmp_path):
    taken = make_emulator()
    stale = tmp_path / "stale.json"
    stale.write_text("{}")
    subprocess.run(
        [emulator_module.program(), "--ready-file", str(stale), "--port", str(taken.ready["port"])],
        capture_output=True,
        timeout=seconds(10),
    )
    assert not stale.exists()


def test_everything_answered_is_there_after_a_kill_in_full_swing(make_emulator, tmp_path):
    running = make_emulator("--state", str(tmp_path / "state.json"))
    made = []
    clients = [running.client() for _ in range(4)]

    def work(kms):
        try:
            while True:
                made.append(kms.create_key()["KeyMetadata"]["KeyId"])
        except botocore.exceptions.BotoCoreError:
            pass

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(work, kms) for kms in clients]
        while len(made) < 25:
            time.sleep(0.01)
        running.stop(signal.SIGKILL)
        for job in jobs:
            job.result()
    running.start()
    there = {
        k["KeyId"]
        for page in running.client().get_paginator("list_keys").paginate()
        for k in page["Keys"]
    }
    assert set(made) <= there


def test_a_damaged_state_file_is_refused_and_left_alone(make_emulator, tmp_path):
    state = tmp_path / "state.json"
    for text in ("{", "[]", '{"account": "1"}'):
        state.write_text(text)
        with pytest.raises(RuntimeError, match="Corrupt"):
            make_emulator("--state", str(state))
        assert state.read_text() == text


def test_an_identities_file_is_read(make_emulator, tmp_path):
    path = tmp_path / "identities.json"
    path.write_text(json.dumps({"access_keys": [
        {"id": "AKIAFILE", "secret": "file", "policy": {"allow_operations": ["GenerateRandom"]}}]}))
    running = make_emulator("--identities", str(path))
    kms = running.client(credentials=botocore.credentials.Credentials("AKIAFILE", "file"))
    assert kms.generate_random(NumberOfBytes=1)
    assert code_of(kms.list_keys)[0] == "AccessDeniedException"


def test_it_ends_when_its_parent_does(tmp_path):
    starter = (
        "import subprocess, sys, os, time\n"
        "p = subprocess.Popen([sys.argv[1], '--ready-file', sys.argv[2], '--parent-pid', "
        "str(os.getpid())],\n"
        "                     stdout=subprocess.DEVNULL)\n"
        "while not os.path.exists(sys.argv[2]): time.sleep(0.01)\n"
        "print(p.pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", starter, emulator_module.program(), str(tmp_path / "ready.json")],
        capture_output=True,
        text=True,
        timeout=seconds(15),
    )
    pid = int(done.stdout)
    deadline = time.monotonic() + 5
    while (
        os.path.exists(f"/proc/{pid}")
        and "Z" != open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_ends_at_once_though_clients_hang(make_emulator):
    running = make_emulator()
    running.fault("hang", count=-1)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        stuck = pool.submit(running.call, "GenerateRandom", {"NumberOfBytes": 1})
        while running.counters()["open_requests"] == 0:
            time.sleep(0.01)
        start = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - start < 2
        assert stuck.exception() is not None


# TLS.

@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """(CA file, certificate, key) for 127.0.0.1."""
    directory = tmp_path_factory.mktemp("pki")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory)

    openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=test CA",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    )
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=emulator", "-keyout", "server.key", "-out", "server.csr")
    (directory / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-extfile", "ext", "-out", "server.pem")
    return directory / "ca.pem", directory / "server.pem", directory / "server.key"


@pytest.fixture
def tls_emulator(make_emulator, certificates):
    ca, certificate, key = certificates
    running = make_emulator("--tls-cert", str(certificate), "--tls-key", str(key))
    running.ready["ca"] = str(ca)
    return running


def test_https_is_served_and_handshakes_are_counted_exactly(tls_emulator):
    assert tls_emulator.ready["url"].startswith("https://127.0.0.1:")
    kms = tls_emulator.client()
    for _ in range(5):
        kms.generate_random(NumberOfBytes=1)
    assert tls_emulator.counters()["tls_handshakes"] == 1
    for count in range(2, 5):
        assert tls_emulator.call("GenerateRandom", {"NumberOfBytes": 1}).status == 200
        assert tls_emulator.counters()["tls_handshakes"] == count
    assert tls_emulator.counters()["accepted_connections"] == 4


def test_a_client_that_does_not_trust_the_ca_fails_and_is_counted(tls_emulator):
    tls_emulator.ready["ca"] = None
    with pytest.raises(botocore.exceptions.SSLError):
        tls_emulator.client().generate_random(NumberOfBytes=1)
    deadline = time.monotonic() + 3
    while (seen := tls_emulator.counters())["open_connections"] > 0:
        assert time.monotonic() < deadline
    # In TLS 1.3 the server has finished before the client says no.
    assert seen["tls_failed_handshakes"] + seen["tls_handshakes"] == 1
    assert seen["operations"] == {}


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "truncate", "reset_before"])
def test_cuts_work_under_tls(tls_emulator, kind):
    tls_emulator.fault(kind)
    with pytest.raises(Exception):
        tls_emulator.call("GenerateRandom", {"NumberOfBytes": 1})
    assert tls_emulator.call("GenerateRandom", {"NumberOfBytes": 1}).status == 200


def test_a_key_of_another_certificate_is_refused(certificates):
    ca, certificate, _ = certificates
    done = subprocess.run(
        [
            emulator_module.program(),
            "--tls-cert",
            str(certificate),
            "--tls-key",
            str(ca.parent / "ca.key"),
        ],
        capture_output=True,
        text=True,
        timeout=seconds(10),
    )
    assert done.returncode == 1 and "private key" in done.stderr
