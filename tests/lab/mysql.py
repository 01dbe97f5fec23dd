# SPDX-License-Identifier: MIT
"""Private MySQL servers with keyring components; nothing of the system is touched."""

import itertools
import json
import pathlib
import subprocess

from . import process
from .database_server import DatabaseServer, SqlError
from .mysql_installation import SIZES, Installation, as_root, mysql_9
from .patience import seconds
from .sql_session import Session

# What of the installation's plugin directory is in ours. The server itself asks for the reference
# cache.
STOCK = (
    "component_reference_cache.so",
    "component_keyring_file.so",
    "keyring_udf.so",
    "mysql_clone.so",
)

# Few connections and tables, since each test has a server of its own, and no thread that shutdown
# waits for: two seconds for the event scheduler, which counts as a client (so does a session that
# is still open), half a second for asynchronous I/O.
SMALL = (
    "--max-connections=40",
    "--table-open-cache=200",
    "--table-definition-cache=400",
    "--temptable-max-ram=2M",
    "--key-buffer-size=1M",
    "--event-scheduler=OFF",
    "--innodb-use-native-aio=OFF",
    "--innodb-read-io-threads=1",
    "--innodb-write-io-threads=1",
    "--innodb-purge-threads=1",
    "--innodb-page-cleaners=1",
)

__all__ = ["MySQL", "SqlError"]
_server_ids = itertools.count(1)


class MySQL(DatabaseServer):
    """One MySQL server. Its program lies in the directory too, as a link.

    options      added to the command line, as given
    environment  the whole environment of the server besides PATH, HOME, LANG, TMPDIR and TZ
    plugins      .so files to be found in the plugin directory (links, so a rebuilt one is seen)
    user         another system user to run as (needs root), e.g. "mysql"
    switch_user  started as root, and told to become this user: what a distribution's scripts do
    tcp          whether to listen on 127.0.0.1:port
    binlog       whether to write a binary log
    """

    name = "MySQL"

    def __init__(self, directory: pathlib.Path, installation: Installation | None = None, *,
                 plugins=(), user: str | None = None, switch_user: str | None = None,
                 binlog: bool = False, **more):
        super().__init__(directory, user=user, **more)
        self.installation = installation or mysql_9()
        if user or switch_user:
            self.installation = self.installation.readable_by_all()
        self.switch_user = switch_user
        self.binlog = binlog
        self.server_id = next(_server_ids)
        self.program_directory = self.directory / "bin"
        self.program_directory.mkdir(exist_ok=True)
        for plugin in [*(self.installation.plugins / name for name in STOCK), *plugins]:
            self.add_plugin(plugin)
        if not self.data.exists():
            self.installation.copy_empty_data_directory(self.data)
        if user or switch_user:
            self.give_to_user()

    def give_to_user(self, user: str | None = None) -> None:
        super().give_to_user(user or self.user or self.switch_user)

    # Manifests and configurations.

    def write_manifest(self, *components: str, where: str = "program") -> None:
        """Which components are loaded at start; where="data": the global manifest sends to the data
        directory."""
        manifest = {"components": ",".join(f"file://{name}" for name in components)}
        if where == "data":
            self._write_json(self.data / "mysqld.my", manifest)
            manifest = {"read_local_manifest": True}
        self._write_json(self.program_directory / "mysqld.my", manifest)

    def write_config(self, name: str, content: dict | str, where: str = "plugin") -> None:
        """`name`.cnf of a component, as JSON or as the text given; where="data": the global one
        sends there."""
        if where == "data":
            self._write_json(self.data / f"{name}.cnf", content)
            content = {"read_local_config": True}
        self._write_json(self.plugin_directory / f"{name}.cnf", content)

    def use_keyring_file(
        self, path: pathlib.Path | None = None, local: bool = False
    ) -> pathlib.Path:
        """MySQL's own file keyring; returns its data file. local: manifest and configuration in the
        data directory."""
        path = path or self.directory / "keyring_file"
        self.write_manifest("component_keyring_file", where="data" if local else "program")
        self.write_config("component_keyring_file", {"path": str(path), "read_only": False},
                          where="data" if local else "plugin")
        return path

    def _write_json(self, path: pathlib.Path, content: dict | str) -> None:
        path.unlink(missing_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(0o444)  # The server warns of a manifest that it could write.

    def command(self, *extra: str) -> list[str]:
        log = ["--log-bin=binlog"] if self.binlog else ["--skip-log-bin"]
        user = [f"--user={self.switch_user}"] if self.switch_user else as_root(self.user)
        return [*self.installation.server_command(self.program_directory),
                f"--datadir={self.data}", f"--plugin-dir={self.plugin_directory}",
                f"--socket={self.socket}", f"--pid-file={self.directory}/pid",
                f"--tmpdir={self.directory}", "--secure-file-priv=", "--mysqlx=OFF",
                f"--server-id={self.server_id}", *SIZES, *SMALL, *self.network_options(), *log,
                *user, *self.options, *extra]

    def client_command(self, *extra: str, program: str = "mysql") -> list[str]:
        """As root over the socket, or over TCP when `extra` says so."""
        return [
            *self.installation.program(program),
            "--no-defaults",
            f"--socket={self.socket}",
            "--user=root",
            f"--character-sets-dir={self.installation.share}/charsets",
            *extra,
        ]

    def session(self, *login: str) -> Session:
        """A connection that stays open; for loops, and one a thread."""
        return Session(self.client_command(*login), process.bare_environment(self.directory))

    # Keyrings.

    def status_rows(self) -> list[tuple[str, str]]:
        """performance_schema.keyring_component_status in its order."""
        return self.sql(
            "SELECT STATUS_KEY, STATUS_VALUE FROM performance_schema.keyring_component_status"
        )

    def status(self) -> dict[str, str]:
        return dict(self.status_rows())

    def keyring_keys(self) -> list[tuple[str, str]]:
        """(id, owner) of every key, in the order of the component's iterator."""
        return self.sql("SELECT KEY_ID, KEY_OWNER FROM performance_schema.keyring_keys")

    def install_udf(self) -> None:
        """The plugin keyring_udf and its functions keyring_key_*."""
        functions = {
            "generate": "INTEGER",
            "fetch": "STRING",
            "length_fetch": "INTEGER",
            "type_fetch": "STRING",
            "store": "INTEGER",
            "remove": "INTEGER",
        }
        self.sql("INSTALL PLUGIN keyring_udf SONAME 'keyring_udf.so';" + "".join(
            f"CREATE FUNCTION keyring_key_{name} RETURNS {kind} SONAME 'keyring_udf.so';"
            for name, kind in functions.items()))

    def migrate_keyring(
        self, source: str, destination: str, source_dir=None, destination_dir=None, *extra: str
    ) -> str:
        """mysql_migrate_keyring from one component of our plugin directory to another; what it
        printed.

        The directories hold local configurations. process.Failed when that reports an error.
        """
        sides = {"source": source_dir, "destination": destination_dir}
        directories = [f"--{side}-keyring-configuration-dir={directory}"
                       for side, directory in sides.items() if directory]
        done = subprocess.run(
            [
                *self.installation.program("mysql_migrate_keyring"),
                "--no-defaults",
                f"--component-dir={self.plugin_directory}",
                f"--source-keyring={source}",
                f"--destination-keyring={destination}",
                *directories,
                *extra,
            ],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=seconds(60),
            cwd=self.directory,
            env=process.bare_environment(self.directory, self.environment),
        )
        if done.returncode != 0 or "[ERROR]" in done.stdout:  # Some errors end with 0.
            raise process.Failed(
                f"mysql_migrate_keyring ended with {done.returncode}\n{done.stdout}"
            )
        return done.stdout
