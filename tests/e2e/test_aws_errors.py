# SPDX-License-Identifier: MIT
"""What clients and the error log are told when KMS refuses or fails (docs/errors.md), and how it goes on."""

import re

import pytest

from lab import aws_client, aws_plugin, process
from lab.aws_plugin import make_table, make_tables, readable, refusal, said, status, usable, wait_usable
from lab.mariadb import SqlError

P = "aws_key_management_"
GENERATE, DECRYPT = "GenerateDataKeyWithoutPlaintext", "Decrypt"


@pytest.fixture
def server(kms, make_server):
    # Two attempts: one pause less in each of the many failures.
    made = make_server(kms, environment={"AWS_MAX_ATTEMPTS": "2"}).start()
    yield made
    made.stop()


def of_service(code: str, message: str = "the service's own words") -> dict:
    return {"kind": "http_status", "status": 400, "code": code, "message": message}


LASTING = [  # (fault, what the client is told)
    (of_service("AccessDeniedException"), "allow the operation for this identity in its IAM policy and in the policy"),
    (of_service("DisabledException"), "enable the KMS key"),
    (of_service("KMSInvalidStateException"), "pending deletion"),
    (of_service("KMSInvalidStateException", "The external key store proxy is in an unhealthy state."),
     "the external key store of the KMS key does not answer"),
    (of_service("NotFoundException"), "there is no such KMS key in this region and account"),
    (of_service("InvalidKeyUsageException"), "use a symmetric KMS key"),
    (of_service("OptInRequired"), "enable the region for the account"),
    (of_service("SomethingNewException"), "SomethingNewException: the service's own words"),
    ({"kind": "throttle"}, "the request rate of the account is exhausted"),
    ({"kind": "expired_token"}, "the session token has expired: renew it"),
    ({"kind": "http_status", "status": 500, "code": "KMSInternalException"}, "KMSInternalException"),
    ({"kind": "http_status", "status": 503, "body": ""}, "HTTP 503"),
    ({"kind": "html"}, "an answer that is not from AWS"),
    ({"kind": "html", "status": 403}, "is there a proxy or another server in between?"),
    ({"kind": "http_redirect", "body": "http://127.0.0.1:1/"}, "HTTP 307"),
    ({"kind": "cut_before"}, "no answer from 127.0.0.1"),
    ({"kind": "reset_before"}, "no answer from 127.0.0.1"),
    ({"kind": "truncate"}, "no answer from 127.0.0.1"),
    ({"kind": "oversize"}, "larger than any real one"),
    ({"kind": "bad_json"}, "AWS KMS "),
    ({"kind": "empty_body"}, "AWS KMS "),
]


@pytest.mark.parametrize("operation", [GENERATE, DECRYPT])
def test_lasting_faults_are_explained_and_pass_without_a_restart(operation, kms, server):
    for number, (fault, expected) in enumerate(LASTING, 100):
        kms.fault(operation=operation, count=-1, **fault)
        refused = refusal(server, number)
        kms.clear_faults()
        assert expected in refused, f"{fault}: {refused}"
        assert f"AWS KMS {operation}" in refused, f"{fault}: {refused}"
        assert expected in said(server), "in the error log too"
        if operation == DECRYPT:
            assert f"aws-kms-key.{number}.1" in refused
    kms.reset_counters()
    wait_usable(server, *range(100, 100 + len(LASTING)), seconds=6)
    assert kms.calls(GENERATE) == len(LASTING), "nothing was stored that could not be opened"
    assert set(aws_plugin.key_files(server.data)) == {(1, 1), *((n, 1) for n in range(100, 100 + len(LASTING)))}


def test_passing_faults_are_not_noticed(kms, server):
    kinds = ["throttle", "html", "cut_before", "cut_after", "reset_before", "reset_after", "truncate", "oversize",
             "bad_json", "empty_body", "expired_token", "wrong_date"]
    kms.reset_counters()
    for number, kind in enumerate(kinds, 100):
        for operation in (GENERATE, DECRYPT):
            kms.fault(kind, operation)
        assert usable(server, number), f"{kind}: {said(server)}"
    assert kms.counters()["faults"] == {kind: 2 for kind in kinds}
    rows = status(server)
    # A wrong date needs none, and connections that were kept and are closed are libcurl's own business.
    assert int(rows["kms_retries"]) >= 2 * len([kind for kind in kinds if not re.match("wrong|cut|reset", kind)])
    assert rows["kms_errors"] == "0" and rows["versions_failed"] == "0"
    assert set(aws_plugin.key_files(server.data)) == {(1, 1), *((number, 1) for number in range(100, 100 + len(kinds)))}


def test_an_external_key_store_that_was_slow_once_is_not_noticed(kms, server):
    for operation in (GENERATE, DECRYPT):
        kms.fault(operation=operation, count=1, **of_service(
            "KMSInvalidStateException",
            "AWS KMS rejected the request because the external key store proxy did not respond in time."))
    assert usable(server, 100), said(server)
    assert status(server)["kms_errors"] == "0"


def test_a_wrong_clock_is_corrected_with_a_warning(kms, server):
    try:
        for round_number, offset in enumerate([3600, -3600, 0]):
            kms.control("POST", "/clock", {"offset_s": offset})
            assert usable(server, 100 + round_number)
            assert said(server).count("this machine's clock differs from AWS's by") == round_number + 1
    finally:
        kms.control("POST", "/clock", {"offset_s": 0})
    assert "by -3600 seconds" in said(server) or "by -3599 seconds" in said(server)


def test_the_kms_keys_own_troubles(kms, server):
    own = kms.control("POST", "/keys", {"region": kms.region, "alias": "alias/own"})["id"]

    def use(key):
        server.sql(f"SET GLOBAL {P}master_key_id='{key}'")
    use("alias/own")
    make_table(server, "t", 10)
    content = (server.data / "aws-kms-key.10.1").read_bytes()
    assert own in aws_client.read_bound(content).key_arn, "the new alias is used for new keys"
    for number, (state, expected) in enumerate([("Disabled", "DisabledException"),
                                                ("PendingDeletion", "KMSInvalidStateException")], 20):
        kms.control("POST", f"/keys/{own}/state", {"state": state})
        refused = refusal(server, number)
        assert expected in refused
        assert ("enable the KMS key" if state == "Disabled" else "cancel its deletion") in refused
        assert readable(server, "t"), "what is loaded goes on"
        kms.control("POST", f"/keys/{own}/state", {"state": "Enabled"})
    wait_usable(server, 20, 21, seconds=6)
    for number, key in enumerate(["alias/no-such", f"arn:aws:kms:us-east-1:111122223333:key/{own}"], 30):
        use(key)
        refused = refusal(server, number)
        assert re.search("there is no such KMS key in this region|check the key id and the region", refused), refused
    use("alias/openkeyring")
    assert usable(server, 30) and usable(server, 31), "a fixed setting is tried at once"


def test_status_variables(kms, server):
    rows = status(server)
    assert set(rows) == {"keys", "versions_loaded", "versions_failed", "kms_requests", "kms_retries", "kms_errors",
                         "last_error", "last_error_time", "last_success_time", "credential_source", "endpoint",
                         "secret_memory", "key_store", "slots", "slots_opening", "slot_opened",
                         "slots_failed", "slots_untried", "slots_missing", "slots_foreign",
                         "opened_by_local_slot"}
    assert rows["last_error"] == rows["last_error_time"] == ""
    make_tables(server, {"a": 1, "b": 2})
    server.sql(f"SET GLOBAL {P}rotate_key=2")
    kms.fault(operation=GENERATE, **of_service("AccessDeniedException"))
    refusal(server, 9)
    rows = status(server)
    time = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
    assert time.fullmatch(rows["last_success_time"]) and time.fullmatch(rows["last_error_time"])
    assert "AccessDeniedException" in rows["last_error"]
    assert (rows["keys"], rows["versions_loaded"], rows["versions_failed"]) == ("2", "3", "0")
    assert rows["credential_source"] == "environment" and rows["endpoint"] == kms.url + "/"
    # Three keys made and read back, one refused.
    assert (rows["kms_requests"], rows["kms_retries"], rows["kms_errors"]) == ("10", "0", "1")


def test_values_that_make_no_sense_are_refused(kms, server):
    files = set(aws_plugin.key_files(server.data))
    for value in ("-2", "NULL", "'x'", "5000000000", "18446744073709551615", "1.5"):
        with pytest.raises(SqlError):
            server.sql(f"SET GLOBAL {P}rotate_key={value}")
    server.sql(f"SET GLOBAL {P}rotate_key=0; SET GLOBAL {P}rotate_key=DEFAULT")
    for value in ("REPEAT('x', 2049)", "NULL"):
        with pytest.raises(SqlError):
            server.sql(f"SET GLOBAL {P}master_key_id={value}")
    assert server.variable(f"{P}master_key_id") == "alias/openkeyring"
    server.sql(f"SET GLOBAL {P}master_key_id=REPEAT('x', 2048)")
    assert server.value(f"SELECT LENGTH(@@GLOBAL.{P}master_key_id)") == "2048"
    for name, value in (("key_spec", "'AES_192'"), ("log_level", "'Loud'"), ("bind_key_id", "'PERHAPS'")):
        with pytest.raises(SqlError):
            server.sql(f"SET GLOBAL {P}{name}={value}")
    assert set(aws_plugin.key_files(server.data)) == files


def test_a_computed_master_key_id_arrives_whole(kms, server):
    for length in (1, 60, 500, 2000):
        server.sql(f"SET GLOBAL {P}master_key_id = CONCAT('alias/', REPEAT('x', {length}))")
        assert server.variable(f"{P}master_key_id") == "alias/" + "x" * length
    server.sql(f"SET @key = 'alias/openkeyring'; SET GLOBAL {P}master_key_id = @key")
    assert server.variable(f"{P}master_key_id") == "alias/openkeyring"
    wait_usable(server, 77)


def test_rotate_key_on_the_command_line_does_nothing(kms, server):
    make_table(server, "t", 5)
    server.restart("--aws-key-management-rotate-key=5")
    assert server.variable(f"{P}rotate_key") == "0"
    assert set(aws_plugin.key_files(server.data)) == {(1, 1), (5, 1)}


def test_the_log_tells_each_call_when_asked_to(kms, server):
    quiet = said(server)
    assert GENERATE not in quiet and DECRYPT not in quiet
    server.sql(f"SET GLOBAL {P}log_level=Debug")
    make_table(server, "t", 5)
    lines = said(server)[len(quiet):].splitlines()
    for operation, calls in ((GENERATE, 1), (DECRYPT, 2)):  # Opened before it is stored, and read back.
        found = [line for line in lines if line.startswith(f"{operation} at {kms.url}/ with access key AKIA")]
        assert len(found) == calls and found[0].endswith("HTTP 200")
    assert kms.ready["secret_access_key"] not in server.error_log()
    server.sql(f"SET GLOBAL {P}log_level=Off")
    loud = said(server)
    make_table(server, "u", 6)
    assert said(server)[len(loud):].strip() == \
        "made version 1 of key 6, key file aws-kms-key.6.1, since nothing of that key was stored"


def test_the_same_failure_does_not_flood_the_log(kms, server):
    kms.fault(operation=GENERATE, count=-1, **of_service("AccessDeniedException"))
    for _ in range(10):
        assert "AccessDeniedException" in refusal(server, 70), "each client is told"
    assert said(server).count("cannot make key 70") == 1
    kms.clear_faults()


MARKER = "PLAIN-MARKER-4711"


def test_aes_ctr_encrypts_everything_and_is_not_cbc(kms, make_server):
    server = make_server(kms, options=[*aws_plugin.ENCRYPT_ALL, "--max-binlog-size=64K"])
    server.start(f"--{P.replace('_', '-')}encryption-algorithm=aes_ctr")
    server.sql(f"""CREATE DATABASE d; USE d;
        CREATE TABLE i (a INT PRIMARY KEY, b TEXT, KEY(b(20))) ENGINE=InnoDB;
        CREATE TABLE a (a INT PRIMARY KEY, b TEXT) ENGINE=Aria;
        INSERT INTO i SELECT seq, CONCAT('{MARKER}', seq, REPEAT('y', 300)) FROM seq_1_to_2000;
        INSERT INTO a SELECT * FROM i; UPDATE i SET b=CONCAT(b,'z') WHERE a%2; FLUSH BINARY LOGS;""")
    # Temporary files: sorting and grouping beyond the memory for it.
    checks = ("SET sort_buffer_size=16384, tmp_memory_table_size=0, group_concat_max_len=100000;"
              "SELECT SUM(LENGTH(b)) FROM d.i; SELECT COUNT(DISTINCT b) FROM d.a;"
              "SELECT MD5(GROUP_CONCAT(x ORDER BY x)) FROM (SELECT b, MAX(a) x FROM d.i GROUP BY b ORDER BY b DESC) t;"
              "SELECT VARIABLE_NAME, VARIABLE_VALUE > 0 FROM information_schema.SESSION_STATUS"
              " WHERE VARIABLE_NAME IN ('SORT_MERGE_PASSES', 'CREATED_TMP_DISK_TABLES')")
    before = server.sql(checks)
    assert sorted(before[-2:]) == [("CREATED_TMP_DISK_TABLES", "1"), ("SORT_MERGE_PASSES", "1")], "files were used"
    events = server.sql("SHOW BINLOG EVENTS IN 'binlog.000001' LIMIT 12")
    server.restart(f"--{P.replace('_', '-')}encryption-algorithm=aes_ctr")
    assert server.sql(checks) == before
    assert server.sql("SHOW BINLOG EVENTS IN 'binlog.000001' LIMIT 12") == events and "CREATE TABLE i" in str(events)
    server.stop()
    assert [path.name for path in server.data.rglob("*")
            if path.is_file() and MARKER.encode() in path.read_bytes()] == []

    server.launch()  # aes_cbc
    process.wait_until(lambda: "ready for connections" in server.last_log() or not server.running(), "a start or a refusal", 60)
    if server.running():
        for table in ("d.i", "d.a"):
            with pytest.raises(SqlError):
                server.sql(f"SELECT MAX(b) FROM {table}")
        server.stop()
    else:
        assert server.process.returncode > 0, "an orderly refusal, not a crash"
