# SPDX-License-Identifier: MIT
"""Several emulators of AWS KMS, each a region of one account, as key slots want them."""

import contextlib
import json
import pathlib
import secrets
from collections.abc import Iterator

from . import emulator, process

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")


class Region(emulator.Emulator):
    """One region: its own endpoint and key, the credentials of all."""

    @property
    def key_arn(self) -> str:
        keys = self.control("GET", "/keys")["keys"]
        return next(key["arn"] for key in keys if self.alias in json.dumps(key["aliases"]))

    @property
    def entry(self) -> dict:
        """This key in the list that kms_key is. A region that is down is configured, too."""
        if self.running():
            self._entry = {"key": self.key_arn, "endpoint_url": self.url}
        return dict(self._entry)

    def set_key_state(self, state: str) -> None:
        key = self.entry["key"].rpartition("/")[2]
        self.control("POST", f"/keys/{key}/state", {"state": state})

    def repair(self) -> None:
        """As it was at the beginning, whatever a test has done."""
        if not self.running():
            self.start()
        self.clear_faults()
        self.latency(0)
        self.set_key_state("Enabled")


def start(directory: pathlib.Path, count: int = 2) -> list[Region]:
    access_key = f"AKIA{secrets.token_hex(8).upper()}:{secrets.token_urlsafe(30)}"
    return [
        Region(
            directory / name, alias="alias/db", region=name, options=["--access-key", access_key]
        ).start()
        for name in REGIONS[:count]
    ]


@contextlib.contextmanager
def running(name: str) -> Iterator[list[Region]]:
    """Two regions in a directory of their own, for the tests of a module."""
    directory = process.new_directory(name)
    regions = start(directory)
    try:
        yield regions
    finally:
        for one in regions:
            one.kill()
        process.remove_directory(directory)


def keys(*regions: Region) -> dict:
    """The options of a component whose file these keys open, for MySQLWithKms.configure."""
    return {"kms_key": [one.entry for one in regions], "region": None, "endpoint_url": None}
