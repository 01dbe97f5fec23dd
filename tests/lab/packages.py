# SPDX-License-Identifier: MIT
"""Servers that this Debian release does not have, taken from Debian sid without installing them.

apt gets a private world (its own lists, cache and an empty status file), fetches the packages with
everything they need, C library included, and dpkg-deb unpacks them into a cache folder. Programs are
run with the loader of that folder. Nothing of the system is changed, and root is not needed.

The mirror is the one that this machine's own apt sources name.
"""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager

# What is fetched, by the name of its folder. curl brings the libcurl that our plugins are linked to.
SETS = {
    "mariadb": ["mariadb-server-core", "mariadb-client-core", "mariadb-backup", "curl"],
    "mysql": ["mysql-server-core", "mysql-client-core", "curl"],
    "moto": ["python3-moto", "python3-flask-cors"],
}

GO_WITHOUT = "OPENKEYRING_WITHOUT_SID"  # Set by `./dev test --without-sid`.
MIRROR = "OPENKEYRING_DEBIAN_MIRROR"  # For a machine whose apt sources name no Debian mirror.


class Unavailable(RuntimeError):
    """The packages cannot be had. The text says why and what to do."""


def cache_root() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "openkeyring" / "sid"


def without_sid() -> bool:
    """Whether the user asked to go without the servers of Debian sid."""
    return os.environ.get(GO_WITHOUT, "") not in ("", "0")


def fetch(name: str) -> pathlib.Path:
    """The folder that the set `name` is unpacked in; fetched by the first caller, kept for the next."""
    if without_sid():
        raise Unavailable(f"{name}: {GO_WITHOUT} is set")
    home = cache_root()
    home.mkdir(parents=True, exist_ok=True)
    root = home / name
    with _locked(home / f"{name}.lock"):
        if not root.is_dir():
            with tempfile.TemporaryDirectory(prefix=f"{name}.new.", dir=home) as scratch:
                _fetch_into(pathlib.Path(scratch), SETS[name])
                os.rename(pathlib.Path(scratch) / "root", root)
    return root


def loader(root: pathlib.Path) -> list[str]:
    """The command line prefix that runs a program of `root` with that folder's own C library."""
    candidates = sorted(root.glob("usr/lib64/ld-linux-*.so.*")) + sorted(
        root.glob("usr/lib/ld-linux-*.so.*"))
    if not candidates:
        raise Unavailable(f"no program loader in {root}: remove that folder to fetch it again")
    return [str(candidates[0]), "--library-path", ":".join(map(str, library_folders(root)))]


def library_folders(root: pathlib.Path) -> list[pathlib.Path]:
    return sorted(root.glob("usr/lib/*-linux-gnu*"))


@contextmanager
def _locked(path: pathlib.Path):
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch_into(scratch: pathlib.Path, packages: list[str]) -> None:
    for tool in ("apt-get", "apt-config", "dpkg-deb"):
        if not shutil.which(tool):
            raise Unavailable(_advice(packages, f"{tool} is not here: this is not a Debian-like system"))
    for folder in ("state/lists/partial", "cache/archives/partial", "etc/none", "root"):
        (scratch / folder).mkdir(parents=True)
    (scratch / "state/status").touch()
    (scratch / "etc/sources.list").write_text(f"deb {_signed_by()}{mirror()} sid main\n")
    (scratch / "etc/apt.conf").write_text(_apt_configuration(scratch))
    _apt(scratch, packages, "update")
    _apt(scratch, packages, "-y", "--download-only", "install", *packages)
    for archive in sorted(scratch.glob("cache/archives/*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(archive), str(scratch / "root")], check=True)


def _apt(scratch: pathlib.Path, packages: list[str], *arguments: str) -> None:
    environment = dict(os.environ, APT_CONFIG=str(scratch / "etc/apt.conf"),
                       DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
    done = subprocess.run(["apt-get", "-q", *arguments], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    # `update` reports success even when nothing could be reached.
    failed = done.returncode != 0 or re.search(r"^(Err:|W: Failed to fetch)", done.stdout, re.M)
    if failed:
        tail = "\n".join(done.stdout.splitlines()[-12:])
        raise Unavailable(_advice(packages, f"apt-get {arguments[0]} failed:\n{tail}"))


def _advice(packages: list[str], reason: str) -> str:
    return (f"cannot fetch {' '.join(packages)} from Debian sid: {reason}\n"
            "Run `./dev test --without-sid` to leave these servers out"
            f" (or set {MIRROR}, or point OPENKEYRING_MARIADB_11 or OPENKEYRING_MYSQL_9 to an installed server).")


def _apt_configuration(scratch: pathlib.Path) -> str:
    """A private world, but with the machine's own ways to the network (proxies, certificates).

    Signatures are checked as always; an old snapshot (a frozen mirror, a clock that is off) is good
    enough for a server that is only tested against.
    """
    dump = subprocess.run(["apt-config", "dump"], text=True, capture_output=True, check=True).stdout
    network = [line for line in dump.splitlines()
               if re.match(r"Acquire::(http|https|ftp|Retries|ForceIPv)", line, re.I)]
    private = f'''
Dir::State "{scratch}/state";
Dir::State::status "{scratch}/state/status";
Dir::Cache "{scratch}/cache";
Dir::Etc::sourcelist "{scratch}/etc/sources.list";
Dir::Etc::sourceparts "{scratch}/etc/none";
Dir::Etc::preferencesparts "{scratch}/etc/none";
Dir::Etc::preferences "{scratch}/etc/none/preferences";
Dir::Etc::parts "{scratch}/etc/none";
Dir::Etc::main "{scratch}/etc/none/apt.conf";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Debug::NoLocking "true";
'''
    return "\n".join(network) + private


def _signed_by() -> str:
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    return f"[signed-by={keyring}] " if os.path.exists(keyring) else ""


def mirror(apt_folder: str = "/etc/apt") -> str:
    """The Debian mirror that the apt sources of this machine name."""
    if os.environ.get(MIRROR):
        return os.environ[MIRROR]
    for uri, suite, components in _sources(pathlib.Path(apt_folder)):
        plain = suite.split("/")[0]
        if ("main" in components and plain == suite and "-" not in suite
                and plain in DEBIAN_SUITES and not uri.startswith(("cdrom:", "file:"))):
            return uri
    raise Unavailable(f"no Debian mirror in the apt sources under {apt_folder}; set {MIRROR}")


DEBIAN_SUITES = {"stable", "oldstable", "testing", "unstable", "sid", "bullseye", "bookworm", "trixie",
                 "forky", "duke"}


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
