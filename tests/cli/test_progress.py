# SPDX-License-Identifier: MIT
"""A bar on a terminal for what takes longer than a second, over MariaDB's key sets and key files.
That of component files: test_contract.py."""

import re
import subprocess

import pytest

import ctl
from lab import key_set

# A key set is read after one call of KMS; key files take one a key, and several for a new one.
SET_MS, FILES_MS = 1100, 450


@pytest.fixture
def a_set(make_keyring):
    keyring = make_keyring("aws_key_management")
    keyring.write("latest 1", "rotate 1", "latest 2")
    assert (keyring.data / key_set.NAME).exists()
    return keyring


@pytest.fixture
def files(make_keyring):
    keyring = make_keyring("aws_key_management", key_store="FILES", load_parallelism=1)
    keyring.write("latest 1", "rotate 1", "latest 2")
    return keyring


class Slow:
    """KMS takes so long to answer."""

    def __init__(self, kms, milliseconds):
        self.kms, self.milliseconds = kms, milliseconds

    def __enter__(self):
        self.kms.latency(self.milliseconds)

    def __exit__(self, *_):
        self.kms.latency(0)


def shows(keyring, what: str, *words) -> None:
    """On a terminal it has a bar; in a pipe nothing is said, and the command succeeds."""
    shown = ctl.in_terminal(keyring, *words)
    assert re.search(re.escape(what) + r" \[[#.]+\] \d+/\d+", shown), shown
    assert "error" not in shown, shown


def test_a_key_set(a_set, kms):
    with Slow(kms, SET_MS):
        shows(a_set, "verifying keys", "verify", *a_set.where())
        done = a_set.ctl("verify")
    assert done.code == 0 and done.err == "" and "3 keys can be read" in done.out
    assert "keys [" not in ctl.in_terminal(a_set, "verify", *a_set.where())


def test_key_files(files, kms):
    with Slow(kms, FILES_MS):
        shows(files, "verifying keys", "verify", *files.where())
    assert "keys [" not in ctl.in_terminal(files, "verify", *files.where())


@pytest.mark.long
def test_every_command_over_a_key_set(a_set, kms, directory):
    private, public = directory / "private.pem", directory / "public.pem"
    subprocess.run(["openssl", "genrsa", "-out", private, "3072"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], check=True,
                   capture_output=True)
    a_set.option_file.write_text(a_set.option_file.read_text() +
                                 f"aws_key_management_recovery_public_key={public}\n"
                                 "aws_key_management_startup_deadline=20\n")
    with Slow(kms, SET_MS):
        shows(a_set, "opening keys", "check", *a_set.where())
        shows(a_set, "reading keys", "rewrap", "--yes", *a_set.where())  # Adds the recovery slot.
        shows(a_set, "reading keys", "rewrap", "--yes", *a_set.where())
        shows(a_set, "reading keys", "convert", *a_set.where(), "--to", "raw", "--output",
              directory / "raw", "--yes")
        shows(a_set, "reading keys", "recover", *a_set.where(), "--private-key", private,
              "--output", directory / "recovered", "--yes")


@pytest.mark.long
def test_every_command_over_key_files(files, kms, directory):
    with Slow(kms, FILES_MS):
        shows(files, "opening keys", "check", *files.where())
        shows(files, "opening keys", "rewrap", "--yes", *files.where())
        shows(files, "reading keys", "convert", *files.where(), "--to", "bound", "--output",
              directory / "bound", "--yes")
        shows(files, "wrapping keys", "convert", *files.where(), "--to", "raw", "--output",
              directory / "raw", "--yes")


@pytest.mark.long
@pytest.mark.parametrize("store", ["FILES", "SEALED"])
def test_migration_between_the_products_of_mariadb(make_keyring, kms, directory, store):
    aws = make_keyring("aws_key_management", key_store=store)
    kmip = make_keyring("kmip_key_management")
    aws.write("latest 1", "rotate 1", "latest 2")
    options = directory / "my.cnf"
    options.write_text("[mysqld]\n" + "\n".join(
        word.removeprefix("--") for word in aws.variables + kmip.variables) + "\n")
    with Slow(kms, SET_MS):
        shows(aws, "reading keys", "migrate", f"aws_key_management:{options}",
              f"kmip_key_management:{options}", "--datadir", aws.data, "--yes")
