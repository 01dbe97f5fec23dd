# SPDX-License-Identifier: MIT
"""The lab itself: MySQL 9.7 with its own file keyring, and the files of other makers' keyrings.

What fails here is the lab or MySQL, not one of our products.
"""

import re

import pytest
from lab import mysql_pair, percona_file, process
from lab.mysql import SqlError

TABLE = ("CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b TEXT) ENCRYPTION='Y';"
         "INSERT INTO d.t VALUES (1,'a row')")


@pytest.mark.sid
def test_one_server_with_the_file_keyring(make_mysql):
    server = make_mysql()
    server.use_keyring_file()
    server.start()
    assert server.status_rows()[0] == ("Component_name", "component_keyring_file")
    assert server.status()["Component_status"] == "Active"
    server.sql(TABLE)
    before = server.keyring_keys()
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY")
    assert len(server.keyring_keys()) == len(before) + 1
    server.install_udf()
    with server.session() as session:
        assert session.value("SELECT keyring_key_generate('mine','AES',32)") == "1"
        assert session.value("SELECT keyring_key_length_fetch('mine')") == "32"
        assert session.sql("SELECT 1,'a\\nb'; SELECT NULL") == [("1", "a\\nb"), ("NULL",)]
        with pytest.raises(SqlError) as refused:
            session.sql("SELECT nothing FROM d.t; SELECT 2")
        assert refused.value.code == 1054
        server.kill()
        with pytest.raises(SqlError):
            session.sql("DO 0")
    server.start()
    assert server.value("SELECT b FROM d.t") == "a row"
    assert ("mine", "root@localhost") in server.keyring_keys()

    # mysql_migrate_keyring runs; its refusal ends with 0.
    with pytest.raises(process.Failed, match="cannot be the same"):
        server.migrate_keyring("component_keyring_file", "component_keyring_file", server.directory, server.data)

    server.write_config("component_keyring_file", "{ no JSON")
    assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
    server.stop()
    server.use_keyring_file(local=True)  # Manifest and configuration in the data directory.
    server.start()
    server.sql("ALTER INSTANCE RELOAD KEYRING")
    assert server.value("SELECT b FROM d.t") == "a row"
    server.stop()
    server.write_manifest("component_that_is_not_there")
    code, output = server.run("--validate-config")
    assert code != 0 and "manifest" in output


@pytest.mark.sid
def test_replication_with_encrypted_logs_and_clone(make_mysql):
    encrypt = ["--binlog-encryption=ON", "--innodb-redo-log-encrypt=ON", "--innodb-undo-log-encrypt=ON"]
    source, replica = (make_mysql(name=name, tcp=True, binlog=True, options=encrypt) for name in "sr")
    for server in (source, replica):
        server.use_keyring_file()
        server.start(wait=False)
    source.wait_ready()
    replica.wait_ready()
    mysql_pair.follow(replica, source)
    source.sql(f"{TABLE}; ALTER INSTANCE ROTATE BINLOG MASTER KEY; INSERT INTO d.t VALUES (2,'another')")
    mysql_pair.wait_applied(replica, source)
    assert replica.value("SELECT COUNT(*) FROM d.t") == "2"
    assert (source.data / "binlog.000001").read_bytes()[:4] == b"\xfdbin", "an encrypted log"
    assert any(key.startswith("MySQLReplicationKey_") for key, _ in source.keyring_keys())
    mysql_pair.stop_following(replica)
    replica.sql("DELETE FROM d.t")
    mysql_pair.clone(replica, source)
    assert replica.value("SELECT COUNT(*) FROM d.t") == "2"


def test_files_of_other_makers(directory, kms):
    keys = [("", "INNODBKey-x-1", "AES", bytes(range(32))), ("ä@%", "a \"b\"", "SECRET", b"secret\0\xff")]
    for write in (percona_file.write, percona_file.write_oracle):
        write(directory / "file", kms, kms.alias, keys)
        text = (directory / "file").read_text()
        assert text.startswith('{"version":"1.0","elements":[{"user":"","data_id":"INNODBKey-x-1","data_type":"AES",')
        assert re.search(r'"data":"[0-9A-F]+","extension":\[\]}', text)
        assert percona_file.read(directory / "file", kms) == keys
        percona = {percona_file.is_percona(element["data"]) for element in percona_file.elements(directory / "file")}
        assert percona == {write is percona_file.write}
