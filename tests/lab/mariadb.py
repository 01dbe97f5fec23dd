# SPDX-License-Identifier: MIT
"""Private MariaDB servers: own data directory, socket and options; nothing of the system is touched."""

import dataclasses
import fcntl
import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess

from . import packages, process

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCTS = ROOT / "build" / "products"


class SqlError(RuntimeError):
    """What the server answered; `code` is the server's error number."""

    def __init__(self, text: str):
        super().__init__(text.strip())
        found = re.search(r"ERROR (\d+)", text)
        self.code = int(found.group(1)) if found else 0


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
    SIZES = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=48M", "--aria-log-file-size=8M",
             "--aria-pagecache-buffer-size=8M", "--key-buffer-size=1M")

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
            found = [p for p in (self.share / f"mariadb_{name}.sql", self.share / f"mysql_{name}.sql")
                     if p.exists()]
            if not found:
                raise process.Failed(f"no {name}.sql in {self.share}")
            text += found[0].read_text()
        done = subprocess.run(
            [*self.server_command(), f"--datadir={data}", "--bootstrap", *self.SIZES,
             *_as_root(None), "--log-warnings=0", "--enforce-storage-engine="],
            input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            env=process.bare_environment(data))
        if done.returncode != 0:
            raise process.Failed(f"bootstrap of MariaDB {self.version} failed:\n{done.stdout[-4000:]}")


@functools.cache
def mariadb_10() -> Installation:
    """The version that Debian 12 has (10.11), installed by ./dev."""
    installation = Installation(pathlib.Path("/usr"))
    if not pathlib.Path("/usr/sbin/mariadbd").exists():
        raise process.Failed("MariaDB is not installed: run ./dev test, or apt-get install mariadb-server")
    return installation


@functools.cache
def mariadb_11() -> Installation:
    """MariaDB 11.8 from Debian sid, or the one that OPENKEYRING_MARIADB_11 (a prefix like /usr) names."""
    own = os.environ.get("OPENKEYRING_MARIADB_11")
    if own:
        return Installation(pathlib.Path(own))
    root = packages.fetch("mariadb")
    return Installation(root / "usr", tuple(packages.loader(root)))


def _as_root(user: str | None) -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 and user in (None, "root") else []


class MariaDB:
    """One server. `directory` holds all of it: data, sockets, logs, plugin directory, home.

    options      added to the command line, as given
    environment  the whole environment of the server besides PATH, HOME and TZ
    plugins      .so files to be found in the plugin directory (links, so a rebuilt one is seen)
    user         another system user to run as (needs root), e.g. "mysql"
    tcp          whether to listen on 127.0.0.1:port
    """

    def __init__(self, directory: pathlib.Path, installation: Installation | None = None, *,
                 options=(), environment: dict[str, str] | None = None, plugins=(),
                 user: str | None = None, tcp: bool = False):
        self.directory = pathlib.Path(directory)
        self.installation = installation or mariadb_10()
        self.options = list(options)
        self.environment = dict(environment or {})
        self.user = user
        self.data = self.directory / "data"
        self.plugin_directory = self.directory / "plugin"
        self.socket = self.directory / "sock"
        self.log = self.directory / "error.log"
        self.port = process.free_port() if tcp else 0
        self.process: process.Process | None = None
        self._log_start = 0  # Where the log of the running server begins.
        self.directory.mkdir(exist_ok=True)
        self.plugin_directory.mkdir(exist_ok=True)
        for plugin in plugins:
            self.add_plugin(plugin)
        if not self.data.exists():
            shutil.copytree(self.installation.empty_data_directory(), self.data)
        if user:
            self.give_to_user()

    def give_to_user(self) -> None:
        """Makes everything in the directory belong to the user that the server runs as."""
        subprocess.run(["chown", "-R", f"{self.user}:", str(self.directory)], check=True)

    def add_plugin(self, plugin) -> None:
        plugin = pathlib.Path(plugin)
        link = self.plugin_directory / plugin.name
        if link.is_symlink():
            link.unlink()
        link.symlink_to(plugin.resolve(strict=True))

    def command(self, *extra: str) -> list[str]:
        network = [f"--port={self.port}", "--bind-address=127.0.0.1"] if self.port else ["--skip-networking"]
        return [*self.installation.server_command(), f"--datadir={self.data}", f"--socket={self.socket}",
                f"--plugin-dir={self.plugin_directory}", f"--pid-file={self.directory}/pid",
                f"--tmpdir={self.directory}", "--secure-file-priv=", "--plugin-maturity=unknown",
                *Installation.SIZES, *network, *_as_root(self.user), *self.options, *extra]

    def start(self, *extra: str, seconds: float = 60.0) -> "MariaDB":
        """Starts and waits until connections are served. Failed when it ends instead."""
        self.launch(*extra)
        self.wait_ready(seconds)
        return self

    def launch(self, *extra: str) -> None:
        """Starts without waiting."""
        self.socket.unlink(missing_ok=True)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self.process = process.Process(
            self.command(*extra), self.log, process.bare_environment(self.directory, self.environment),
            user=self.user, cwd=self.directory)

    def wait_ready(self, seconds: float = 60.0) -> None:
        def ready():
            self.process.fail_if_ended()
            return self._says_ready()
        try:
            process.wait_until(ready, "MariaDB to serve connections", seconds)
        except TimeoutError as error:
            self.kill()
            raise process.Failed(f"{error}\n{process.tail(self.log)}") from None

    def _says_ready(self) -> bool:
        # Asking by a connection would leave a warning about that connection in the log.
        with open(self.log, "rb") as log:
            log.seek(self._log_start)
            return b"ready for connections" in log.read()

    def stop(self, seconds: float = 60.0) -> None:
        """A clean shutdown; Failed when the exit code says otherwise."""
        if self.process is None:
            return
        code = self.process.stop(signal.SIGTERM, seconds)
        self.process = None
        if code != 0:
            raise process.Failed(f"MariaDB ended with {code}\n{process.tail(self.log)}")

    def restart(self, *extra: str, seconds: float = 60.0) -> None:
        self.stop(seconds)
        self.start(*extra, seconds=seconds)

    def kill(self) -> None:
        """kill -9, and nothing is left of it."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def pause(self) -> None:
        self.process.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send(signal.SIGCONT)

    def running(self) -> bool:
        return self.process is not None and self.process.running()

    def client_command(self, *extra: str) -> list[str]:
        return [*self.installation.program("mariadb"), "--no-defaults", f"--socket={self.socket}",
                "--user=root", f"--character-sets-dir={self.installation.share}/charsets", *extra]

    def sql(self, text: str, database: str = "", seconds: float = 60.0) -> list[tuple[str, ...]]:
        """Rows of all statements, as the client's batch mode prints them (NULL is "NULL")."""
        done = subprocess.run(
            self.client_command("--batch", "--skip-column-names", *([database] if database else [])),
            input=text, text=True, capture_output=True, check=False, timeout=seconds,
            env=process.bare_environment(self.directory))
        if done.returncode != 0:
            raise SqlError(done.stderr or f"the client ended with {done.returncode}")
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]

    def value(self, text: str, database: str = "") -> str:
        """The first column of the only row."""
        rows = self.sql(text, database)
        assert len(rows) == 1, f"{text}: {rows}"
        return rows[0][0]

    def variable(self, name: str) -> str:
        return self.value(f"SELECT @@GLOBAL.{name}")

    def warnings_of(self, statement: str) -> list[tuple[str, ...]]:
        """(level, code, message) of each warning that the statement leaves."""
        return self.sql(f"{statement.rstrip(';')}; SHOW WARNINGS;")

    def failure_of(self, statement: str) -> list[tuple[str, ...]]:
        """What SHOW WARNINGS says after a statement that fails; AssertionError when it does not fail."""
        done = subprocess.run(
            self.client_command("--batch", "--skip-column-names", "--force"), text=True, capture_output=True,
            input=f"{statement.rstrip(';')}; SHOW WARNINGS;", check=False, timeout=60,
            env=process.bare_environment(self.directory))
        assert "ERROR" in done.stderr, f"{statement} did not fail"
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]

    def error_log(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def __enter__(self) -> "MariaDB":
        return self

    def __exit__(self, *_) -> None:
        self.kill()
