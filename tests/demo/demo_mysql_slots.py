#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev demo mysql-slots: a keyring file that several keys open. A region is lost, a KMS key is
deleted, and in the end everything that AWS has: the recovery key remains."""

import json
import pathlib
import re
import subprocess
import sys
import time

import story
from story import check, say, step

from lab import kms_component, kms_regions
from lab.kms_component import NAME
from lab.patience import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = 200


def openssl(*arguments) -> None:
    say("openssl " + " ".join(str(one) for one in arguments))
    subprocess.run(["openssl", *map(str, arguments)], check=True, timeout=seconds(60))


def show_slots(server) -> None:
    status = server.status()
    for name in ("Slots", "Slots_opening", "Slot_opened", "Slots_failed", "Slots_untried",
                 "Slots_missing", "Slots_foreign"):
        say(f"  {name:15} {status[name]}")


def make_recovery_key(safe: pathlib.Path, public: pathlib.Path) -> pathlib.Path:
    step("A key pair for the day when AWS is gone. The private half goes into a safe; the server "
         "gets the public half, which opens nothing.")
    safe.mkdir(mode=0o700)
    private = safe / "recovery-private.pem"
    openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-out",
            private)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    return private


def start_and_fill(directory, regions, public) -> kms_component.MySQLWithKms:
    step("MySQL starts with KMS keys of two regions and that public key.")
    server = kms_component.MySQLWithKms(
        directory / "mysql", regions[0],
        more={**kms_regions.keys(*regions), "recovery_public_key": str(public)},
        environment={"AWS_MAX_ATTEMPTS": "1"})
    say((server.plugin_directory / f"{NAME}.cnf").read_text())
    server.start()
    show_slots(server)
    status = server.status()
    check(status["Slots"] == "3" and status["Slots_opening"] == "2",
          "the file has a key slot for each; the two of KMS were opened when they were made")
    rows = ",".join(f"({n},'row {n}')" for n in range(1, ROWS + 1))
    server.sql(f"""CREATE DATABASE shop;
        CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(100)) ENCRYPTION='Y';
        INSERT INTO shop.orders VALUES {rows}""")
    server.install_udf()
    server.sql("SELECT keyring_key_generate('of the demo','AES',32)")
    return server


def is_intact(server) -> bool:
    return server.value("SELECT COUNT(*) FROM shop.orders") == str(ROWS)


def lose_a_region(regions, server) -> None:
    step("The first region hangs: connections are accepted, and nothing is answered.")
    server.stop()
    began = time.monotonic()
    server.start()
    usual = time.monotonic() - began
    server.stop()
    regions[0].pause()
    began = time.monotonic()
    server.start()
    took = time.monotonic() - began
    check(is_intact(server), f"the server is up after {took:.1f} s instead of {usual:.1f} s, with "
                             "all rows: a second later the other region was asked")
    show_slots(server)
    warning = next(line for line in server.last_log().splitlines() if "could not be opened" in line)
    say("error log: " + warning[warning.index("[Warning]"):])
    regions[0].resume()


def lose_a_key(regions, server, public) -> None:
    step("The region is back, but somebody has scheduled its KMS key for deletion.")
    regions[0].set_key_state("PendingDeletion")
    server.restart()
    check(is_intact(server), "the second key serves:")
    say(server.status()["Slots_failed"])

    step("A new KMS key takes its place, in a third region that is not up yet.")
    regions[2].stop()
    server.configure(**kms_regions.keys(regions[2], regions[1]), recovery_public_key=str(public))
    server.reload()
    check(regions[2].entry["key"] in server.status()["Slots_missing"],
          "that does not keep the keyring from serving; its slot is missing:")
    say(server.status()["Slots_missing"])
    regions[2].start()
    server.reload()
    status = server.status()
    check(status["Slots_missing"] == "<NONE>" and status["Slots"] == "4",
          "the next load adds it. The slot of the deleted key stays until keyringctl removes it:")
    say(status["Slots_foreign"])


def lose_everything(directory, regions, server, private) -> None:
    step("The AWS account is closed. What is left: the data, the keyring file, and the safe.")
    value = server.value("SELECT HEX(keyring_key_fetch('of the demo'))").lower()
    number = re.search(r"key slot (\d+) \(public-key", server.status()["Slots_untried"])[1]
    server.stop()
    for one in regions:
        one.stop()
    recover = ["/usr/bin/python3", str(ROOT / "docs" / "recover_sealed_keyring.py")]
    say(f"docs/recover_sealed_keyring.py --slot {number} --blob keys > blob")
    blob = directory / "safe" / "blob"
    blob.write_bytes(subprocess.run([*recover, "--slot", number, "--blob", str(server.keyring)],
                                    check=True, capture_output=True, timeout=seconds(60)).stdout)
    key = directory / "safe" / "data-key"
    openssl("pkeyutl", "-decrypt", "-inkey", private, "-in", blob, "-out", key, "-pkeyopt",
            "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256")
    say("docs/recover_sealed_keyring.py --data-key data-key keys")
    shown = subprocess.run([*recover, "--data-key", str(key), str(server.keyring)], check=True,
                           capture_output=True, timeout=seconds(60), text=True).stdout
    names = [json.loads(line).get("data_id", "") for line in shown.splitlines()]
    check(value in shown.lower(), f"{len(names)} keys are recovered, without AWS and without "
                                  "OpenKeyring; the demo's own is the one that SQL has shown")


def demo(directory: pathlib.Path) -> None:
    step("Three emulators of AWS KMS, each a region of one account.")
    regions = kms_regions.start(directory, 3)
    for one in regions:
        say(f"{one.entry['key']} at {one.url}")
    public = directory / "recovery.pem"
    private = make_recovery_key(directory / "safe", public)
    server = start_and_fill(directory, regions[:2], public)
    lose_a_region(regions, server)
    lose_a_key(regions, server, public)
    lose_everything(directory, regions, server, private)


if __name__ == "__main__":
    sys.exit(story.run(demo))
