# SPDX-License-Identifier: MIT
"""What the torture tests share: sessions that know what was acknowledged, a ledger of rows, a watch over key files."""

import hashlib
import itertools
import os
import random
import re
import subprocess
import threading

from lab import aws_client, aws_plugin, process
from lab.mariadb import MariaDB

# A warning about an Aria table that was open at a kill and that recovery had nothing to do for.
LEFT_OPEN = "closed the table properly"
SEED = int(os.environ.get("OPENKEYRING_TORTURE_SEED", "20240607"))


class Gone(RuntimeError):
    """The server went away; whether the statement had an effect is unknown."""


class Refused(RuntimeError):
    """The server answered with an error."""


class Session:
    """One connection that stays open: the client program behind pipes. For one thread."""

    _serial = itertools.count()

    def __init__(self, server: MariaDB):
        self._child = subprocess.Popen(
            server.client_command("--batch", "--skip-column-names", "--unbuffered", "--force", "--skip-reconnect"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=process.bare_environment(server.directory))

    def run(self, statement: str) -> list[str]:
        """The lines of the answer. When it returns, the statement is acknowledged."""
        token = f"done-{next(self._serial)}"
        try:
            self._child.stdin.write(f"{statement};\nSELECT '{token}';\n")
            self._child.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise Gone("the client ended") from None
        lines, error = [], ""
        for line in self._child.stdout:
            line = line.rstrip("\n")
            if line == token:
                break
            lines.append(line)
            if line.startswith("ERROR "):
                error = error or line
                if re.match(r"ERROR (2002|2006|2013|2026|2055|1053|1927)\b", line):
                    raise Gone(line)
        else:
            raise Gone("\n".join(lines) or "the client ended")
        if error:
            raise Refused(error)
        return lines

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        self._child.stdin.close()
        self._child.stdout.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.close()


class Ledger:
    """What the tables must hold: for every row the values that it may have, one unless an answer is missing."""

    def __init__(self):
        self._lock = threading.Lock()
        self._rows: dict[str, dict[int, set[str | None]]] = {}
        self._maybe: set[str] = set()  # Tables whose creation was not acknowledged.
        self.acknowledged = 0

    def creating(self, table: str) -> None:
        with self._lock:
            self._maybe.add(table)

    def created(self, table: str) -> None:
        with self._lock:
            self._maybe.discard(table)
            self._rows[table] = {}
            self.acknowledged += 1

    def writing(self, table: str, row: int, value: str) -> None:
        with self._lock:
            self._rows[table].setdefault(row, {None}).add(value)

    def wrote(self, table: str, row: int, value: str) -> None:
        with self._lock:
            self._rows[table][row] = {value}
            self.acknowledged += 1

    def tables(self) -> list[str]:
        with self._lock:
            return sorted(self._rows)

    def rows(self) -> int:
        with self._lock:
            return sum(len(rows) for rows in self._rows.values())

    def check(self, server: MariaDB) -> None:
        """Every table is sound and holds what was acknowledged, and nothing that nobody wrote."""
        tables = self.tables()
        for some in _batches(tables, 40):
            answer = server.sql("CHECK TABLE " + ",".join(f"d.{table}" for table in some), seconds=300)
            bad = [row for row in answer if row[-2:] != ("status", "OK") and not row[-1].endswith(LEFT_OPEN)]
            assert not bad and len({row[0] for row in answer if row[-2:] == ("status", "OK")}) == len(some), bad
            found: dict[str, dict[int, str]] = {table: {} for table in some}
            for table, row, value in server.sql("".join(f"SELECT '{t}', a, b FROM d.{t};" for t in some), seconds=300):
                found[table][int(row)] = value
            for table in some:
                self._compare(table, found[table])

    def _compare(self, table: str, found: dict[int, str]) -> None:
        rows = self._rows[table]
        for row in rows.keys() | found.keys():
            allowed = rows.get(row, {None})
            assert found.get(row) in allowed, f"{table} row {row}: {found.get(row)!r}, not one of {allowed}"
        # What is there now stays.
        self._rows[table] = {row: {value} for row, value in found.items()}


def _batches(items: list, size: int):
    return (items[at:at + size] for at in range(0, len(items), size))


class KeyWatch:
    """Key files never change, never go away, are whole, and open at KMS under their own name."""

    def __init__(self, kms, directory):
        self.kms = kms
        self.directory = directory
        self.digests: dict[tuple[int, int], str] = {}
        self.plaintexts: dict[tuple[int, int], bytes] = {}

    def check(self, *, restarted: bool = False) -> None:
        files = aws_plugin.key_files(self.directory)
        missing = self.digests.keys() - files.keys()
        assert not missing, f"key files went away: {missing}"
        for key, path in files.items():
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            assert self.digests.setdefault(key, digest) == digest, f"{path.name} has changed"
            if key not in self.plaintexts:
                self.plaintexts[key] = self._open(key, content)
        assert len(set(self.plaintexts.values())) == len(self.plaintexts), "two versions have one key"
        for key_id in {key_id for key_id, _ in files}:
            versions = {version for other, version in files if other == key_id}
            assert versions == set(range(1, max(versions) + 1)), f"key {key_id}: {versions}"
        if restarted:
            assert self.leftovers() == []

    def leftovers(self) -> list[str]:
        return [path.name for path in self.directory.glob(".aws-kms-key*")]

    def _open(self, key: tuple[int, int], content: bytes) -> bytes:
        file = aws_client.read_bound(content)
        assert file.pairs == aws_client.context_of(*key, self.directory)
        return aws_client.decrypt(self.kms, file.blob, file.pairs)


class Load:
    """Sessions that create tables with keys, write, read, and rotate, until told to stop or the server goes.

    Each writer has tables of its own, so that it always knows what they hold. `ids` are the key ids in use;
    all writers share them, so that several use an id first at the same time.
    """

    def __init__(self, server: MariaDB, ledger: Ledger, dice: random.Random, *, writers: int = 4, rotators: int = 1,
                 ids=range(2, 42), most_tables: int = 60, rotate_all: float = 0.3, tolerant: bool = False):
        self.server = server
        self.ledger = ledger
        self.ids = list(ids)
        self.most_tables = most_tables
        self.rotate_all = rotate_all
        self.tolerant = tolerant  # Whether the server may refuse statements.
        self.statements = 0
        self.refused: list[str] = []
        self.rotations = 0
        self.unexpected: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._guarded, args=(work, random.Random(dice.random()), number))
                         for work, count in ((self._write, writers), (self._rotate, rotators))
                         for number in range(count)]

    def start(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Ends after the statements under way; AssertionError when something went wrong that must not."""
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in self._threads), "a statement hangs"
        assert not self.unexpected, self.unexpected[:5]

    def _guarded(self, work, dice: random.Random, number: int) -> None:
        try:
            with Session(self.server) as session:
                work(session, dice, number)
        except Gone:
            pass
        except Exception as error:  # Seen by stop(), in the thread of the test.
            self.unexpected.append(repr(error))

    def _write(self, session: Session, dice: random.Random, number: int) -> None:
        mine = [table for table in self.ledger.tables() if table.startswith(f"w{number}_")]
        while not self._stop.is_set():
            try:
                if not mine or (dice.random() < 0.15 and len(mine) < self.most_tables):
                    mine.append(self._create(session, dice, f"w{number}_{dice.getrandbits(40):010x}"))
                else:
                    self._change(session, dice, dice.choice(mine))
            except Refused as refusal:
                if not self.tolerant:
                    raise
                self.refused.append(str(refusal))
                self._stop.wait(0.05)
            self.statements += 1

    def _create(self, session: Session, dice: random.Random, table: str) -> str:
        engine = "Aria" if dice.random() < 0.25 else \
            f"InnoDB ENCRYPTED=YES ENCRYPTION_KEY_ID={dice.choice(self.ids)}"
        self.ledger.creating(table)
        session.run(f"CREATE TABLE d.{table} (a INT PRIMARY KEY, b VARCHAR(200)) ENGINE={engine}")
        self.ledger.created(table)
        return table

    def _change(self, session: Session, dice: random.Random, table: str) -> None:
        row = dice.randrange(300)
        value = f"{dice.getrandbits(64):016x}" * dice.randrange(1, 10)
        self.ledger.writing(table, row, value)
        session.run(f"INSERT INTO d.{table} VALUES ({row},'{value}') ON DUPLICATE KEY UPDATE b='{value}'")
        self.ledger.wrote(table, row, value)
        if dice.random() < 0.3:
            assert session.run(f"SELECT b FROM d.{table} WHERE a={row}") == [value], f"{table} {row}"

    def _rotate(self, session: Session, dice: random.Random, _number: int) -> None:
        while not self._stop.wait(dice.uniform(0, 0.25)):
            key_id = -1 if dice.random() < self.rotate_all else dice.choice([1, *self.ids])
            try:
                warnings = session.run(f"SET GLOBAL aws_key_management_rotate_key={key_id}; SHOW WARNINGS")
            except Refused as refusal:
                if not self.tolerant:
                    raise
                self.refused.append(str(refusal))
                continue
            self.rotations += 1
            unexpected = [line for line in warnings if "does not exist" not in line]
            if unexpected and not self.tolerant:
                self.unexpected += unexpected


def prepare(server: MariaDB) -> None:
    server.sql("CREATE DATABASE d")


def complaints(server: MariaDB) -> list[str]:
    """What the plugin said is an error."""
    return [line for line in server.error_log().splitlines() if "[ERROR]" in line and "AWS KMS plugin" in line]
