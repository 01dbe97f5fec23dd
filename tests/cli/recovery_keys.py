# SPDX-License-Identifier: MIT
"""Recovery keys: RSA key pairs, of which the server gets the public half."""

import functools
import pathlib
import subprocess

from lab import process
from lab.patience import seconds


@functools.cache
def pair() -> tuple[pathlib.Path, pathlib.Path]:
    """The two halves, the private one first. The same for all tests: it takes a second."""
    directory = process.new_directory("recovery")
    private, public = directory / "recovery-private.pem", directory / "recovery.pem"
    for command in (["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072",
                     "-out", private], ["pkey", "-in", private, "-pubout", "-out", public]):
        subprocess.run(["openssl", *map(str, command)], check=True, timeout=seconds(60))
    return private, public
