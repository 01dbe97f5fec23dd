# SPDX-License-Identifier: MIT
"""What the plugin adds to a server: bytes on disk, memory, libraries."""

import pathlib
import re
import shutil
import subprocess

import keys
import servers
from figures import Figure, median
from lab import process

STARTS = 3
KINDS = {"Rss": "resident", "Pss": "proportional", "Private_Dirty": "private, written to"}


def stripped_size(folder: pathlib.Path, plugin: pathlib.Path) -> int:
    copy = folder / "stripped.so"
    shutil.copy(plugin, copy)
    subprocess.run(["strip", "--strip-unneeded", copy], check=True)
    return copy.stat().st_size


def memory(server) -> dict[str, int]:
    """KiB by kind, of a server that was started and has opened two tables."""
    text = pathlib.Path(f"/proc/{server.process.pid}/smaps_rollup").read_text()
    return {kind: int(re.search(rf"^{kind}:\s+(\d+) kB", text, re.M)[1]) for kind in KINDS}


def libraries(server) -> set[str]:
    maps = pathlib.Path(f"/proc/{server.process.pid}/maps").read_text()
    return {path.name for path in map(pathlib.Path, re.findall(r"(/\S+\.so\S*)", maps))}


def prepare(server, encrypted: str) -> None:
    server.start()
    server.sql(f"CREATE DATABASE d; CREATE TABLE d.t (a INT) {encrypted}; INSERT INTO d.t VALUES (1);"
               f"CREATE TABLE d.u (a INT) {encrypted.replace('YES', 'YES ENCRYPTION_KEY_ID=2')};")
    server.stop()


def look(server) -> tuple[dict[str, int], set[str]]:
    server.start()
    server.sql("SELECT * FROM d.t, d.u")
    found = memory(server), libraries(server)
    server.stop()
    return found


def measure(folder: pathlib.Path, plugin: pathlib.Path) -> list[Figure]:
    lab = keys.Lab(folder, plugin, pathlib.Path())
    try:
        ours = servers.with_kms(folder / "ours", lab.kms, plugin, environment=lab.environment())
        plain = servers.without(folder / "plain")
        prepare(ours, "ENCRYPTED=YES")
        prepare(plain, "")
        looks = [(look(ours), look(plain)) for _ in range(STARTS)]
    finally:
        lab.kms.stop()
    added = {kind: median(mine[0][kind] - other[0][kind] for mine, other in looks) / 1024 for kind in KINDS}
    more = sorted(looks[0][0][1] - looks[0][1][1] - {plugin.name})
    size = stripped_size(folder, plugin)
    return [
        Figure("stripped plugin", size / 1e6, "MB", 1.5),
        Figure("memory added to mariadbd, proportional", added["Pss"], "MiB", 3, "2 keys, TLS, the system's CA bundle"),
        *(Figure(f"memory added, {KINDS[kind]}", added[kind], "MiB") for kind in ("Rss", "Private_Dirty")),
        Figure("libraries that mariadbd had not loaded", len(more), "", note=" ".join(more))]
