# SPDX-License-Identifier: MIT
"""A key set beside key files, in one run: start with many keys, and rotation of all ids."""

import pathlib

from figures import Figure, median
from keys import LATENCY_MS, PARALLEL, ROTATED, Lab

SIZES = (1000, 5000)
STARTS = 3


def usable(lab: Lab, directory: pathlib.Path, count: int, store: str) -> tuple[float, int]:
    """(milliseconds until all keys can be used, calls of KMS)."""
    lab.kms.reset_counters()
    times = lab.time(directory, "init", "use", count, store=store)
    return times["init"]["ms"] + times["use"]["ms"], sum(lab.kms.counters()["operations"].values())


def loading(lab: Lab) -> list[Figure]:
    found = []
    for count in SIZES:
        lab.kms.latency(0)
        directories = {store: lab.directory / f"{store}{count}" for store in ("FILES", "SEALED")}
        for store, directory in directories.items():
            lab.time(directory, "init", "make", count, store=store, source="LOCAL")
        lab.kms.latency(LATENCY_MS)
        files = [usable(lab, directories["FILES"], count, "FILES")[0] for _ in range(STARTS)]
        starts = [usable(lab, directories["SEALED"], count, "SEALED") for _ in range(STARTS)]
        ours = median(milliseconds for milliseconds, _ in starts)
        found += [
            Figure(f"{count} keys in a key set usable, to key files", ours / median(files), "x",
                   0.05, f"{ours:.0f} ms and {median(files):.0f} ms"),
            Figure(f"{count} keys in a key set: calls of KMS", max(calls for _, calls in starts), "", 3),
        ]
    return found


def rotate(lab: Lab, name: str, store: str, source: str) -> float:
    directory = lab.directory / name
    lab.kms.latency(0)
    lab.time(directory, "init", "make", ROTATED, store=store, source=source)
    lab.kms.latency(LATENCY_MS)
    return lab.time(directory, "init", "rotate", ROTATED, store=store, source=source)["rotate"]["ms"]


def rotation(lab: Lab) -> list[Figure]:
    times = {(store, source): [] for store, source in
             (("FILES", "KMS"), ("SEALED", "KMS"), ("SEALED", "LOCAL"))}
    for number in range(5):
        for (store, source), taken in times.items():
            taken.append(rotate(lab, f"rotate{store}{source}{number}", store, source))
    files = median(times["FILES", "KMS"])
    return [
        Figure(f"rotate {ROTATED} ids of a key set, {source}, to key files",
               median(times["SEALED", source]) / files, "x", goal,
               f"{median(times['SEALED', source]):.0f} ms and {files:.0f} ms, {PARALLEL} calls at once")
        for source, goal in (("LOCAL", 0.1), ("KMS", 0.6))]


def measure(directory: pathlib.Path, plugin: pathlib.Path, timer: pathlib.Path) -> list[Figure]:
    lab = Lab(directory, plugin, timer)
    try:
        return [*loading(lab), *rotation(lab)]
    finally:
        lab.kms.stop()
