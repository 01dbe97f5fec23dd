#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev demo mariadb-kmip: MariaDB with its keys on (emulated) KMIP servers, one of which fails."""

import pathlib
import secrets
import sys

import story
from story import check, say, step

from lab import aws_plugin, kmip_emulator, kmip_plugin, mariadb, process
from lab.kmip_plugin import status

ROWS = 2000
ROTATE = "SET GLOBAL kmip_key_management_rotate_key="


def show_objects(kmip) -> None:
    for one in kmip.objects():
        say(f"  {one['names'][0]}: {one['type']}, {one['state']}, owner {one['owner']}")


def failing(kmip, server) -> None:
    step("The first KMIP server goes away, and keys are rotated.")
    kmip.stop_server(0)
    check(server.warnings_of(f"{ROTATE}-1") == [], "the second one made a new version of every key")
    show_objects(kmip)
    step("The second goes away, too.")
    kmip.stop_server(1)
    server.sql("UPDATE shop.orders SET note=CONCAT(note,'!') WHERE id=1; FLUSH TABLES")
    check(
        server.value("SELECT COUNT(*) FROM shop.orders") == str(ROWS),
        "tables are read and written: keys are in memory",
    )
    warning = aws_plugin.told(server.warnings_of(f"{ROTATE}1"))
    check("failed" in warning, "a rotation fails, with a warning:")
    say(warning.strip())
    step("Both come back.")
    kmip.start_server(0)
    kmip.start_server(1)
    process.wait_until(
        lambda: server.warnings_of(f"{ROTATE}1") == [], "the rotation", 20, every=0.3
    )
    check(True, "the rotation works again, without a restart")


def demo(directory: pathlib.Path) -> None:
    marker = f"TOP-SECRET-{secrets.token_hex(8)}"
    step(
        "Two emulated KMIP servers start; they hold the same objects. TLS both ways, certificates "
        "of a new authority."
    )
    with kmip_emulator.KmipEmulator(directory / "kmip", servers=2).start() as kmip:
        say(f"127.0.0.1:{kmip.ports[0]} and 127.0.0.1:{kmip.ports[1]}")
        step("MariaDB starts with our kmip_key_management.so; everything is to be encrypted.")
        options = kmip_plugin.options(
            kmip, servers=",".join(f"127.0.0.1:{port}" for port in kmip.ports), object_group="shop"
        )
        server = mariadb.MariaDB(
            directory / "m",
            plugins=[kmip_plugin.PLUGIN],
            options=[*options, *aws_plugin.ENCRYPT_ALL],
        ).start()
        say("\n".join(option for option in options if "key-management" in option))
        rows = ",".join(f"({n},'{marker} row {n}')" for n in range(1, ROWS + 1))
        step(f"A table gets {ROWS} rows that all contain {marker}.")
        server.sql(
            f"CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, note "
            f"VARCHAR(100)) ENGINE=InnoDB;"
            f"INSERT INTO shop.orders VALUES {rows}"
        )
        show_objects(kmip)
        for name, value in status(server).items():
            say(f"  {name:18} {value}")
        failing(kmip, server)
        step("It shuts down, and every byte of every file is searched for the marker.")
        server.stop()
        found = [
            path.name
            for path in server.data.rglob("*")
            if path.is_file() and marker.encode() in path.read_bytes()
        ]
        check(found == [], "it is nowhere")
        server.start()
        check(
            server.value("SELECT COUNT(*) FROM shop.orders") == str(ROWS),
            "after a start every row is there",
        )
        server.stop()


if __name__ == "__main__":
    sys.exit(story.run(demo))
