#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev demo mysql-kms: MySQL with a keyring file that an (emulated) AWS KMS seals."""

import pathlib
import secrets
import struct
import sys
import time

import story
from story import check, reload_error, say, step

from lab import emulator, kms_component
from lab.kms_component import NAME

ROWS = 500
PREFIX = 20  # Bytes of a record before its size counts: docs/file_formats.md.


def records(content: bytes) -> list[tuple[int, int]]:
    """(start, end) of every stored key in a sealed file, its done mark left out."""
    at, = struct.unpack_from(">I", content, 10)
    found = []
    while at < len(content):
        kind, (size,) = content[at + 3], struct.unpack_from(">I", content, at + 4)
        if kind == 1:
            found.append((at, at + PREFIX + size))
        at += PREFIX + size
    return found


def swapped(content: bytes) -> bytes:
    """The same file with two records of one size exchanged."""
    by_size: dict[int, list[tuple[int, int]]] = {}
    for start, end in records(content):
        by_size.setdefault(end - start, []).append((start, end))
    (a, a_end), (b, b_end) = next(places for places in by_size.values() if len(places) > 1)[:2]
    return content[:a] + content[b:b_end] + content[a_end:b] + content[a:a_end] + content[b_end:]


def show_status(server, *names: str) -> None:
    status = server.status()
    for name in names:
        say(f"  {name:18} {status[name]}")


def start_and_fill(directory: pathlib.Path, kms, marker: str) -> kms_component.MySQLWithKms:
    step(
        "MySQL starts with our component_keyring_kms.so: a manifest beside the server's program "
        "names it, a JSON"
        " file in the plugin directory configures it."
    )
    server = kms_component.MySQLWithKms(directory / "mysql", kms)
    say((server.program_directory / "mysqld.my").read_text())
    say((server.plugin_directory / f"{NAME}.cnf").read_text())
    server.start()
    check(server.status()["Component_status"] == "Active" and server.keyring_keys() == [],
          f"MySQL {server.installation.version} has an empty keyring in {server.keyring.name}")
    rows = ",".join(f"({n},'{marker} row {n}')" for n in range(1, ROWS + 1))
    step(
        f"Two tables get {ROWS} rows that all contain {marker}: one is encrypted, the other is not."
    )
    server.sql(f"""CREATE DATABASE shop;
        CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(100)) ENCRYPTION='Y';
        CREATE TABLE shop.open (id INT PRIMARY KEY, note VARCHAR(100)) ENCRYPTION='N';
        INSERT INTO shop.orders VALUES {rows}; INSERT INTO shop.open SELECT * FROM shop.orders;
        CREATE USER app@localhost IDENTIFIED BY 'app'; GRANT EXECUTE ON *.* TO app@localhost;""")
    say("InnoDB asked for a master key: " + server.keyring_keys()[0][0])
    return server


def look_at_the_files(server, marker: str) -> None:
    step("It shuts down, and every byte of the tables' files is searched for the marker.")
    server.stop()
    tables = {
        name: (server.data / "shop" / f"{name}.ibd").read_bytes() for name in ("orders", "open")
    }
    check(marker.encode() in tables["open"], "the search finds it in the open table")
    check(marker.encode() not in tables["orders"], "the encrypted table does not contain it")
    say("(Redo, undo and binary logs have encryption options of their own, which are off here.)")


def one_call_a_start(kms, server, before) -> None:
    step("A start costs one call of KMS, however many keys there are. A store costs none.")
    kms.reset_counters()
    server.start()
    check(kms.counters()["operations"] == {"Decrypt": 1}, "the start: one Decrypt")
    check(
        server.sql("SELECT * FROM shop.orders ORDER BY id") == before,
        f"{len(before)} rows are as they were",
    )
    server.install_udf()
    kms.reset_counters()
    for number in range(50):
        server.sql(f"SELECT keyring_key_generate('key {number:02}','AES',32)")
    for _ in range(3):
        server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY")
    check(
        kms.counters()["operations"] == {},
        "50 keys by SQL function and three new InnoDB master keys: no call",
    )
    kms.reset_counters()
    server.restart()
    check(kms.counters()["operations"] == {"Decrypt": 1},
          f"the next start, with {len(server.keyring_keys())} keys: one Decrypt again")
    check(
        server.sql("SELECT * FROM shop.orders ORDER BY id") == before,
        "the rows open under the newest master key",
    )


def look_at_the_key_file(server) -> None:
    step("What lies in the key file.")
    key = bytes.fromhex(server.value("SELECT HEX(keyring_key_fetch('key 07'))"))
    content = server.keyring.read_bytes()
    say(f"{server.keyring.name}: {len(content)} bytes, {len(records(content))} keys, mode"
        f" {server.keyring.stat().st_mode & 0o777:o}")
    check(b"key 07" in content and b"INNODBKey-" in content, "names of keys stand in the clear")
    check(
        not any(form in content for form in (key, key.hex().encode(), key.hex().upper().encode())),
        "a key that SQL can fetch is not in it, raw or in hex",
    )
    show_status(
        server,
        "Data_file",
        "KeyId",
        "Keys",
        "File_format",
        "Wrapping_key",
        "Backend_reachable",
        "Credential_source",
        "Endpoint",
        "Last_failure",
    )


def owners(server) -> None:
    step("Users have keys of their own, and keep them over a restart.")
    app = ("--user=app", "--password=app")
    server.sql("SELECT keyring_key_store('mine','SECRET','what app stored')", login=app)
    server.restart()
    check(
        server.sql("SELECT keyring_key_fetch('mine')", login=app) == [("what app stored",)],
        "app finds its key",
    )
    check(
        server.value("SELECT keyring_key_fetch('mine')") == "NULL", "root finds none of that name"
    )


def without_kms(kms, server, before) -> None:
    step("KMS goes away.")
    kms.stop()
    server.sql(
        "ALTER INSTANCE ROTATE INNODB MASTER KEY; UPDATE shop.orders SET note=CONCAT(note,'?') "
        "WHERE id=1;"
        "CREATE TABLE shop.late (id INT) ENCRYPTION='Y'; INSERT INTO shop.late VALUES (1)"
    )
    check(server.value("SELECT keyring_key_generate('without KMS','AES',32)") == "1",
          "keys can be made, the master key rotates, encrypted tables are made, read and written")
    began = time.monotonic()
    reason = reload_error(server)
    check(
        server.status()["Component_status"] == "Active",
        f"a reload needs KMS, fails after {time.monotonic() - began:.1f} s, and the old keyring "
        f"remains in service:",
    )
    say(reason)

    step("The server is started again although KMS is still away.")
    server.stop()
    server.start()
    check(
        server.status()["Component_status"] == "Disabled",
        "it comes up without a keyring, and says so:",
    )
    show_status(server, "Component_status", "Last_failure")
    line = next(line for line in server.last_log().splitlines() if "[MY-013714]" in line)
    say("error log: " + line[line.index("[ERROR]"):])
    code, text = server.run_error("SELECT * FROM shop.late")
    check(code != 0 and server.value("SELECT COUNT(*) FROM shop.open") == str(ROWS),
          "encrypted tables are refused, others are served:")
    say(text.strip())

    step("KMS comes back: ALTER INSTANCE RELOAD KEYRING.")
    kms.start()
    server.reload()
    check(
        server.status()["Component_status"] == "Active", "the keyring is there, without a restart"
    )
    after = server.sql("SELECT * FROM shop.orders ORDER BY id")
    check(
        after[0][1] == before[0][1] + "?" and after[1:] == before[1:],
        "with it the table, as it was written last",
    )
    say(
        "(A table that was asked for in between, like shop.late, is refused by InnoDB until the "
        "next restart.)"
    )


def another_kms_key(kms, server) -> None:
    step("Another KMS key: kms_key is changed in the configuration, and the keyring reloaded.")
    old = server.status()["Wrapping_key"]
    kms.control("POST", "/keys", {"region": kms.region, "alias": "alias/next-year"})
    server.configure(kms_key="alias/next-year")
    kms.reset_counters()
    server.reload()
    say(f"from {old}")
    say(f"to   {server.status()['Wrapping_key']}")
    check(
        server.status()["Wrapping_key"] != old,
        "the file is resealed, with "
        + ", ".join(
            f"{count} {name}" for name, count in sorted(kms.counters()["operations"].items())
        ),
    )
    kms.control("POST", f"/keys/{old.split('/')[-1]}/state", {"state": "Disabled"})
    server.restart()
    check(
        server.sql("SELECT COUNT(*) FROM shop.orders UNION ALL SELECT COUNT(*) FROM shop.late")
        == [(str(ROWS),), ("1",)],
        "the old KMS key, now disabled, is not missed",
    )


def tampering(server) -> None:
    step("Somebody who can write the key file tries to swap two keys, and to rename one.")
    good = server.keyring.read_bytes()
    keys = server.keyring_keys()
    renamed = good.replace(b"key 07", b"key 99", 1)
    for what, content in (
        ("two records are exchanged", swapped(good)),
        ("a name is edited", renamed),
    ):
        server.keyring.write_bytes(content)
        reason = reload_error(server)
        check(
            server.keyring_keys() == keys, f"{what}: refused, and the keyring in memory serves on:"
        )
        say(reason)
    server.keyring.write_bytes(good)
    server.reload()
    check(server.keyring_keys() == keys and server.status()["Last_failure"] == "<NONE>",
          "with the right bytes put back, a reload is content")


def demo(directory: pathlib.Path) -> None:
    marker = f"TOP-SECRET-{secrets.token_hex(8)}"
    step("An emulated AWS KMS starts. It checks every signature, as AWS does.")
    kms = emulator.Emulator(directory / "kms").start()
    say(f"{kms.url}, region {kms.region}, one KMS key: {kms.alias}")
    server = start_and_fill(directory, kms, marker)
    before = server.sql("SELECT * FROM shop.orders ORDER BY id")
    look_at_the_files(server, marker)
    one_call_a_start(kms, server, before)
    look_at_the_key_file(server)
    owners(server)
    without_kms(kms, server, before)
    another_kms_key(kms, server)
    tampering(server)
    server.stop()
    kms.stop()


if __name__ == "__main__":
    sys.exit(story.run(demo))
