# SPDX-License-Identifier: MIT
"""Private MySQL servers with keyring components; nothing of the system is touched."""

import itertools
import json
import pathlib
import signal
import subprocess

from . import process
from .mariadb import SqlError
from .mysql_installation import SIZES, Installation, as_root, mysql_9
from .sql_session import Session

# What of the installation's plugin directory is in ours. The server itself asks for the reference cache.
STOCK = ("component_reference_cache.so", "component_keyring_file.so", "keyring_udf.so", "mysql_clone.so")

# Few connections and tables, since each test has a server of its own, and no thread that shutdown waits for: two
# seconds for the event scheduler, which counts as a client (so does a session that is still open), half a second for
# asynchronous I/O.
SMALL = ("--max-connections=40", "--table-open-cache=200", "--table-definition-cache=400", "--temptable-max-ram=2M",
         "--key-buffer-size=1M", "--event-scheduler=OFF", "--innodb-use-native-aio=OFF", "--innodb-read-io-threads=1",
         "--innodb-write-io-threads=1", "--innodb-purge-threads=1", "--innodb-page-cleaners=1")

_server_ids = itertools.count(1)


class MySQL:
    """One server. `directory` holds all of it: program name, data, socket, log, plugin directory, home.

    options      added to the command line, as given
    environment  the whole environment of the server besides PATH, HOME, LANG, TMPDIR and TZ
    plugins      .so files to be found in the plugin directory (links, so a rebuilt one is seen)
    user         another system user to run as (needs root), e.g. "mysql"
    switch_user  started as root, and told to become this user: what a distribution's scripts do
    tcp          whether to listen on 127.0.0.1:port
    binlog       whether to write a binary log
    """

    def __init__(self, directory: pathlib.Path, installation: Installation | None = None, *, options=(),
                 environment: dict[str, str] | None = None, plugins=(), user: str | None = None,
                 switch_user: str | None = None, tcp: bool = False, binlog: bool = False):
        self.directory = pathlib.Path(directory)
        self.installation = installation or mysql_9()
        if user or switch_user:
            self.installation = self.installation.readable_by_all()
        self.options = list(options)
        self.environment = dict(environment or {})
        self.user = user
        self.switch_user = switch_user
        self.binlog = binlog
        self.server_id = next(_server_ids)
        self.program_directory, self.data, self.plugin_directory = (
            self.directory / name for name in ("bin", "data", "plugin"))
        self.socket = self.directory / "sock"
        self.log = self.directory / "error.log"
        self.port = process.free_port() if tcp else 0
        self.process: process.Process | None = None
        self._log_start = 0  # Where the log of the running server begins.
        for made in (self.directory, self.program_directory, self.plugin_directory):
            made.mkdir(exist_ok=True)
        for plugin in [*(self.installation.plugins / name for name in STOCK), *plugins]:
            self.add_plugin(plugin)
        if not self.data.exists():
            self.installation.copy_empty_data_directory(self.data)
        if user or switch_user:
            self.give_to_user()

    def give_to_user(self) -> None:
        """Makes everything in the directory belong to the user that the server runs as."""
        subprocess.run(["chown", "-R", f"{self.user or self.switch_user}:", str(self.directory)], check=True)

    def add_plugin(self, plugin, name: str = "") -> None:
        """A link in the plugin directory, under another name if one is given."""
        plugin = pathlib.Path(plugin)
        link = self.plugin_directory / (name or plugin.name)
        link.unlink(missing_ok=True)
        link.symlink_to(plugin.resolve(strict=True))

    # Manifests and configurations.

    def write_manifest(self, *components: str, where: str = "program") -> None:
        """Which components are loaded at start; where="data": the global manifest sends to the data directory."""
        manifest = {"components": ",".join(f"file://{name}" for name in components)}
        if where == "data":
            self._write_json(self.data / "mysqld.my", manifest)
            manifest = {"read_local_manifest": True}
        self._write_json(self.program_directory / "mysqld.my", manifest)

    def write_config(self, name: str, content: dict | str, where: str = "plugin") -> None:
        """`name`.cnf of a component, as JSON or as the text given; where="data": the global one sends there."""
        if where == "data":
            self._write_json(self.data / f"{name}.cnf", content)
            content = {"read_local_config": True}
        self._write_json(self.plugin_directory / f"{name}.cnf", content)

    def use_keyring_file(self, path: pathlib.Path | None = None, local: bool = False) -> pathlib.Path:
        """MySQL's own file keyring; returns its data file. local: manifest and configuration in the data directory."""
        path = path or self.directory / "keyring_file"
        self.write_manifest("component_keyring_file", where="data" if local else "program")
        self.write_config("component_keyring_file", {"path": str(path), "read_only": False},
                          where="data" if local else "plugin")
        return path

    def _write_json(self, path: pathlib.Path, content: dict | str) -> None:
        path.unlink(missing_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(0o444)  # The server warns of a manifest that it could write.

    # Life.

    def command(self, *extra: str) -> list[str]:
        network = [f"--port={self.port}", "--bind-address=127.0.0.1"] if self.port else ["--skip-networking"]
        log = ["--log-bin=binlog"] if self.binlog else ["--skip-log-bin"]
        user = [f"--user={self.switch_user}"] if self.switch_user else as_root(self.user)
        return [*self.installation.server_command(self.program_directory), f"--datadir={self.data}",
                f"--plugin-dir={self.plugin_directory}", f"--socket={self.socket}", f"--pid-file={self.directory}/pid",
                f"--tmpdir={self.directory}", "--secure-file-priv=", "--mysqlx=OFF", f"--server-id={self.server_id}",
                *SIZES, *SMALL, *network, *log, *user, *self.options, *extra]

    def start(self, *extra: str, wait: bool = True, seconds: float = 60.0) -> "MySQL":
        """Starts and waits until connections are served. Failed when it ends instead."""
        self.socket.unlink(missing_ok=True)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self.process = process.Process(
            self.command(*extra), self.log, process.bare_environment(self.directory, self.environment),
            user=self.user, cwd=self.directory)
        if wait:
            self.wait_ready(seconds)
        return self

    def run(self, *extra: str, seconds: float = 60.0) -> tuple[int, str]:
        """(exit code, output) of mysqld with options that make it end by itself: --validate-config and the like."""
        started = self.log.stat().st_size if self.log.exists() else 0
        code = process.Process(
            self.command(*extra), self.log, process.bare_environment(self.directory, self.environment),
            user=self.user, cwd=self.directory).wait(seconds)
        with open(self.log, errors="replace") as log:
            log.seek(started)
            return code, log.read()

    def wait_ready(self, seconds: float = 60.0) -> None:
        def ready():
            self.process.fail_if_ended()
            return "ready for connections" in self.last_log()
        try:
            process.wait_until(ready, "MySQL to serve connections", seconds)
        except TimeoutError as error:
            self.kill()
            raise process.Failed(f"{error}\n{process.tail(self.log)}") from None

    def stop(self, seconds: float = 60.0) -> None:
        """A clean shutdown; Failed when the exit code says otherwise."""
        if self.process is None:
            return
        code = self.process.stop(signal.SIGTERM, seconds)
        self.process = None
        if code != 0:
            raise process.Failed(f"MySQL ended with {code}\n{process.tail(self.log)}")

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

    # SQL.

    def client_command(self, *extra: str, program: str = "mysql") -> list[str]:
        """As root over the socket, or over TCP when `extra` says so."""
        return [*self.installation.program(program), "--no-defaults", f"--socket={self.socket}", "--user=root",
                f"--character-sets-dir={self.installation.share}/charsets", *extra]

    def sql(self, text: str, database: str = "", seconds: float = 60.0, login=()) -> list[tuple[str, ...]]:
        """Rows of all statements, as the client's batch mode prints them (NULL is "NULL").

        login: options of the client, to come as somebody else ("--user=...", "--password=...").
        """
        done = subprocess.run(
            self.client_command("--batch", "--skip-column-names", *login, *([database] if database else [])),
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

    def run_error(self, text: str, seconds: float = 60.0) -> tuple[int, str]:
        """(code, text) of the error that the statements end in; AssertionError when they do not."""
        try:
            rows = self.sql(text, seconds=seconds)
        except SqlError as error:
            return error.code, str(error)
        raise AssertionError(f"{text} did not fail: {rows}")

    def session(self, *login: str) -> Session:
        """A connection that stays open; for loops, and one a thread."""
        return Session(self.client_command(*login), process.bare_environment(self.directory))

    def error_log(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def last_log(self) -> str:
        """The error log since the last start."""
        if not self.log.exists():
            return ""
        with open(self.log, "rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    # Keyrings.

    def status_rows(self) -> list[tuple[str, str]]:
        """performance_schema.keyring_component_status in its order."""
        return self.sql("SELECT STATUS_KEY, STATUS_VALUE FROM performance_schema.keyring_component_status")

    def status(self) -> dict[str, str]:
        return dict(self.status_rows())

    def keyring_keys(self) -> list[tuple[str, str]]:
        """(id, owner) of every key, in the order of the component's iterator."""
        return self.sql("SELECT KEY_ID, KEY_OWNER FROM performance_schema.keyring_keys")

    def install_udf(self) -> None:
        """The plugin keyring_udf and its functions keyring_key_*."""
        functions = {"generate": "INTEGER", "fetch": "STRING", "length_fetch": "INTEGER", "type_fetch": "STRING",
                     "store": "INTEGER", "remove": "INTEGER"}
        self.sql("INSTALL PLUGIN keyring_udf SONAME 'keyring_udf.so';" + "".join(
            f"CREATE FUNCTION keyring_key_{name} RETURNS {kind} SONAME 'keyring_udf.so';"
            for name, kind in functions.items()))

    def migrate_keyring(self, source: str, destination: str, source_dir=None, destination_dir=None, *extra: str) -> str:
        """mysql_migrate_keyring from one component of our plugin directory to another; what it printed.

        The directories hold local configurations. process.Failed when that reports an error.
        """
        sides = {"source": source_dir, "destination": destination_dir}
        directories = [f"--{side}-keyring-configuration-dir={directory}"
                       for side, directory in sides.items() if directory]
        done = subprocess.run(
            [*self.installation.program("mysql_migrate_keyring"), "--no-defaults",
             f"--component-dir={self.plugin_directory}", f"--source-keyring={source}",
             f"--destination-keyring={destination}", *directories, *extra],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60, cwd=self.directory,
            env=process.bare_environment(self.directory, self.environment))
        if done.returncode != 0 or "[ERROR]" in done.stdout:  # Some errors end with 0.
            raise process.Failed(f"mysql_migrate_keyring ended with {done.returncode}\n{done.stdout}")
        return done.stdout

    def __enter__(self) -> "MySQL":
        return self

    def __exit__(self, *_) -> None:
        self.kill()
