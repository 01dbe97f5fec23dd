# SPDX-License-Identifier: MIT
"""docs/encrypt_everything.md, followed to the letter on servers that already hold data: afterwards
its queries find nothing in clear, and neither does a search of all files."""

import pathlib
import re

import pytest

from lab import aws_plugin, process
from lab.mysql import SqlError

from test_check_running_server import Check, client, login_file, words

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "encrypt_everything.md"
OLD, NEW = "OLD-PLAIN-MARKER-4711", "NEW-PLAIN-MARKER-0815"


def section(title: str) -> str:
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.S | re.M)
    assert found, title
    return found[1]


def blocks(title: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", section(title), re.S | re.M)


def settings(title: str) -> list[str]:
    lines = blocks(title, "ini")[0].splitlines()[1:]
    return ["--" + line.replace(" ", "") for line in lines]


def statements(title: str) -> list[str]:
    text = "".join(blocks(title, "sql"))
    return [one.strip() for one in text.split(";\n") if one.strip()]


def rows(server, queries: list[str]) -> list[tuple]:
    return [row for query in queries for row in server.sql(query)]


ARIA_PAGE, ARIA_USED = 8192, slice(19, 21)  # Of an encrypted index page.


def content(path: pathlib.Path) -> bytes:
    """Of an Aria index without the unused ends of its pages: see the page."""
    data = path.read_bytes()
    if path.suffix != ".MAI":
        return data
    pages = [data[at:at + ARIA_PAGE] for at in range(ARIA_PAGE, len(data), ARIA_PAGE)]
    used = [page[:int.from_bytes(page[ARIA_USED], "big")] for page in pages]
    return data[:ARIA_PAGE] + b"".join(used)


def shown(server, marker: str, *patterns: str) -> list[str]:
    """The files below the data directory that hold the marker."""
    found = [path for pattern in patterns or ("**/*",) for path in server.data.glob(pattern)]
    assert found
    return [path.name for path in found if path.is_file() and marker.encode() in content(path)]


def in_clear(server, state: str, login=("--login-socket", "root")) -> str:
    """What keyringctl check says of it."""
    found = Check(server, *login)
    assert found.state("in-clear") == state, found
    return found.texts("in-clear")


def write(server, marker: str, database: str, *engines: str) -> None:
    for engine in engines:
        text = f"{marker}-', n, '"
        numbers = " UNION ALL ".join(f"SELECT {n} n" for n in range(100))
        server.sql(
            f"CREATE TABLE {database}.{engine} (a VARCHAR(200), KEY (a)) ENGINE={engine};"
            f"INSERT INTO {database}.{engine} SELECT CONCAT('{text}') FROM ({numbers}) x"
        )


def purge(server) -> None:
    server.sql("FLUSH BINARY LOGS")
    newest = server.sql("SHOW BINARY LOGS")[-1][0]
    server.sql(f"PURGE BINARY LOGS TO '{newest}'")


def decrypt_mariadb(server, aria: str) -> None:
    """By the page; `aria` is the query for the statements that write its tables again. Stops the
    server before the plugin is to be removed."""
    server.start()
    first, encrypted = statements("MariaDB: decrypting again")
    server.sql(first)
    process.wait_until(lambda: server.sql(encrypted) == [], "the threads of InnoDB", 60)
    off = [re.sub("=(ON|FORCE)$", "=OFF", option) for option in settings("MariaDB")]
    server.options = [one for one in server.options if one not in settings("MariaDB")] + off
    server.restart()
    for (statement,) in server.sql(aria):
        server.sql(statement)
    purge(server)
    server.restart()
    server.stop()


def decrypt_mysql(server) -> None:
    """The steps of the page, by their numbers; stops the server before the last one."""
    server.stop()
    kept = [one for one in server.options if one not in settings("MySQL and Percona Server")]
    server.options = kept
    server.start()  # 1
    (*make_statements, make_spare, others, inactive, state, active, spare_inactive, spare_state,
     drop_spare, encrypted) = statements("MySQL: decrypting again")
    for query in make_statements:  # 2
        for statement, in server.sql(query):
            server.sql(statement)
    server.sql(make_spare)  # 3
    names = [name for name, in server.sql(others)]
    assert names == ["innodb_undo_001", "innodb_undo_002"]
    for name in names:
        truncate(server, *(one.replace(names[0], name) for one in (inactive, state, active)))
    truncate(server, spare_inactive, spare_state, drop_spare)
    purge(server)  # 4
    assert server.sql(encrypted) == []
    server.restart()  # 5
    server.stop()


def truncate(server, inactive: str, state: str, then: str) -> None:
    """An undo tablespace; `then` it is used again, or dropped."""
    server.sql(inactive)
    process.wait_until(lambda: server.value(state) == "empty", inactive, 60)
    server.sql(then)


def use_without_a_key(server, *engines: str) -> None:
    """Started without its keyring, and once more after it wrote: of all that is there, nothing
    needs a key, and what is made in a database of the time before does not ask for one."""
    server.start()
    tables = [(database, engine) for database in ("old", "new") for engine in engines]
    for database, engine in tables:
        assert server.value(f"SELECT COUNT(*) FROM {database}.{engine}") == "100"
        server.sql(f"CREATE TABLE {database}.later_{engine} (a INT) ENGINE={engine};"
                   f"INSERT INTO {database}.later_{engine} VALUES (1);"
                   f"DELETE FROM {database}.{engine} LIMIT 50")
    server.restart()
    for database, engine in tables:
        assert server.value(f"SELECT COUNT(*) FROM {database}.{engine}") == "50"
        assert server.value(f"SELECT a FROM {database}.later_{engine}") == "1"
    server.stop()


@pytest.mark.parametrize("title, files", [
    ("MariaDB", ["README.md", "docs/aws_key_management.md", "docs/kmip_key_management.md",
                 "packaging/aws_key_management.cnf", "packaging/kmip_key_management.cnf"]),
    ("MySQL and Percona Server", ["README.md", "docs/component_keyring_kms.md",
                                  "docs/component_keyring_kmip.md", "docs/keyring_aws.md",
                                  "packaging/examples/mysql/encryption.cnf"]),
])
def test_every_guide_and_example_has_the_same_settings(title, files):
    for name in files:
        lines = [line.replace("-", "_").replace(" ", "").removeprefix("#")
                 for line in (ROOT / name).read_text().splitlines()]
        for setting in settings(title):
            assert setting.removeprefix("--") in lines, (name, setting)


def test_mariadb(kms, make_server):
    binary_log = ["--log-bin=binlog", "--server-id=1"]
    server = make_server(kms, options=binary_log).start()
    server.sql("CREATE DATABASE old")
    write(server, OLD, "old", "InnoDB", "Aria")
    told = in_clear(server, "warning")
    assert "old/InnoDB" in told and "innodb_encrypt_log=OFF" in told and "encrypt_binlog=OFF" in told
    server.stop()
    assert {"InnoDB.ibd", "Aria.MAD"} <= set(shown(server, OLD, "old/*")), "the search finds nothing"
    assert OLD.encode() in (server.data / "old" / "Aria.MAI").read_bytes()
    server.options += settings("MariaDB")
    server.start()
    innodb, other, aria = statements("MariaDB: what is still in clear")
    process.wait_until(lambda: server.sql(innodb) == [], "the threads of InnoDB", 60)
    assert server.sql(other) == []
    for (statement,) in server.sql(aria):
        server.sql(statement)
    purge(server)
    told = in_clear(server, "ok")
    assert told.startswith("every InnoDB tablespace is encrypted")
    assert told.endswith("Aria tables, and binary and relay logs of the time before")
    server.sql("CREATE USER some@localhost; GRANT PROCESS ON *.* TO some@localhost")
    assert "not see were not judged" in in_clear(server, "skipped", ("--login-socket", "some"))
    server.sql("GRANT REFERENCES ON *.* TO some@localhost")
    in_clear(server, "ok", ("--login-socket", "some"))
    server.sql("CREATE TABLE old.Fixed (a INT) ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=FIXED")
    told = in_clear(server, "warning", ("--login-socket", "some"))
    assert told == ("1 Aria table in clear, since only ROW_FORMAT=PAGE is encrypted: "
                    "old.Fixed (Fixed)")
    assert server.sql(other) == [("old.Fixed", "Aria")]
    server.sql("ALTER TABLE old.Fixed ROW_FORMAT=PAGE")
    server.sql("CREATE DATABASE new;"  # With what has tablespaces of its own.
               "CREATE TABLE old.parts (a INT) ENGINE=InnoDB PARTITION BY HASH(a) PARTITIONS 2;"
               "CREATE TABLE old.words (a TEXT, FULLTEXT KEY (a)) ENGINE=InnoDB;"
               "CREATE TABLE old.other (a INT) ENGINE=InnoDB ENCRYPTION_KEY_ID=2")
    in_clear(server, "ok")
    write(server, NEW, "new", "InnoDB", "Aria")
    server.sql("CREATE TABLE new.MyISAM (a INT) ENGINE=MyISAM")
    assert server.sql(other) == [("new.MyISAM", "MyISAM")]
    assert in_clear(server, "warning").startswith("1 table in clear")
    with pytest.raises(SqlError):
        server.sql("CREATE TABLE new.clear (a INT) ENGINE=InnoDB ENCRYPTED=NO")
    server.stop()
    assert shown(server, OLD) == [] and shown(server, NEW) == []
    server.start()
    assert [server.value(f"SELECT COUNT(*) FROM {d}.{e}")
            for d in ("old", "new") for e in ("InnoDB", "Aria")] == ["100"] * 4
    server.stop()
    decrypt_mariadb(server, aria)
    assert {"InnoDB.ibd", "Aria.MAD"} <= set(shown(server, NEW, "new/*"))
    (server.plugin_directory / aws_plugin.PLUGIN.name).unlink()
    server.options = binary_log
    use_without_a_key(server, "InnoDB", "Aria")


def check_logins(server) -> None:
    """Of a server without data in clear: what a login may not see is not called encrypted."""
    server.sql("CREATE USER some@localhost; GRANT PROCESS ON *.* TO some@localhost;"
               "GRANT SELECT ON performance_schema.* TO some@localhost")
    login = ["--login-file", login_file(server.directory, "some"), "--client", client(server)]
    told = in_clear(server, "skipped", login)
    assert "that the login does not see were not judged" in told
    assert "binary logs were not judged: ERROR 1227" in told and "REPLICATION CLIENT" in told
    server.sql("GRANT REFERENCES ON *.* TO some@localhost")
    assert in_clear(server, "skipped", login).startswith("binary logs were not judged")
    server.sql("GRANT REPLICATION CLIENT ON *.* TO some@localhost")
    assert "relay" not in in_clear(server, "ok", login)
    server.sql("CHANGE REPLICATION SOURCE TO SOURCE_HOST='nowhere'")
    assert "relay logs of the time before were not judged" in in_clear(server, "ok", login)
    server.sql("RESET REPLICA ALL; CREATE TABLE new.unseen (a INT) ENGINE=MyISAM ENCRYPTION='N'")
    assert "new.unseen" in in_clear(server, "warning", login)
    server.sql("DROP TABLE new.unseen; DROP USER some@localhost")


@pytest.mark.sid
def test_mysql(kms, make_kms_mysql):
    server = make_kms_mysql(binlog=True)
    server.start()
    server.sql("CREATE DATABASE old")
    write(server, OLD, "old", "InnoDB")
    told = in_clear(server, "warning", words(server))
    assert "old/InnoDB" in told and "binlog_encryption=OFF" in told
    assert "persist_sensitive_variables_in_plaintext=ON" in told
    server.restart()
    assert shown(server, OLD, "old/*") == ["InnoDB.ibd"], "the search finds nothing"
    server.stop()
    server.options += settings("MySQL and Percona Server")
    server.start()
    queries = statements("MySQL: what is still in clear")
    assert {"mysql", "sys/sys_config", "old/InnoDB", "old"} <= {
        row[0] for row in rows(server, queries)}
    once = statements("MySQL and Percona Server")
    for statement in once[:2]:
        server.sql(statement)
    databases, tables = once[2:]
    for statement, in server.sql(tables):
        server.sql(statement)
    told = in_clear(server, "warning", words(server))
    assert "1 database with DEFAULT ENCRYPTION='N', where new tables are in clear: old" in told
    assert re.search(r"\d binary logs? in clear: binlog.000001", told), told
    assert "tablespace" not in told, told
    for statement, in server.sql(databases):
        server.sql(statement)
    assert "database" not in in_clear(server, "warning", words(server))
    purge(server)
    server.sql("CREATE DATABASE new")
    write(server, NEW, "new", "InnoDB")
    server.sql("CREATE TABLE old.later (a INT);"  # In a database of the time before.
               "CREATE TABLESPACE shared ADD DATAFILE 'shared.ibd' ENCRYPTION='Y';"
               "CREATE TABLE old.shared (a INT) TABLESPACE shared")
    assert rows(server, queries) == []
    assert in_clear(server, "ok", words(server)).startswith("every tablespace but")
    check_logins(server)
    server.sql("CREATE TABLE new.MyISAM (a INT) ENGINE=MyISAM ENCRYPTION='N'")
    assert rows(server, queries) == [("new.MyISAM", "MyISAM")]
    server.restart()
    assert [server.value(f"SELECT COUNT(*) FROM {d}.InnoDB") for d in ("old", "new")] == ["100"] * 2
    server.stop()
    assert shown(server, OLD, "old/*") == [] and shown(server, NEW) == []
    server.start()
    decrypt_mysql(server)
    (server.program_directory / "mysqld.my").unlink()
    use_without_a_key(server, "InnoDB")
