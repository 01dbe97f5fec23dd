# SPDX-License-Identifier: MIT
"""component_keyring_kmip in real MySQL 9.7 when the KMIP server, its certificates or the configuration are not right."""

import threading
import time

import pytest
from kmip.core import enums
from kmip.pie import client as pie_client
from kmip.pie import objects as pie_objects
from lab.certificates import Authority
from lab.kmip_component import NAME
from lab.kmip_emulator import KmipEmulator
from lab.mysql import SqlError
from lab.pykmip import PyKmip

from mysql_workload import check, fill

pytestmark = pytest.mark.sid


def generated(server, name: str) -> bool:
    """Whether a key of that name could be made, by a server or a session. A failure gives NULL, or an error."""
    try:
        return server.value(f"SELECT keyring_key_generate('{name}','AES',32)") == "1"
    except SqlError:
        return False


def filled(server):
    server.start()
    fill(server)
    server.install_udf()
    assert generated(server, "before")
    return server


def refused_reload(server, **wrong) -> str:
    """Reloads a wrong configuration; what the log says of it."""
    server.configure(**wrong)
    seen = len(server.error_log())
    with pytest.raises(SqlError):
        server.reload()
        pytest.fail(f"loaded with {wrong}")
    said = server.error_log()[seen:]
    assert "MY-013714" in said
    return said


def test_a_server_that_dies_and_comes_back_while_it_is_used(directory, make_kmip_mysql):
    with PyKmip(directory / "kmip").start() as kmip:
        server = filled(make_kmip_mysql(kmip))
        keys = server.keyring_keys()
        kmip.kill()
        check(server)
        assert not generated(server, "while it is away")
        assert f"127.0.0.1:{kmip.port}" in server.last_log()
        assert server.run_error("ALTER INSTANCE ROTATE INNODB MASTER KEY")[0] != 0
        assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
        assert "stays in use" in server.last_log()
        assert server.value("SELECT keyring_key_remove('before')") == "NULL"
        assert server.keyring_keys() == keys
        check(server)
        kmip.start()
        assert generated(server, "when it is back")
        server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY; ALTER INSTANCE RELOAD KEYRING")
        server.restart()
        check(server)
        assert "while it is away" not in dict(server.keyring_keys())


def test_a_start_without_the_server_says_so_and_a_reload_mends_it(directory, make_kmip_mysql):
    with PyKmip(directory / "kmip").start() as kmip:
        server = filled(make_kmip_mysql(kmip, more={"startup_deadline_ms": 1500}))
        keys = sorted(server.keyring_keys())
        server.sql("CREATE TABLE d.plain (a INT) ENCRYPTION='N'; INSERT INTO d.plain VALUES (7); SET GLOBAL innodb_fast_shutdown=0")
        server.stop()
        kmip.kill()
        server.start()
        rows = server.status()
        assert rows["Component_status"] == "Disabled" and f":{kmip.port}" in rows["Last_failure"]
        assert "startup_deadline_ms" in server.last_log()
        assert server.value("SELECT a FROM d.plain") == "7"
        assert not generated(server, "without a keyring")
        kmip.start()
        server.reload()
        assert server.status()["Component_status"] == "Active"
        assert sorted(server.keyring_keys()) == keys
        server.restart()
        check(server)


def test_a_start_waits_for_a_server_that_comes_back(directory, make_kmip_mysql):
    with PyKmip(directory / "kmip").start() as kmip:
        server = filled(make_kmip_mysql(kmip, more={"startup_deadline_ms": 60000}))
        server.stop()
        kmip.kill()
        server.start(wait=False)
        time.sleep(1.5)
        kmip.start()
        server.wait_ready()
        assert server.status()["Component_status"] == "Active"
        check(server)


def test_the_standby_serves_while_the_first_is_away(directory, make_kmip_mysql):
    with KmipEmulator(directory / "kmip", servers=2).start() as kmip:
        server = filled(make_kmip_mysql(kmip, more={"standby_servers": [f"127.0.0.1:{kmip.ports[1]}"]}))
        assert server.status()["Server_in_use"] == f"127.0.0.1:{kmip.ports[0]}"
        kmip.stop_server(0)
        assert generated(server, "on the standby")
        assert server.status()["Server_in_use"] == f"127.0.0.1:{kmip.ports[1]}"
        server.restart()
        check(server)
        kmip.start_server(0)
        kmip.stop_server(1)
        assert generated(server, "on the first again")
        assert len(server.keyring_keys()) == 4


def test_a_hung_server_costs_the_deadline_and_nothing_of_ours_adds_to_it(directory, make_kmip_mysql):
    with KmipEmulator(directory / "kmip").start() as kmip:
        server = filled(make_kmip_mysql(kmip, more={"operation_deadline_ms": 1500}))
        kmip.process.send(19)  # SIGSTOP
        try:
            waited = []

            def store() -> None:
                started = time.monotonic()
                assert not generated(server, "while it hangs")
                waited.append(time.monotonic() - started)

            storing = threading.Thread(target=store)
            storing.start()
            time.sleep(0.3)
            started = time.monotonic()
            assert server.value("SELECT keyring_key_length_fetch('before')") == "32"
            fetch = time.monotonic() - started
            storing.join()
            check(server)
        finally:
            kmip.process.send(18)
        assert waited and waited[0] < 1.5 + 1.0
        assert fetch < 1.5 + 1.0
        assert generated(server, "afterwards")


def test_a_server_that_answers_slowly_has_the_time_of_a_reload(directory, make_kmip_mysql):
    with KmipEmulator(directory / "kmip").start() as kmip:
        server = filled(make_kmip_mysql(kmip))
        kmip.latency(700)
        started = time.monotonic()
        server.reload()
        assert time.monotonic() - started > 3, "a store's time would have been enough"
        check(server)
        started = time.monotonic()
        said = refused_reload(server, reload_deadline_ms=1500)
        assert time.monotonic() - started < 3
        assert "reload_deadline_ms has passed; the keyring that was loaded before stays" in said
        kmip.latency(0)
        check(server)


FAULTS = [  # (fault at a load, what the log says)
    ({"kind": "cut_before"}, "cut the connection"),
    ({"kind": "garbage"}, "KMIP"),
    ({"kind": "oversize"}, "larger"),
    ({"kind": "truncate"}, "cut the connection"),
    ({"kind": "hang"}, "no answer"),
    ({"kind": "fail", "operation": "Get", "reason": 0x0C, "message": "not for you"}, "not for you"),
    ({"kind": "fail", "operation": "Locate", "reason": 0x100, "message": "out of order"}, "out of order"),
    ({"kind": "fail", "operation": "Get", "reason": 0x01, "message": "gone"}, "disappeared"),
    ({"kind": "empty", "operation": "Get"}, "KMIP"),
    ({"kind": "pending", "operation": "Get"}, "KMIP"),
]


def test_every_fault_of_the_server_at_a_reload_is_explained_and_the_old_keyring_serves(directory, make_kmip_mysql):
    with KmipEmulator(directory / "kmip").start() as kmip:
        server = filled(make_kmip_mysql(kmip, more={"operation_deadline_ms": 1500, "kmip_timeout_ms": 700}))
        keys = sorted(server.keyring_keys())
        for fault, expected in FAULTS:
            kmip.fault(count=-1, **fault)
            seen = len(server.error_log())
            with pytest.raises(SqlError):
                server.reload()
                pytest.fail(f"loaded despite {fault}")
            kmip.control("DELETE", "/faults")
            said = server.error_log()[seen:]
            assert expected in said and "stays in use" in said, f"{fault}: {said}"
            assert sorted(server.keyring_keys()) == keys
            server.reload()
        check(server)


def test_wrong_certificates_are_refused_with_the_cure(directory, kmip_user, make_kmip_mysql):
    authority = Authority(directory / "tls")
    other = Authority(directory / "other")
    with PyKmip(directory / "kmip", authority).start() as kmip:
        server = filled(make_kmip_mysql(kmip))
        expired = authority.expired_client("expired-user")
        stranger = other.client("stranger")
        cases = [
            ({"server_ca": str(other.certificate)}, "server_ca"),
            ({"client_ca": str(expired.certificate), "client_key": str(expired.key)}, str(expired.certificate)),
            ({"client_ca": str(stranger.certificate), "client_key": str(stranger.key)}, str(stranger.certificate)),
            ({"client_key": str(stranger.key)}, "client_key"),
            ({"client_ca": "/no/such/file"}, "/no/such/file"),
            ({"server_ca": str(stranger.key)}, str(stranger.key)),
            ({"tls_min_version": "1.3"}, "tls_min_version"),
            ({"server_addr": "no-such-host.invalid"}, "no-such-host.invalid"),
            ({"kmip_version": "2.1"}, "2.1"),
            ({"client_key_password_file": "/no/such/password"}, "/no/such/password"),
        ]
        for wrong, expected in cases:
            said = refused_reload(server, **wrong)
            assert expected in said, f"{wrong}: {said}"
        server.configure(server_ca=str(other.certificate), tls_peer_verification=False)
        server.reload()
        assert "tls_peer_verification is off" in server.last_log()
        for which, expected in (("server_of_another_host", "tls_hostname_verification"), ("expired_server", "expired")):
            bad = getattr(authority, which)(which)
            with PyKmip(directory / which, authority, certificate=bad).start() as wrong_server:
                said = refused_reload(server, server_port=wrong_server.port)
                assert expected in said, said
                server.configure(server_port=wrong_server.port, tls_peer_verification=False)
                with pytest.raises(SqlError):
                    server.reload()
                    pytest.fail("an empty keyring in the place of one that is in use")
                assert "has no marker" in server.status()["Last_failure"]
        server.configure()
        server.reload()
        check(server)


def test_a_wrong_configuration_is_explained(kmip_servers, make_kmip_mysql):
    server = make_kmip_mysql(kmip_servers["emulator"])
    server.start()
    for wrong, expected in [
            ({"server_port": "many"}, "server_port"),
            ({"client_ca": None}, "client_ca is missing"), ({"server_addr": ""}, "server_addr"),
            ({"tls_min_version": "1.1"}, "tls_min_version"), ({"standby_servers": ["a:b:c"]}, "standby_servers")]:
        assert expected in refused_reload(server, **wrong), wrong
    server.write_config(NAME, '{"server_addr": "x",\n "server_port" "y"}')
    assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
    assert "line 2, column" in server.status()["Last_failure"]
    server.configure(objectgroup="x")
    server.reload()
    told = server.status()["Configuration_warnings"]
    assert "objectgroup" in told and "object_group" in told


def test_read_only_refuses_every_change(kmip_servers, make_kmip_mysql):
    server = filled(make_kmip_mysql(kmip_servers["emulator"]))
    server.configure(read_only=True)
    server.reload()
    assert server.status()["Read_only"] == "Yes"
    assert not generated(server, "refused")
    assert server.run_error("ALTER INSTANCE ROTATE INNODB MASTER KEY")[0] != 0
    check(server)


def test_two_servers_that_store_one_key_have_one_key(kmip_servers, make_kmip_mysql):
    for kmip in kmip_servers.values():
        one, two = (make_kmip_mysql(kmip, name=f"{name}{kmip.port}", more={"object_group": "shared"}) for name in "ab")
        for server in (one, two):
            server.start()
            server.install_udf()
        assert one.value("SELECT keyring_key_store('k','SECRET','of one')") == "1"
        with pytest.raises(SqlError):
            assert two.value("SELECT keyring_key_store('k','SECRET','of two')") == "NULL"
            raise SqlError("refused, as it must be")
        assert "stored by somebody else" in two.status()["Last_failure"]
        two.reload()
        assert two.value("SELECT keyring_key_fetch('k')") == "of one"


def test_the_objects_of_perconas_component_are_keys(kmip_servers, kmip_user, make_kmip_mysql):
    """Written by PyKMIP's own client: by name alone, some Active, some not; with a server's master keys among them."""
    kmip = kmip_servers["pykmip"]
    server = filled(make_kmip_mysql(kmip))
    server.stop()
    files = kmip.client_files(kmip_user)
    with pie_client.ProxyKmipClient(hostname="127.0.0.1", port=kmip.port, cert=files["client_ca"], key=files["client_key"],
                                    ca=files["server_ca"], ssl_version="PROTOCOL_TLSv1_2") as client:
        moved = 0
        for uid in client.locate():
            names = dict((str(attribute.attribute_name), attribute) for attribute in client.get_attributes(uid)[1])
            name = str(names["Name"].attribute_value.name_value.value)
            if not name.startswith("INNODBKey"):
                continue
            value = client.get(uid).value
            client.revoke(enums.RevocationReasonCode.UNSPECIFIED, uid)
            client.destroy(uid)
            register(client, pie_objects.SymmetricKey(enums.CryptographicAlgorithm.AES, 256, value, name=name))
            moved += 1
        assert moved == 1
        register(client, pie_objects.SecretData(b"audit", enums.SecretDataType.PASSWORD, name="audit_log-1"))
        register(client, pie_objects.SymmetricKey(enums.CryptographicAlgorithm.AES, 128, bytes(16), name="old"), activate=False)
        register(client, pie_objects.SymmetricKey(enums.CryptographicAlgorithm.BLOWFISH, 128, bytes(16), name="foreign"))
    server.start()
    check(server)
    keys = dict(server.keyring_keys())
    assert {"audit_log-1", "old"} <= set(keys) and keys["old"] == ""
    assert "Pre-Active" in server.last_log()
    assert server.status()["Skipped_objects"] == "1"
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY")
    server.restart()
    check(server)


def register(client, made, activate=True) -> None:
    uid = client.register(made)
    if activate:
        client.activate(uid)


@pytest.mark.long
def test_a_reload_of_a_thousand_keys_on_a_slow_server_is_in_time(directory, kmip_user, make_kmip_mysql):
    """With the default deadline. A PyKMIP of its own, since each key makes each search of it slower."""
    count = 1000
    with PyKmip(directory / "pykmip").start() as kmip:
        server = make_kmip_mysql(kmip)
        server.configure(kmip_timeout_ms=30000, operation_deadline_ms=60000)  # For making them.
        server.start()
        server.install_udf()
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
        with server.session() as session:
            made = session.sql(numbers + "SELECT COUNT(keyring_key_generate(CONCAT('k', i), 'AES', 32)) FROM n",
                               seconds=1500)
        assert made[0][0] == str(count)
        server.configure(startup_deadline_ms=300000)  # A start is not what is tested here.
        began = time.monotonic()
        server.reload()
        took = time.monotonic() - began
        assert len(server.keyring_keys()) == count
        assert server.status()["Component_status"] == "Active"
        print(f"{count} keys on PyKMIP: reload {took:.1f} s")
        server.restart()
        assert len(server.keyring_keys()) == count
