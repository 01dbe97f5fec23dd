# SPDX-License-Identifier: MIT
"""What a MySQL server does with its keyring, whichever component it has."""

import threading

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
