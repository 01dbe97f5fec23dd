# SPDX-License-Identifier: MIT
"""kill -9 of MariaDB while its keys are made and rotated on a real KMIP server: rows are there, versions are single."""

import collections
import random
import threading
import time

import pytest
import torture
from lab import kmip_plugin, process
from lab.mariadb import MariaDB
from lab.pykmip import PyKmip

# PyKMIP looks at every object in each search: with 500 of them that takes a second.
PATIENT = {"startup_deadline": 60, "operation_deadline": 20, "request_timeout": 10000}
# So that there are a few hundred after a hundred rounds: all keys rotate only while they are few, and
# new ones come more slowly then.
FEW = 12


class Writer(threading.Thread):
    """Makes encrypted tables with new key ids, rotates, writes rows, until the server is gone."""

    def __init__(self, server, dice: random.Random, tables: dict[int, int]):
        super().__init__()
        self.server, self.dice, self.tables = server, dice, tables  # Key id -> acknowledged rows.
        self.trying = 0
        self.failure = ""

    def run(self) -> None:
        try:
            session = torture.Session(self.server)
            while True:
                self.step(session)
        except torture.Gone:
            pass
        except torture.Refused as error:
            if not self.server.dying:
                self.failure = str(error)

    def step(self, session) -> None:
        are_few = len(self.tables) < FEW
        if not self.tables or self.dice.random() < (0.2 if are_few else 0.05):
            self.trying = key_id = 1 + max([*self.tables, self.trying])
            session.run(f"CREATE TABLE d.t{key_id} (a INT PRIMARY KEY) ENGINE=InnoDB ENCRYPTED=YES ENCRYPTION_KEY_ID={key_id}")
            self.tables[key_id] = 0
        key_id = self.dice.choice(list(self.tables))
        session.run(f"INSERT INTO d.t{key_id} VALUES ({self.tables[key_id] + 1})")
        self.tables[key_id] += 1
        if self.dice.random() < 0.2:
            which = self.dice.choice([key_id, -1]) if are_few else key_id
            session.run(f"SET GLOBAL kmip_key_management_rotate_key={which}")


def single_versions(kmip) -> int:
    """Every version has one Active object; how many versions there are."""
    count = collections.Counter(name for one in kmip.objects() if one["state"] == "Active" for name in one["names"])
    assert set(count.values()) <= {1}, count
    return len(count)


@pytest.mark.parametrize("rounds", [6, pytest.param(100, marks=pytest.mark.long)])
def test_rows_and_versions_outlive_kill_9(rounds, directory):
    dice = random.Random(torture.SEED + rounds)
    with PyKmip(directory / "kmip").start() as kmip:
        server = MariaDB(directory / "m", plugins=[kmip_plugin.PLUGIN], options=[
            *kmip_plugin.options(kmip, **PATIENT), "--innodb-encrypt-log=ON", "--innodb-encryption-threads=2",
            "--innodb-encryption-rotate-key-age=1"]).start()
        server.sql("CREATE DATABASE d")
        tables: dict[int, int] = {}
        try:
            for _ in range(rounds):
                server.dying = False
                writer = Writer(server, dice, tables)
                before = sum(tables.values())
                writer.start()
                # On a slow machine, too, something happens before the kill.
                process.wait_until(lambda: sum(tables.values()) >= before + 6 or not writer.is_alive(), "rows", 60)
                time.sleep(dice.uniform(0, 1))
                server.dying = True
                server.kill()
                writer.join()
                assert not writer.failure, f"{writer.failure}\n{kmip_plugin.said(server)}"
                server.start(seconds=120)
                assert kmip_plugin.status(server)["versions_failed"] == "0"
                for key_id, rows in tables.items():
                    found = int(server.value(f"SELECT COUNT(*) FROM d.t{key_id}"))
                    assert rows <= found <= rows + 1, f"key {key_id}"
                    tables[key_id] = found
                single_versions(kmip)
                if writer.trying not in tables:  # Then it may or may not be there.
                    server.sql(f"DROP TABLE IF EXISTS d.t{writer.trying}")
            assert single_versions(kmip) > rounds and sum(tables.values()) > 5 * rounds, "too little happened to prove anything"
        finally:
            server.kill()
