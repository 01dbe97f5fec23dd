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
LIVES = 5  # Starts of each server: where its memory lies makes scans faster or slower by 15 %.
INSERTS = 2  # In each life.
SCANS = 5
# Pages are read from the system's cache: it is not the disk that is compared.
OPTIONS = [
    "--innodb-encrypt-log=ON",
    "--innodb-log-file-size=96M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-flush-method=fsync",
]


def processor_seconds(server) -> float:
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Subject:
    """A server and its times so far: (seconds, processor seconds of the server) of each step, in
    order."""

    def __init__(self, server):
        self.server = server
        server.start()
        server.sql("CREATE DATABASE d")
        server.stop()
        self.inserts: list[tuple[float, float]] = []
        self.scans: list[tuple[float, float]] = []

    def start(self) -> None:
        self.server.start()
        self.connection = Connection(self.server)
        self.connection.rows("USE d")

    def _timed(self, *statements: str) -> tuple[float, float]:
        began, processor = time.monotonic(), processor_seconds(self.server)
        for statement in statements:
            self.connection.rows(statement)
        return time.monotonic() - began, processor_seconds(self.server) - processor

    def insert(self) -> None:
        self.connection.rows("DROP TABLE IF EXISTS d.t")
        self.connection.rows(
            "CREATE TABLE d.t (a INT PRIMARY KEY, b VARCHAR(250)) ENGINE=InnoDB ENCRYPTED=YES"
        )
        # The flush writes what is still in memory, and so encrypts it.
        self.inserts.append(self._timed(
            f"INSERT INTO d.t SELECT seq, REPEAT(MD5(seq), 7) FROM seq_1_to_{ROWS}",
            "FLUSH TABLES d.t FOR EXPORT", "UNLOCK TABLES"))
        encrypted = self.connection.rows(
            "SELECT CURRENT_KEY_VERSION FROM"
            " information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE NAME='d/t'"
        )
        if encrypted != [["1"]]:
            raise process.Failed(f"the table is not encrypted: {encrypted}")

    def scan(self) -> None:
        self.scans.append(self._timed(*["SELECT SUM(LENGTH(b)) FROM d.t"] * 3))

    def stop(self) -> None:
        self.connection.close()
        self.server.stop()


def life(ours: Subject, theirs: Subject) -> None:
    """By turns, and neither always follows the other."""
    for subject in (ours, theirs):
        subject.start()
    for number in range(INSERTS):
        for subject in (ours, theirs) if number % 2 else (theirs, ours):
            subject.insert()
    os.sync()  # Else the system writes the tables while they are scanned.
    for number in range(SCANS):
        for subject in (ours, theirs) if number % 2 else (theirs, ours):
            subject.scan()
    for subject in (ours, theirs):
        subject.stop()


def medians(times: list[tuple[float, float]], which: int) -> list[float]:
    """One of each life."""
    size = len(times) // LIVES
    return [
        median(one[which] for one in times[start : start + size])
        for start in range(0, len(times), size)
    ]


def compared(
    name: str, ours: list[tuple[float, float]], theirs: list[tuple[float, float]]
) -> list[Figure]:
    """Noise: how much file_key_management differs from itself, a life later."""
    def ratio(which: int) -> float:
        return median(
            mine / other for mine, other in zip(medians(ours, which), medians(theirs, which))
        )
    peer = medians(theirs, 0)
    noise = median(abs(after / before - 1) for before, after in zip(peer, peer[1:]))
    return [
        Figure(
            f"{name}, to file_key_management",
            ratio(0),
            "x",
            1 + max(noise, 0.03),
            f"{median(medians(ours, 0)):.2f} s and {median(peer):.2f} s; file_key_management to "
            f"itself: {noise:.0%}",
        ),
        Figure(f"{name}, processor time of the server", ratio(1), "x"),
    ]


def measure(directory: pathlib.Path, plugin: pathlib.Path) -> list[Figure]:
    with emulator.Emulator(directory / "kms") as kms:
        kms.start()
        ours = Subject(servers.with_kms(directory / "ours", kms, plugin, OPTIONS))
        theirs = Subject(servers.with_file_keys(directory / "theirs", OPTIONS))
        for _ in range(LIVES):
            life(ours, theirs)
    return [*compared(f"insert of {ROWS} rows", ours.inserts, theirs.inserts),
            *compared("three scans of them", ours.scans, theirs.scans)]
