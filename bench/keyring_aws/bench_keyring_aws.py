#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench keyring-aws: what keyring_aws costs beside what KMS costs, in real MySQL on the
emulator."""

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


ROTATE = "SELECT keyring_aws_rotate_keys()"
# One call a key, so many at a time. Each key takes two: ReEncrypt, and Decrypt of the new
# ciphertext.
IDEAL = -(-KEYS // PARALLEL) * LATENCY_MS / 1000


def rotate(kms, session, rounds: int) -> float:
    """Seconds of rotate_keys, the best of so many."""
    kms.latency(LATENCY_MS)
    took = min(seconds(lambda: session.sql(ROTATE)) for _ in range(rounds))
    kms.latency(0)
    return took


def fetch_latency(kms, session) -> float:
    """Milliseconds of a fetch over the KMS calls in it; a call of keyring_udf may ask more than
    once."""
    kms.latency(LATENCY_MS)
    calls = kms.calls("Decrypt")
    times = [seconds(lambda: session.sql(FETCH)) for _ in range(50)]
    per_fetch = (kms.calls("Decrypt") - calls) / 50
    empty = statistics.median(seconds(lambda: session.sql("DO 1")) for _ in range(50))
    kms.latency(0)
    return (statistics.median(times) - empty) * 1000 - per_fetch * LATENCY_MS


def throughput(server, kms, sessions: int, count: int = 60) -> float:
    """Fetches a second of so many concurrent sessions."""
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
        print(
            f"{name:58} {value:9.2f} {unit:3} goal {'<=' if most else '>='} {goal:g}  "
            f"{'met' if met else 'MISSED'}"
        )

    try:
        with emulator.Emulator(
            directory / "kms"
        ).start() as kms, aws_keyring_plugin.MySQLWithKeyringAws(
            directory / "m", kms, more={"parallelism": PARALLEL}
        ) as server:
            server.start()
            server.install_udf()
            server.sql(aws_keyring_plugin.FUNCTIONS)
            make_keys(server, KEYS)
            with server.session() as session:
                assert session.value(ROTATE) == "1"  # Connections are made.
                took = rotate(kms, session, 3)
                print(
                    f"rotate_keys of {KEYS} keys at {LATENCY_MS} ms, {PARALLEL} at a time: "
                    f"{took:.3f} s; one call a key "
                    f"takes {IDEAL:.3f} s"
                )
                row("rotate_keys, times one call a key", took / IDEAL, "x", 2.6, True)
                row(
                    "fetch, beyond the latency of its KMS calls",
                    fetch_latency(kms, session),
                    "ms",
                    5,
                    True,
                )
            server.restart()
            with server.session() as session:
                # Keys that this process has not opened yet take a third call.
                row(
                    "rotate_keys after a restart, times one call a key",
                    rotate(kms, session, 1) / IDEAL,
                    "x",
                    3.9,
                    True,
                )
            one, eight = throughput(server, kms, 1), throughput(server, kms, 8)
            print(f"fetches a second: one session {one:.0f}, eight sessions {eight:.0f}")
            row("8 concurrent sessions fetching, times one", eight / one, "x", 6, False)
    finally:
        process.remove_directory(directory)
    return failed


if __name__ == "__main__":
    sys.exit(main())
