# SPDX-License-Identifier: MIT
"""A KMS whose answers are well formed and not true: no product stores or uses a wrong key."""

import pytest

from lab import aws_plugin, emulator
from lab.mysql import SqlError

NO_ANSWERS = ("other_key_id", "no_bytes", "half_json")
TABLE = "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY) ENCRYPTION='Y'; INSERT INTO d.t VALUES (1)"


@pytest.fixture
def other_kms(directory):
    """A KMS with the same alias and credentials, and keys of its own."""
    with emulator.Emulator(directory / "other") as running:
        yield running.start()


def fetched(server, name: str) -> str | None:
    """A key in hex; nothing when it cannot be had."""
    try:
        value = server.value(f"SELECT HEX(keyring_key_fetch('{name}'))")
    except SqlError:
        return None
    return None if value == "NULL" else value


def refuses_to_store(server) -> bool:
    try:
        return server.value("SELECT keyring_key_store('b','SECRET','more')") != "1"
    except SqlError:
        return True


# ---- MariaDB ---------------------------------------------------------------

LIES = [("Decrypt", 0, "other_bytes"), ("Decrypt", 1, "other_bytes"), ("Decrypt", 0, "earlier_answer"),
        ("GenerateDataKeyWithoutPlaintext", 0, "other_bytes"), ("GenerateDataKeyWithoutPlaintext", 0, "earlier_answer"),
        *(("Decrypt", 0, kind) for kind in (*NO_ANSWERS, "answer_twice"))]


def test_mariadb_encrypts_nothing_with_a_false_key(kms, make_server):
    server = make_server(kms).start()
    aws_plugin.make_table(server, "t0", 4)  # There are earlier answers now.
    for number, (operation, skip, kind) in enumerate(LIES, 1):
        kms.fault(kind, operation, skip=skip)
        aws_plugin.wait_usable(server, 10 + number)
        aws_plugin.make_table(server, f"t{number}", 10 + number)
        kms.clear_faults()
    server.restart()
    unreadable = [lie for number, lie in enumerate(LIES, 1) if not aws_plugin.readable(server, f"t{number}")]
    assert unreadable == [] and aws_plugin.readable(server, "t0")


def test_mariadb_starts_with_its_keys_or_without(kms, make_server):
    server = make_server(kms, options=["--aws-key-management-startup-deadline=1", *aws_plugin.TOUCH_NOTHING]).start()
    aws_plugin.make_tables(server, {"a": 4, "b": 5})
    files = sorted(aws_plugin.key_files(server.data))
    for kind in ("other_key_id", "no_bytes", "answer_twice"):
        server.stop()
        kms.fault(kind, "Decrypt", count=-1)
        server.start()
        assert sorted(aws_plugin.key_files(server.data)) == files
        if kind != "answer_twice":
            assert not aws_plugin.usable(server, 4), kind
        kms.clear_faults()
        aws_plugin.wait_usable(server, 4, 5)
        assert aws_plugin.readable(server, "a") and aws_plugin.readable(server, "b"), kind


def test_mariadb_makes_nothing_at_another_kms(kms, other_kms, make_server):
    server = make_server(kms, options=["--aws-key-management-startup-deadline=1", *aws_plugin.TOUCH_NOTHING]).start()
    aws_plugin.make_tables(server, {"a": 4})
    files = {key: path.read_bytes() for key, path in aws_plugin.key_files(server.data).items()}
    server.stop()
    right = server.options
    server.options = [option.replace(kms.url, other_kms.url) for option in right]
    server.environment = {**server.environment, **other_kms.environment()}
    server.start()
    assert not aws_plugin.usable(server, 4)
    assert not aws_plugin.readable(server, "a")
    assert {key: path.read_bytes() for key, path in aws_plugin.key_files(server.data).items()} == files
    server.stop()
    server.options = right
    server.environment = {**server.environment, **kms.environment()}
    server.start()
    assert aws_plugin.readable(server, "a")


# ---- component_keyring_kms -------------------------------------------------

@pytest.mark.sid
@pytest.mark.parametrize("form", ["sealed", "percona"])
def test_the_kms_component_stores_and_loads_no_false_key(form, kms, make_kms_mysql):
    server = make_kms_mysql(more={"file_format": form, "startup_deadline_ms": 500, "operation_deadline_ms": 400})
    server.start()
    server.sql(TABLE)
    server.install_udf()
    server.sql("DO keyring_key_store('a','SECRET','text'), keyring_key_store('z','SECRET','zzzz')")
    if form == "percona":  # A sealed file needs no KMS for a store.
        before = server.keyring.read_bytes()
        for operation in ("Encrypt", "Decrypt"):
            kms.fault("earlier_answer", operation)
            assert refuses_to_store(server) and server.keyring.read_bytes() == before, operation
            kms.clear_faults()
            for kind in ("other_bytes", "no_bytes", "half_json"):  # The file holds no KeyId that could be false.
                kms.fault(kind, operation, count=-1)
                assert refuses_to_store(server), (operation, kind)
                assert server.keyring.read_bytes() == before, (operation, kind)
                kms.clear_faults()
    # Nothing in Percona's format says which bytes, and which KMS key, are the right ones.
    for kind in ("no_bytes",) if form == "percona" else ("other_bytes", "other_key_id"):
        kms.fault(kind, "Decrypt", count=-1)
        server.restart()
        assert server.status()["Component_status"] == "Disabled", kind
        kms.clear_faults()
        server.reload()
        assert server.value("SELECT keyring_key_fetch('a')") == "text"
    kms.fault("answer_twice", count=-1)
    server.restart()
    kms.clear_faults()
    assert server.sql("SELECT keyring_key_fetch('a'), keyring_key_fetch('z'), (SELECT a FROM d.t)") == [("text", "zzzz", "1")]
    if form == "percona":  # A reload compares.
        kms.fault("other_bytes", "Decrypt")
        assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
        assert "the reload is refused: of" in server.last_log()
        assert server.value("SELECT keyring_key_fetch('a')") == "text"


@pytest.mark.sid
def test_the_kms_component_at_another_kms_starts_without_its_keyring(kms, other_kms, make_kms_mysql):
    server = make_kms_mysql(more={"startup_deadline_ms": 500})
    server.start()
    server.sql(TABLE)
    content = server.keyring.read_bytes()
    server.stop()
    server.configure(endpoint_url=other_kms.url, startup_deadline_ms=500)
    server.environment = {**server.environment, **other_kms.environment()}
    server.start()
    assert server.status()["Component_status"] == "Disabled"
    assert server.keyring.read_bytes() == content
    server.stop()
    server.configure()
    server.environment = {**server.environment, **kms.environment()}
    server.start()
    assert server.value("SELECT a FROM d.t") == "1"


# ---- keyring_aws -----------------------------------------------------------

@pytest.mark.sid
@pytest.mark.parametrize("cache", ["OFF", "ON"])
def test_keyring_aws_uses_and_stores_no_false_key(cache, kms, make_aws_mysql):
    server = make_aws_mysql(more={"cache_keys": cache, "operation_deadline_ms": 400})
    server.start()
    server.install_udf()
    assert server.value("SELECT keyring_key_store('a','SECRET','text')") == "1"
    before = server.keyring.read_bytes()
    for operation in ("Encrypt", "Decrypt"):
        kms.fault("earlier_answer", operation)
        assert refuses_to_store(server) and server.keyring.read_bytes() == before, operation
        kms.clear_faults()
        for kind in ("other_bytes", *NO_ANSWERS):
            kms.fault(kind, operation, count=-1)
            assert refuses_to_store(server), (operation, kind)
            assert server.keyring.read_bytes() == before, (operation, kind)
            kms.clear_faults()
    # A generated key is used once two answers agree on it.
    for name, skip in (("g", 0), ("h", 1)):
        kms.fault("other_bytes", "Decrypt", skip=skip)
        assert server.value(f"SELECT keyring_key_generate('{name}','AES',32)") == "1"
        values = [fetched(server, name) for _ in range(4)]
        assert values[0] is None, "the answers differ"
        assert values[-1] is not None and {value for value in values if value} == {values[-1]}
        server.restart()
        assert fetched(server, name) == values[-1]
    kms.fault("answer_twice", count=-1)
    assert server.value("SELECT keyring_key_fetch('a')") == "text"
