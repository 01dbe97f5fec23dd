#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench mysql-kms: component_keyring_kms beside MySQL's own component_keyring_file, in real
servers.

The two servers run side by side, with the same keys, and each is measured in turn, so that a
machine with other work disturbs both. A missed goal is reported, and is not a failure.
"""

import json
import os
import pathlib
import secrets
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(ROOT / "tests")]

import figures  # noqa: E402
from figures import Figure, median  # noqa: E402
from lab import aws_client, emulator, kms_component, mysql  # noqa: E402
from lab import mysql_installation, percona_file, process  # noqa: E402

COUNTS = (1, 1000, 10000)
LATENCY_MS = 20
PARALLEL = 16
PERCONA_KEYS = 1000
STARTS, RELOADS, ROUNDS = 3, 7, 5
FETCHES, STORES = 20000, 100
RELOAD = "ALTER INSTANCE RELOAD KEYRING"
# Both components have the time that the slowest way takes.
PATIENT = {
    "operation_deadline_ms": 120000,
    "startup_deadline_ms": 120000,
    "reload_deadline_ms": 120000,
}
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "


def seconds(work) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def alternating(servers, times: int, work) -> list[float]:
    """The median of `work(server)` for each server."""
    found = [[] for _ in servers]
    for _ in range(times):
        for server, samples in zip(servers, found):
            samples.append(work(server))
    return [median(samples) for samples in found]


# ---- Keyrings ---------------------------------------------------------------


def write_stock_file(path: pathlib.Path, count: int) -> None:
    """What component_keyring_file writes: AES keys of the server's own."""
    elements = [
        {
            "user": "",
            "data_id": f"k{number}",
            "data_type": "AES",
            "data": secrets.token_hex(32).upper(),
            "extension": [],
        }
        for number in range(count)
    ]
    path.write_text(json.dumps({"version": "1.0", "elements": elements}, separators=(",", ":")))


class Pair:
    """A server of ours and one of MySQL's own keyring, with the same keys."""

    def __init__(self, directory: pathlib.Path, kms, count: int):
        self.count = count
        self.kms = kms
        self.ours = kms_component.MySQLWithKms(directory / "ours", kms, more=PATIENT)
        self.stock = mysql.MySQL(directory / "stock")
        write_stock_file(self.stock.use_keyring_file(), count)

    def __enter__(self) -> "Pair":
        for server in self.both:
            server.start()
            server.install_udf()
        self._fill()
        for server in self.both:
            if len(server.keyring_keys()) != self.count:
                raise process.Failed(f"{server.directory.name} does not have {self.count} keys")
        return self

    def __exit__(self, *_) -> None:
        for server in self.both:
            server.kill()

    @property
    def both(self):
        return (self.ours, self.stock)

    def _fill(self) -> None:
        with self.ours.session() as session:
            session.sql(
                f"SET cte_max_recursion_depth = {self.count + 1};"
                + NUMBERS.format(count=self.count)
                + "SELECT COUNT(keyring_key_generate(CONCAT('k', i - 1), 'AES', 32)) FROM n",
                seconds=600,
            )


# ---- What is measured -------------------------------------------------------


def call_seconds(kms) -> float:
    """One Decrypt on a new connection, as every reload has one, by Python's client. It is slower
    than ours, so what is left without it is only for information beside the goal of the sum."""
    blob = percona_file.encrypt(kms, kms.alias, bytes(32))
    return median(seconds(lambda: aws_client.decrypt(kms, blob)) for _ in range(20))


def loading(pair: Pair) -> list[Figure]:
    name = f"{pair.count:,} keys"
    sessions = [server.session() for server in pair.both]
    pair.kms.reset_counters()
    ours, stock = alternating(
        sessions, RELOADS, lambda session: seconds(lambda: session.sql(RELOAD))
    )
    calls = pair.kms.calls("Decrypt") / RELOADS
    for session in sessions:
        session.close()
    call = call_seconds(pair.kms)

    def start(server) -> float:
        server.stop()
        return seconds(server.start)

    starts = alternating(pair.both, STARTS, start)
    return [
        Figure(f"sealed, {name}: KMS calls of a load", calls, "", 1),
        Figure(
            f"sealed, {name}: reload with its KMS call, to component_keyring_file",
            ours / stock,
            "x",
            1,
            f"{ours * 1000:.1f} ms and {stock * 1000:.1f} ms; KMS on this machine",
        ),
        Figure(
            f"sealed, {name}: reload beyond its KMS call, to component_keyring_file",
            max(ours - call, 0) / stock,
            "x",
            1,
            f"less {call * 1000:.1f} ms, what a call takes Python's client",
        ),
        Figure(
            f"sealed, {name}: start of the server, to component_keyring_file",
            starts[0] / starts[1],
            "x",
            1,
            f"{starts[0]:.2f} s and {starts[1]:.2f} s",
        ),
    ]


def fetching(pair: Pair) -> Figure:
    """Inside the server, without a client's round trip."""
    query = f"SELECT BENCHMARK({FETCHES}, keyring_key_fetch('k0'))"
    sessions = [server.session() for server in pair.both]
    ours, stock = alternating(
        sessions, ROUNDS, lambda session: seconds(lambda: session.sql(query)) / FETCHES
    )
    for session in sessions:
        session.close()
    return Figure(
        f"fetch with {pair.count:,} keys, time to component_keyring_file's",
        ours / stock,
        "x",
        1,
        f"{1 / ours:,.0f} and {1 / stock:,.0f} a second",
    )


def appending(directory: pathlib.Path, size: int) -> float:
    """Seconds of a bare append and fdatasync of so many bytes, as the disk has it."""
    file = os.open(directory / "append", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        def append() -> None:
            os.write(file, bytes(size))
            os.fdatasync(file)

        return median(seconds(append) for _ in range(STORES))
    finally:
        os.close(file)


def generating(pair: Pair) -> tuple[float, float, float]:
    """Seconds of one generate: ours, the stock one's; and of a bare append beside them."""
    sessions = [server.session() for server in pair.both]
    size, batch = pair.ours.keyring.stat().st_size, 0

    def generate(session) -> float:
        nonlocal batch
        batch += 1
        query = NUMBERS.format(count=STORES) + (
            f"SELECT SUM(keyring_key_generate(CONCAT('b{batch}.', i), 'AES', 32)) FROM n"
        )
        took = seconds(lambda: made.append(session.value(query)))
        return took / STORES

    made, bare = [], []
    appending(pair.ours.keyring.parent, 100)

    def both_and_disk(session) -> float:
        took = generate(session)
        if session is sessions[0]:
            bare.append(appending(pair.ours.keyring.parent, record))
        return took

    generate(sessions[0])
    record = max((pair.ours.keyring.stat().st_size - size) // STORES, 1)
    ours, stock = alternating(sessions, ROUNDS, both_and_disk)
    for session in sessions:
        session.close()
    if set(made) != {str(STORES)}:
        raise process.Failed(f"not all keys were made: {made}")
    return ours, stock, median(bare)


def storing(costs: dict[int, tuple[float, float, float]]) -> list[Figure]:
    found = []
    for count, (ours, stock, bare) in costs.items():
        found += [
            Figure(
                f"durable generate with {count:,} keys, to a bare append and fdatasync",
                ours / bare,
                "x",
                note=f"{ours * 1000:.2f} ms and {bare * 1000:.2f} ms; {1 / ours:,.0f} a second",
            ),
            Figure(
                f"durable generate with {count:,} keys, to component_keyring_file's",
                ours / stock,
                "x",
                note=f"which makes {1 / stock:,.0f} a second and syncs nothing",
            ),
        ]
    first, last = costs[COUNTS[0]][0], costs[COUNTS[-1]][0]
    return [
        *found,
        Figure(f"a store with {COUNTS[-1]:,} keys, to one with {COUNTS[0]}", last / first, "x", 2),
    ]


def percona(directory: pathlib.Path, kms) -> list[Figure]:
    """One KMS call a key: the ideal is the calls' latency, so many at a time."""
    ideal = -(-PERCONA_KEYS // PARALLEL) * LATENCY_MS / 1000
    server = kms_component.MySQLWithKms(directory / "percona", kms, more=PATIENT)
    keys = [("", f"k{number}", "AES", secrets.token_bytes(32)) for number in range(PERCONA_KEYS)]
    percona_file.write(server.keyring, kms, kms.alias, keys)
    with server:
        server.start()
        times = {}
        for parallel, rounds in ((PARALLEL, 3), (1, 1)):
            server.configure(**PATIENT, load_parallelism=parallel)
            server.reload()
            kms.latency(LATENCY_MS)
            times[parallel] = median(seconds(server.reload) for _ in range(rounds))
            kms.latency(0)
        if len(server.keyring_keys()) != PERCONA_KEYS:
            raise process.Failed("the keys of Percona's file are not all there")
    return [
        Figure(
            f"Percona's format, {PERCONA_KEYS:,} keys: reload, to the ideal of {PARALLEL} at once",
            times[PARALLEL] / ideal,
            "x",
            1.5,
            f"{times[PARALLEL]:.2f} s and {ideal:.2f} s; KMS {LATENCY_MS} ms away",
        ),
        Figure(
            "the same, to one call after the other",
            times[PARALLEL] / times[1],
            "x",
            1.5 / PARALLEL,
            f"{times[1]:.1f} s",
        ),
    ]


def measure() -> list[Figure]:
    # Not in memory, as tests are: a durable store is measured.
    os.environ.setdefault("OPENKEYRING_TEST_TMP", tempfile.gettempdir())
    directory = process.new_directory("bench_kms")
    found, costs = [], {}
    try:
        with emulator.Emulator(directory / "kms").start() as kms:
            for count in COUNTS:
                print(f"  {count} keys ...", file=sys.stderr, flush=True)
                part = directory / str(count)
                part.mkdir()
                with Pair(part, kms, count) as pair:
                    found += [*loading(pair), fetching(pair)]
                    costs[count] = generating(pair)
            print("  Percona's format ...", file=sys.stderr, flush=True)
            return found + storing(costs) + percona(directory, kms)
    finally:
        process.kill_all()
        process.remove_directory(directory)


def main() -> int:
    before = figures.machine(mysql=mysql_installation.mysql_9().version)
    try:
        found = measure()
    except Exception:  # Whatever it is, a person wants to see it.
        traceback.print_exc()
        return 1
    figures.report(found, before, ROOT / "build" / "bench" / "mysql_kms.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
