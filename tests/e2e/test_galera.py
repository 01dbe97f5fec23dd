# SPDX-License-Identifier: MIT
"""docs/recipes/replication.md, Galera: two MariaDB nodes with encrypted tables, a state transfer by
mariadb-backup, and what becomes of the joiner's keys."""

import os
import pathlib

import pytest

from lab import aws_plugin, key_set, mariadb, process

PROVIDER = pathlib.Path("/usr/lib/galera/libgalera_smm.so")
SETTINGS = ["--wsrep-on=ON", f"--wsrep-provider={PROVIDER}", "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2", "--wsrep-cluster-name=okr", "--wsrep-sst-auth=root:"]
ENCRYPT = ["--innodb-encrypt-tables=FORCE", "--innodb-encrypt-log=ON",
           "--innodb-encryption-threads=2"]

pytestmark = pytest.mark.long


class Node:
    """One server of the cluster. `server`: not started yet; it listens on a port."""

    def __init__(self, server: mariadb.MariaDB, method: str = "mariabackup"):
        self.port = process.free_port()
        self.server = server
        server.options += [
            *SETTINGS, *ENCRYPT, f"--wsrep-sst-method={method}",
            f"--wsrep-node-name={server.directory.name}",
            f"--wsrep-node-address=127.0.0.1:{self.port}", "--wsrep-node-incoming-address=AUTO",
            f"--wsrep-sst-receive-address=127.0.0.1:{process.free_port()}",
            f"--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:{self.port};"
            f"ist.recv_addr=127.0.0.1:{process.free_port()};gcache.size=8M"]
        self._move_options_to_a_file()

    def _move_options_to_a_file(self) -> None:
        """The scripts of a state transfer read option files, as mariadb-backup does. Debian's send
        their words to syslog."""
        program, *options = self.server.command()
        lines = [option.removeprefix("--") for option in options if option != "--no-defaults"]
        file = self.server.directory / "my.cnf"
        file.write_text("\n".join(["[mysqld]", *lines, "[sst]", "sst-syslog = -1", ""]))
        self.server.command = lambda *extra: [program, f"--defaults-file={file}", *extra]

    def start(self, *others):
        address = "gcomm://" + ",".join(f"127.0.0.1:{other.port}" for other in others)
        self.server.start(f"--wsrep-cluster-address={address}", seconds=120)
        process.wait_until(self.synced, "a synced node", 60)
        return self

    def synced(self) -> bool:
        rows = dict(self.server.sql("SHOW GLOBAL STATUS LIKE 'wsrep_local_state_comment'"))
        return rows.get("wsrep_local_state_comment") == "Synced"


def write(node, table: str, key_id: int) -> None:
    node.server.sql(
        f"CREATE DATABASE IF NOT EXISTS d; CREATE TABLE d.{table} (a INT PRIMARY KEY, b TEXT)"
        f" ENCRYPTED=YES ENCRYPTION_KEY_ID={key_id};"
        f"USE d; INSERT INTO {table} SELECT seq, REPEAT('MARKER-4711', 10) FROM seq_1_to_500")


def read(node, table: str) -> bool:
    return node.server.sql(f"SELECT COUNT(*), MIN(b) = REPEAT('MARKER-4711', 10) FROM d.{table}") \
        == [("500", "1")]


def installation(node) -> bytes:
    return (node.server.data / aws_plugin.INSTALLATION).read_bytes()


def versions(node, store) -> set:
    return set(key_set.versions(node.server.data) if store == "SEALED"
               else aws_plugin.key_files(node.server.data))


@pytest.mark.parametrize("store", ["SEALED", "FILES"])
def test_a_joiner_gets_the_donors_keys_and_then_makes_its_own(kms, make_server, store):
    first, second = (Node(make_server(kms, name=name, store=store, tcp=True))
                     for name in ("n1", "n2"))
    first.start()
    write(first, "t", 1)
    second.start(first)
    assert read(second, "t")
    assert installation(second) == installation(first), "the joiner's keys are the donor's"
    # From here on each node makes its own versions: what replicates are rows, not pages.
    first.server.sql("SET GLOBAL aws_key_management_rotate_key = 1")
    assert versions(first, store) - versions(second, store) == {(1, 2)}
    write(second, "u", 2)
    assert read(first, "u") and (2, 1) in versions(first, store) & versions(second, store)
    for node in (first, second):
        assert not any(b"MARKER-4711" in path.read_bytes()
                       for path in (node.server.data / "d").glob("*.ibd"))
    # A joiner that was away, and whose transfer replaces all that it has.
    second.server.stop()
    (second.server.data / "grastate.dat").unlink()
    write(first, "v", 3)
    second.start(first)
    assert all(read(second, table) for table in "tuv")
    assert versions(second, store) == versions(first, store)
    second.server.stop()
    first.server.restart("--wsrep-cluster-address=gcomm://", seconds=120)
    assert all(read(first, table) for table in "tuv")


@pytest.mark.skipif(os.getuid() != 0, reason="root alone starts a server as another user")
def test_rsync_copies_no_keys_and_the_joiner_says_so(kms, make_server):
    # Not as root: its rsync would write as nobody.
    first, second = (Node(make_server(kms, name=name, store="SEALED", tcp=True, user="mysql"),
                          "rsync") for name in ("n1", "n2"))
    first.start()
    write(first, "t", 1)
    with pytest.raises(process.Failed):
        second.start(first)
    assert "no key at all is stored" in aws_plugin.said(second.server)
    assert not (second.server.data / key_set.NAME).exists(), "and makes none"
    assert read(first, "t")
