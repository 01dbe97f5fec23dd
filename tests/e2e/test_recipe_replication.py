# SPDX-License-Identifier: MIT
"""docs/recipes/replication.md, source and replica: each with keys of its own, logs encrypted."""

import pytest

from lab import aws_plugin, documents, key_set, process

MARKER = "PLAIN-MARKER-4711"

pytestmark = pytest.mark.long


def test_source_and_replica_have_keys_of_their_own(kms, make_server):
    assert "test_recipe_replication" in (documents.ROOT / "docs/recipes/replication.md").read_text()
    servers = [make_server(kms, name=name, store="SEALED", tcp=True, options=[
        "--innodb-encrypt-tables=FORCE", "--encrypt-binlog=ON", "--log-bin=binlog",
        "--log-slave-updates=ON", "--binlog-format=ROW", f"--server-id={number}",
        "--relay-log=relay"]).start() for number, name in enumerate(("source", "replica"), 1)]
    source, replica = servers
    source.sql("CREATE USER r@'127.0.0.1' IDENTIFIED BY 'a password';"
               "GRANT REPLICATION SLAVE ON *.* TO r@'127.0.0.1'")
    replica.sql(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port},"
                " MASTER_USER='r', MASTER_PASSWORD='a password', MASTER_USE_GTID=slave_pos;"
                "START SLAVE")

    def row(text: str) -> None:
        source.sql(f"INSERT INTO d.t (b) VALUES ('{text}')")
        process.wait_until(
            lambda: replica.sql(f"SELECT COUNT(*) FROM d.t WHERE b='{text}'") == [("1",)],
            "the row on the replica", 30)
    source.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY AUTO_INCREMENT, b TEXT)")
    process.wait_until(lambda: replica.sql("SHOW TABLES FROM d") == [("t",)], "the table", 30)
    row(MARKER)
    assert source.warnings_of("SET GLOBAL aws_key_management_rotate_key = -1") == []
    source.sql("FLUSH BINARY LOGS")
    row(MARKER + "-2")
    made = [set(key_set.versions(server.data)) for server in servers]
    assert (1, 2) in made[0] - made[1], "a rotation is one server's affair"
    ids = [(server.data / aws_plugin.INSTALLATION).read_bytes() for server in servers]
    assert ids[0] != ids[1]
    for server in servers:
        server.stop()
        for log in [*server.data.glob("binlog.0*"), *server.data.glob("relay.0*")]:
            assert MARKER.encode() not in log.read_bytes(), log
