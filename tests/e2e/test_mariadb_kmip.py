# SPDX-License-Identifier: MIT
"""kmip_key_management in a real MariaDB, on a real KMIP server and on ours."""

import threading
import time

import pytest
from lab import aws_plugin, process
from lab.aws_plugin import ENCRYPT_ALL, TOUCH_NOTHING, key_versions, make_tables, readable, refusal, usable, wait_usable
from lab.certificates import Authority
from lab.kmip_emulator import KmipEmulator
from lab.kmip_plugin import said, status
from lab.mariadb import SqlError
from lab.pykmip import PyKmip

ROTATE = "SET GLOBAL kmip_key_management_rotate_key="


@pytest.fixture(params=["pykmip", "emulator"])
def kmip(request, kmip_servers):
    return kmip_servers[request.param]


def test_everything_that_can_be_encrypted_is_and_comes_back(kmip, installation, make_kmip_mariadb):
    server = make_kmip_mariadb(kmip, installation=installation, options=ENCRYPT_ALL).start()
    marker = "VERY-PLAIN-MARKER-4711"
    server.sql(f"CREATE DATABASE d; CREATE TABLE d.i (a TEXT) ENGINE=InnoDB; CREATE TABLE d.a (a TEXT) ENGINE=Aria;"
               f"USE d; INSERT INTO d.i SELECT CONCAT('{marker}', seq) FROM seq_1_to_500; INSERT INTO d.a SELECT * FROM d.i")
    server.stop()
    shown = [path.name for path in server.directory.rglob("*") if path.is_file() and marker.encode() in path.read_bytes()]
    assert shown == []
    server.start()
    assert server.sql("SELECT COUNT(*) FROM d.i UNION ALL SELECT COUNT(*) FROM d.a") == [("500",), ("500",)]
    server.sql("INSERT INTO d.i VALUES ('after')")
    server.kill()
    server.start()
    assert server.value("SELECT COUNT(*) FROM d.i") == "501"
    rows = status(server)
    assert rows["server_in_use"] == f"127.0.0.1:{kmip.port}" and rows["protocol_version"] == "1.4"
    assert rows["tls"].startswith("TLSv1.") and rows["versions_failed"] == "0" and rows["last_error"] == ""


def test_rotation_of_one_and_of_all_reaches_the_tables(kmip, make_kmip_mariadb):
    server = make_kmip_mariadb(kmip, options=[*ENCRYPT_ALL]).start()
    make_tables(server, {"one": 1, "two": 2, "large": 4294967294})
    assert server.warnings_of(f"{ROTATE}1") == []
    for _ in range(2):
        assert server.warnings_of(f"{ROTATE}-1") == []
    assert server.variable("kmip_key_management_rotate_key") == "0"
    process.wait_until(lambda: key_versions(server, "d/one") == (4, 4) and key_versions(server, "d/two") == (3, 3),
                       "re-encryption", 60)
    assert server.warnings_of(f"{ROTATE}77")[0][-1].endswith("does not exist")
    server.restart()
    assert all(readable(server, name) for name in ("one", "two", "large"))
    assert status(server)["versions_loaded"] == status(server)["versions_failed"].replace("0", "10")
    assert server.warnings_of(f"{ROTATE}1") == []
    make_tables(server, {"more": 1})
    assert key_versions(server, "d/more")[1] == 5


def test_a_server_that_dies_and_comes_back_while_it_is_used(directory, make_kmip_mariadb):
    with PyKmip(directory / "kmip").start() as kmip:
        server = make_kmip_mariadb(kmip).start()
        make_tables(server, {"t": 1})
        kmip.kill()
        server.sql("INSERT INTO d.t VALUES (2,'two'); FLUSH TABLES")
        assert readable(server, "t")
        warnings = aws_plugin.told(server.warnings_of(f"{ROTATE}1"))
        assert "rotation of key 1 failed" in warnings and f"127.0.0.1:{kmip.port}" in warnings
        assert f"127.0.0.1:{kmip.port}" in refusal(server, 9)
        kmip.start()
        wait_usable(server, 9)
        process.wait_until(lambda: server.warnings_of(f"{ROTATE}1") == [], "rotation", 20, every=0.2)
        server.restart()
        assert readable(server, "t")


def test_a_start_without_the_server_waits_and_goes_on(directory, make_kmip_mariadb):
    with PyKmip(directory / "kmip").start() as kmip:
        server = make_kmip_mariadb(kmip, options=TOUCH_NOTHING, more={"startup_deadline": 2}).start()
        make_tables(server, {"t": 5})
        server.stop()
        kmip.kill()
        began = time.monotonic()
        server.start("--kmip-key-management=FORCE_PLUS_PERMANENT")
        assert 1.5 < time.monotonic() - began < 20
        assert "no key is loaded; each is asked for when it is needed" in said(server)
        assert not usable(server, 5) and not usable(server, 6), "no key is made while the stored ones are not known"
        kmip.start()
        wait_usable(server, 5, 6)
        assert readable(server, "t"), "nobody touched it meanwhile"
        server.stop()
        kmip.kill()
        server.launch("--kmip-key-management-startup-deadline=60")
        time.sleep(1.5)
        kmip.start()
        server.wait_ready()
        assert readable(server, "t") and status(server)["versions_failed"] == "0"


def test_the_second_server_serves_while_the_first_is_away_or_hangs(directory, make_kmip_mariadb):
    with KmipEmulator(directory / "kmip", servers=2).start() as kmip:
        server = make_kmip_mariadb(kmip, more={"servers": ",".join(f"127.0.0.1:{port}" for port in kmip.ports)}).start()
        make_tables(server, {"t": 1})
        kmip.stop_server(0)
        assert server.warnings_of(f"{ROTATE}1") == []
        assert status(server)["server_in_use"] == f"127.0.0.1:{kmip.ports[1]}"
        server.restart()
        assert readable(server, "t")
        kmip.start_server(0)
        kmip.control("POST", "/faults", {"kind": "hang", "operation": "*", "count": -1, "server": 1})
        assert server.warnings_of(f"{ROTATE}1") == []
        make_tables(server, {"u": 2})
        assert readable(server, "u")


def test_a_hung_server_delays_nobody_who_has_a_key(directory, make_kmip_mariadb):
    with KmipEmulator(directory / "kmip").start() as kmip:
        server = make_kmip_mariadb(kmip, more={"operation_deadline": 2}).start()
        make_tables(server, {"t": 1})
        kmip.process.send(19)  # SIGSTOP
        try:
            rotating = threading.Thread(target=lambda: server.warnings_of(f"{ROTATE}1"))
            rotating.start()
            time.sleep(0.2)
            began = time.monotonic()
            server.sql("INSERT INTO d.t VALUES (2,'two'); FLUSH TABLES; SELECT * FROM d.t")
            assert time.monotonic() - began < 1.5
            rotating.join()
            assert time.monotonic() - began < 2 + 2.5
        finally:
            kmip.process.send(18)
        process.wait_until(lambda: server.warnings_of(f"{ROTATE}1") == [], "rotation", 20, every=0.2)


def test_two_servers_in_two_groups_and_two_in_one(kmip, make_kmip_mariadb):
    for round_number, groups in enumerate((("a", "b"), ("shared", "shared"))):
        pair = [make_kmip_mariadb(kmip, name=f"{round_number}{number}", more={"object_group": group})
                for number, group in enumerate(groups)]
        for server in pair:
            server.start()
        threads = [threading.Thread(target=make_tables, args=(server, {"t": 1, "u": 2})) for server in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for server in pair:
            wait_usable(server, 1, 2)
        for server in pair:
            server.restart()
            assert readable(server, "t") and readable(server, "u")
            assert status(server)["keys"] == "2" and status(server)["versions_loaded"] == "2"


def test_wrong_settings_keep_the_plugin_from_loading_and_name_the_option(directory, kmip_user, make_kmip_mariadb):
    authority, other = Authority(directory / "tls"), Authority(directory / "other")
    expired, stranger = authority.expired_client("expired-user"), other.client("stranger")
    with PyKmip(directory / "kmip", authority).start() as kmip, \
            PyKmip(directory / "elsewhere", authority, certificate=authority.server_of_another_host()).start() as elsewhere:
        cases = [
            ({"server_ca": other.certificate}, "kmip_key_management_server_ca"),
            ({"servers": f"127.0.0.1:{elsewhere.port}"}, "kmip_key_management_tls_hostname_verification"),
            ({"client_cert": expired.certificate, "client_key": expired.key}, str(expired.certificate)),
            ({"client_cert": stranger.certificate, "client_key": stranger.key}, str(stranger.certificate)),
            ({"client_cert": None}, "kmip_key_management_client_cert is not set"),
            ({"client_key": stranger.key}, "kmip_key_management_client_key"),
            ({"servers": "a:b"}, "kmip_key_management_servers"), ({"servers": None}, "kmip_key_management_servers"),
            ({"kmip_version": "7"}, "kmip_key_management_kmip_version"),
            ({"tls_min_version": "1.3"}, "kmip_key_management_tls_min_version"),
            ({"client_key_password_file": "/no/such/file"}, "/no/such/file")]
        for number, (wrong, expected) in enumerate(cases):
            server = make_kmip_mariadb(kmip, name=f"m{number}", more={"startup_deadline": 1, **wrong}).start()
            assert "cannot start" in said(server), wrong
            assert expected in said(server), f"{wrong}: {said(server)}"
            with pytest.raises(SqlError):
                make_tables(server, {"t": 1})
            server.kill()


@pytest.mark.parametrize("version", ["1.0", "1.2", "2.0"])
def test_other_versions_of_kmip_and_aes_256_in_ctr_mode(version, kmip_servers, make_kmip_mariadb):
    server = make_kmip_mariadb(kmip_servers["pykmip"], more={
        "kmip_version": version, "object_group": "g", "key_spec": "AES_256", "encryption_algorithm": "aes_ctr"}).start()
    make_tables(server, {"t": 1})
    assert server.warnings_of(f"{ROTATE}-1") == []
    server.restart()
    assert readable(server, "t") and status(server)["protocol_version"] == version
    assert status(server)["versions_loaded"] == "2"


def test_a_server_without_the_keys_is_never_taken_for_an_empty_one(directory, make_kmip_mariadb):
    authority = Authority(directory / "tls")
    certificate = authority.server("kmip-emulator")
    with KmipEmulator(directory / "one", authority, certificate=certificate).start() as one, \
            KmipEmulator(directory / "two", authority, certificate=certificate).start() as two:
        server = make_kmip_mariadb(one, more={"object_group": "g"}).start()
        assert "a new keyring begins" in said(server)
        make_tables(server, {"t": 1})
        assert 'key 1 is new: object group "g" on KMIP server' in said(server)
        server.stop()
        # Restarted with another KMIP server, which knows nothing.
        server.start(f"--kmip-key-management-servers=127.0.0.1:{two.port}")
        assert "has no marker" in said(server) and not readable(server, "t")
        server.stop()
        # With both, and the right one away.
        server.start(f"--kmip-key-management-servers=127.0.0.1:{one.port},127.0.0.1:{two.port}")
        assert readable(server, "t")
        one.stop()
        assert "has no marker" in refusal(server, 2)
        assert "has no marker" in aws_plugin.told(server.warnings_of(f"{ROTATE}1"))
        one.start()
        wait_usable(server, 2)
        server.restart()
        assert readable(server, "t") and status(server)["keys"] == "2"
        assert two.objects() == []


@pytest.mark.parametrize("options", [["--innodb-encrypt-log=ON"], []], ids=["log", "table"])
def test_an_empty_group_is_neither_marked_nor_noted_where_data_are_encrypted(options, directory, make_kmip_mariadb):
    """After a restore there is no note; with a typo in object_group the right group must stay usable."""
    with KmipEmulator(directory / "kmip").start() as kmip:
        server = make_kmip_mariadb(kmip, more={"object_group": "right"}, options=options).start()
        make_tables(server, {"t": 1})
        server.stop()
        note = server.data / "kmip_key_management.group"
        note.unlink()
        before = kmip.objects()
        server.launch("--kmip-key-management-object-group=rihgt", "--kmip-key-management=FORCE")
        server.process.wait(30)
        assert 'object group "rihgt" on KMIP server' in said(server)
        assert "is encrypted, and no key at all is stored" in said(server)
        assert kmip.objects() == before and not note.exists()
        server.start()
        assert readable(server, "t") and note.exists()
        server.stop()
