# SPDX-License-Identifier: MIT
"""The programs of MySQL 9, and an empty data directory made with them once."""

import atexit
import dataclasses
import fcntl
import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from . import packages, process

OWN = "OPENKEYRING_MYSQL_9"  # A prefix like /usr, instead of the server from Debian sid.

# What a data directory is made with and must be used with. `nosync` leaves syncing to the kernel:
# enough for kill -9.
SIZES = (
    "--innodb-buffer-pool-size=24M",
    "--innodb-redo-log-capacity=8M",
    "--innodb-flush-method=nosync",
    "--innodb-data-file-path=ibdata1:5M:autoextend",
    "--innodb-autoextend-increment=1",
    "--innodb-buffer-pool-dump-at-shutdown=OFF",
    "--innodb-buffer-pool-load-at-startup=OFF",
)


@dataclasses.dataclass(frozen=True)
class Installation:
    """The programs and data files of one MySQL version."""
    prefix: pathlib.Path
    run: tuple[str, ...] = ()  # What stands before a program of it: a loader of its own.

    def path(self, name: str) -> pathlib.Path:
        for directory in ("sbin", "bin", "libexec"):
            if (self.prefix / directory / name).exists():
                return self.prefix / directory / name
        raise process.Failed(f"no {name} under {self.prefix}")

    def program(self, name: str) -> list[str]:
        return [*self.run, str(self.path(name))]

    @property
    def share(self) -> pathlib.Path:
        for name in ("share/mysql", "share"):
            if (self.prefix / name / "english" / "errmsg.sys").exists():
                return self.prefix / name
        raise process.Failed(f"no share/mysql/english under {self.prefix}")

    @property
    def plugins(self) -> pathlib.Path:
        for name in ("lib/mysql/plugin", "lib64/mysql/plugin", "lib/plugin"):
            if (self.prefix / name).is_dir():
                return self.prefix / name
        raise process.Failed(f"no lib/mysql/plugin under {self.prefix}")

    @functools.cached_property
    def version(self) -> str:
        done = subprocess.run(
            [*self.program("mysqld"), "--no-defaults", "--version"],
            text=True,
            capture_output=True,
            check=True,
            env=process.bare_environment(pathlib.Path("/")),
        )
        return re.search(r"Ver (\d+\.\d+\.\d+)", done.stdout).group(1)

    def server_command(self, directory: pathlib.Path) -> list[str]:
        """mysqld, called `directory`/mysqld: beside that name it looks for mysqld.my.

        The name is absolute, or the server would look where the link leads to.
        """
        link = directory.resolve() / "mysqld"
        if not link.is_symlink():
            link.symlink_to(self.path("mysqld"))
        share = self.share
        return [*self.run, str(link), "--no-defaults", f"--basedir={self.prefix}",
                f"--lc-messages-dir={share}", f"--character-sets-dir={share}/charsets"]

    def empty_data_directory(self) -> pathlib.Path:
        """A data directory with the system tables, made once for each version. Copies get a uuid of
        their own."""
        home = packages.cache_root().parent / "data-directories"
        home.mkdir(parents=True, exist_ok=True)
        name = f"mysql-{self.version}-{hashlib.sha256(' '.join(SIZES).encode()).hexdigest()[:8]}"
        with open(home / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (home / name).is_dir():
                self._initialize(home / f"{name}.new")
                (home / f"{name}.new/data").rename(home / name)
                shutil.rmtree(home / f"{name}.new")
        return home / name

    def _initialize(self, scratch: pathlib.Path) -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        done = subprocess.run(
            [
                *self.server_command(scratch),
                "--initialize-insecure",
                f"--datadir={scratch}/data",
                *SIZES,
                *as_root(None),
            ],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            env=process.bare_environment(scratch),
        )
        if done.returncode != 0:
            raise process.Failed(
                f"initialising MySQL {self.version} failed:\n{done.stdout[-4000:]}"
            )
        (scratch / "data/auto.cnf").unlink()

    def copy_empty_data_directory(self, destination: pathlib.Path) -> None:
        # Most of it is zeros; holes make the copy three times as fast.
        subprocess.run(
            [
                "cp",
                "-a",
                "--sparse=always",
                "--reflink=auto",
                self.empty_data_directory(),
                destination,
            ],
            check=True,
        )

    def readable_by_all(self) -> "Installation":
        """This one, or a copy of it where another system user can run it: root's cache is private
        to root."""
        if all(
            directory.stat().st_mode & 0o005 == 0o005
            for directory in [self.prefix, *self.prefix.parents]
        ):
            return self
        return _copy_for_all(self)


@functools.cache
def _copy_for_all(installation: Installation) -> Installation:
    directory = process.new_directory("mysql9")
    atexit.register(process.remove_directory, directory)
    old = installation.prefix
    for name in ("bin", "sbin", "lib64", "lib", "share/mysql"):
        if (old / name).exists():
            shutil.copytree(
                old / name, directory / name, symlinks=True, copy_function=_link_or_copy
            )
    return Installation(
        directory, tuple(word.replace(str(old), str(directory)) for word in installation.run)
    )


def _link_or_copy(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except OSError:  # Another file system.
        shutil.copy2(source, destination)


@functools.cache
def mysql_9() -> Installation:
    """MySQL 9 from Debian sid, or the one that OPENKEYRING_MYSQL_9 names."""
    own = os.environ.get(OWN)
    if own:
        return Installation(pathlib.Path(own))
    root = packages.fetch("mysql")
    return Installation(root / "usr", tuple(packages.loader(root)))


def as_root(user: str | None) -> list[str]:
    """mysqld refuses to run as root unless it is told to."""
    return ["--user=root"] if os.geteuid() == 0 and user in (None, "root") else []
