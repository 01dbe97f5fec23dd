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
ROUNDS = 5
SCANS = 8
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

    def round(self) -> None:
        self.connection.rows("CREATE TABLE d.t (a INT PRIMARY KEY, b VARCHAR(250)) ENGINE=InnoDB ENCRYPTED=YES")
        # The flush writes what is still in memory, and so encrypts it.
        self.inserts.append(self._timed(
            f"INSERT INTO d.t SELECT seq, REPEAT(MD5(seq), 7) FROM seq_1_to_{ROWS}",
            "FLUSH TABLES d.t FOR EXPORT", "UNLOCK TABLES"))
        self.scans.append(self._timed(*["SELECT SUM(LENGTH(b)) FROM d.t"] * SCANS))
        encrypted = self.connection.rows("SELECT CURRENT_KEY_VERSION FROM"
                                        " information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE NAME='d/t'")
        if encrypted != [["1"]]:
            raise process.Failed(f"the table is not encrypted: {encrypted}")
        self.connection.rows("DROP TABLE d.t")

    def stop(self) -> None:
        self.connection.close()
        self.server.stop()


def compared(name: str, ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> list[Figure]:
    """A round is theirs, ours, theirs: ours is compared with the mean of its neighbours, and how much these differ
    from each other is the noise."""
    def ratio(which: int) -> float:
        return median(2 * mine[which] / (before[which] + after[which])
                      for mine, before, after in zip(ours, theirs[::2], theirs[1::2]))
    noise = median(abs(before[0] - after[0]) / min(before[0], after[0]) for before, after in zip(theirs[::2], theirs[1::2]))
    return [
        Figure(f"{name}, to file_key_management", ratio(0), "x", 1 + max(noise, 0.03),
               f"{median(t for t, _ in ours):.2f} s and {median(t for t, _ in theirs):.2f} s; file_key_management to"
               f" itself: {noise:.0%}"),
        Figure(f"{name}, processor time of the server", ratio(1), "x")]


def measure(folder: pathlib.Path, plugin: pathlib.Path) -> list[Figure]:
    with emulator.Emulator(folder / "kms") as kms:
        kms.start()
        ours = Subject(servers.with_kms(folder / "ours", kms, plugin, OPTIONS))
        theirs = Subject(servers.with_file_keys(folder / "theirs", OPTIONS))
        for _ in range(ROUNDS + 1):  # The first one warms up.
            for subject in (theirs, ours, theirs):
                subject.round()
        ours.stop()
        theirs.stop()
    return [*compared(f"insert of {ROWS} rows", ours.inserts[1:], theirs.inserts[2:]),
            *compared(f"{SCANS} scans of them", ours.scans[1:], theirs.scans[2:])]
