#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench fleet: many servers that start at once under one KMS quota: keys in files beside a
sealed key set.

The clients are those of aws_key_management, in one program (fleet_client.cc); KMS is the emulator
with the quota of an account, scaled down: 100 servers with 40 keys and 200 calls a second, where
a real fleet has 5,000 servers with 100 keys and 10,000 calls a second. An ideal start of all
takes 20 s instead of 50 s, and an outage is scaled alike: 48 s for two minutes. fleet_model.py is
compared with what is measured. A missed goal is reported, and is not a failure.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent), str(ROOT / "tests")]

import figures  # noqa: E402
import fleet_model  # noqa: E402
from figures import Figure, quantile  # noqa: E402
from lab import emulator, process  # noqa: E402

CLIENT = ROOT / "build" / "bench" / "bench" / "fleet" / "fleet_client"
SERVERS, KEYS, QUOTA, LATENCY_MS, SPREAD_MS = 100, 40, 200, 20, 500
OTHERS = 0.3 * QUOTA  # Calls a second.
IDEAL_S = SERVERS * KEYS / QUOTA
OUTAGE_S = 120 * IDEAL_S / 50  # Of the time of a real fleet.
DEADLINE_S = 600  # Long enough for all keys: what is measured is when they are there.
QUIET_S = 3  # Others alone, before and after.


@dataclasses.dataclass
class Run:
    """One start of the fleet."""

    ready: list[float]
    calls: int
    others: list[tuple[float, int, int]]  # Second since the start, calls, throttled.

    def recovery(self) -> float:
        most = 1 - fleet_model.PASSING
        bad = [at for at, calls, throttled in self.others if throttled > most * calls]
        return max([at + 1 for at in bad if at > -1], default=0)

    def throttled_before(self) -> int:
        return sum(throttled for at, _, throttled in self.others if at < -1)


class Fleet:
    def __init__(self, directory: pathlib.Path, kms):
        self.directory, self.kms = directory, kms
        for kind in ("files", "sealed"):
            (directory / kind).mkdir()
            self._client("make", kind, directory / kind, KEYS).communicate()

    def _client(self, *words, **more) -> subprocess.Popen:
        environment = process.bare_environment(self.directory, self.kms.environment())
        environment |= {"AWS_ENDPOINT_URL_KMS": self.kms.url, **more}
        return subprocess.Popen(
            [CLIENT, *map(str, words)], stdout=subprocess.PIPE, text=True, env=environment
        )

    def start(self, kind: str, *, errors: float = 0, outage: float = 0) -> Run:
        self.kms.availability(
            quota={"requests_per_second": QUOTA, "burst": QUOTA}, errors={"percent": errors}
        )
        time.sleep(1)
        seconds = 2 * QUIET_S + outage + (2.5 * IDEAL_S if kind == "files" else 8)
        others = self._client("others", OTHERS, int(seconds), AWS_MAX_ATTEMPTS="1")
        time.sleep(QUIET_S)
        self.kms.reset_counters()
        if outage:
            self.kms.availability(outage={"for_s": outage})
        began = time.time()
        done, _ = self._client(
            "start", kind, self.directory / kind, SERVERS, SPREAD_MS, DEADLINE_S * 1000
        ).communicate()
        calls = self.kms.calls("Decrypt")
        lines = [json.loads(line) for line in done.splitlines()]
        if [line["keys"] for line in lines] != [KEYS] * SERVERS:
            raise process.Failed(f"{kind}: not every server has all of its keys")
        traffic = [json.loads(line) for line in others.communicate()[0].splitlines()]
        return Run(
            [line["ready_s"] for line in lines],
            calls,
            [(line["at"] - began, line["calls"], line["throttled"]) for line in traffic],
        )


def model(kind: str, **more) -> fleet_model.Outcome:
    return fleet_model.simulate(
        fleet_model.Fleet(
            servers=SERVERS,
            calls=KEYS if kind == "files" else 1,
            quota=QUOTA,
            burst=QUOTA,
            latency=LATENCY_MS / 1000,
            background=OTHERS,
            deadline=DEADLINE_S,
            spread=SPREAD_MS / 1000,
            **more,
        )
    )


def times(label: str, run: Run, ideal_calls: int, most_calls: float) -> list[Figure]:
    p50, p99, most = (quantile(run.ready, part) for part in (0.5, 0.99, 1))
    return [
        Figure(f"{label}: ready, p50", p50, "s", note=f"p99 {p99:.1f} s, last {most:.1f} s"),
        Figure(
            f"{label}: calls, to the ideal", run.calls / ideal_calls, "x", most_calls,
            f"{run.calls:,} calls",
        ),
        Figure(f"{label}: others pass again after", run.recovery(), "s"),
    ]


def compared(label: str, run: Run, outcome: fleet_model.Outcome) -> list[Figure]:
    """Model and measurement may differ by half."""
    found = []
    for name, measured, simulated in (
        ("p50", quantile(run.ready, 0.5), outcome.quantile(0.5)),
        ("p99", quantile(run.ready, 0.99), outcome.quantile(0.99)),
        ("calls", run.calls, outcome.calls),
    ):
        ratio = max(measured / simulated, simulated / measured)
        found.append(
            Figure(
                f"{label}: {name}, measured to simulated", ratio, "x", 1.5,
                f"{measured:,.5g} and {simulated:,.5g}",
            )
        )
    return found


def measure() -> list[Figure]:
    directory = process.new_directory("bench_fleet")
    free = QUOTA - OTHERS
    try:
        with emulator.Emulator(
            directory / "kms", options=["--max-connections", "4000"]
        ).start() as kms:
            fleet = Fleet(directory, kms)
            kms.latency(LATENCY_MS)
            runs = {}
            for kind in ("files", "sealed"):
                for name, more in (
                    ("30 % others", {}),
                    ("30 % others, 5 % errors", {"errors": 5}),
                    (f"30 % others, out for {OUTAGE_S:.0f} s", {"outage": OUTAGE_S}),
                ):
                    print(f"  {kind}, {name} ...", file=sys.stderr, flush=True)
                    runs[kind, name] = fleet.start(kind, **more)
    finally:
        process.kill_all()
        process.remove_directory(directory)
    found = []
    for (kind, name), run in runs.items():
        outage = "out" in name
        label = f"{kind}, {name}"
        ideal = SERVERS * (KEYS if kind == "files" else 1)
        found += times(label, run, ideal, 2 if kind == "files" else 1.2)
        if outage:
            found[-2].most = None  # It asks again and again whether KMS is back.
        if kind == "files":
            after = quantile(run.ready, 0.99) - (OUTAGE_S if outage else 0)
            found.append(
                Figure(
                    f"{label}: p99{' after the outage' if outage else ''}, to the ideal",
                    after / (SERVERS * KEYS / free), "x", 2,
                    f"all calls at the {free:.0f} a second that others leave: "
                    f"{SERVERS * KEYS / free:.1f} s",
                )
            )
    files, sealed = (runs[kind, "30 % others"] for kind in ("files", "sealed"))
    found += [
        Figure(
            "p99 until ready, sealed to files",
            quantile(sealed.ready, 0.99) / quantile(files.ready, 0.99), "x", 0.1,
        ),
        Figure(
            "time until others pass again, files, to the time of the load",
            files.recovery() / quantile(files.ready, 1), "x", 0.5,
        ),
        *compared("files, 30 % others", files, model("files")),
        *compared("files, 5 % errors", runs["files", "30 % others, 5 % errors"],
                  model("files", errors=0.05)),
        *(
            figure
            for kind in ("files", "sealed")
            for figure in compared(
                f"{kind}, out", runs[kind, f"30 % others, out for {OUTAGE_S:.0f} s"],
                model(kind, outage=(0, OUTAGE_S)))
        ),
    ]
    return found


def main() -> int:
    before = figures.machine(servers=SERVERS, keys=KEYS, quota=QUOTA)
    os.environ.pop("AWS_PROFILE", None)
    try:
        found = measure()
    except Exception:  # Whatever it is, a person wants to see it.
        traceback.print_exc()
        return 1
    figures.report(found, before, ROOT / "build" / "bench" / "fleet.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
