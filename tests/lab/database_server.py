# SPDX-License-Identifier: MIT
"""What private MariaDB and MySQL servers have in common: their life, their log, SQL by the
command-line client."""

import pathlib
import re
import signal
import subprocess

from . import process
from .service import Service


class SqlError(RuntimeError):
    """What the server answered; `code` is the server's error number."""

    def __init__(self, text: str):
        super().__init__(text.strip())
        found = re.search(r"ERROR (\d+)", text)
        self.code = int(found.group(1)) if found else 0


class DatabaseServer(Service):
    """One server. `directory` holds all of it: data, socket, log, plugin directory, home.

    Subclasses define command() and client_command().
    """

    def __init__(self, directory: pathlib.Path, *, options=(),
                 environment: dict[str, str] | None = None, user: str | None = None,
                 tcp: bool = False):
        super().__init__(directory)
        self.options = list(options)
        self.environment = dict(environment or {})
        self.user = user
        self.data = self.directory / "data"
        self.plugin_directory = self.directory / "plugin"
        self.plugin_directory.mkdir(exist_ok=True)
        self.socket = self.directory / "sock"
        self.port = process.free_port() if tcp else 0
        self._log_start = 0  # Where the log of the running server begins.

    def command(self, *extra: str) -> list[str]:
        raise NotImplementedError

    def client_command(self, *extra: str) -> list[str]:
        raise NotImplementedError

    def give_to_user(self, user: str | None = None) -> None:
        """Makes everything in the directory belong to the user that the server runs as."""
        subprocess.run(["chown", "-R", f"{user or self.user}:", str(self.directory)], check=True)

    def add_plugin(self, plugin, name: str = "") -> None:
        """A link in the plugin directory, under another name if one is given."""
        plugin = pathlib.Path(plugin)
        link = self.plugin_directory / (name or plugin.name)
        link.unlink(missing_ok=True)
        link.symlink_to(plugin.resolve(strict=True))

    def network_options(self) -> list[str]:
        if not self.port:
            return ["--skip-networking"]
        return [f"--port={self.port}", "--bind-address=127.0.0.1"]

    # Life.

    def start(self, *extra: str, wait: bool = True, seconds: float = 60.0):
        """Starts and waits until connections are served. Failed when it ends instead."""
        self.socket.unlink(missing_ok=True)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self.process = self._new_process(*extra)
        if wait:
            self.wait_ready(seconds)
        return self

    def launch(self, *extra: str) -> None:
        """Starts without waiting."""
        self.start(*extra, wait=False)

    def _new_process(self, *extra: str) -> process.Process:
        environment = process.bare_environment(self.directory, self.environment)
        return process.Process(self.command(*extra), self.log, environment, user=self.user,
                               cwd=self.directory)

    def run(self, *extra: str, seconds: float = 60.0) -> tuple[int, str]:
        """(exit code, output) of the server with options that make it end by itself."""
        started = self.log.stat().st_size if self.log.exists() else 0
        code = self._new_process(*extra).wait(seconds)
        with open(self.log, errors="replace") as log:
            log.seek(started)
            return code, log.read()

    def wait_ready(self, seconds: float = 60.0) -> None:
        # Asking by a connection would leave a warning about that connection in the log.
        self.wait_for(lambda: "ready for connections" in self.last_log(),
                      "to serve connections", seconds)

    def stop(self, seconds: float = 60.0) -> None:
        """A clean shutdown; Failed when the exit code says otherwise."""
        if self.process is None:
            return
        code = self.process.stop(signal.SIGTERM, seconds)
        self.process = None
        if code != 0:
            raise process.Failed(f"{self.name} ended with {code}\n{process.tail(self.log)}")

    def restart(self, *extra: str, seconds: float = 60.0) -> None:
        self.stop(seconds)
        self.start(*extra, seconds=seconds)

    def error_log(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def last_log(self) -> str:
        """The error log since the last start."""
        if not self.log.exists():
            return ""
        with open(self.log, "rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    # SQL.

    def _client(self, text: str, *options: str, seconds: float = 60.0):
        return subprocess.run(
            self.client_command("--batch", "--skip-column-names", *options), input=text, text=True,
            capture_output=True, check=False, timeout=seconds,
            env=process.bare_environment(self.directory))

    def sql(self, text: str, database: str = "", seconds: float = 60.0,
            login=()) -> list[tuple[str, ...]]:
        """Rows of all statements, as the client's batch mode prints them (NULL is "NULL").

        login: options of the client, to log in as another user ("--user=...", "--password=...").
        """
        done = self._client(text, *login, *([database] if database else []), seconds=seconds)
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
        """What SHOW WARNINGS says after a statement that fails; AssertionError when it does not."""
        done = self._client(f"{statement.rstrip(';')}; SHOW WARNINGS;", "--force")
        assert "ERROR" in done.stderr, f"{statement} did not fail"
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]

    def run_error(self, text: str, seconds: float = 60.0) -> tuple[int, str]:
        """(code, text) of the error that the statements end in; AssertionError when they do not."""
        try:
            rows = self.sql(text, seconds=seconds)
        except SqlError as error:
            return error.code, str(error)
        raise AssertionError(f"{text} did not fail: {rows}")
