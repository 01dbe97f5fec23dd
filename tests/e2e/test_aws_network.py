# SPDX-License-Identifier: MIT
"""A network that does not lead to KMS: what becomes of the server, how long it takes, and what is said."""

import pathlib
import signal
import subprocess
import time

import pytest

from lab import aws_plugin, process
from lab.aws_plugin import make_table, readable, refusal, said, status, wait_usable

DEADLINE = 5.0  # Of an operation, by default.
NAME = "kms.resolver.test"


def timed_refusal(server, key_id: int) -> tuple[str, float]:
    began = time.monotonic()
    return refusal(server, key_id), time.monotonic() - began


@pytest.mark.parametrize("what, options, environment, expected", [
    ("refused", lambda: [f"--aws-key-management-endpoint-url=http://127.0.0.1:{process.free_port()}"], {},
     ["no answer from 127.0.0.1", "connect"]),
    ("no such host", lambda: ["--aws-key-management-endpoint-url=https://kms.nowhere.invalid"], {},
     ["no answer from kms.nowhere.invalid", "resolve"]),
    ("no such proxy", lambda: ["--aws-key-management-endpoint-url=https://kms.nowhere.invalid"],
     {"HTTPS_PROXY": "http://proxy.nowhere.invalid:3128"}, ["no answer from kms.nowhere.invalid", "proxy"]),
    ("a proxy that refuses", lambda: ["--aws-key-management-endpoint-url=https://kms.nowhere.invalid"],
     {"HTTPS_PROXY": "KMS"}, ["no answer from kms.nowhere.invalid", "CONNECT"]),
    ("wrong secret", lambda: [], {"AWS_SECRET_ACCESS_KEY": "not-the-secret-of-this-key"},
     ["InvalidSignatureException", "check the secret access key"]),
    ("unknown key", lambda: [], {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7UNKNOWN"},
     ["UnrecognizedClientException", "AWS does not know this access key"]),
    ("wrong region", lambda: ["--aws-key-management-region=eu-south-2"], {}, ["AWS KMS"]),
])
def test_no_way_to_kms_is_said_in_time_and_stops_no_server(what, options, environment, expected, kms, make_server):
    environment = {name: kms.url if value == "KMS" else value for name, value in environment.items()}
    server = make_server(kms, environment=environment, options=options())
    began = time.monotonic()
    server.start()
    assert time.monotonic() - began < 30, f"{what}: nothing is to be loaded, so nothing is waited for"
    text, seconds = timed_refusal(server, 2)
    assert seconds < DEADLINE + 1, what
    for part in expected:
        assert part.lower() in text.lower(), f"{what}: {text}"
        assert part.lower() in said(server).lower(), f"{what}: in the error log too"
    assert server.value("SELECT 1") == "1", "the server goes on"
    assert int(status(server)["kms_errors"]) >= 1
    server.stop()


def test_a_hung_kms_costs_one_deadline_and_no_loaded_key(kms, make_server):
    server = make_server(kms).start()
    make_table(server, "t", 1)
    kms.process.send(signal.SIGSTOP)
    try:
        text, seconds = timed_refusal(server, 2)
        assert seconds < DEADLINE + 1
        assert "timed out" in text.lower() or "time allowed" in text.lower(), text
        began = time.monotonic()
        assert readable(server, "t")
        assert time.monotonic() - began < 1
    finally:
        kms.process.send(signal.SIGCONT)
    wait_usable(server, 2)
    assert len(aws_plugin.key_files(server.data)) >= 2
    server.stop()


@pytest.fixture
def slow_names(directory):
    """(environment of a server, file that makes the name service hang for NAME while it exists)."""
    library, flag = directory / "slow_names.so", directory / "slow"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", pathlib.Path(__file__).with_name("slow_names.c"), "-o", library, "-ldl"],
                   check=True)
    return {"LD_PRELOAD": str(library), "SLOW_NAME": NAME, "SLOW_NAME_FLAG": str(flag)}, flag


def test_a_hung_name_service_holds_nobody_beyond_a_deadline(kms, make_server, slow_names):
    environment, flag = slow_names
    port = kms.url.rpartition(":")[2]
    server = make_server(kms, environment={**environment, "AWS_MAX_ATTEMPTS": "1"}, options=[
        f"--aws-key-management-endpoint-url=http://{NAME}:{port}", "--aws-key-management-allow-unencrypted-endpoint=ON",
        "--aws-key-management-startup-deadline=2", *aws_plugin.TOUCH_NOTHING]).start()
    make_table(server, "t", 1)
    flag.touch()
    # At the last address that worked.
    began = time.monotonic()
    wait_usable(server, 2)
    assert time.monotonic() - began < DEADLINE + 1
    # Without one: a start does not wait for the name service, which hangs for half a minute.
    began = time.monotonic()
    server.restart()
    assert time.monotonic() - began < 15
    _, seconds = timed_refusal(server, 3)
    assert seconds < DEADLINE + 1
    flag.unlink()
    wait_usable(server, 3)
    assert readable(server, "t")
    server.stop()
