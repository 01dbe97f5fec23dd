# SPDX-License-Identifier: MIT
"""What the plugin adds to a server: bytes on disk, memory, libraries."""

import dataclasses
import pathlib
import re
import shutil
import subprocess

import keys
import servers
from figures import Figure, median
from lab import aws_plugin, mariadb, system_trust

STARTS = 3
KINDS = {"Rss": "resident", "Pss": "proportional", "Private_Dirty": "private, written to"}


def stripped_size(directory: pathlib.Path, plugin: pathlib.Path) -> int:
    copy = directory / "stripped.so"
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


def memory_of(server, names: set[str]) -> float:
    """Proportional MiB of these files."""
    smaps = pathlib.Path(f"/proc/{server.process.pid}/smaps").read_text()
    parts = re.findall(
        r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ +(\S*)$.*?^Pss:\s+(\d+) kB", smaps, re.M | re.S
    )
    return sum(int(size) for path, size in parts if pathlib.Path(path).name in names) / 1024


def prepare(server, encrypted: str) -> None:
    server.start()
    server.sql(
        f"CREATE DATABASE d; CREATE TABLE d.t (a INT) {encrypted}; INSERT INTO d.t VALUES (1);"
        f"CREATE TABLE d.u (a INT) {encrypted.replace('YES', 'YES ENCRYPTION_KEY_ID=2')};"
    )
    server.stop()


@dataclasses.dataclass
class Look:
    memory: dict[str, int]
    libraries: set[str]
    foreign: float = 0.0  # MiB of the libraries that `than` had not.


def look(server, than: "Look | None" = None) -> Look:
    server.start()
    server.sql("SELECT * FROM d.t, d.u")
    found = Look(memory(server), libraries(server))
    if than:
        found.foreign = memory_of(
            server, found.libraries - than.libraries - {aws_plugin.PLUGIN.name}
        )
    server.stop()
    return found


def trusting_server(lab: keys.Lab) -> tuple[mariadb.MariaDB, str]:
    """One that finds the emulator's authority among the system's, as it finds that of AWS, and a
    word about it."""
    try:
        run = system_trust.with_authority(lab.directory / "certs", lab.authority.certificate)
    except OSError as error:
        return (
            servers.with_kms(
                lab.directory / "ours", lab.kms, lab.plugin, environment=lab.environment()
            ),
            f"a CA bundle of its own, which is parsed whole ({error})",
        )
    own = dataclasses.replace(mariadb.mariadb_10(), run=run)
    return (
        servers.with_kms(lab.directory / "ours", lab.kms, lab.plugin, installation=own),
        "the system's CA directory",
    )


def measure(directory: pathlib.Path, plugin: pathlib.Path) -> list[Figure]:
    lab = keys.Lab(directory, plugin, pathlib.Path())
    try:
        ours, authorities = trusting_server(lab)
        plain = servers.without(directory / "plain")
        prepare(ours, "ENCRYPTED=YES")
        prepare(plain, "")
        looks = []
        for _ in range(STARTS):
            other = look(plain)
            looks.append((look(ours, other), other))
    finally:
        lab.kms.stop()
    added = {
        kind: median(mine.memory[kind] - other.memory[kind] for mine, other in looks) / 1024
        for kind in KINDS
    }
    more = sorted(looks[0][0].libraries - looks[0][1].libraries - {plugin.name})
    size = stripped_size(directory, plugin)
    return [
        Figure("stripped plugin", size / 1e6, "MB", 1.5),
        Figure(
            "memory added to mariadbd, proportional",
            added["Pss"],
            "MiB",
            3,
            f"2 keys, TLS, {authorities}",
        ),
        Figure(
            "memory added, proportional: libraries of libcurl",
            median(mine.foreign for mine, _ in looks),
            "MiB",
        ),
        *(
            Figure(f"memory added, {KINDS[kind]}", added[kind], "MiB")
            for kind in ("Rss", "Private_Dirty")
        ),
        Figure(
            "libraries that mariadbd had not loaded",
            len(more),
            "",
            note=" ".join(re.sub(r"\.so.*", "", name) for name in more),
        ),
    ]
