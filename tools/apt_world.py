# SPDX-License-Identifier: MIT
"""A private world for apt: its own sources, lists, cache and an empty status file, in a directory
of ours.

Nothing of the system is changed, and root is not needed. The mirrors are those that this machine's
own apt sources name, and so are the ways to the network (proxies, certificates). Signatures are
checked as always.
"""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
from contextlib import contextmanager

MIRROR = "OPENKEYRING_DEBIAN_MIRROR"  # For a machine whose apt sources name no Debian mirror.
SUITES = {
    "stable",
    "oldstable",
    "testing",
    "unstable",
    "sid",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
}


class Unavailable(RuntimeError):
    """What is wanted cannot be had. The text says why."""


def cache_home() -> pathlib.Path:
    """Where things that were fetched are kept for the next time."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "openkeyring"


@contextmanager
def locked(path: pathlib.Path):
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class World:
    """`sources` are lines of a sources.list. With `old_is_fine` an expired index will do (a frozen
    mirror, a clock that is off); else the machine's own setting holds. `architecture`: another one
    than this machine's, as Debian calls it."""

    def __init__(self, directory: pathlib.Path, sources: list[str], *, old_is_fine: bool = False,
                 architecture: str = ""):
        for tool in ("apt-get", "apt-config", "dpkg-deb"):
            if not shutil.which(tool):
                raise Unavailable(f"{tool} is not here: this is not a Debian-like system")
        self.directory = directory
        for name in ("state/lists/partial", "cache/archives/partial", "etc/none"):
            (directory / name).mkdir(parents=True)
        (directory / "state/status").touch()
        (directory / "etc/sources.list").write_text("".join(f"{line}\n" for line in sources))
        (directory / "etc/apt.conf").write_text(self._configuration(old_is_fine, architecture))

    def run(self, *arguments: str, cwd: pathlib.Path | None = None) -> None:
        """apt-get with these arguments."""
        environment = dict(os.environ, APT_CONFIG=str(self.directory / "etc/apt.conf"),
                           DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
        done = subprocess.run(
            ["apt-get", "-q", *arguments],
            env=environment,
            text=True,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        # `update` reports success even when nothing could be reached.
        if done.returncode != 0 or re.search(r"^(Err:|W: Failed to fetch)", done.stdout, re.M):
            tail = "\n".join(done.stdout.splitlines()[-12:])
            raise Unavailable(f"apt-get {arguments[0]} failed:\n{tail}")

    def _configuration(self, old_is_fine: bool, architecture: str) -> str:
        dump = subprocess.run(
            ["apt-config", "dump"], text=True, capture_output=True, check=True
        ).stdout
        own = [
            line
            for line in dump.splitlines()
            if re.match(r"Acquire::(http|https|ftp|Retries|ForceIPv|Check-Valid-Until)", line, re.I)
        ]
        if old_is_fine:
            own.append('Acquire::Check-Valid-Until "false";')
        if architecture:
            own.append(f'APT::Architecture "{architecture}";')
            own.append(f'APT::Architectures {{ "{architecture}"; }};')
        return "\n".join(own) + f'''
Dir::State "{self.directory}/state";
Dir::State::status "{self.directory}/state/status";
Dir::Cache "{self.directory}/cache";
Dir::Etc::sourcelist "{self.directory}/etc/sources.list";
Dir::Etc::sourceparts "{self.directory}/etc/none";
Dir::Etc::preferencesparts "{self.directory}/etc/none";
Dir::Etc::preferences "{self.directory}/etc/none/preferences";
Dir::Etc::parts "{self.directory}/etc/none";
Dir::Etc::main "{self.directory}/etc/none/apt.conf";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Debug::NoLocking "true";
'''


def source_line(kind: str, uri: str, suite: str) -> str:
    """A line of a sources.list; `kind` is deb or deb-src."""
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    signed_by = f"[signed-by={keyring}] " if os.path.exists(keyring) else ""
    return f"{kind} {signed_by}{uri} {suite} main"


def mirror(apt_directory: str = "/etc/apt") -> str:
    """The Debian mirror that the apt sources of this machine name."""
    if os.environ.get(MIRROR):
        return os.environ[MIRROR]
    for uri, suite in _debian(apt_directory):
        if suite in SUITES:
            return uri
    raise Unavailable(f"no Debian mirror in the apt sources under {apt_directory}; set {MIRROR}")


def release_mirrors(codename: str, apt_directory: str = "/etc/apt") -> list[tuple[str, str]]:
    """(uri, suite) of one Debian release: the release itself, and its updates and security fixes
    where the apt sources of this machine name mirrors of them, whatever they call the release."""
    found = {codename: mirror(apt_directory)}
    for uri, suite in _debian(apt_directory):
        name, _, pocket = suite.partition("-")
        if name in SUITES and pocket in ("updates", "security"):
            found.setdefault(f"{codename}-{pocket}", uri)
    return [(uri, suite) for suite, uri in found.items()]


def _debian(apt_directory: str):
    """(uri, suite) of the binary sources that may be Debian's."""
    for uri, suite, components in _sources(pathlib.Path(apt_directory)):
        if "main" in components and "/" not in suite and not uri.startswith(("cdrom:", "file:")):
            yield uri, suite


def _sources(apt: pathlib.Path):
    """(uri, suite, components) of every binary source, one-line and deb822."""
    lists = [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))]
    for path in (p for p in lists if p.is_file()):
        for line in path.read_text(errors="replace").splitlines():
            words = re.sub(r"\[[^\]]*\]", "", line.split("#")[0]).split()
            if len(words) >= 3 and words[0] == "deb":
                yield words[1], words[2], words[3:]
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text(errors="replace")):
            fields = _fields(stanza)
            if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
                continue
            for uri in fields.get("uris", []):
                for suite in fields.get("suites", []):
                    yield uri, suite, fields.get("components", [])


def _fields(stanza: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] not in (" ", "\t") and ":" in line:
            name, line = line.split(":", 1)
            name = name.strip().lower()
            fields[name] = []
        if name:
            fields[name] += line.split()
    return fields
