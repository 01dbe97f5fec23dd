# SPDX-License-Identifier: MIT
"""Insert and scan of an encrypted table: our plugin and file_key_management, by turns."""

import os
import pathlib
import time

import servers
from client import Connection
from figures import Figure, median, quantile
from lab import emulator

ROWS = 300_000  # Twice the size of the buffer pool, so that a scan decrypts.
ROUNDS = 7
OPTIONS = ["--innodb-encrypt-log=ON", "--innodb-log-file-size=96M", "--innodb-flush-log-at-trx-commit=2"]


def processor_seconds(server) -> float:
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Subject:
    """A server and its times so far: (seconds, processor seconds of the server) of each step, by round."""

    def __init__(self, server):
        self.server = server.start()
        self.connection = Connection(server)
        self.connection.run("CREATE DATABASE d")
        self.inserts: list[tuple[float, float]] = []
        self.scans: list[tuple[float, float]] = []

    def _timed(self, *statements: str) -> tuple[float, float]:
        began, processor = time.monotonic(), processor_seconds(self.server)
        for statement in statements:
            self.connection.run(statement)
        return time.monotonic() - began, processor_seconds(self.server) - processor

    def round(self) -> None:
        self.connection.run("CREATE TABLE d.t (a INT PRIMARY KEY, b VARCHAR(250)) ENGINE=InnoDB ENCRYPTED=YES")
        # The flush writes what is still in memory, and so encrypts it.
        self.inserts.append(self._timed(
            f"INSERT INTO d.t SELECT seq, REPEAT(MD5(seq), 7) FROM seq_1_to_{ROWS}",
            "FLUSH TABLES d.t FOR EXPORT", "UNLOCK TABLES"))
        self.scans.append(self._timed(*["SELECT SUM(LENGTH(b)) FROM d.t"] * 3))
        encrypted = self.connection.run("SELECT CURRENT_KEY_VERSION FROM"
                                        " information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE NAME='d/t'")
        assert encrypted == "1", "the table is not encrypted"
        self.connection.run("DROP TABLE d.t")

    def stop(self) -> None:
        self.connection.close()
        self.server.stop()


def compared(name: str, ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> list[Figure]:
    """Ratios of pairs that ran one right after the other. Noise: half of what the middle half of them spans."""
    ratios = [mine[0] / other[0] for mine, other in zip(ours, theirs)]
    noise = max(0.03, (quantile(ratios, 0.75) - quantile(ratios, 0.25)) / 2)
    processor = [mine[1] / other[1] for mine, other in zip(ours, theirs)]
    return [
        Figure(f"{name}, to file_key_management", median(ratios), "x", 1 + noise,
               f"{median(t for t, _ in ours):.2f} s and {median(t for t, _ in theirs):.2f} s,"
               f" {len(ratios)} pairs, noise {noise:.0%}"),
        Figure(f"{name}, processor time of the server", median(processor), "x")]


def measure(folder: pathlib.Path, plugin: pathlib.Path) -> list[Figure]:
    with emulator.Emulator(folder / "kms") as kms:
        kms.start()
        ours = Subject(servers.with_kms(folder / "ours", kms, plugin, OPTIONS))
        theirs = Subject(servers.with_file_keys(folder / "theirs", OPTIONS))
        for number in range(ROUNDS + 1):  # The first one warms up.
            for subject in (ours, theirs) if number % 2 else (theirs, ours):
                subject.round()
        ours.stop()
        theirs.stop()
    return [*compared(f"insert of {ROWS} rows", ours.inserts[1:], theirs.inserts[1:]),
            *compared("scans of them", ours.scans[1:], theirs.scans[1:])]
