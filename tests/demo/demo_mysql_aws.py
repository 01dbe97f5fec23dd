#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev demo mysql-aws: MySQL's plugin keyring_aws on an (emulated) AWS KMS."""

import pathlib
import secrets
import sys

import story
from story import check, say, step

from lab import aws_keyring_plugin, emulator
from lab.aws_keyring_plugin import FUNCTIONS, INSTALL, UNINSTALL

ROWS = 500


def start_and_fill(
    directory: pathlib.Path, kms, marker: str
) -> aws_keyring_plugin.MySQLWithKeyringAws:
    step(
        "MySQL starts with --early-plugin-load=keyring_aws.so. The conf file has two lines: access "
        "key id and secret key."
    )
    server = aws_keyring_plugin.MySQLWithKeyringAws(directory / "mysql", kms)
    server.start()
    check(
        server.sql(
            "SELECT plugin_status FROM information_schema.plugins WHERE plugin_name='keyring_aws'"
        )
        == [("ACTIVE",)],
        f"MySQL {server.installation.version} has the plugin, and the plugin a new, empty keyring "
        f"file",
    )
    rows = ",".join(f"({n},'{marker} row {n}')" for n in range(1, ROWS + 1))
    step(f"A table of {ROWS} rows that contain {marker} is encrypted.")
    server.sql(f"""CREATE DATABASE shop;
        CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(100)) ENCRYPTION='Y';
        INSERT INTO shop.orders VALUES {rows}""")
    check(
        any(key.startswith("INNODBKey") for key, _ in server.keyring_keys()),
        "InnoDB's master key is in the keyring",
    )
    server.install_udf()
    server.sql(
        "SELECT keyring_key_generate('MyKey','AES',32); SELECT "
        "keyring_key_store('password','SECRET','swordfish')"
    )
    check(b"swordfish" not in server.keyring.read_bytes(), "the keyring file has ciphertexts only")
    return server


def rotate(kms, server) -> None:
    step("The two functions of the plugin are made known, and called.")
    server.sql(FUNCTIONS)
    before = server.keyring.read_bytes()
    check(
        server.value("SELECT keyring_aws_rotate_cmk()") == "1",
        "KMS has rotated the key behind keyring_aws_cmk_id",
    )
    check(
        server.value("SELECT keyring_aws_rotate_keys()") == "1"
        and server.keyring.read_bytes() != before,
        "every stored key is re-encrypted under it",
    )
    check(
        server.value("SELECT keyring_key_fetch('password')") == "swordfish", "and opens as before"
    )
    code, text = server.run_error("SET GLOBAL keyring_aws_cmk_id='alias/no-such-key'")
    check(code == 3198, "a KMS key that KMS does not know is refused, with the reason:")
    say(text.strip())


def faults(kms, server) -> None:
    step("One of the keys fails while all are re-encrypted.")
    before = server.keyring.read_bytes()
    kms.fault("http_status", "ReEncrypt", status=400, code="AccessDeniedException")
    server.run_error("SELECT keyring_aws_rotate_keys()")
    check(server.keyring.read_bytes() == before, "all or nothing: the old file is whole")

    step("Somebody edits the keyring file under the running server.")
    server.keyring.write_bytes(before[:100] + b"X" + before[101:])
    check(
        server.value("SELECT keyring_key_store('new','SECRET','x')") in ("NULL", "0"),
        "changes are refused",
    )
    check(
        server.value("SELECT keyring_key_fetch('password')") == "swordfish",
        "the keys in memory remain available",
    )
    server.keyring.write_bytes(before)
    check(
        server.value("SELECT keyring_key_store('new','SECRET','x')") == "1",
        "the right file is back, and all is well",
    )

    step("KMS goes away.")
    kms.stop()
    check(
        server.value("SELECT COUNT(*) FROM shop.orders") == str(ROWS),
        "open tables are read: MySQL has their keys",
    )
    check(
        server.value("SELECT keyring_key_fetch('password')") == "NULL",
        "a key that must be decrypted is not available",
    )
    kms.start()
    check(server.value("SELECT keyring_key_fetch('password')") == "swordfish", "KMS is back")


def demo(directory: pathlib.Path) -> None:
    marker = f"TOP-SECRET-{secrets.token_hex(8)}"
    step("An emulated AWS KMS starts.")
    with emulator.Emulator(directory / "kms").start() as kms:
        say(kms.url)
        server = start_and_fill(directory, kms, marker)
        rotate(kms, server)
        faults(kms, server)
        step(
            "The server is killed and started again; then the plugin is reinstalled, which reads "
            "the conf file again."
        )
        server.kill()
        server.start()
        check(server.value("SELECT COUNT(*) FROM shop.orders") == str(ROWS), "the table is there")
        server.sql(f"{UNINSTALL};{INSTALL}")
        check(
            server.value("SELECT keyring_key_fetch('password')") == "swordfish", "so are the keys"
        )
        server.stop()
        step("Every byte of the table's file is searched for the marker.")
        check(
            marker.encode() not in (server.data / "shop" / "orders.ibd").read_bytes(),
            "it is not there",
        )


if __name__ == "__main__":
    sys.exit(story.run(demo))
