# SPDX-License-Identifier: MIT
"""component_keyring_kmip in real MySQL 9.7: what a server does with its keyring, on a real KMIP server and on ours."""

import pytest
from lab import mysql_pair
from lab.kmip_component import NAME
from lab.mysql import SqlError

from mysql_workload import EVERYTHING, check, fill, migrate_there_and_back, rotate_under_load, survive_daemonize

pytestmark = pytest.mark.sid

PERCONA_ROWS = ["Component_name", "Author", "License", "Implementation_name", "Version", "Component_status",
                "Server_addr", "Server_port", "Client_ca", "Client_key", "Server_ca", "Object_group", "Max_objects",
                "Kmip_timeout_ms", "Tls_peer_verification", "Tls_hostname_verification"]


@pytest.fixture(params=["pykmip", "emulator"])
def kmip(request, kmip_servers):
    return kmip_servers[request.param]


@pytest.fixture
def server(kmip, make_kmip_mysql):
    return make_kmip_mysql(kmip, options=EVERYTHING, binlog=True)


def test_everything_that_a_server_encrypts(kmip, server):
    server.start()
    rows = server.status_rows()
    assert [name for name, _ in rows][:len(PERCONA_ROWS)] == PERCONA_ROWS
    files = kmip.client_files(server.kmip_user)
    assert dict(rows) | {"Component_name": NAME, "Component_status": "Active", "Server_addr": "127.0.0.1",
                         "Server_port": str(kmip.port), "Client_ca": files["client_ca"], "Object_group": "<NONE>",
                         "Max_objects": "65535", "Kmip_timeout_ms": "2000", "Tls_peer_verification": "true",
                         "Tls_hostname_verification": "true", "Server_in_use": f"127.0.0.1:{kmip.port}",
                         "Kmip_version": "1.4", "Last_error": "<NONE>", "Last_failure": "<NONE>"} == dict(rows)
    assert dict(rows)["Tls"].startswith("TLSv1.")
    fill(server)
    check(server)
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY; ALTER INSTANCE ROTATE BINLOG MASTER KEY;"
               "SET PERSIST mandatory_roles=''")
    keys = sorted(server.keyring_keys())
    assert any(key.startswith("INNODBKey-") for key, _ in keys)
    assert any(key.startswith("MySQLReplicationKey_") for key, _ in keys)
    server.restart()
    check(server)
    assert sorted(server.keyring_keys()) == keys
    server.sql("ALTER INSTANCE RELOAD KEYRING")
    assert sorted(server.keyring_keys()) == keys
    server.kill()
    server.start()
    check(server)
    assert sorted(server.keyring_keys()) == keys


def test_functions_of_keyring_udf_and_owners_after_a_restart(server):
    server.start()
    server.install_udf()
    server.sql("CREATE USER app@localhost IDENTIFIED BY 'x'; GRANT EXECUTE ON *.* TO app@localhost")
    fetched = "SELECT CONCAT_WS('|',keyring_key_fetch('k'),keyring_key_type_fetch('k'),keyring_key_length_fetch('k'))"
    with server.session() as root, server.session("--user=app", "--password=x") as app:
        for size in (1, 16, 17, 29, 32, 40, 64, 16384):
            for kind in ("SECRET", "AES"):
                assert root.value(f"SELECT keyring_key_generate('{kind}{size}','{kind}',{size})") == "1"
                assert root.value(f"SELECT LENGTH(keyring_key_fetch('{kind}{size}'))") == str(size)
        assert root.value("SELECT keyring_key_store('k','RSA','root''s text')") == "1"
        assert app.value("SELECT keyring_key_store('k','aes','app''s text')") == "1"
        assert root.value(fetched) == "root's text|RSA|11"
        assert app.value(fetched) == "app's text|aes|10"
        for refused in ("generate('k','AES',32)", "store('k','AES','again')", "remove('nothing')",
                        "generate('big','SECRET',16385)"):
            try:
                assert root.value(f"SELECT keyring_key_{refused}") in ("NULL", "0"), refused
            except SqlError as error:
                assert "keyring" in str(error).lower(), refused
    server.restart()
    with server.session() as root, server.session("--user=app", "--password=x") as app:
        assert root.value(fetched) == "root's text|RSA|11"
        assert app.value(fetched) == "app's text|aes|10"
        for size in (1, 16, 17, 29, 32, 40, 64, 16384):
            for kind in ("SECRET", "AES"):
                assert root.value(f"SELECT keyring_key_type_fetch('{kind}{size}')") == kind
                assert root.value(f"SELECT LENGTH(keyring_key_fetch('{kind}{size}'))") == str(size)
        assert root.value("SELECT keyring_key_remove('k')") == "1"
        assert root.value("SELECT keyring_key_fetch('k')") == "NULL"
    server.restart()
    assert ("k", "app@localhost") in server.keyring_keys()
    assert ("k", "root@localhost") not in server.keyring_keys(), "it is gone from the KMIP server"


def test_master_keys_rotate_under_load_and_after_kill_9(server):
    server.start()
    fill(server)
    rotate_under_load(server)
    assert len([key for key, _ in server.keyring_keys() if key.startswith("INNODBKey")]) >= 25


def test_two_servers_in_two_object_groups(kmip, make_kmip_mysql):
    one, two = (make_kmip_mysql(kmip, name=name, more={"object_group": f"group {name}"}) for name in "ab")
    for server in (one, two):
        server.start()
        server.install_udf()
        fill(server)
        assert server.value(f"SELECT keyring_key_store('same','SECRET','of {server.directory.name}')") == "1"
    for server in (one, two):
        server.restart()
        check(server)
        assert server.value("SELECT keyring_key_fetch('same')") == f"of {server.directory.name}"
        assert len([key for key, _ in server.keyring_keys() if key.startswith("INNODBKey")]) == 1
        assert server.status()["Object_group"] == f"group {server.directory.name}"


def test_replication_and_clone(kmip, make_kmip_mysql):
    options = ["--binlog-encryption=ON", "--innodb-redo-log-encrypt=ON"]
    source, replica = (make_kmip_mysql(kmip, name=name, tcp=True, binlog=True, options=options,
                                       more={"object_group": name}) for name in "sr")
    for server in (source, replica):
        server.start(wait=False)
    source.wait_ready()
    replica.wait_ready()
    mysql_pair.follow(replica, source)
    fill(source)
    source.sql("ALTER INSTANCE ROTATE BINLOG MASTER KEY; INSERT INTO d.t VALUES (2,'another')")
    mysql_pair.wait_applied(replica, source)
    assert replica.value("SELECT COUNT(*) FROM d.t") == "2"
    mysql_pair.stop_following(replica)
    replica.sql("DELETE FROM d.t")
    mysql_pair.clone(replica, source)
    assert replica.value("SELECT COUNT(*) FROM d.t") == "2"


def test_migration_from_the_file_component_and_back(kmip, make_kmip_mysql):
    migrate_there_and_back(make_kmip_mysql(kmip, where="data"), NAME)


def test_it_survives_the_fork_of_daemonize(server):
    survive_daemonize(server)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3", "2.0"])
def test_every_other_version_of_kmip(version, kmip_servers, make_kmip_mysql):
    server = make_kmip_mysql(kmip_servers["pykmip"], more={"kmip_version": version, "object_group": "g", "path": "/nowhere"})
    server.start()
    fill(server)
    server.install_udf()
    assert server.value("SELECT keyring_key_store('k','SECRET','text')") == "1"
    server.restart()
    check(server)
    assert server.status()["Kmip_version"] == version
    assert server.value("SELECT keyring_key_fetch('k')") == "text"
    assert server.value("SELECT keyring_key_remove('k')") == "1"
