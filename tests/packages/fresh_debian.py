# SPDX-License-Identifier: MIT
"""A fresh Debian, 12 or sid, in a directory, made by debootstrap: packages are installed there, and
servers run, without touching this machine. Needs root.

The mirrors and the ways to them (proxies, certificates, passwords) are those of this machine's own
apt. /proc is mounted for one command at a time, in namespaces that end with it.
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import apt_world  # noqa: E402
from lab.patience import seconds  # noqa: E402

RELEASE = "bookworm"


class FreshDebian:
    def __init__(self, root: pathlib.Path, release: str = RELEASE):
        """`root`: a directory that does not exist yet."""
        self.root = root
        subprocess.run(["cp", "-a", "--reflink=auto", _base(release), root], check=True)
        self.run("apt-get", "-q", "update")

    def argv(self, *argv, user: str = "root", environment=None) -> list[str]:
        """The command line that runs a program inside."""
        words = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
                 "DEBIAN_FRONTEND=noninteractive",
                 *(f"{name}={value}" for name, value in (environment or {}).items()),
                 *map(str, argv)]
        if user != "root":
            words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *words]
        inside = shlex.join(["chroot", str(self.root), *words])
        # Servers of other tests are not seen inside: keyringctl looks for those that run.
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec",
                f"mount -t proc proc {shlex.quote(str(self.root / 'proc'))}; exec {inside}"]

    def try_run(self, *argv, **more) -> subprocess.CompletedProcess:
        text = more.pop("input", None)
        return subprocess.run(self.argv(*argv, **more), text=True, input=text or "",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds(900), check=False)

    def run(self, *argv, **more) -> str:
        """The output; AssertionError with it when the program fails."""
        done = self.try_run(*argv, **more)
        assert done.returncode == 0, f"{shlex.join(map(str, argv))}:\n{done.stdout[-4000:]}"
        return done.stdout

    def copy_in(self, path: pathlib.Path, directory: str = "packages") -> str:
        """The path inside of a copy of this file."""
        (self.root / directory).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, self.root / directory)
        return f"/{directory}/{path.name}"

    def install(self, *packages: str | pathlib.Path) -> str:
        """By apt: names, and files of this machine. Only what they depend on comes with them."""
        names = [self.copy_in(one) if isinstance(one, pathlib.Path) else one for one in packages]
        return self.run("apt-get", "-q", "-y", "--no-install-recommends", "--allow-downgrades",
                        "-o", "Dpkg::Options::=--force-confold", "install", *names)

    def path(self, inside: str) -> pathlib.Path:
        return self.root / inside.lstrip("/")

    def owner(self, inside: str) -> str:
        """Owner, group and mode of a file, with the names that it has inside."""
        return self.run("stat", "-c", "%U:%G %a", inside).strip()

    def state(self, package: str) -> str:
        """What dpkg says of it: ii, rc; "" when it knows nothing."""
        done = self.try_run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package)
        return done.stdout.strip().replace("un", "") if done.returncode == 0 else ""


def _base(release: str) -> pathlib.Path:
    """The system that each fresh one is a copy of; made once a machine, and kept in the cache."""
    home = apt_world.cache_home() / "debootstrap"
    home.mkdir(parents=True, exist_ok=True)
    made = home / release
    with apt_world.locked(home / f"{release}.lock"):
        if not made.is_dir():
            scratch = home / f"{release}.new"
            shutil.rmtree(scratch, ignore_errors=True)
            done = subprocess.run(
                ["debootstrap", "--variant=minbase", release, scratch, apt_world.mirror()],
                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            if done.returncode != 0:
                raise apt_world.Unavailable(f"debootstrap failed:\n{done.stdout[-2000:]}")
            _configure(scratch, release)
            scratch.rename(made)
    return made


def _configure(root: pathlib.Path, release: str) -> None:
    """This machine's ways to the mirrors; and no service starts."""
    mirrors = (apt_world.release_mirrors(release) if release != "sid"
               else [(apt_world.mirror(), release)])  # It has neither updates nor security fixes.
    lines = [apt_world.source_line("deb", uri, suite) for uri, suite in mirrors]
    (root / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
    dump = subprocess.run(["apt-config", "dump"], text=True, capture_output=True, check=True).stdout
    own = [line for line in dump.splitlines() if line.lower().startswith("acquire::http")]
    authorities = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    if authorities.exists():
        shutil.copy(authorities, root / "etc/apt/authorities.crt")
        own.append('Acquire::https::CAInfo "/etc/apt/authorities.crt";')
    if release == "sid":  # A mirror may be a snapshot.
        own.append('Acquire::Check-Valid-Until "false";')
    (root / "etc/apt/apt.conf.d/90machine").write_text("\n".join(own) + "\n")
    for name in ("resolv.conf", "hosts"):
        shutil.copy(os.path.realpath(f"/etc/{name}"), root / "etc" / name)
    shutil.copytree("/etc/apt/auth.conf.d", root / "etc/apt/auth.conf.d", dirs_exist_ok=True)
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
