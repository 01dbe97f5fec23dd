# SPDX-License-Identifier: MIT
"""Quota, errors and outages: how the emulated KMS does as a whole."""
import time

from emulator import ALIAS, Emulator, code_of

DATA_KEY = {"KeyId": ALIAS, "KeySpec": "AES_256"}


def codes(emulator, count):
    """"" for each call that was answered."""
    answers = [emulator.call("GenerateDataKey", DATA_KEY) for _ in range(count)]
    return [answer.code() if answer.status != 200 else "" for answer in answers]


def test_more_requests_than_the_quota_are_throttled(emulator, kms):
    # A second fills less than one token.
    emulator.control(
        "POST", "/availability", {"quota": {"requests_per_second": 0.01, "burst": 5}}
    )
    assert codes(emulator, 8) == [""] * 5 + ["ThrottlingException"] * 3
    code, text, status = code_of(lambda: kms.generate_random(NumberOfBytes=1))
    assert (code, status) == ("ThrottlingException", 400)
    assert "exceeded the rate" in text
    emulator.control("POST", "/availability", {"quota": {"requests_per_second": 0}})
    assert set(codes(emulator, 20)) == {""}


def test_the_quota_fills_with_time(emulator):
    emulator.control("POST", "/availability", {"quota": {"requests_per_second": 20, "burst": 2}})
    assert "ThrottlingException" in codes(emulator, 20)
    time.sleep(0.2)
    assert codes(emulator, 2) == ["", ""]


def test_a_percentage_ends_in_internal_errors(emulator):
    emulator.control("POST", "/availability", {"errors": {"percent": 50}})
    found = codes(emulator, 200)
    assert set(found) == {"", "KMSInternalException"}
    assert 50 < found.count("") < 150
    emulator.control("POST", "/availability", {"errors": {"percent": 0}})
    assert set(codes(emulator, 20)) == {""}


def test_an_outage_is_over_after_its_time(emulator):
    emulator.control("POST", "/availability", {"outage": {"for_s": 0.5}})
    assert codes(emulator, 3) == ["ServiceUnavailable"] * 3
    assert emulator.control("GET", "/availability")["outage"]["now"] is True
    time.sleep(0.6)
    assert codes(emulator, 3) == [""] * 3


def test_an_unknown_outage_is_refused_and_changes_nothing(emulator):
    body = {"quota": {"requests_per_second": 1}, "outage": {"for_s": 9, "kind": "sing"}}
    answer = emulator.control("POST", "/availability", body, expect=400)
    assert "unknown kind" in answer["error"]
    assert set(codes(emulator, 20)) == {""}


def test_the_options_set_quota_and_errors(tmp_path):
    with Emulator(
        tmp_path, "--create-key", ALIAS, "--requests-per-second", "0.01", "--burst", "3"
    ) as running:
        assert codes(running, 4) == [""] * 3 + ["ThrottlingException"]
    with Emulator(tmp_path, "--create-key", ALIAS, "--error-percent", "100") as running:
        assert codes(running, 2) == ["KMSInternalException"] * 2
