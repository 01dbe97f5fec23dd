# SPDX-License-Identifier: MIT
"""A network that does not lead to KMS: what becomes of the server, how long it takes, and what is said."""

import signal
import time

import pytest

from lab import aws_plugin, process
from lab.aws_plugin import make_table, readable, refusal, said, status, wait_usable

DEADLINE = 5.0  # Of an operation, by default.


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
