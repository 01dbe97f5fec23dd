#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench kmip: loading keys from KMIP servers beside the ways that others go, and a hung
server under MySQL.

The ratios are of things measured in one run. A missed goal is reported, and is not a failure.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(ROOT / "tests")]

import figures  # noqa: E402
from figures import Figure, median  # noqa: E402
from lab import kmip_component, kmip_emulator, mysql_installation, process, pykmip  # noqa: E402
from lab.certificates import Authority  # noqa: E402

TIMER = ROOT / "build" / "bench" / "bench" / "kmip" / "kmip_timer"
KEYS = 1000
CHANGES = 20
LATENCY_MS = 10
DEADLINE_MS = 3000  # component_keyring_kmip's default for a store.


def timed(server, user: str, *steps: str) -> dict[str, dict]:
    files = server.client_files(user)
    done = subprocess.run(
        [
            TIMER,
            f"127.0.0.1:{server.port}",
            files["server_ca"],
            files["client_ca"],
            files["client_key"],
            *steps,
        ],
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise process.Failed(f"kmip_timer {steps}: {done.stderr[-2000:]}")
    return {line["step"]: line for line in map(json.loads, done.stdout.splitlines())}


def loading(server, label: str, keys: int, goal: float, runs: int) -> list[Figure]:
    """`goal`: how many times faster than a connection for each operation."""
    user, fake = f"user of {keys}", hasattr(server, "behave")
    made = timed(server, user, f"fill={keys}")["fill"]
    if fake:
        server.behave(latency_ms=LATENCY_MS)
    rounds = [timed(server, user, "load", "kept") for _ in range(runs)]
    ours, kept = (median(one[step]["ms"] for one in rounds) for step in ("load", "kept"))
    each = timed(server, user, "each")["each"]
    changes = timed(server, user, f"store={CHANGES}", f"remove={CHANGES}")
    if fake:
        server.behave(latency_ms=0)
    assert all(one[step]["keys"] == keys for one in rounds for step in one) and each["keys"] == keys
    return [
        Figure(
            f"{label}: load of {keys} keys, to a connection an operation",
            ours / each["ms"],
            "x",
            1 / goal,
            f"{ours:.0f} ms and {each['ms']:.0f} ms",
        ),
        Figure(
            f"{label}: load of {keys} keys, to one message a key",
            ours / kept,
            "x",
            1,
            f"{kept:.0f} ms on one kept connection",
        ),
        Figure(
            f"{label}: TLS handshakes of a load",
            max(one["load"]["connections"] for one in rounds),
            "",
            4,
            f"{each['connections']} with a connection an operation",
        ),
        Figure(
            f"{label}: a store of MySQL's own, read back",
            made["ms"] / keys,
            "ms",
            note="without delay" if fake else "",
        ),
        Figure(
            f"{label}: a store of an SQL user's, with {keys} keys there",
            changes["store"]["ms"] / CHANGES,
            "ms",
            note="looks for another one of that name",
        ),
        Figure(
            f"{label}: a removal, with {keys} keys there", changes["removals"]["ms"] / CHANGES, "ms"
        ),
    ]


def hung(directory: pathlib.Path) -> list[Figure]:
    """Another session's fetch of a loaded key while a store waits for a KMIP server that hangs."""
    with kmip_emulator.KmipEmulator(
        directory / "hung"
    ).start() as kmip, kmip_component.MySQLWithKmip(
        directory / "m", kmip, more={"kmip_timeout_ms": None}
    ) as server:
        server.start()
        server.install_udf()
        server.sql("SELECT keyring_key_generate('loaded','AES',32)")
        fetches, stores = [], []

        def store(number: int) -> None:
            began = time.monotonic()
            server.sql(f"SELECT keyring_key_generate('k{number}','AES',32)")
            stores.append(time.monotonic() - began)

        with server.session() as session:
            kmip.process.send(19)  # SIGSTOP
            for number in range(3):
                storing = threading.Thread(target=store, args=(number,))
                storing.start()
                time.sleep(0.2)
                began = time.monotonic()
                assert session.value("SELECT keyring_key_length_fetch('loaded')") == "32"
                fetches.append(time.monotonic() - began)
                storing.join()
            kmip.process.send(18)
        bound = (DEADLINE_MS + 250) / 1000
        return [
            Figure(
                "hung server: a store fails after",
                max(stores),
                "s",
                bound,
                f"the deadline is {DEADLINE_MS / 1000} s",
            ),
            Figure(
                "hung server: another session's fetch, slowest",
                max(fetches),
                "s",
                bound,
                "MySQL itself makes it wait for the store",
            ),
        ]


def measure() -> list[Figure]:
    os.environ.setdefault("OPENKEYRING_TEST_TMP", tempfile.gettempdir())
    directory = process.new_directory("bench")
    authority = Authority(directory / "tls")
    try:
        with kmip_emulator.KmipEmulator(directory / "emulator", authority).start() as fake:
            found = loading(fake, f"{LATENCY_MS} ms away", KEYS, 10, 5)
        with pykmip.PyKmip(directory / "pykmip", authority).start() as real:
            found += loading(real, "PyKMIP", KEYS, 3, 2)
        return found + hung(directory)
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
    figures.report(found, before, ROOT / "build" / "bench" / "kmip.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
