# SPDX-License-Identifier: MIT
"""keyring_aws in real MySQL 9.7 when KMS, the conf file or the data file is not as it should be."""

import shutil
import time

import pytest
from lab import aws_keyring_plugin
from lab.aws_keyring_plugin import FUNCTIONS, INSTALL
from lab.mysql import SqlError

pytestmark = pytest.mark.sid

FETCH = "SELECT keyring_key_fetch('a')"
ROTATE = "SELECT keyring_aws_rotate_keys()"


def of_service(code: str) -> dict:
    return {"kind": "http_status", "status": 400, "code": code, "message": "the service's words"}


FAULTS = [  # (fault, what the log says)
    (of_service("AccessDeniedException"), "allow the operation for this identity"),
    (of_service("DisabledException"), "enable the KMS key"),
    (of_service("KMSInvalidStateException"), "pending deletion"),
    (of_service("NotFoundException"), "there is no such KMS key"),
    ({"kind": "throttle"}, "request rate"),
    ({"kind": "expired_token"}, "session token has expired"),
    ({"kind": "http_status", "status": 503, "body": ""}, "HTTP 503"),
    ({"kind": "html"}, "not from AWS"),
    ({"kind": "cut_before"}, "no answer"),
    ({"kind": "truncate"}, "no answer"),
    ({"kind": "bad_json"}, "AWS KMS"),
]


@pytest.fixture
def server(make_aws_mysql):
    """A running server with one key "a" and all functions."""
    # A rotation that is throttled goes on until its deadline.
    made = make_aws_mysql(options=["--log-error-verbosity=3",
                                   "--keyring-aws-rotate-deadline-ms=5000"])
    made.start()
    made.install_udf()
    made.sql(FUNCTIONS + "SELECT keyring_key_store('a','SECRET','text')")
    return made


def refused(server, statement: str) -> bool:
    try:
        return server.value(statement) in ("NULL", "0")
    except SqlError:
        return True


def test_every_fault_of_kms_changes_nothing_and_passes(kms, server):
    before = server.keyring.read_bytes()
    for fault, words in FAULTS:
        kms.fault(count=-1, **fault)
        for statement in (FETCH, "SELECT keyring_key_generate('b','AES',32)", "SELECT keyring_key_store('b','SECRET','x')",
                          ROTATE):
            assert refused(server, statement), (fault, statement)
        assert words in server.last_log(), fault
        assert server.keyring.read_bytes() == before, fault
        kms.clear_faults()
        assert server.value(FETCH) == "text", fault
    assert server.value(ROTATE) == "1"


def test_a_hung_kms_holds_nobody_longer_than_the_deadline(kms, server):
    kms.latency(60000)
    started = time.monotonic()
    assert refused(server, FETCH)
    assert time.monotonic() - started < 6
    kms.latency(0)
    assert server.value(FETCH) == "text"


def test_a_kms_that_is_away_at_the_start_is_waited_for_by_nobody(kms, server):
    server.stop()
    kms.stop()
    server.start()
    assert "keys cannot be used until AWS KMS answers" in server.last_log()
    assert refused(server, FETCH)
    kms.start()
    assert server.value(FETCH) == "text"


CONF_FILES = [  # (text, mode, what the log says); no text: no file
    (None, 0, "is missing"),
    ("", 0o600, "is empty"),
    ("AKIDEXAMPLE000000000\n", 0o600, "no secret access key in its second line"),
    ("\nsecret\n", 0o600, "no access key id in its first line"),
    ("AKIDEXAMPLE000000000\nsecret\nmore\n", 0o600, "more than two lines"),
    ("AKID EXAMPLE\nsecret\n", 0o600, "is malformed"),
    ("AKIDEXAMPLE000000000\nsecret\n", 0o644, "is world-readable"),
]


def test_each_fault_of_the_conf_file_has_its_own_error(kms, make_aws_mysql):
    server = make_aws_mysql(early=False)
    server.start()
    for text, mode, words in CONF_FILES:
        if text is None:
            server.conf.unlink()
        else:
            aws_keyring_plugin.write_conf(server.conf, kms, text, mode)
        server.run_error(INSTALL)
        assert words in server.last_log(), words
    keys = kms.ready
    aws_keyring_plugin.write_conf(server.conf, kms, f"{keys['access_key_id']}\r\n{keys['secret_access_key']} \t")
    server.sql(INSTALL)


def test_what_must_be_set_is_asked_for(kms, make_aws_mysql):
    for name, value, words in (("cmk_id", None, "keyring_aws_cmk_id has to be set"), ("conf_file", "", "conf_file must not be"),
                               ("data_file", "", "data_file must not be"), ("region", "eu middle 1", "not the name of a region")):
        server = make_aws_mysql(early=False, name=name, more={name: value})
        server.start()
        server.run_error(INSTALL)
        assert words in server.last_log()
        server.stop()


def test_an_unknown_region_is_a_warning(kms, make_aws_mysql):
    server = make_aws_mysql(early=False, more={"region": "eu-moon-7"})
    server.start()
    server.run_error(INSTALL)  # The emulator has no such region.
    assert "is not a region known to this version" in server.last_log()


def test_credentials_that_change_are_picked_up_at_the_next_failure(kms, server):
    """What the plugin holds is refused from now on; the file has what is not."""
    aws_keyring_plugin.write_conf(server.conf, kms, "AKIAWRONGWRONGWRONG0\nwrong\n")
    kms.fault("http_status", "Decrypt", status=400, code="UnrecognizedClientException")
    assert refused(server, FETCH), "the file has wrong ones now, and they were read"
    assert "does not know this access key" in server.last_log()
    aws_keyring_plugin.write_conf(server.conf, kms)
    assert server.value(FETCH) == "text"


def test_the_default_chain_needs_no_conf_file(kms, make_aws_mysql):
    server = make_aws_mysql(environment=kms.environment(), more={"credentials": "CHAIN", "conf_file": "/nowhere"})
    server.start()
    server.install_udf()
    assert server.value("SELECT keyring_key_generate('b','AES',32)") == "1"


def test_an_edited_replaced_or_vanished_data_file_refuses_changes(server):
    good = server.keyring.read_bytes()
    changes = ["SELECT keyring_key_generate('b','AES',32)", "SELECT keyring_key_remove('a')", ROTATE]

    def edit():
        server.keyring.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))

    def replace():
        shutil.copy(server.keyring, server.keyring.with_suffix(".copy"))
        server.keyring.with_suffix(".copy").rename(server.keyring)
        edit()

    for damage in (edit, replace, server.keyring.unlink, lambda: server.keyring.write_bytes(b"")):
        damage()
        there = server.keyring.read_bytes() if server.keyring.exists() else None
        for change in changes:
            assert refused(server, change), (damage, change)
        assert (server.keyring.read_bytes() if server.keyring.exists() else None) == there
        assert server.value(FETCH) == "text", "memory keeps serving"
        server.keyring.write_bytes(good)
    assert "changed by somebody else" in server.last_log()
    assert server.value("SELECT keyring_key_generate('b','AES',32)") == "1", "the right file is back"
    server.restart()
    assert server.value(FETCH) == "text"


def test_a_damaged_data_file_is_left_alone(make_aws_mysql):
    server = make_aws_mysql(early=False)
    server.start()
    server.keyring.parent.mkdir()
    for content, words in ((b"", "it is empty"), (b"Keyring file version:2.0EOF", "not a data file of this"),
                           (b"\x89OKRA\r\n\x1a" + bytes(80), "checksum is wrong")):
        server.keyring.write_bytes(content)
        server.run_error(INSTALL)
        assert words in server.last_log()
        assert server.keyring.read_bytes() == content


def test_two_servers_with_one_data_file(server, make_aws_mysql):
    other = make_aws_mysql(name="other")
    other.configure(data_file=server.keyring)
    other.start()
    assert "can be read but not changed" in other.last_log() and "is in use by process" in other.last_log()
    other.install_udf()
    assert other.value(FETCH) == "text"
    assert refused(other, "SELECT keyring_key_generate('b','AES',32)")
    server.stop()
    assert other.value("SELECT keyring_key_generate('b','AES',32)") == "1"
