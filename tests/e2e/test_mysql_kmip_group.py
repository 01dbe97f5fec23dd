# SPDX-License-Identifier: MIT
"""component_keyring_kmip at the wrong KMIP server, or in the wrong object group: never new keys beside the old ones."""

import shutil
import subprocess

import pytest
from kmip.core import enums
from kmip.pie import client as pie_client
from lab import process
from lab.certificates import Authority
from lab.kmip_emulator import KmipEmulator
from lab.mysql import SqlError
from lab.mysql_installation import SIZES
from lab.pykmip import PyKmip

from mysql_workload import check, fill

pytestmark = pytest.mark.sid
NOTE = "component_keyring_kmip.group"


@pytest.fixture
def pair(directory):
    """Two KMIP servers with objects of their own."""
    authority = Authority(directory / "tls")
    certificate = authority.server("kmip-emulator")
    with KmipEmulator(directory / "one", authority, certificate=certificate).start() as one, \
            KmipEmulator(directory / "two", authority, certificate=certificate).start() as two:
        yield one, two


def filled(server):
    server.start()
    fill(server)
    server.install_udf()
    return server


def generates(server, name: str) -> bool:
    try:
        return server.value(f"SELECT keyring_key_generate('{name}','AES',32)") == "1"
    except SqlError:
        return False


def test_the_first_start_notes_its_group_and_says_so(pair, make_kmip_mysql):
    server = filled(make_kmip_mysql(pair[0], more={"object_group": "shop"}))
    assert "a new keyring begins" in server.last_log() and 'object group "shop"' in server.last_log()
    note = (server.data / NOTE).read_text().splitlines()
    assert note[0] == "openkeyring kmip group note 1" and note[2] == "group shop"
    assert note[1] == f"marker {server.status()['Group_marker']}"
    assert (server.data / NOTE).stat().st_mode & 0o777 == 0o640
    server.restart()
    check(server)
    assert "a new keyring begins" not in server.last_log()


def test_a_data_directory_can_be_initialized_with_the_component(pair, make_kmip_mysql):
    server = make_kmip_mysql(pair[0])
    shutil.rmtree(server.data)
    done = subprocess.run(
        [*server.installation.server_command(server.program_directory), "--initialize-insecure", f"--datadir={server.data}",
         f"--plugin-dir={server.plugin_directory}", *SIZES, "--user=root"], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False, env=process.bare_environment(server.directory))
    assert done.returncode == 0, done.stdout[-3000:]
    filled(server)
    server.restart()
    check(server)


def test_a_start_at_another_server_is_refused_and_creates_nothing(pair, make_kmip_mysql):
    one, two = pair
    server = filled(make_kmip_mysql(one))
    server.stop()
    server.configure(server_port=two.port)
    server.start()
    assert server.status()["Component_status"] == "Disabled"
    assert "has no marker" in server.status()["Last_failure"] and str(server.data / NOTE) in server.last_log()
    assert not generates(server, "nowhere")
    assert two.objects() == []
    server.configure()
    server.restart()
    check(server)


def test_without_a_note_an_empty_server_is_no_keyring_for_encrypted_data(pair, make_kmip_mysql):
    """A data directory that was Percona's until now has no note."""
    one, two = pair
    server = filled(make_kmip_mysql(one))
    server.stop()
    (server.data / NOTE).unlink()
    server.configure(server_port=two.port)
    server.start()
    assert server.status()["Component_status"] == "Disabled"
    assert "is encrypted and needs its key" in server.status()["Last_failure"]
    assert two.objects() == [] and not (server.data / NOTE).exists()
    server.configure(server_port=two.port, allow_new_keyring=True)
    server.restart()
    assert server.status()["Component_status"] == "Active" and "a new keyring begins" in server.last_log()
    (server.data / NOTE).unlink()
    server.configure()
    server.restart()
    check(server)


def test_another_object_group_is_refused(pair, make_kmip_mysql):
    server = filled(make_kmip_mysql(pair[0], more={"object_group": "a"}))
    before = pair[0].objects()
    server.stop()
    server.configure(object_group="b")
    server.start()
    assert 'belongs to object group "a"' in server.status()["Last_failure"]
    assert pair[0].objects() == before
    server.configure()
    server.restart()
    check(server)


def test_a_standby_without_the_objects_is_not_used(pair, make_kmip_mysql):
    one, two = pair
    server = filled(make_kmip_mysql(one, more={"standby_servers": [f"127.0.0.1:{two.port}"]}))
    assert generates(server, "before")
    one.stop()
    assert not generates(server, "meanwhile")
    assert "has no marker" in server.last_log()
    assert server.value("SELECT keyring_key_remove('before')") == "NULL"
    with pytest.raises(SqlError):
        server.reload()
    assert two.objects() == []
    check(server)
    one.start()
    process.wait_until(lambda: generates(server, "afterwards"), "the first server", 90)
    server.restart()
    check(server)


def test_a_reload_at_an_emptied_server_is_refused(pair, make_kmip_mysql):
    one, _ = pair
    server = filled(make_kmip_mysql(one))
    keys = sorted(server.keyring_keys())
    one.kill()
    one.start()
    for remove_note in (False, True):
        if remove_note:
            (server.data / NOTE).unlink()
        with pytest.raises(SqlError):
            server.reload()
            pytest.fail("loaded an empty keyring")
        assert "has no marker" in server.status()["Last_failure"]
        assert sorted(server.keyring_keys()) == keys
        check(server)
    assert one.objects() == []


def test_a_reload_that_would_lose_a_key_is_refused(directory, kmip_user, make_kmip_mysql):
    with PyKmip(directory / "kmip").start() as kmip:
        server = filled(make_kmip_mysql(kmip))
        keys = sorted(server.keyring_keys())
        files = kmip.client_files(kmip_user)
        with pie_client.ProxyKmipClient(hostname="127.0.0.1", port=kmip.port, cert=files["client_ca"], key=files["client_key"],
                                        ca=files["server_ca"], ssl_version="PROTOCOL_TLSv1_2") as client:
            for uid in client.locate():
                name = client.get_attributes(uid, ["Name"])[1][0].attribute_value.name_value.value
                if str(name).startswith("INNODBKey"):
                    client.revoke(enums.RevocationReasonCode.UNSPECIFIED, uid)
                    client.destroy(uid)
        with pytest.raises(SqlError):
            server.reload()
            pytest.fail("lost a key")
        assert "would be lost" in server.status()["Last_failure"]
        assert sorted(server.keyring_keys()) == keys
        check(server)


def test_a_deactivated_master_key_still_opens_its_tables(directory, kmip_user, make_kmip_mysql):
    with PyKmip(directory / "kmip").start() as kmip:
        server = filled(make_kmip_mysql(kmip))
        server.stop()
        files = kmip.client_files(kmip_user)
        with pie_client.ProxyKmipClient(hostname="127.0.0.1", port=kmip.port, cert=files["client_ca"], key=files["client_key"],
                                        ca=files["server_ca"], ssl_version="PROTOCOL_TLSv1_2") as client:
            for uid in client.locate():
                client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
        server.start()
        assert "deactivated or compromised" in server.last_log()
        assert int(server.status()["Deactivated_keys"]) >= 1
        check(server)
        server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY")
        server.restart()
        check(server)
