# SPDX-License-Identifier: MIT
"""Each kind of fault, as a client sees it, and the counters beside."""
import concurrent.futures
import email.utils
import http.client
import json
import socket
import time

import botocore.exceptions
import pytest

from emulator import ALIAS, code_of

from lab.patience import seconds

DATA_KEY = {"KeyId": ALIAS, "KeySpec": "AES_256"}


def call(emulator):
    return emulator.call("GenerateDataKey", DATA_KEY)


def test_a_fault_hits_as_often_as_it_was_told(emulator):
    emulator.fault("throttle", "GenerateDataKey", count=2, skip=1)
    assert [call(emulator).status for _ in range(5)] == [200, 400, 400, 200, 200]
    assert emulator.control("GET", "/faults") == {"faults": []}


def test_a_fault_without_end_stays_until_deleted(emulator):
    emulator.fault("throttle", count=-1)
    assert {call(emulator).status for _ in range(5)} == {400}
    assert emulator.control("GET", "/faults")["faults"][0]["hits"] == 5
    emulator.control("DELETE", "/faults")
    assert call(emulator).status == 200


def test_a_fault_hits_only_its_operation(emulator, kms):
    for operation in ("Decrypt", "kms:Decrypt", "sts:*"):
        emulator.fault("throttle", operation, count=-1)
    assert call(emulator).status == 200
    blob = kms.encrypt(KeyId=ALIAS, Plaintext=b"x")["CiphertextBlob"]
    assert code_of(lambda: kms.decrypt(CiphertextBlob=blob))[0] == "ThrottlingException"


def test_throttle(kms, emulator):
    emulator.fault("throttle")
    code, _, status = code_of(lambda: kms.generate_random(NumberOfBytes=1))
    assert (code, status) == ("ThrottlingException", 400)


def test_botocore_gets_over_a_short_throttling(emulator):
    patient = emulator.client(retries={"total_max_attempts": 3, "mode": "standard"})
    emulator.fault("throttle", count=2)
    assert patient.generate_random(NumberOfBytes=1)
    assert emulator.counters()["operations"]["GenerateRandom"] == 3


def test_expired_token(emulator):
    emulator.fault("expired_token")
    assert call(emulator).code() == "ExpiredTokenException"


def test_http_status_with_a_code(kms, emulator):
    emulator.fault("http_status", status=503, code="DependencyTimeoutException", message="slow")
    code, message, status = code_of(lambda: kms.generate_random(NumberOfBytes=1))
    assert (code, message, status) == ("DependencyTimeoutException", "slow", 503)


def test_http_status_with_a_body(emulator):
    emulator.fault("http_status", status=500, body="oops")
    answer = call(emulator)
    assert (answer.status, answer.body) == (500, b"oops")


def test_html(emulator):
    emulator.fault("html")
    answer = call(emulator)
    assert answer.status == 502 and b"<html>" in answer.body
    assert answer.headers["content-type"].startswith("text/html")


def test_redirect(emulator):
    emulator.fault("http_redirect", body="http://127.0.0.1:9/")
    answer = call(emulator)
    assert (answer.status, answer.headers["location"]) == (307, "http://127.0.0.1:9/")


def test_cut_before_has_no_effect_and_cut_after_has(emulator):
    aliases = emulator.client()
    for kind, there in (("cut_before", False), ("cut_after", True), ("reset_before", False),
                        ("reset_after", True)):
        name = "alias/" + kind
        target = aliases.describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"]
        emulator.fault(kind, "CreateAlias")
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)) as caught:
            emulator.call("CreateAlias", {"AliasName": name, "TargetKeyId": target})
        was_reset = caught.type is ConnectionResetError
        assert was_reset == kind.startswith("reset")
        found = [a for a in aliases.list_aliases()["Aliases"] if a["AliasName"] == name]
        assert bool(found) == there


def test_truncate_promises_more_than_it_sends(emulator):
    emulator.fault("truncate", bytes=10)
    with pytest.raises(http.client.IncompleteRead) as caught:
        call(emulator)
    assert len(caught.value.partial) == 10 and caught.value.expected > 10


def test_oversize(emulator):
    emulator.fault("oversize", bytes=3 << 20)
    answer = call(emulator)
    assert answer.status == 200 and len(answer.body) > 3 << 20
    answer.json()


def test_bad_json_and_empty_body(emulator):
    emulator.fault("bad_json")
    answer = call(emulator)
    with pytest.raises(ValueError):
        answer.json()
    emulator.fault("bad_json", status=500, body="{{")
    answer = call(emulator)
    assert (answer.status, answer.body) == (500, b"{{")
    emulator.fault("empty_body")
    answer = call(emulator)
    assert (answer.status, answer.body) == (200, b"")


def test_false_answers_are_well_formed(emulator, kms):
    first, second = (kms.encrypt(KeyId=ALIAS, Plaintext=text) for text in (b"first", b"other"))

    def opened(blob=second["CiphertextBlob"]):
        answer = kms.decrypt(CiphertextBlob=blob)
        return answer["Plaintext"], answer["KeyId"]

    right = opened()
    assert right == (b"other", second["KeyId"])
    emulator.fault("other_bytes", "Decrypt")
    assert opened() == (bytes(byte ^ 255 for byte in b"other"), second["KeyId"])
    emulator.fault("no_bytes", "Decrypt")
    assert opened() == (b"", second["KeyId"])
    emulator.fault("other_key_id", "Decrypt")
    assert opened()[0] == b"other" and opened() == right
    emulator.fault("earlier_answer", "Decrypt", count=2)
    assert opened(first["CiphertextBlob"]) == right
    assert opened() == (b"first", first["KeyId"]), "the answer that was withheld"
    assert opened() == right
    emulator.fault("half_json", "GenerateDataKey")
    answer = call(emulator)
    assert answer.status == 200 and int(answer.headers["content-length"]) == len(answer.body)
    with pytest.raises(ValueError):
        answer.json()


def test_an_answer_can_come_twice(emulator):
    emulator.fault("answer_twice")
    body = json.dumps(DATA_KEY)
    connection = emulator.connect()
    connection.request("POST", "/", body, emulator.signed_headers("GenerateDataKey", body))
    answers = b""
    while answers.count(b"HTTP/1.1 200 OK") < 2 or not answers.endswith(b"}"):
        answers += connection.sock.recv(1 << 16)
    half = len(answers) // 2
    assert answers[:half] == answers[half:]
    connection.close()


def test_wrong_date(emulator):
    emulator.fault("wrong_date", offset_s=-7200)
    answer = call(emulator)
    assert answer.status == 200
    seen = email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp()
    assert abs(seen + 7200 - time.time()) < 10


def test_clock_offset_is_for_one_request(emulator):
    emulator.fault("clock_offset", offset_s=3600)
    answer = call(emulator)
    assert "Signature expired" in answer.json()["message"]
    seen = email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp()
    assert abs(seen - 3600 - time.time()) < 10
    assert call(emulator).status == 200


def test_latency_delays_one_answer_or_all(emulator):
    def elapsed():
        start = time.monotonic()
        assert call(emulator).status == 200
        return time.monotonic() - start
    emulator.fault("latency_ms", ms=200)
    assert 0.2 <= elapsed() < 1
    assert elapsed() < 0.2
    emulator.control("POST", "/latency", {"ms": 100})
    assert 0.1 <= elapsed() < 0.5
    assert 0.1 <= elapsed() < 0.5


def test_hang_lasts_until_the_client_leaves(emulator):
    emulator.fault("hang")
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        emulator.client(read_timeout=0.3).generate_random(NumberOfBytes=1)
    deadline = time.monotonic() + 3
    while emulator.counters()["open_requests"] > 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_hang_with_an_end_is_cut_then(emulator):
    emulator.fault("hang", ms=200)
    start = time.monotonic()
    with pytest.raises(http.client.RemoteDisconnected):
        call(emulator)
    assert 0.2 <= time.monotonic() - start < 2


def test_a_hanging_request_does_not_stop_the_others(emulator):
    emulator.fault("hang", ms=1000)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        stuck = pool.submit(call, emulator)
        while not emulator.counters()["faults"]:
            time.sleep(0.01)
        assert call(emulator).status == 200
        assert not stuck.done()
        assert isinstance(stuck.exception(), http.client.RemoteDisconnected)


def test_nonsense_is_not_a_fault(emulator):
    for body in ({"kind": "sing"}, {}, {"kind": "throttle", "count": "many"}):
        emulator.control("POST", "/faults", body, expect=400)
    emulator.control("GET", "/nothing", expect=404)
    assert emulator.control("GET", "/health") == {"status": "ok"}


# Counters and connections.

def test_counters_tell_operations_errors_and_connections(emulator, kms):
    for _ in range(3):
        kms.generate_random(NumberOfBytes=1)
    code_of(lambda: kms.describe_key(KeyId="alias/unknown"))
    seen = emulator.counters()
    assert seen["operations"] == {"GenerateRandom": 3, "DescribeKey": 1}
    assert seen["errors"] == {"DescribeKey": 1}
    assert seen["error_codes"] == {"NotFoundException": 1}
    assert seen["accepted_connections"] == 1  # Kept alive by botocore.
    assert seen["tls_handshakes"] == 0
    emulator.control("POST", "/counters/reset")
    assert emulator.counters()["operations"] == {}


def test_sixty_four_kept_connections_are_served_at_once(emulator):
    emulator.control("POST", "/latency", {"ms": 300})
    connections = [emulator.connect() for _ in range(64)]

    def ask(connection):
        body = '{"NumberOfBytes": 1}'
        for _ in range(2):
            connection.request("POST", "/", body, emulator.signed_headers("GenerateRandom", body))
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        list(pool.map(ask, connections))
    assert time.monotonic() - start < 5
    seen = emulator.counters()
    assert seen["accepted_connections"] == 64
    assert seen["operations"]["GenerateRandom"] == 128
    assert seen["max_concurrent_requests"] > 32
    for connection in connections:
        connection.close()


# HTTP that no client library sends.

def raw(emulator, text):
    address = ("127.0.0.1", emulator.ready["port"])
    with socket.create_connection(address, timeout=seconds(5)) as sock:
        sock.sendall(text)
        sock.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := sock.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize("text,status", [
    (b"nonsense\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nbad header: b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
     b"chunked\r\n\r\nx", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70000, 431),
    (b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404)])
def test_malformed_http_is_refused(emulator, text, status):
    assert raw(emulator, text).startswith(b"HTTP/1.1 %d " % status)


def test_a_client_that_leaves_in_the_middle_gets_nothing(emulator):
    assert raw(emulator, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nx") == b""
    assert call(emulator).status == 200


def test_chunks_and_expect_are_understood(emulator):
    body = '{"NumberOfBytes": 1}'
    headers = emulator.signed_headers("GenerateRandom", body)
    head = "POST / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    chunked = head + "Transfer-Encoding: chunked\r\n\r\n5\r\n" + body[:5] + \
        f"\r\n{len(body) - 5:x}\r\n" + body[5:] + "\r\n0\r\n\r\n"
    assert raw(emulator, chunked.encode()).startswith(b"HTTP/1.1 200 ")
    address = ("127.0.0.1", emulator.ready["port"])
    with socket.create_connection(address, timeout=seconds(5)) as sock:
        sock.sendall(
            (head + f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n").encode()
        )
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body.encode())
        assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_two_requests_in_one_packet_get_two_answers(emulator):
    body = '{"NumberOfBytes": 1}'
    headers = emulator.signed_headers("GenerateRandom", body)
    text = "POST / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + \
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    assert raw(emulator, (text * 2).encode()).count(b"HTTP/1.1 200 ") == 2
