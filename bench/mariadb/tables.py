# SPDX-License-Identifier: MIT
"""Insert and scan of an encrypted table: our plugin and file_key_management, by turns."""

import os
import pathlib
import time

import servers
from client import Connection
from figures import Figure, median
from lab import emulator, process

ROWS = 300_000  # Twice the size of the buffer pool, so that a scan decrypts.
INSERTS = 10
SCANS = 16
OPTIONS = ["--innodb-encrypt-log=ON", "--innodb-log-file-size=96M", "--innodb-flush-log-at-trx-commit=2"]


def processor_seconds(server) -> float:
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Subject:
    """A server and its times so far: (seconds, processor seconds of the server) of each step, in order."""

    def __init__(self, server):
        self.server = server.start()
        self.connection = Connection(server)
        self.connection.rows("CREATE DATABASE d")
        self.connection.rows("USE d")
        self.inserts: list[tuple[float, float]] = []
        self.scans: list[tuple[float, float]] = []

    def _timed(self, *statements: str) -> tuple[float, float]:
        began, processor = time.monotonic(), processor_seconds(self.server)
        for statement in statements:
            self.connection.rows(statement)
        return time.monotonic() - began, processor_seconds(self.server) - processor

    def insert(self) -> None:
        self.connection.rows("DROP TABLE IF EXISTS d.t")
        self.connection.rows("CREATE TABLE d.t (a INT PRIMARY KEY, b VARCHAR(250)) ENGINE=InnoDB ENCRYPTED=YES")
        # The flush writes what is still in memory, and so encrypts it.
        self.inserts.append(self._timed(
            f"INSERT INTO d.t SELECT seq, REPEAT(MD5(seq), 7) FROM seq_1_to_{ROWS}",
            "FLUSH TABLES d.t FOR EXPORT", "UNLOCK TABLES"))
        encrypted = self.connection.rows("SELECT CURRENT_KEY_VERSION FROM"
                                         " information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE NAME='d/t'")
        if encrypted != [["1"]]:
            raise process.Failed(f"the table is not encrypted: {encrypted}")

    def scan(self) -> None:
        self.scans.append(self._timed(*["SELECT SUM(LENGTH(b)) FROM d.t"] * 3))

    def stop(self) -> None:
        self.connection.close()
        self.server.stop()


def by_turns(ours: Subject, theirs: Subject, times: int, step) -> None:
    """Neither always follows the other. The first round warms up; it is left out later."""
    for number in range(times + 1):
        for subject in (ours, theirs) if number % 2 else (theirs, ours):
            step(subject)


def compared(name: str, ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> list[Figure]:
    """Medians of ratios of neighbours. Noise: how much file_key_management differs from itself, a round later."""
    def ratio(which: int) -> float:
        return median(mine[which] / other[which] for mine, other in zip(ours, theirs))
    noise = median(abs(after[0] / before[0] - 1) for before, after in zip(theirs, theirs[1:]))
    return [
        Figure(f"{name}, to file_key_management", ratio(0), "x", 1 + max(noise, 0.03),
               f"{median(t for t, _ in ours):.2f} s and {median(t for t, _ in theirs):.2f} s, {len(ours)} pairs;"
               f" file_key_management to itself: {noise:.0%}"),
        Figure(f"{name}, processor time of the server", ratio(1), "x")]


def measure(folder: pathlib.Path, plugin: pathlib.Path) -> list[Figure]:
    with emulator.Emulator(folder / "kms") as kms:
        kms.start()
        ours = Subject(servers.with_kms(folder / "ours", kms, plugin, OPTIONS))
        theirs = Subject(servers.with_file_keys(folder / "theirs", OPTIONS))
        by_turns(ours, theirs, INSERTS, Subject.insert)
        os.sync()  # Else the system writes the tables while they are scanned.
        by_turns(ours, theirs, SCANS, Subject.scan)
        ours.stop()
        theirs.stop()
    return [*compared(f"insert of {ROWS} rows", ours.inserts[1:], theirs.inserts[1:]),
            *compared("three scans of them", ours.scans[1:], theirs.scans[1:])]
