# SPDX-License-Identifier: MIT
"""Private MariaDB servers: own data directory, socket and options; nothing of the system is
touched."""

import dataclasses
import fcntl
import functools
import os
import pathlib
import re
import shutil
import subprocess

from . import packages, process
from .database_server import DatabaseServer, SqlError
from .service import PRODUCTS, ROOT

__all__ = ["MariaDB", "PRODUCTS", "ROOT", "SqlError", "Installation", "mariadb_10", "mariadb_10_5",
           "mariadb_11", "version"]


@dataclasses.dataclass(frozen=True)
class Installation:
    """The programs and data files of one MariaDB version."""
    prefix: pathlib.Path
    run: tuple[str, ...] = ()  # What stands before a program of it: a loader of its own.

    def program(self, name: str) -> list[str]:
        for directory in ("sbin", "bin", "libexec"):
            path = self.prefix / directory / name
            if path.exists():
                return [*self.run, str(path)]
        raise process.Failed(f"no {name} under {self.prefix}")

    @property
    def share(self) -> pathlib.Path:
        for name in ("mysql", "mariadb"):
            if (self.prefix / "share" / name / "english" / "errmsg.sys").exists():
                return self.prefix / "share" / name
        raise process.Failed(f"no share/mysql or share/mariadb under {self.prefix}")

    @functools.cached_property
    def version(self) -> str:
        done = subprocess.run([*self.program("mariadbd"), "--no-defaults", "--version"], text=True,
                              capture_output=True, check=True)
        return re.search(r"Ver (\d+\.\d+\.\d+)", done.stdout).group(1)

    def server_command(self) -> list[str]:
        share = self.share
        return [*self.program("mariadbd"), "--no-defaults", f"--basedir={self.prefix}",
                f"--lc-messages-dir={share}", f"--character-sets-dir={share}/charsets"]

    # Small files, since each test has a server of its own.
    SIZES = (
        "--innodb-log-file-size=8M",
        "--innodb-buffer-pool-size=48M",
        "--aria-log-file-size=8M",
        "--aria-pagecache-buffer-size=8M",
        "--key-buffer-size=1M",
    )

    def empty_data_directory(self) -> pathlib.Path:
        """A data directory with the system tables, made once for each version and then copied."""
        home = packages.cache_root().parent / "data-directories"
        home.mkdir(parents=True, exist_ok=True)
        made = home / self.version
        with open(home / f"{self.version}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.is_dir():
                scratch = home / f"{self.version}.new"
                shutil.rmtree(scratch, ignore_errors=True)
                self._bootstrap(scratch)
                scratch.rename(made)
        return made

    # What mariadb-install-db does; by hand, because that script cannot run with another loader.
    # Without the help tables and the sys schema.
    def _bootstrap(self, data: pathlib.Path) -> None:
        (data / "mysql").mkdir(parents=True)
        text = "create database if not exists mysql;\nuse mysql;\nset @auth_root_socket=NULL;\n"
        for name in ("system_tables", "performance_tables", "system_tables_data"):
            found = [
                p
                for p in (self.share / f"mariadb_{name}.sql", self.share / f"mysql_{name}.sql")
                if p.exists()
            ]
            if not found:
                raise process.Failed(f"no {name}.sql in {self.share}")
            text += found[0].read_text()
        done = subprocess.run(
            [*self.server_command(), f"--datadir={data}", "--bootstrap", *self.SIZES,
             *_as_root(None), "--log-warnings=0", "--enforce-storage-engine="],
            input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            env=process.bare_environment(data))
        if done.returncode != 0:
            raise process.Failed(
                f"bootstrap of MariaDB {self.version} failed:\n{done.stdout[-4000:]}"
            )


@functools.cache
def mariadb_10() -> Installation:
    """The version that Debian 12 has (10.11), installed by ./dev."""
    installation = Installation(pathlib.Path("/usr"))
    if not pathlib.Path("/usr/sbin/mariadbd").exists():
        raise process.Failed(
            "MariaDB is not installed: run ./dev test, or apt-get install mariadb-server"
        )
    return installation


@functools.cache
def mariadb_11() -> Installation:
    """MariaDB 11.8 from Debian sid, or the one that OPENKEYRING_MARIADB_11 (a prefix like /usr)
    names."""
    own = os.environ.get("OPENKEYRING_MARIADB_11")
    if own:
        return Installation(pathlib.Path(own))
    root = packages.fetch("mariadb")
    return Installation(root / "usr", tuple(packages.loader(root)))


@functools.cache
def mariadb_10_5() -> Installation:
    """The oldest version that we support, from Debian 11."""
    root = packages.fetch("mariadb-10.5")
    return Installation(root / "usr", tuple(packages.old_loader(root)))


def version(name: str) -> Installation:
    """By what tests call it."""
    return {"10.5": mariadb_10_5, "10.11": mariadb_10, "11.8": mariadb_11}[name]()


def _as_root(user: str | None) -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 and user in (None, "root") else []


class MariaDB(DatabaseServer):
    """One MariaDB server.

    options      added to the command line, as given
    environment  the whole environment of the server besides PATH, HOME and TZ
    plugins      .so files to be found in the plugin directory (links, so a rebuilt one is seen)
    user         another system user to run as (needs root), e.g. "mysql"
    tcp          whether to listen on 127.0.0.1:port
    """

    name = "MariaDB"

    def __init__(self, directory: pathlib.Path, installation: Installation | None = None, *,
                 plugins=(), user: str | None = None, **more):
        super().__init__(directory, user=user, **more)
        self.installation = installation or mariadb_10()
        for plugin in plugins:
            self.add_plugin(plugin)
        if not self.data.exists():
            shutil.copytree(self.installation.empty_data_directory(), self.data)
        if user:
            self.give_to_user()

    def command(self, *extra: str) -> list[str]:
        return [*self.installation.server_command(), f"--datadir={self.data}",
                f"--socket={self.socket}", f"--plugin-dir={self.plugin_directory}",
                f"--pid-file={self.directory}/pid", f"--tmpdir={self.directory}",
                "--secure-file-priv=", "--plugin-maturity=unknown", *Installation.SIZES,
                *self.network_options(), *_as_root(self.user), *self.options, *extra]

    def client_command(self, *extra: str) -> list[str]:
        return [*self.installation.program("mariadb"), "--no-defaults", f"--socket={self.socket}",
                "--user=root", f"--character-sets-dir={self.installation.share}/charsets", *extra]
