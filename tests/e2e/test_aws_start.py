# SPDX-License-Identifier: MIT
"""Starting with aws_key_management: without KMS, with wrong settings, with many keys, over TLS."""

import dataclasses
import signal
import time

import pytest

from lab import aws_client, aws_plugin, certificates, emulator, mariadb, process, system_trust
from lab.aws_plugin import TOUCH_NOTHING, make_table, make_tables, readable, said, status, usable, wait_usable
from lab.mariadb import SqlError

ONCE = {"AWS_MAX_ATTEMPTS": "1"}  # The plugin's own rounds are what is looked at.
DEADLINE = "--aws-key-management-startup-deadline"


def attempts(server) -> list[str]:
    return [line for line in said(server).splitlines() if line.startswith("attempt ")]


def test_the_server_waits_for_kms_until_the_startup_deadline(kms, make_server):
    server = make_server(kms, environment=ONCE).start()
    make_tables(server, {"a": 1, "b": 2, "c": 3})
    server.stop()
    kms.stop()
    server.launch(f"{DEADLINE}=60")
    process.wait_until(lambda: len(attempts(server)) >= 2, "two attempts", 30)
    assert server.running() and "ready for connections" not in server.last_log()
    kms.start()
    server.wait_ready()
    lines = attempts(server)
    for number, line in enumerate(lines, 1):  # One line an attempt, however many keys there are.
        assert line.startswith(f"attempt {number}: 3 of 3 key versions are not loaded yet: ")
        assert "no answer from 127.0.0.1" in line
    assert len(lines) < 20
    assert all(readable(server, name) for name in "abc")
    assert status(server)["versions_failed"] == "0"
    server.stop()

    kms.fault("http_status", "Decrypt", count=2, status=500)  # Not all keys: the rest is there at once.
    server.start(f"{DEADLINE}=60")
    assert status(server)["versions_loaded"] == "3"
    server.stop()


def test_a_server_starts_without_kms_and_finds_it_later(kms, make_server):
    server = make_server(kms, options=[*TOUCH_NOTHING, "--aws-key-management-operation-deadline=2",
                                       "--innodb-encryption-threads=2"], environment=ONCE).start()
    make_tables(server, {"touched": 5, "untouched": 5, "other": 6})
    server.sql("CREATE TABLE d.plain (a INT); INSERT INTO d.plain VALUES (1)")
    server.stop()
    kms.stop()
    for seconds in (0, 2):
        began = time.monotonic()
        server.start(f"{DEADLINE}={seconds}", "--aws-key-management=FORCE_PLUS_PERMANENT")
        assert time.monotonic() - began < seconds + 10
        assert status(server)["versions_failed"] == "3"
        assert server.value("SELECT a FROM d.plain") == "1"
        assert not readable(server, "touched")
        refused = aws_plugin.refusal(server, 5)
        assert "no answer from 127.0.0.1" in refused and "aws-kms-key.5.1" in refused
        assert "no answer from 127.0.0.1" in aws_plugin.refusal(server, 77)
        if seconds == 0:
            server.stop()
    assert set(aws_plugin.key_files(server.data)) == {(1, 1), (5, 1), (6, 1)}, "none in place of what is not reachable"
    kms.start()
    wait_usable(server, 5, 6, 77)
    assert readable(server, "untouched") and readable(server, "other")
    make_table(server, "new", 5)
    server.restart()
    assert all(readable(server, name) for name in ("touched", "untouched", "other", "new"))
    assert server.sql("CHECK TABLE d.touched, d.untouched") == [
        ("d.touched", "check", "status", "OK"), ("d.untouched", "check", "status", "OK")]
    server.stop()


def test_an_encrypted_system_needs_kms_to_start_and_takes_no_harm_without(kms, make_server):
    server = make_server(kms, options=aws_plugin.ENCRYPT_ALL, environment=ONCE).start()
    make_table(server, "a", 1)
    server.sql("CREATE TABLE d.aria (a INT) ENGINE=Aria; INSERT INTO d.aria VALUES (1)")
    # Aria's recovery, unlike InnoDB's, forgets what is in its log for tables that it has no key for.
    server.restart()
    make_table(server, "b", 2)
    server.kill()
    kms.stop()
    server.launch(f"{DEADLINE}=0")
    process.wait_until(lambda: "ready for connections" in server.last_log() or not server.running(), "a start or a refusal", 60)
    assert not server.running() and server.process.returncode > 0, "an orderly refusal"
    assert "no answer from 127.0.0.1" in said(server)
    server.launch(f"{DEADLINE}=60")
    process.wait_until(lambda: attempts(server)[-1:] and "attempt 2" in attempts(server)[-1], "an attempt", 30)
    kms.start()
    server.wait_ready()
    assert readable(server, "a") and readable(server, "b")
    assert server.value("SELECT a FROM d.aria") == "1"
    server.stop()


@pytest.mark.parametrize("count", [200, pytest.param(5000, marks=pytest.mark.long)])
def test_after_a_hang_of_kms_the_first_key_brings_all_others(count, make_server, directory):
    kms = emulator.Emulator(directory / "kms", alias="alias/openkeyring").start()
    server = make_server(kms, options=TOUCH_NOTHING, environment=ONCE)
    files_for(kms, server, range(1, count + 1))
    try:
        kms.process.send(signal.SIGSTOP)
        began = time.monotonic()
        server.start(f"{DEADLINE}=1")
        start = time.monotonic() - began
        assert start < 20, "deadlines of keys do not add up"
        assert f"starting without {count} of {count} key versions" in said(server)
        began = time.monotonic()
        assert not any(usable(server, number) for number in range(2, 22))
        assert time.monotonic() - began < 15
        kms.process.send(signal.SIGCONT)
        began = time.monotonic()
        wait_usable(server, 9)
        process.wait_until(lambda: status(server)["versions_loaded"] == str(count), "all keys", 120)
        print(f"{count} keys: {start:.1f} s to ready while KMS hangs, {time.monotonic() - began:.1f} s until all are loaded")
    finally:
        kms.stop()
    server.stop()


def plugin_status(server) -> list:
    return server.sql("SELECT PLUGIN_STATUS FROM information_schema.PLUGINS WHERE PLUGIN_NAME='aws_key_management'")


def test_off_and_permanent(kms, make_server):
    server = make_server(kms).start("--aws-key-management=OFF")
    assert plugin_status(server) == [("DISABLED",)]
    with pytest.raises(SqlError):
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENCRYPTED=YES")
    assert aws_plugin.key_files(server.data) == {}
    server.restart("--aws-key-management=FORCE_PLUS_PERMANENT")
    with pytest.raises(SqlError) as caught:
        server.sql("UNINSTALL PLUGIN aws_key_management")
    assert caught.value.code == 1702
    server.stop()


@pytest.mark.parametrize("options, environment, expected", [
    (["--aws-key-management-endpoint-url=ftp://127.0.0.1"], {}, "ftp"),
    (["--aws-key-management-endpoint-url=https://"], {}, "host"),
    (["--aws-key-management-endpoint-url=http://user:hunter2@127.0.0.1"], {}, "option"),
    (["--aws-key-management-region=eu/central"], {}, '"eu/central" (option) is not the name of a region'),
    (["--aws-key-management-endpoint-url=http://192.0.2.1"], {}, "would carry plaintext keys unencrypted"),
    ([], {"AWS_ENDPOINT_URL_STS": "http://192.0.2.1"}, "would carry plaintext keys unencrypted"),
    ([], {"AWS_USE_FIPS_ENDPOINT": "true"}, "excludes FIPS and dual-stack endpoints"),
    ([], {"AWS_MAX_ATTEMPTS": "many"}, "AWS_MAX_ATTEMPTS"),
    ([], {"AWS_PROFILE": "nowhere"}, "nowhere"),
])
def test_a_wrong_setting_stops_the_start_and_is_named(options, environment, expected, kms, make_server):
    server = make_server(kms, options=options, environment=environment)
    server.launch("--aws-key-management=FORCE")
    assert server.process.wait(30) != 0
    assert "cannot start: " in said(server) and expected in said(server)
    assert "hunter2" not in server.error_log()


def files_for(kms, server, numbers) -> None:
    for number in numbers:
        aws_client.stock_file(kms, server.data, number)


@pytest.fixture
def make_https_kms(directory):
    made = []

    def make(certificate) -> emulator.Emulator:
        made.append(emulator.Emulator(directory / f"https{len(made)}", options=[
            "--tls-cert", str(certificate.certificate), "--tls-key", str(certificate.key)]).start())
        return made[-1]
    yield make
    for running in made:
        running.stop()


def test_many_keys_are_loaded_in_parallel_over_few_connections(make_https_kms, make_server, directory):
    authority = certificates.Authority(directory / "ca")
    kms = make_https_kms(authority.server())
    assert kms.url.startswith("https://")
    server = make_server(kms, environment={"AWS_CA_BUNDLE": str(authority.certificate)})
    files_for(kms, server, range(1, 201))
    kms.latency(20)
    kms.reset_counters()
    server.start()
    counters = kms.counters()
    assert status(server)["versions_loaded"] == "200"
    assert kms.calls("Decrypt") == 200, "each file once"
    assert 8 < counters["max_concurrent_requests"] <= 18
    assert counters["accepted_connections"] <= 18 and counters["tls_handshakes"] <= 18
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=-1") == []
    assert len(aws_plugin.key_files(server.data)) == 400
    assert kms.counters()["accepted_connections"] <= 18
    server.stop()


def test_a_throttled_start_loads_all_keys_with_few_calls_in_vain(kms, make_server):
    server = make_server(kms)
    files_for(kms, server, range(1, 101))
    kms.latency(10)
    kms.availability(quota={"requests_per_second": 60, "burst": 30})
    kms.reset_counters()
    server.start(f"{DEADLINE}=60")
    assert status(server)["versions_loaded"] == "100"
    throttled = kms.counters()["error_codes"]["ThrottlingException"]
    assert 1 <= throttled <= 80, "of each round no more than were under way; 16 the first time"
    assert kms.calls("Decrypt") == 100 + throttled
    lines = [line for line in said(server).splitlines() if "with fewer calls at once" in line]
    assert len(lines) == 1 and "ThrottlingException" in lines[0]
    assert attempts(server) == [], "throttled keys were not given up for a later attempt"
    server.stop()


def test_an_authority_among_the_systems_is_trusted(make_https_kms, make_server, directory):
    authority = certificates.Authority(directory / "ca")
    kms = make_https_kms(authority.server())
    try:
        run = system_trust.with_authority(directory / "certs", authority.certificate)
    except OSError as error:
        pytest.skip(str(error))
    for name, installation, trusted in (("with", dataclasses.replace(mariadb.mariadb_10(), run=run), True),
                                        ("without", mariadb.mariadb_10(), False)):
        server = make_server(kms, name=name, installation=installation).start()
        assert usable(server, 1) == trusted, said(server)
        server.stop()


def test_an_untrusted_endpoint_is_told_apart_from_an_outage(make_https_kms, make_server, directory):
    authority, stranger = certificates.Authority(directory / "ca"), certificates.Authority(directory / "stranger")
    right = make_https_kms(authority.server())
    wrong_host = make_https_kms(authority.server_of_another_host())
    expired = make_https_kms(authority.expired_server())
    for number, (kms, trusted) in enumerate([(right, stranger), (wrong_host, authority), (expired, authority)]):
        server = make_server(kms, name=f"s{number}", environment={"AWS_CA_BUNDLE": str(trusted.certificate)})
        files_for(kms, server, [1])
        began = time.monotonic()
        server.start()
        assert time.monotonic() - began < 20, "the startup deadline of a minute is for what may pass"
        for text in (said(server), aws_plugin.refusal(server, 2)):
            assert "is the right CA bundle set, and the host name right?" in text
        if kms is right:
            server.environment["AWS_CA_BUNDLE"] = str(authority.certificate)
            server.restart()
            make_table(server, "t", 1)
        server.stop()
