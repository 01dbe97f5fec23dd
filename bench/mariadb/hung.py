# SPDX-License-Identifier: MIT
"""KMS accepts connections and never answers: who has to wait, and for how long."""

import dataclasses
import pathlib
import random
import signal
import threading
import time

import servers
from client import Connection, QueryError
from figures import Figure, median, quantile
from lab import emulator, process

ROWS = 50_000
QUIET_SECONDS = 2
TIMES = 3
DEADLINE_SECONDS = 5
BLOCKED_MS = (
    500  # Who waited for KMS would wait ten times as long; a busy machine makes 100 ms at times.
)
# A small pool, so that point queries read pages, and so decrypt.
OPTIONS = ["--innodb-buffer-pool-size=8M", "--innodb-encrypt-log=ON"]


class Probe:
    """A session that reads rows by key, and now and then a new one. Milliseconds."""

    def __init__(self, server):
        self.server = server
        self.connection = Connection(server)

    def run(self, go_on) -> tuple[list[float], list[float]]:
        queries, connections = [], []
        while go_on():
            began = time.monotonic()
            self.connection.rows(f"SELECT b FROM d.t WHERE a={random.randint(1, ROWS)}")
            queries.append((time.monotonic() - began) * 1000)
            if len(queries) % 10 == 0:
                began = time.monotonic()
                with Connection(self.server) as other:
                    other.rows("SELECT b FROM d.t WHERE a=1")
                connections.append((time.monotonic() - began) * 1000)
            time.sleep(0.001)
        return queries, connections

    def run_for(self, seconds: float) -> tuple[list[float], list[float]]:
        end = time.monotonic() + seconds
        return self.run(lambda: time.monotonic() < end)


class Victim(threading.Thread):
    """A session that needs KMS: how long it waits, and what it is told."""

    def __init__(self, server, statement: str):
        super().__init__()
        self.server = server
        self.statement = statement
        self.seconds = 0.0
        self.told = ""

    def run(self) -> None:
        with Connection(self.server) as connection:
            began = time.monotonic()
            try:
                connection.rows(self.statement)
            except QueryError:
                pass  # What the plugin says about it is a warning, as for a rotation.
            self.seconds = time.monotonic() - began
            self.told = next(
                (
                    row[-1]
                    for row in connection.rows("SHOW WARNINGS")
                    if "AWS KMS plugin" in row[-1]
                ),
                "",
            )


@dataclasses.dataclass
class Outage:
    """(point queries, new connections) in milliseconds: seconds before and after it, and while KMS
    hung."""
    quiet: tuple[list[float], list[float]]
    hung: tuple[list[float], list[float]]
    rotate: Victim
    create: Victim


def outage(server, kms, probe: Probe, key_id: int) -> Outage:
    before = probe.run_for(QUIET_SECONDS)
    kms.process.send(signal.SIGSTOP)
    rotate = Victim(server, "SET GLOBAL aws_key_management_rotate_key=1")
    create = Victim(server, f"CREATE TABLE d.n (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID={key_id}")
    rotate.start()
    create.start()
    hung = probe.run(lambda: rotate.is_alive() or create.is_alive())
    kms.process.send(signal.SIGCONT)
    if not (rotate.told and create.told):
        raise process.Failed("a session that needed KMS while it hung was not told so")
    after = probe.run_for(QUIET_SECONDS)
    return Outage((before[0] + after[0], before[1] + after[1]), hung, rotate, create)


def compared(name: str, pairs: list[tuple[list[float], list[float]]]) -> list[Figure]:
    quiet, hung = (sum((pair[which] for pair in pairs), []) for which in (0, 1))
    return [
        Figure(
            f"{name}, median to before and after",
            median(median(pair[1]) / median(pair[0]) for pair in pairs),
            "x",
            1.25,
            f"{median(quiet):.3f} and {median(hung):.3f} ms",
        ),
        Figure(
            f"{name}, slowest",
            max(hung),
            "ms",
            BLOCKED_MS,
            f"else {max(quiet):.1f} ms; 99 %: {quantile(quiet, 0.99):.2f} and "
            f"{quantile(hung, 0.99):.2f} ms",
        ),
    ]


def measure(directory: pathlib.Path, plugin: pathlib.Path) -> list[Figure]:
    with emulator.Emulator(directory / "kms") as kms:
        kms.start()
        server = servers.with_kms(directory / "m", kms, plugin, OPTIONS).start()
        server.sql(
            "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b VARCHAR(250)) ENCRYPTED=YES;"
            f"USE d; INSERT INTO d.t SELECT seq, REPEAT(MD5(seq), 7) FROM seq_1_to_{ROWS}"
        )
        probe = Probe(server)
        probe.run_for(1)
        outages = [outage(server, kms, probe, 77 + number) for number in range(TIMES)]
        server.kill()
    return [
        *compared("KMS hung: point query", [(one.quiet[0], one.hung[0]) for one in outages]),
        *compared("KMS hung: new connection", [(one.quiet[1], one.hung[1]) for one in outages]),
        Figure(
            "KMS hung: rotate fails after",
            max(one.rotate.seconds for one in outages),
            "s",
            DEADLINE_SECONDS + 0.25,
            f"the deadline is {DEADLINE_SECONDS} s; \"{outages[0].rotate.told}\"",
        ),
        Figure(
            "KMS hung: new key fails after",
            max(one.create.seconds for one in outages),
            "s",
            DEADLINE_SECONDS + 0.25,
        ),
    ]
