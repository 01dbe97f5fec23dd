#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev demo mariadb: MariaDB with everything encrypted by keys that an (emulated) AWS KMS
protects."""

import pathlib
import secrets
import sys
import time

import story
from story import check, say, step

from lab import aws_plugin, emulator, key_set, mariadb, process

ROWS = 2000


def fill(server: mariadb.MariaDB, marker: str) -> None:
    """Two tables whose every row holds the marker, once more in the binary log and the redo log."""
    rows = ",".join(f"({n},'{marker} row {n}')" for n in range(1, ROWS + 1))
    server.sql(f"""CREATE DATABASE shop;
        CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(100)) ENGINE=InnoDB;
        CREATE TABLE shop.archive (id INT PRIMARY KEY, note VARCHAR(100)) ENGINE=Aria;
        INSERT INTO shop.orders VALUES {rows};
        INSERT INTO shop.archive SELECT * FROM shop.orders;
        UPDATE shop.orders SET note=CONCAT(note,'!') WHERE id % 7 = 0;""")


def files_with(directory: pathlib.Path, marker: str) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*")
                  if path.is_file() and marker.encode() in path.read_bytes())


def content(server: mariadb.MariaDB) -> list[tuple[str, ...]]:
    return server.sql(
        "SELECT * FROM shop.orders ORDER BY id; SELECT * FROM shop.archive ORDER BY id"
    )


def keys_of(server: mariadb.MariaDB) -> str:
    return ", ".join(f"key {key} version {version}"
                     for key, version in sorted(key_set.versions(server.data)))


def from_key_files(directory: pathlib.Path, kms: emulator.Emulator) -> None:
    """A server that has key files, as MariaDB's own plugin makes them, gets a key set."""
    server = mariadb.MariaDB(
        directory / "files", plugins=[aws_plugin.PLUGIN], environment=kms.environment(),
        options=aws_plugin.options(kms, master_key_id=kms.alias, store="AUTO"),
    ).start("--aws-key-management-key-store=FILES", "--aws-key-management-bind-key-id=OFF")
    aws_plugin.make_tables(server, {"a": 1, "b": 5})
    files = aws_plugin.key_files(server.data).values()
    say("key files: " + ", ".join(sorted(path.name for path in files)))
    server.restart("--aws-key-management-key-store=SEALED")
    check("imported 2 key versions" in aws_plugin.said(server), "imported, opened again, compared")
    check(all(aws_plugin.readable(server, name) for name in "ab"), "the tables are read")
    server.stop()
    server.launch("--aws-key-management-key-store=FILES", "--aws-key-management=FORCE")
    check(server.process.wait(30) != 0, "back to files without a conversion is refused:")
    say(aws_plugin.said(server).splitlines()[-1])


def demo(directory: pathlib.Path) -> None:
    marker = f"TOP-SECRET-{secrets.token_hex(8)}"

    step("An emulated AWS KMS starts. It checks every signature, as AWS does.")
    kms = emulator.Emulator(directory / "kms").start()
    say(f"{kms.url}, region {kms.region}, one KMS key: {kms.alias}")

    step(
        "MariaDB starts with our aws_key_management.so. Tables, redo log, binary log and temporary "
        "files are"
        " to be encrypted."
    )
    server = mariadb.MariaDB(
        directory / "encrypted",
        plugins=[aws_plugin.PLUGIN],
        environment=kms.environment(),
        options=[
            *aws_plugin.options(kms, master_key_id=kms.alias, store="AUTO"),
            *aws_plugin.ENCRYPT_ALL,
        ],
    ).start()
    row = server.sql("SELECT PLUGIN_STATUS, PLUGIN_MATURITY FROM information_schema.ALL_PLUGINS"
                     " WHERE PLUGIN_NAME='aws_key_management'")
    say(f"MariaDB {server.installation.version}, plugin {' '.join(row[0])}")
    check(not aws_plugin.key_files(server.data) and (server.data / key_set.NAME).exists(),
          f"all keys are in one file, {key_set.NAME}, that only KMS can open: {keys_of(server)}")

    step(f"An InnoDB and an Aria table get {ROWS} rows that all contain {marker}.")
    fill(server, marker)
    before = content(server)
    twin = mariadb.MariaDB(
        directory / "plain", options=["--log-bin=binlog", "--server-id=1"]
    ).start()
    fill(twin, marker)
    say("A twin server without encryption gets the same rows.")

    step("Both shut down. Every byte of both data directories is searched for the marker.")
    server.stop()
    twin.stop()
    plain = files_with(twin.data, marker)
    say("found in the plain twin: " + ", ".join(plain))
    check(
        {"shop/orders.ibd", "shop/archive.MAD", "binlog.000001"} <= set(plain),
        "the search finds what is there",
    )
    check(
        files_with(server.data, marker) == [],
        "the encrypted server's directory does not contain it anywhere",
    )

    step("The server starts again: one call of KMS opens all keys, and everything is read back.")
    kms.reset_counters()
    server.start()
    check(kms.calls("Decrypt") == 1, "KMS was asked once")
    check(content(server) == before, f"{len(before)} rows are as they were")

    step(
        "Rotation: SET GLOBAL aws_key_management_rotate_key = -1 makes a new version of every key."
    )
    for _ in range(2):
        check(
            server.warnings_of("SET GLOBAL aws_key_management_rotate_key = -1") == [],
            "rotated without a warning",
        )
    check((1, 3) in key_set.versions(server.data), f"in the key set: {keys_of(server)}")
    check(len(key_set.appends(server.data)[-1]) > 1,
          "all that a rotation made is one durable write")
    say("InnoDB's threads re-encrypt what is more than one version behind, page by page ...")
    process.wait_until(lambda: aws_plugin.key_versions(server, "shop/orders")[0] == 3,
                       "the table to be encrypted with version 3", 60)
    server.restart()
    check(
        content(server) == before, "after a restart all rows are as they were, under the new keys"
    )

    step("KMS goes away.")
    kms.stop()
    server.sql("UPDATE shop.orders SET note=CONCAT(note,'?') WHERE id=1; FLUSH TABLES;"
               "INSERT INTO shop.archive VALUES (100000,'new'); FLUSH TABLES;")
    check(server.value("SELECT COUNT(*) FROM shop.orders") == str(ROWS),
          "new connections, reads and writes go on: the keys in use are in memory")
    began = time.monotonic()
    warnings = server.warnings_of("SET GLOBAL aws_key_management_rotate_key = 1")
    check(
        warnings != [], f"a rotation needs KMS, and says so after {time.monotonic() - began:.1f} s:"
    )
    say(warnings[0][-1])

    step("KMS comes back.")
    kms.start()
    check(
        server.warnings_of("SET GLOBAL aws_key_management_rotate_key = 1") == [],
        "rotation works again",
    )
    server.restart()
    check(server.value("SELECT note FROM shop.orders WHERE id=1").endswith("?"),
          "what was written without KMS is there after a restart")
    server.stop()
    check(files_with(server.data, marker) == [], "and still nothing readable on disk")

    step("A server with key files gets a key set: aws_key_management_key_store = SEALED.")
    from_key_files(directory, kms)
    kms.stop()


if __name__ == "__main__":
    sys.exit(story.run(demo))
