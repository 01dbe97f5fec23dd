#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench keyring-aws: what keyring_aws costs beside what KMS costs, in real MySQL on the emulator."""

import concurrent.futures
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from lab import aws_keyring_plugin, emulator, process  # noqa: E402

KEYS, LATENCY_MS, PARALLEL = 1000, 20, 16
FETCH = "DO keyring_key_fetch('k1')"


def seconds(work) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def make_keys(server, count: int) -> None:
    with server.session() as session:
        for number in range(count):
            session.sql(f"DO keyring_key_store('k{number}','SECRET','text {number}')")


def rotate(kms, session) -> tuple[float, float]:
    """(seconds, ideal seconds) of rotate_keys."""
    kms.latency(LATENCY_MS)
    assert session.value("SELECT keyring_aws_rotate_keys()") == "1"  # Connections are made.
    took = min(seconds(lambda: session.sql("SELECT keyring_aws_rotate_keys()")) for _ in range(3))
    kms.latency(0)
    return took, -(-KEYS // PARALLEL) * LATENCY_MS / 1000


def fetch_latency(kms, session) -> float:
    """Milliseconds of a fetch over the KMS calls in it; a call of keyring_udf may ask more than once."""
    kms.latency(LATENCY_MS)
    calls = kms.calls("Decrypt")
    times = [seconds(lambda: session.sql(FETCH)) for _ in range(50)]
    per_fetch = (kms.calls("Decrypt") - calls) / 50
    empty = statistics.median(seconds(lambda: session.sql("DO 1")) for _ in range(50))
    kms.latency(0)
    return (statistics.median(times) - empty) * 1000 - per_fetch * LATENCY_MS


def throughput(server, kms, sessions: int, count: int = 60) -> float:
    """Fetches a second of so many sessions at once."""
    kms.latency(LATENCY_MS)
    opened = [server.session() for _ in range(sessions)]
    try:
        def loop(session) -> None:
            for _ in range(count):
                session.sql(FETCH)
        with concurrent.futures.ThreadPoolExecutor(sessions) as pool:
            took = seconds(lambda: list(pool.map(loop, opened)))
    finally:
        for session in opened:
            session.close()
    kms.latency(0)
    return sessions * count / took


def main() -> int:
    directory = process.new_directory("bench_aws")
    failed = False

    def row(name: str, value: float, unit: str, goal: float, most: bool) -> None:
        nonlocal failed
        met = value <= goal if most else value >= goal
        failed |= not met
        print(f"{name:58} {value:9.2f} {unit:3} goal {'<=' if most else '>='} {goal:g}  {'met' if met else 'MISSED'}")

    try:
        with emulator.Emulator(directory / "kms").start() as kms, \
                aws_keyring_plugin.MySQLWithKeyringAws(directory / "m", kms, more={"parallelism": PARALLEL}) as server:
            server.start()
            server.install_udf()
            server.sql(aws_keyring_plugin.FUNCTIONS)
            make_keys(server, KEYS)
            with server.session() as session:
                took, ideal = rotate(kms, session)
                print(f"rotate_keys of {KEYS} keys at {LATENCY_MS} ms, {PARALLEL} at once: {took:.3f} s, ideal {ideal:.3f} s")
                row("rotate_keys, times ideal", took / ideal, "x", 1.5, True)
                row("fetch, beyond the latency of its KMS calls", fetch_latency(kms, session), "ms", 5, True)
            one, eight = throughput(server, kms, 1), throughput(server, kms, 8)
            print(f"fetches a second: one session {one:.0f}, eight sessions {eight:.0f}")
            row("8 sessions fetching at once, times one", eight / one, "x", 6, False)
    finally:
        process.remove_directory(directory)
    return failed


if __name__ == "__main__":
    sys.exit(main())
