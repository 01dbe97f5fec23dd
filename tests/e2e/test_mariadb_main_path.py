# SPDX-License-Identifier: MIT
"""aws_key_management in a real MariaDB: load, encrypt, restart, crash, rotate."""

import stat

import pytest

from lab import aws_plugin, process
from lab.mariadb import SqlError

KEY_IDS = [1, 2, 99999, 100000, 4294967294]


def encrypted_table(server, name: str = "t", key_id: int | None = None) -> None:
    option = f"ENCRYPTION_KEY_ID={key_id}" if key_id else ""
    server.sql(f"CREATE DATABASE IF NOT EXISTS d; CREATE TABLE d.{name} (a INT PRIMARY KEY, b VARCHAR(60))"
               f" ENGINE=InnoDB ENCRYPTED=YES {option};"
               f"INSERT INTO d.{name} VALUES (1,'one of {name}'),(2,'two')")


def test_an_encrypted_table_is_read_after_restart_and_after_a_crash(world, make_server):
    kms, installation = world
    server = make_server(kms, installation=installation).start()
    encrypted_table(server)
    assert aws_plugin.key_versions(server, "d/t") == (1, 1)
    server.restart()
    assert server.sql("SELECT * FROM d.t") == [("1", "one of t"), ("2", "two")]
    server.sql("INSERT INTO d.t VALUES (3,'three')")
    server.kill()
    server.start()
    assert server.value("SELECT COUNT(*) FROM d.t") == "3"
    server.stop()


def test_everything_that_can_be_encrypted_is_and_comes_back(world, make_server):
    kms, installation = world
    server = make_server(kms, installation=installation, options=aws_plugin.ENCRYPT_ALL).start()
    marker = "VERY-PLAIN-MARKER-4711"
    server.sql(f"CREATE DATABASE d; CREATE TABLE d.i (a TEXT) ENGINE=InnoDB; CREATE TABLE d.a (a TEXT) ENGINE=Aria;"
               f"USE d; INSERT INTO d.i SELECT CONCAT('{marker}', seq) FROM seq_1_to_500; INSERT INTO d.a SELECT * FROM d.i")
    server.stop()
    shown = [path.name for path in server.directory.rglob("*")
             if path.is_file() and marker.encode() in path.read_bytes()]
    assert shown == []
    server.start()
    assert server.sql("SELECT COUNT(*) FROM d.i UNION ALL SELECT COUNT(*) FROM d.a") == [("500",), ("500",)]
    server.stop()


def test_rotation_reaches_the_tables(world, make_server):
    kms, installation = world
    server = make_server(kms, installation=installation, options=aws_plugin.ENCRYPT_ALL).start()
    encrypted_table(server)
    for version in (2, 3):  # InnoDB re-encrypts what is more than innodb_encryption_rotate_key_age behind.
        assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=1") == []
        assert server.variable("aws_key_management_rotate_key") == "0"
        assert (1, version) in aws_plugin.key_files(server.data)
    process.wait_until(lambda: aws_plugin.key_versions(server, "d/t") == (3, 3), "re-encryption", 60)
    server.restart()
    assert server.value("SELECT COUNT(*) FROM d.t") == "2"
    server.stop()


@pytest.mark.parametrize("key_id", KEY_IDS)
def test_key_ids_of_any_size_make_files_of_their_own(key_id, kms, make_server):
    server = make_server(kms).start()
    encrypted_table(server, key_id=key_id)
    path = aws_plugin.key_files(server.data)[key_id, 1]
    assert path.stat().st_size > 0
    assert stat.S_IMODE(path.stat().st_mode) & 0o222 == 0, "nobody may change a key file"
    for version in range(2, 12):
        assert server.warnings_of(f"SET GLOBAL aws_key_management_rotate_key={key_id}") == [] \
            or key_id > 2147483647, version
    server.restart()
    assert server.value("SELECT b FROM d.t WHERE a=1") == "one of t"
    if key_id <= 2147483647:
        assert (key_id, 11) in aws_plugin.key_files(server.data)
    server.stop()


def test_no_call_to_kms_is_made_for_what_is_in_memory(kms, make_server):
    server = make_server(kms).start()
    encrypted_table(server)
    kms.reset_counters()
    for number in range(10, 20):
        server.sql(f"INSERT INTO d.t VALUES ({number},'x'); FLUSH TABLES; SELECT * FROM d.t")
    assert kms.calls("Decrypt") == 0
    assert kms.calls("GenerateDataKeyWithoutPlaintext") == 0
    server.stop()


def test_a_running_server_does_not_need_kms_and_a_new_key_does(kms, make_server):
    server = make_server(kms).start()
    encrypted_table(server)
    kms.stop()
    server.sql("INSERT INTO d.t VALUES (3,'three'); FLUSH TABLES;")
    assert server.value("SELECT COUNT(*) FROM d.t") == "3"
    with pytest.raises(SqlError):
        encrypted_table(server, "other", key_id=77)
    kms.start()

    def created():  # A failed creation is not tried again at once.
        try:
            encrypted_table(server, "other", key_id=77)
        except SqlError:
            return False
        return True
    process.wait_until(created, "the key to be created", 30, every=0.2)
    assert server.value("SELECT b FROM d.other WHERE a=1") == "one of other"
    server.stop()


def test_without_a_master_key_id_nothing_is_created(kms, make_server):
    server = make_server(kms, master_key_id="").start()
    server.sql("CREATE DATABASE d")
    told = server.failure_of("CREATE TABLE d.t (a INT) ENCRYPTED=YES")
    assert aws_plugin.key_files(server.data) == {}
    assert "aws_key_management_master_key_id" in "\n".join(row[-1] for row in told), told
    server.sql("SET GLOBAL aws_key_management_master_key_id='alias/openkeyring'")
    encrypted_table(server)
    assert (1, 1) in aws_plugin.key_files(server.data)
    server.stop()


def test_rotating_a_key_that_does_not_exist_is_a_warning(kms, make_server):
    server = make_server(kms).start()
    warnings = server.warnings_of("SET GLOBAL aws_key_management_rotate_key=555")
    assert len(warnings) == 1 and "555" in warnings[0][-1]
    assert (555, 1) not in aws_plugin.key_files(server.data)
    server.stop()


def test_it_runs_as_an_ordinary_user(kms, make_server):
    server = make_server(kms, user="mysql").start()
    encrypted_table(server)
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=1") == []
    server.restart()
    assert server.value("SELECT COUNT(*) FROM d.t") == "2"
    assert all(path.owner() == "mysql" for path in aws_plugin.key_files(server.data).values())
    server.stop()
