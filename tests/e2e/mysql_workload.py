# SPDX-License-Identifier: MIT
"""What a MySQL server does with its keyring, whichever component it has."""

import threading

from lab import process
from lab.mysql import SqlError

EVERYTHING = ["--default-table-encryption=ON", "--innodb-redo-log-encrypt=ON", "--innodb-undo-log-encrypt=ON",
              "--binlog-encryption=ON", "--innodb-temp-data-file-path=ibtmp1:12M:autoextend"]


def fill(server) -> None:
    server.sql("""CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b TEXT) ENCRYPTION='Y';
        INSERT INTO d.t VALUES (1,'in a table'); CREATE TABLESPACE s ADD DATAFILE 's.ibd' ENCRYPTION='Y';
        CREATE TABLE d.g (a INT PRIMARY KEY, b TEXT) TABLESPACE s ENCRYPTION='Y';
        INSERT INTO d.g VALUES (1,'in a tablespace');
        CREATE TEMPORARY TABLE d.tmp (a TEXT); INSERT INTO d.tmp VALUES ('temporary');""")


def check(server) -> None:
    assert server.sql("SELECT b FROM d.t UNION ALL SELECT b FROM d.g") == [("in a table",), ("in a tablespace",)]


def rotate_under_load(server) -> None:
    """Three rounds of writing, rotating the master key and kill -9. `server` runs and is filled."""
    stop, failures = threading.Event(), []

    def write(number: int) -> None:
        try:
            with server.session() as session:
                while not stop.is_set():
                    session.sql(f"REPLACE INTO d.t VALUES ({number}, REPEAT('x', 500)); DELETE FROM d.t WHERE a={number}")
        except (SqlError, OSError) as error:
            if not stop.is_set():
                failures.append(error)

    for _ in range(3):
        stop.clear()
        writers = [threading.Thread(target=write, args=(number,)) for number in (2, 3)]
        for writer in writers:
            writer.start()
        with server.session() as session:
            for _ in range(8):
                session.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY")
        stop.set()
        server.kill()
        for writer in writers:
            writer.join()
        assert not failures
        server.start()
        check_first_row = server.value("SELECT b FROM d.t WHERE a=1")
        assert check_first_row == "in a table"


def migrate_there_and_back(server, name: str, forget=lambda: None) -> None:
    """From MySQL's file keyring to the component `name` and back, by MySQL's tool. `forget` removes what is migrated away."""
    stock = server.use_keyring_file()
    server.start()
    fill(server)
    server.install_udf()
    assert server.value("SELECT keyring_key_generate('mine','SECRET',100)") == "1"
    secret = server.value("SELECT HEX(keyring_key_fetch('mine'))")
    keys = server.keyring_keys()
    server.stop()
    server.configure()
    server.migrate_keyring("component_keyring_file", name, None, server.data)
    stock.unlink()
    server.start()
    check(server)
    assert sorted(server.keyring_keys()) == sorted(keys)
    assert server.value("SELECT HEX(keyring_key_fetch('mine'))") == secret
    server.stop()

    server.use_keyring_file(stock)
    server.migrate_keyring(name, "component_keyring_file", server.data, None)
    forget()
    server.start()
    check(server)
    assert server.value("SELECT HEX(keyring_key_fetch('mine'))") == secret


def survive_daemonize(server) -> None:
    """--daemonize forks after the keyring is loaded."""
    code, output = server.run("--daemonize", f"--log-error={server.directory}/daemon.log")
    assert code == 0, output
    try:
        process.wait_until(lambda: "ready for connections" in (server.directory / "daemon.log").read_text(), "the daemon")
        fill(server)
        server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY; ALTER INSTANCE RELOAD KEYRING")
        check(server)
    finally:
        server.sql("SHUTDOWN")
        process.wait_until(lambda: not (server.directory / "pid").exists(), "the daemon to end")
    server.start()
    check(server)
