# SPDX-License-Identifier: MIT
"""kill -9 of MySQL while keys are made, removed and rotated: what was acknowledged is there, and every row reads back."""

import itertools
import random
import threading
import time

import pytest
import torture
from lab import aws_keyring_plugin, kmip_component, kms_component, percona_file, process, pykmip
from lab.mysql import SqlError

pytestmark = pytest.mark.sid

OPTIONS = ["--default-table-encryption=ON", "--innodb-redo-log-encrypt=ON", "--binlog-encryption=ON",
           "--log-error-verbosity=3"]
WRITERS = 3
# PyKMIP looks at every object in each search: with 500 of them that takes a second.
PATIENT = {"kmip_timeout_ms": 10000, "operation_deadline_ms": 20000}


class Ledger:
    """What the server said it has done. A statement without an answer may have happened or not."""

    def __init__(self):
        self.keys: dict[str, str] = {}
        self.removed: set[str] = set()
        self.in_flight: set[str] = set()
        self.rows: dict[int, str] = {}
        self.acknowledged = 0
        self.serials = itertools.count()

    def check(self, server) -> None:
        with server.session() as session:
            for name, value in self.keys.items():
                found = session.value(f"SELECT HEX(keyring_key_fetch('{name}'))")
                assert found == value or (name in self.in_flight and found == "NULL"), name
            for name in self.removed - self.in_flight:
                assert session.value(f"SELECT keyring_key_fetch('{name}')") == "NULL", name
            found = dict(session.sql("SELECT a, b FROM d.t"))
        for number, text in self.rows.items():
            assert found[str(number)] == text

    def settle(self, server) -> None:
        """Learns what became of the statements that got no answer: from now on that must last, too."""
        with server.session() as session:
            for name in self.in_flight:
                self.keys.pop(name, None)
                self.removed.discard(name)
                value = session.value(f"SELECT HEX(keyring_key_fetch('{name}'))")
                if value == "NULL":
                    self.removed.add(name)
                else:
                    self.keys[name] = value
        self.in_flight.clear()


class Writer(threading.Thread):
    """Makes, reads, removes keys and writes rows until the server is gone."""

    def __init__(self, server, ledger: Ledger, dice: random.Random, number: int):
        super().__init__()
        self.server, self.ledger, self.dice, self.number = server, ledger, dice, number
        self.failure = ""

    def run(self) -> None:
        try:
            with self.server.session() as session:
                while True:
                    self.step(session)
        except (SqlError, OSError, AssertionError) as error:
            if not self.server.dying:
                self.failure = str(error)

    def expect(self, session, statement: str, wanted: str) -> None:
        got = session.value(statement)
        assert got == wanted, f"{statement}: {got}"

    def step(self, session) -> None:
        ledger, serial = self.ledger, next(self.ledger.serials)  # One that draws them finds a name twice.
        name = f"k{self.number} {serial}"
        ledger.in_flight.add(name)
        self.expect(session, f"SELECT keyring_key_generate('{name}','SECRET',{self.dice.choice([1, 32, 1000])})", "1")
        value = session.value(f"SELECT HEX(keyring_key_fetch('{name}'))")
        assert value != "NULL", f"{name} is not there after it was made"
        ledger.keys[name] = value
        ledger.in_flight.discard(name)
        if self.dice.random() < 0.4:
            ledger.in_flight.add(name)
            self.expect(session, f"SELECT keyring_key_remove('{name}')", "1")
            del ledger.keys[name]
            ledger.removed.add(name)
            ledger.in_flight.discard(name)
        session.sql(f"INSERT INTO d.t VALUES ({self.number * 10**9 + serial}, 'row {serial}')")
        ledger.rows[self.number * 10**9 + serial] = f"row {serial}"
        ledger.acknowledged += 2
        if self.number == 0 and self.dice.random() < 0.3:
            session.sql(self.dice.choice(["ALTER INSTANCE ROTATE INNODB MASTER KEY", self.server.all_keys_anew,
                                          "ALTER INSTANCE ROTATE BINLOG MASTER KEY"]))


def make_server(form: str, kms, directory):
    """A server of ours whose keys are in a file of that form, or on a real KMIP server; where its files are."""
    if form == "kmip":
        kmip = pykmip.PyKmip(directory / "kmip").start()
        server = kmip_component.MySQLWithKmip(directory / "m", kmip, options=OPTIONS, binlog=True,
                                              more={"startup_deadline_ms": 30000, **PATIENT})
        return server, server.data
    if form == "keyring_aws":
        server = aws_keyring_plugin.MySQLWithKeyringAws(directory / "m", kms, options=OPTIONS,
                                                        binlog=True)
        return server, server.keyring.parent
    server = kms_component.MySQLWithKms(directory / "m", kms, options=OPTIONS, binlog=True,
                                        more={"file_format": form, "startup_deadline_ms": 30000})
    if form == "percona":
        percona_file.write(server.keyring, kms, kms.alias, [("", "of another writer", "AES", bytes(range(32)))])
    return server, server.keyring.parent


@pytest.mark.parametrize("form", ["sealed", "percona", "kmip", "keyring_aws"])
@pytest.mark.parametrize("rounds", [5, pytest.param(100, marks=pytest.mark.long)])
def test_nothing_acknowledged_is_lost_by_kill_9(form, rounds, kms, directory):
    dice = random.Random(torture.SEED + rounds)
    server, files = make_server(form, kms, directory)
    server.dying = False
    server.all_keys_anew = "ALTER INSTANCE RELOAD KEYRING"
    server.start()
    server.install_udf()
    if form == "keyring_aws":
        server.sql(aws_keyring_plugin.FUNCTIONS)
        server.all_keys_anew = "SELECT keyring_aws_rotate_keys()"
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a BIGINT PRIMARY KEY, b TEXT)")
    ledger = Ledger()
    try:
        for _ in range(rounds):
            writers = [Writer(server, ledger, random.Random(dice.random()), number) for number in range(WRITERS)]
            before = ledger.acknowledged
            for writer in writers:
                writer.start()
            # On a slow machine, too, something happens before the kill.
            process.wait_until(lambda: ledger.acknowledged >= before + 12 or not all(map(Writer.is_alive, writers)), "keys", 60)
            time.sleep(dice.uniform(0.3, 1.2))
            server.dying = True
            server.kill()
            for writer in writers:
                writer.join()
                assert not writer.failure, f"{writer.failure}\n{server.last_log()}"
            server.dying = False
            server.start()
            if form != "keyring_aws":
                assert server.status()["Component_status"] == "Active", server.last_log()
            ledger.check(server)
            ledger.settle(server)
            assert not [path.name for path in files.iterdir() if path.name.endswith(".tmp")]
        server.restart()
        ledger.check(server)
        print(f"{rounds} crashes, {ledger.acknowledged} acknowledged statements, {len(ledger.keys)} keys")
        assert ledger.acknowledged > 10 * rounds, "too little happened to prove anything"
    finally:
        server.kill()
        if form == "kmip":
            server.kmip.kill()
