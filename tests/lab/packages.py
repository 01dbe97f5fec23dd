# SPDX-License-Identifier: MIT
"""Servers that this Debian release does not have, taken from another one without installing them.

apt, in a private world (tools/apt_world.py), fetches the packages with everything they need, C
library included, and dpkg-deb unpacks them into a cache directory. Newer programs are run with the
loader of that directory, older ones with this system's: our plugins need as new a C library as
Debian 12 has. Nothing of the system is changed, and root is not needed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import apt_world  # noqa: E402
from apt_world import MIRROR, Unavailable  # noqa: E402

# What is fetched, by the name of its directory. curl brings the libcurl that our plugins are linked
# to.
SETS = {
    "mariadb": ["mariadb-server-core", "mariadb-client-core", "mariadb-backup", "curl"],
    "mysql": ["mysql-server-core", "mysql-client-core", "curl"],
    "moto": ["python3-moto", "python3-flask-cors"],
    "mariadb-10.5": ["mariadb-server-core-10.5", "mariadb-client-core-10.5", "mariadb-backup"],
}
OLD = {"mariadb-10.5": "bullseye"}  # Those that are not from sid, and older than this release.

GO_WITHOUT = "OPENKEYRING_WITHOUT_SID"  # Set by `./dev test --without-sid`.


def cache_root() -> pathlib.Path:
    return apt_world.cache_home() / "sid"


def without_sid() -> bool:
    """Whether the user asked to go without the servers of Debian sid."""
    return os.environ.get(GO_WITHOUT, "") not in ("", "0")


def fetch(name: str) -> pathlib.Path:
    """The directory that the set `name` is unpacked in; fetched by the first caller, kept for the
    next."""
    if without_sid():
        raise Unavailable(f"{name}: {GO_WITHOUT} is set")
    home = cache_root()
    home.mkdir(parents=True, exist_ok=True)
    root = home / name
    with apt_world.locked(home / f"{name}.lock"):
        if not root.is_dir():
            with tempfile.TemporaryDirectory(prefix=f"{name}.new.", dir=home) as scratch:
                _fetch_into(pathlib.Path(scratch), SETS[name], OLD.get(name, "sid"))
                os.rename(pathlib.Path(scratch) / "root", root)
    return root


def loader(root: pathlib.Path) -> list[str]:
    """The command line prefix that runs a program of `root` with that directory's own C library."""
    candidates = sorted(root.glob("usr/lib64/ld-linux-*.so.*")) + sorted(
        root.glob("usr/lib/ld-linux-*.so.*"))
    if not candidates:
        raise Unavailable(f"no program loader in {root}: remove that directory to fetch it again")
    return [str(candidates[0]), "--library-path", ":".join(map(str, library_directories(root)))]


def old_loader(root: pathlib.Path) -> list[str]:
    """The same for an older program: this system's loader, and of the libraries of `root` only
    those that this system does not have."""
    missing = root / "missing"
    with apt_world.locked(root.parent / f"{root.name}.lock"):
        if not missing.is_dir():
            new = root / "missing.new"
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            for directory in library_directories(root):
                own = pathlib.Path("/") / directory.relative_to(root)
                for library in directory.glob("*.so*"):
                    if not (own / library.name).exists():
                        shutil.copy(library, new)  # What a link names, too.
            new.rename(missing)
    own = sorted(pathlib.Path("/").glob("lib*/ld-linux-*.so.*"))
    return [str(own[0]), "--library-path", str(missing)]


def library_directories(root: pathlib.Path) -> list[pathlib.Path]:
    return sorted(root.glob("usr/lib/*-linux-gnu*"))


def _fetch_into(scratch: pathlib.Path, packages: list[str], suite: str) -> None:
    try:
        world = apt_world.World(
            scratch / "apt",
            [apt_world.source_line("deb", apt_world.mirror(), suite)],
            old_is_fine=True,
        )
        world.run("update")
        world.run("-y", "--download-only", "install", *packages)
    except Unavailable as error:
        raise Unavailable(_advice(packages, suite, str(error))) from None
    (scratch / "root").mkdir()
    for archive in sorted(scratch.glob("apt/cache/archives/*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(archive), str(scratch / "root")], check=True)


def _advice(packages: list[str], suite: str, reason: str) -> str:
    return (
        f"cannot fetch {' '.join(packages)} from Debian {suite}: {reason}\n"
        "Run `./dev test --without-sid` to leave these servers out"
        f" (or set {MIRROR}, or point OPENKEYRING_MARIADB_11 or OPENKEYRING_MYSQL_9 to an "
        f"installed server)."
    )
