#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev demo mysql-kmip: MySQL with its keys on (emulated) KMIP servers, one of which fails."""

import pathlib
import secrets
import sys

import story
from story import check, reload_error, say, step

from lab import kmip_component, kmip_emulator
from lab.certificates import Authority
from lab.kmip_component import NAME

ROWS = 500


def show_status(server, *names: str) -> None:
    status = server.status()
    for name in names:
        say(f"  {name:26} {status[name]}")


def show_objects(kmip) -> None:
    for one in kmip.objects():
        say("  " + ", ".join(f"{name} {value}" for name, value in one.items() if value))


def start_and_fill(directory: pathlib.Path, kmip, marker: str) -> kmip_component.MySQLWithKmip:
    step(
        "MySQL starts with our component_keyring_kmip.so. Its configuration names two servers and "
        "its certificate."
    )
    server = kmip_component.MySQLWithKmip(directory / "mysql", kmip, more={
        "standby_servers": [f"127.0.0.1:{kmip.ports[1]}"], "object_group": "shop"})
    say((server.plugin_directory / f"{NAME}.cnf").read_text())
    server.start()
    check(server.status()["Component_status"] == "Active" and server.keyring_keys() == [],
          f"MySQL {server.installation.version} has an empty keyring")
    rows = ",".join(f"({n},'{marker} row {n}')" for n in range(1, ROWS + 1))
    step(f"A table of {ROWS} rows that contain {marker} is encrypted.")
    server.sql(f"""CREATE DATABASE shop;
        CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(100)) ENCRYPTION='Y';
        INSERT INTO shop.orders VALUES {rows};
        CREATE USER app@localhost IDENTIFIED BY 'app'; GRANT EXECUTE ON *.* TO app@localhost""")
    say("On the KMIP server there are now the marker of the group and InnoDB's master key:")
    show_objects(kmip)
    show_status(server, "Server_in_use", "Kmip_version", "Tls", "Object_group", "Keys")
    return server


def owners(kmip, server) -> None:
    step(
        "Users have keys of their own. Percona's component forgets whose they are at the next "
        "restart; this one does not."
    )
    server.install_udf()
    app = ("--user=app", "--password=app")
    server.sql("SELECT keyring_key_store('mine','SECRET','what app stored')", login=app)
    server.sql("SELECT keyring_key_generate('mine','AES',32)")
    server.restart()
    check(
        server.sql("SELECT keyring_key_fetch('mine')", login=app) == [("what app stored",)],
        "app finds its key after a restart",
    )
    check(
        server.value("SELECT keyring_key_length_fetch('mine')") == "32",
        "root finds its own of the same name",
    )
    show_objects(kmip)
    check(server.value("SELECT keyring_key_remove('mine')") == "1" and len(kmip.objects()) == 3,
          "what is removed is gone from the server")


def failover(kmip, server) -> None:
    step("The first KMIP server goes away.")
    kmip.stop_server(0)
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY")
    check(
        server.status()["Server_in_use"].endswith(str(kmip.ports[1])),
        "the standby made the next master key",
    )
    server.restart()
    check(
        server.value("SELECT COUNT(*) FROM shop.orders") == str(ROWS),
        "and a restart finds every key there",
    )

    step("The second goes away, too.")
    kmip.stop_server(1)
    server.sql("UPDATE shop.orders SET note=CONCAT(note,'!') WHERE id=1")
    check(
        server.value("SELECT COUNT(*) FROM shop.orders") == str(ROWS),
        "the table is read and written: keys are in memory",
    )
    code, text = server.run_error("ALTER INSTANCE ROTATE INNODB MASTER KEY")
    check(code != 0, "a new key cannot be made, and the server says so:")
    say(text.strip())
    reason = reload_error(server)
    check(
        server.status()["Component_status"] == "Active",
        "a reload fails, and the old keyring remains in service:",
    )
    say(reason)

    step("Both come back.")
    kmip.start_server(0)
    kmip.start_server(1)
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY; ALTER INSTANCE RELOAD KEYRING")
    check(server.status()["Last_failure"] == "<NONE>", "everything works again, without a restart")


def wrong_server(directory: pathlib.Path, kmip, server) -> None:
    step("Somebody puts another KMIP server in its place.")
    with kmip_emulator.KmipEmulator(
        directory / "impostor", Authority(directory / "other")
    ).start() as impostor:
        server.configure(server_port=impostor.port, standby_servers=[f"127.0.0.1:{impostor.port}"])
        reason = reload_error(server)
        check(impostor.objects() == [], "it is refused, and has seen no key:")
        say(reason)
    server.configure()
    server.reload()
    check(
        server.value("SELECT COUNT(*) FROM shop.orders") == str(ROWS),
        "with the right one everything is well",
    )


def demo(directory: pathlib.Path) -> None:
    marker = f"TOP-SECRET-{secrets.token_hex(8)}"
    step(
        "Two emulated KMIP servers start; they hold the same objects. TLS both ways, certificates "
        "of a new authority."
    )
    with kmip_emulator.KmipEmulator(directory / "kmip", servers=2).start() as kmip:
        say(f"127.0.0.1:{kmip.ports[0]} and 127.0.0.1:{kmip.ports[1]}")
        server = start_and_fill(directory, kmip, marker)
        owners(kmip, server)
        failover(kmip, server)
        wrong_server(directory, kmip, server)
        server.stop()
        step("Every byte of the table's file is searched for the marker.")
        check(
            marker.encode() not in (server.data / "shop" / "orders.ibd").read_bytes(),
            "it is not there",
        )


if __name__ == "__main__":
    sys.exit(story.run(demo))
