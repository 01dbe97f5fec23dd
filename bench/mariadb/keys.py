# SPDX-License-Identifier: MIT
"""The plugin alone, in a program that stands in for the server: start, loading, rotation, get_key.
"""

import json
import math
import pathlib
import subprocess

from figures import Figure, median
from lab import certificates, emulator, process

LATENCY_MS = 20
PARALLEL = 16
KEYS = 1000
ROTATED = 100
TABLES = 10000
TABLE_BYTES = 65536
SYSTEM_BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")


class Lab:
    """An HTTPS emulator, whose certificate is trusted besides all that the system trusts, as with
    AWS."""

    def __init__(self, directory: pathlib.Path, plugin: pathlib.Path, timer: pathlib.Path):
        self.directory = directory
        self.plugin = plugin
        self.timer = timer
        self.authority = certificates.Authority(directory / "ca")
        pair = self.authority.server()
        self.bundle = directory / "bundle.pem"
        system = SYSTEM_BUNDLE.read_text() if SYSTEM_BUNDLE.exists() else ""
        self.bundle.write_text(system + self.authority.certificate.read_text())
        self.kms = emulator.Emulator(
            directory / "kms", options=["--tls-cert", pair.certificate, "--tls-key", pair.key]
        ).start()

    def environment(self) -> dict[str, str]:
        return {**self.kms.environment(), "AWS_CA_BUNDLE": str(self.bundle)}

    def time(self, keys: pathlib.Path, *steps, parallel: int = PARALLEL, store: str = "FILES",
             source: str = "KMS") -> dict[str, dict]:
        """What plugin_timer prints, by step; it uses the keys in the directory `keys`."""
        keys.mkdir(exist_ok=True)
        variables = {
            "master_key_id": self.kms.alias,
            "region": self.kms.region,
            "endpoint_url": self.kms.url,
            "keyfile_dir": keys,
            "load_parallelism": parallel,
            "key_store": store,
            "key_source": source,
        }
        done = subprocess.run(
            [
                self.timer,
                self.plugin,
                *(f"{name}={value}" for name, value in variables.items()),
                *map(str, steps),
            ],
            cwd=keys,  # The data directory: an installation of its own.
            env={**process.bare_environment(self.directory), **self.environment()},
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise process.Failed(f"plugin_timer {steps}: {done.stderr[-2000:]}")
        return {line["step"]: line for line in map(json.loads, done.stdout.splitlines())}


def loading(lab: Lab) -> list[Figure]:
    directory = lab.directory / "thousand"
    lab.kms.latency(0)
    lab.time(directory, "init", "make", KEYS)
    lab.kms.latency(LATENCY_MS)

    def until_usable(parallel: int) -> float:
        times = lab.time(directory, "init", "use", KEYS, parallel=parallel)
        return times["init"]["ms"] + times["use"]["ms"]
    ideal = math.ceil(KEYS / PARALLEL) * LATENCY_MS
    ours = median(until_usable(PARALLEL) for _ in range(5))
    serial = until_usable(1)
    return [
        Figure(f"{KEYS} keys usable, in ideal times", ours / ideal, "x", 1.5,
               f"ideal: {ideal} ms, {PARALLEL} calls of {LATENCY_MS} ms at once"),
        Figure(f"{KEYS} keys usable", ours, "ms"),
        Figure(f"{KEYS} keys usable, in serial times", ours / serial, "x",
               note=f"{serial:.0f} ms one after the other on one connection")]


def rotation(lab: Lab) -> list[Figure]:
    def rotate(name: str, parallel: int) -> float:
        directory = lab.directory / name
        lab.kms.latency(0)
        lab.time(directory, "init", "make", ROTATED)
        lab.kms.latency(LATENCY_MS)
        lab.kms.reset_counters()
        return lab.time(directory, "init", "rotate", ROTATED, parallel=parallel)["rotate"]["ms"]
    ours, handshakes = [], []
    for number in range(5):
        ours.append(rotate(f"rotate{number}", PARALLEL))
        handshakes.append(lab.kms.counters()["tls_handshakes"])
    serial = rotate("rotate_serially", 1)
    return [
        Figure(f"rotate {ROTATED} ids, in serial times", median(ours) / serial, "x", 0.1,
               f"{serial:.0f} ms for {3 * ROTATED} calls on one connection"),
        Figure(f"rotate {ROTATED} ids", median(ours), "ms"),
        Figure(f"TLS handshakes, load and rotate {ROTATED} ids", max(handshakes), "", PARALLEL,
               "at most one a connection")]


def get_key(lab: Lab) -> list[Figure]:
    lab.kms.latency(0)
    found = lab.time(lab.directory / "few", "init", "make", 64, "get_key", 6)["get_key"]
    return [
        Figure(
            "get_key of a loaded key, median",
            found["one_thread_ns"],
            "ns",
            30,
            f"95 % below {found['one_thread_p95_ns']:.1f} ns; one thread",
        ),
        Figure(
            "get_key, two threads to one thread",
            found["two_threads_ns"] / found["one_thread_ns"],
            "x",
            1.1,
            f"{found['two_threads_ns']:.1f} ns a call; processor time of the thread",
        ),
        Figure("get_key, 64 ids in turn", found["64_ids_ns"], "ns"),
    ]


def start(lab: Lab) -> list[Figure]:
    """Tables are looked at when a first key is made, and not at a start without keys."""
    none = lab.directory / "none"
    database = none / "d"
    database.mkdir(parents=True)
    for number in range(TABLES):
        with open(database / f"t{number}.ibd", "wb") as table:
            table.truncate(TABLE_BYTES)
    times = [lab.time(none, "init", store="AUTO")["init"]["ms"] for _ in range(21)]
    return [Figure(f"start of the plugin without keys, beside {TABLES:,} tables", median(times),
                   "ms", 30, f"{min(times):.1f} to {max(times):.1f} ms in {len(times)} runs")]


def measure(directory: pathlib.Path, plugin: pathlib.Path, timer: pathlib.Path) -> list[Figure]:
    lab = Lab(directory, plugin, timer)
    try:
        return [*loading(lab), *rotation(lab), *get_key(lab), *start(lab)]
    finally:
        lab.kms.stop()
