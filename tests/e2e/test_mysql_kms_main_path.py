# SPDX-License-Identifier: MIT
"""component_keyring_kms in real MySQL 9.7: what a server does with its keyring, in both file formats."""

import os
import pwd

import pytest
from lab import kms_component, mysql_pair, percona_file
from lab.kms_component import NAME
from lab.mysql import SqlError

from mysql_workload import EVERYTHING, check, fill, migrate_there_and_back, rotate_under_load, survive_daemonize

pytestmark = pytest.mark.sid

PERCONA_ROWS = ["Component_name", "Author", "License", "Implementation_name", "Version", "Component_status",
                "Data_file", "Read_only", "KeyId"]
USER_KEYS = [("root@localhost", "a user's key", "AES", bytes(range(32))), ("", "audit_log-1", "SECRET", b"pass\0word"),
             ("app@%", "a user's key", "SECRET", b"another owner's"), ("", "number", "AES", bytes(16))]


@pytest.fixture(params=["sealed", "percona"])
def server(request, kms, make_kms_mysql):
    """With an empty sealed file, or with keys in a file that Percona's component could have written."""
    made = make_kms_mysql(options=EVERYTHING, binlog=True)
    made.format = request.param
    if made.format == "percona":
        percona_file.write(made.keyring, kms, kms.alias, USER_KEYS)
    return made


def test_everything_that_a_server_encrypts(kms, server):
    server.start()
    rows = server.status_rows()
    assert [name for name, _ in rows][:len(PERCONA_ROWS)] == PERCONA_ROWS
    assert dict(rows) | {"Component_name": NAME, "Component_status": "Active", "Data_file": str(server.keyring),
                         "Read_only": "No", "KeyId": kms.alias, "Backend_reachable": "Yes",
                         "Last_error": "<NONE>", "Last_failure": "<NONE>",
                         "Credential_source": "environment"} == dict(rows)
    assert dict(rows)["File_format"].lower().startswith("sealed" if server.format == "sealed" else "percona")
    fill(server)
    check(server)
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY; ALTER INSTANCE ROTATE BINLOG MASTER KEY;"
               "SET PERSIST mandatory_roles=''")
    keys = server.keyring_keys()
    assert any(key.startswith("INNODBKey-") for key, _ in keys)
    assert any(key.startswith("MySQLReplicationKey_") for key, _ in keys)
    server.restart()
    check(server)
    assert server.keyring_keys() == keys
    server.sql("ALTER INSTANCE RELOAD KEYRING")
    assert server.keyring_keys() == keys
    server.kill()
    server.start()
    check(server)
    assert server.keyring_keys() == keys
    if server.format == "percona":
        # Percona's component could go on with it: nothing but its own form.
        on_disk = {(owner, name): (kind, data) for owner, name, kind, data in percona_file.read(server.keyring, kms)}
        assert len(on_disk) == len(keys)
        for owner, name, kind, data in USER_KEYS:
            assert on_disk[owner, name] == (kind, data)
        assert all(percona_file.is_percona(one["data"]) for one in percona_file.elements(server.keyring))


def test_functions_of_keyring_udf(server):
    server.start()
    server.install_udf()
    server.sql("CREATE USER app@localhost IDENTIFIED BY 'x'; GRANT EXECUTE ON *.* TO app@localhost")
    largest = 16384 if server.format == "sealed" else 4096
    with server.session() as root, server.session("--user=app", "--password=x") as app:
        for size in (1, 16, 32, largest):
            assert root.value(f"SELECT keyring_key_generate('g{size}','SECRET',{size})") == "1"
            assert root.value(f"SELECT LENGTH(keyring_key_fetch('g{size}'))") == str(size)
        assert root.value("SELECT keyring_key_store('k','RSA','root''s text')") == "1"
        assert app.value("SELECT keyring_key_store('k','aes','app''s text')") == "1"
        fetched = ("SELECT CONCAT_WS('|',keyring_key_fetch('k'),keyring_key_type_fetch('k'),"
                   "keyring_key_length_fetch('k'))")
        assert root.value(fetched) == "root's text|RSA|11"
        assert app.value(fetched) == "app's text|aes|10"
        for refused in ("generate('k','AES',32)", "store('k','AES','again')", "remove('nothing')",
                        f"generate('big','SECRET',{largest + 1})"):
            try:
                assert root.value(f"SELECT keyring_key_{refused}") in ("NULL", "0"), refused
            except SqlError as error:
                assert "keyring" in str(error).lower(), refused
        assert root.value("SELECT keyring_key_fetch('big')") == "NULL"
        assert root.value("SELECT keyring_key_remove('k')") == "1"
        assert root.value("SELECT keyring_key_fetch('k')") == "NULL"
        assert app.value(fetched) == "app's text|aes|10"
    server.restart()
    assert ("k", "app@localhost") in server.keyring_keys()
    assert server.sql("SELECT keyring_key_fetch('k')", login=("--user=app", "--password=x")) == [("app's text",)]
    assert server.value("SELECT keyring_key_fetch('k')") == "NULL"


def test_master_keys_rotate_under_load_and_after_kill_9(server):
    server.start()
    fill(server)
    rotate_under_load(server)
    assert len([key for key, _ in server.keyring_keys() if key.startswith("INNODBKey")]) >= 25


def test_replication_and_clone(make_kms_mysql):
    options = ["--binlog-encryption=ON", "--innodb-redo-log-encrypt=ON"]
    source, replica = (make_kms_mysql(name=name, tcp=True, binlog=True, options=options) for name in "sr")
    for server in (source, replica):
        server.start(wait=False)
    source.wait_ready()
    replica.wait_ready()
    mysql_pair.follow(replica, source)
    fill(source)
    source.sql("ALTER INSTANCE ROTATE BINLOG MASTER KEY; INSERT INTO d.t VALUES (2,'another')")
    mysql_pair.wait_applied(replica, source)
    assert replica.value("SELECT COUNT(*) FROM d.t") == "2"
    assert (source.data / "binlog.000001").read_bytes()[:4] == b"\xfdbin", "an encrypted log"
    mysql_pair.stop_following(replica)
    replica.sql("DELETE FROM d.t")
    mysql_pair.clone(replica, source)
    assert replica.value("SELECT COUNT(*) FROM d.t") == "2"


def test_migration_from_the_file_component_and_back(make_kms_mysql):
    server = make_kms_mysql(where="data")
    migrate_there_and_back(server, NAME, server.keyring.unlink)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, which can give files away")
@pytest.mark.parametrize("file_format", ["sealed", "percona"])
def test_what_the_migration_tool_makes_as_root_belongs_to_the_owner_of_the_directory(
        make_kms_mysql, file_format):
    server = make_kms_mysql(where="data")
    server.write_config(NAME, kms_component.config(server.kms, server.keyring, file_format=file_format), where="data")
    stock = server.use_keyring_file()
    server.start()
    server.install_udf()
    assert server.value("SELECT keyring_key_generate('mine','AES',32)") == "1"
    server.stop()
    server.configure()
    owner = pwd.getpwnam("nobody")
    os.chown(server.keyring.parent, owner.pw_uid, owner.pw_gid)
    server.migrate_keyring("component_keyring_file", NAME, None, server.data)
    made = server.keyring.stat()
    assert (made.st_uid, made.st_gid) == (owner.pw_uid, owner.pw_gid)
    assert made.st_mode & 0o007 == 0 and stock.stat().st_uid == 0
    assert {path.name for path in server.keyring.parent.iterdir()} == {server.keyring.name}


def test_a_local_manifest_and_configuration_a_relative_path_and_another_user(make_kms_mysql):
    server = make_kms_mysql(where="data", switch_user="mysql", options=EVERYTHING, binlog=True)
    server.keyring = server.data / "keys"
    server.write_config(NAME, kms_component.config(server.kms, "keys", read_only="false"), where="data")
    server.start()  # As root, which becomes mysql later.
    fill(server)
    assert server.keyring.exists(), "beside the data, wherever the server was started"
    assert server.keyring.owner() == "mysql" and server.keyring.stat().st_mode & 0o777 == 0o640
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY")
    server.restart()
    check(server)
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY; ALTER INSTANCE RELOAD KEYRING")


def test_a_server_that_leaves_root_does_not_look_into_the_home_of_root(make_kms_mysql):
    """HOME stays /root after the server became another user, who may not look in there."""
    home = {"HOME": "/root", "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""}
    server = make_kms_mysql(where="data", switch_user="mysql", options=EVERYTHING, environment=home)
    server.start()
    fill(server)
    server.reload()  # As mysql: reads all settings again.
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY")
    assert "/root" not in server.last_log()
    server.restart()
    check(server)


def test_it_survives_the_fork_of_daemonize(make_kms_mysql):
    survive_daemonize(make_kms_mysql(options=EVERYTHING, binlog=True))


def test_a_start_costs_one_call_and_a_store_none(kms, make_kms_mysql):
    server = make_kms_mysql()
    server.start()
    server.install_udf()
    with server.session() as session:
        kms.reset_counters()
        for number in range(200):
            assert session.value(f"SELECT keyring_key_generate('key {number}','AES',32)") == "1"
    assert kms.counters()["operations"] == {}
    server.restart()
    assert kms.counters()["operations"] == {"Decrypt": 1}
    assert len(server.keyring_keys()) == 200
