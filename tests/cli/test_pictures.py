# SPDX-License-Identifier: MIT
"""The terminal pictures in docs/keyringctl.md are what the tool prints.

`OPENKEYRING_WRITE_PICTURES=1 pytest tests/cli/test_pictures.py` writes them again.
"""

import json
import os
import re
import secrets
import urllib.parse

import ctl
import pytest

from lab import aws_client

DOCUMENT = ctl.ROOT / "docs" / "keyringctl.md"
BLOCK = re.compile(r"```text\n\$ keyringctl .*?\n```", re.S)
FIRST, SECOND = (f"{digit}234abcd-12ab-34cd-56ef-1234567890ab" for digit in "19")
REQUEST = "00000000-1111-2222-3333-444444444444"
FILE_ID = "0123456789abcdef0123456789abcdef"


class Machine:
    """A server with three keys, whose paths and identifiers are those of the document."""

    def __init__(self, keyring, kms):
        self.keyring, self.kms = keyring, kms
        self.keys = {}
        self.written: list[str] = []
        keyring.write("store INNODBKey-2f6b1b5a-1 - AES", "store INNODBKey-2f6b1b5a-2 - AES",
                      "store payroll app@% SECRET")
        # The alias of all tests is for others; a key of these has its own state.
        self.configure(FIRST, "alias/mysql-25")
        (keyring.data / "keyring").unlink()
        keyring.write("store INNODBKey-2f6b1b5a-1 - AES", "store INNODBKey-2f6b1b5a-2 - AES",
                      "store payroll app@% SECRET")

    def configure(self, shown: str, shown_alias: str) -> None:
        """A new KMS key, and an alias as long as the one that is shown: tables depend on it."""
        arn = aws_client.call(self.kms, "CreateKey")["KeyMetadata"]["Arn"]
        alias = f"alias/{secrets.token_hex(4)}"
        aws_client.call(self.kms, "CreateAlias", AliasName=alias, TargetKeyId=arn)
        self.keys[arn.rpartition("/")[2]] = shown
        self.keys[alias] = shown_alias
        options = json.loads(self.keyring.config.read_text())
        self.keyring.configure({**options, "kms_key": alias})

    def show(self, *lines: str) -> None:
        """What a terminal has after these commands."""
        text = ""
        for line in lines:
            done = self.keyring.ctl(line)
            text += f"$ keyringctl {line}\n{done.err}{done.out}"
            if done.code != 0:
                text += f"$ echo $?\n{done.code}\n"
        self.written.append(f"```text\n{self.as_documented(text)}```")

    def as_documented(self, text: str) -> str:
        for key, shown in self.keys.items():
            text = text.replace(key, shown)
        for path, shown in ((self.keyring.data / "keyring", "/var/lib/mysql-keyring/keyring"),
                            (self.keyring.plugin, "/usr/lib/mysql/plugin")):
            text = text.replace(str(path), shown)
        assert str(self.keyring.directory) not in text
        text = re.sub(r"file id: [0-9a-f]{32}", f"file id: {FILE_ID}", text)
        text = re.sub(r"request id [0-9a-f-]{36}", f"request id {REQUEST}", text)
        text = re.sub(r"clock differs by \d s", "clock differs by 0 s", text)
        return text.replace(f":{urllib.parse.urlsplit(self.kms.url).port}", ":8080").replace(
            "127.0.0.1", "kms.example")


@pytest.fixture
def machine(make_keyring, kms):
    return Machine(make_keyring("component_keyring_kms"), kms)


def test_the_pictures_in_the_guide_are_what_the_tool_prints(machine, kms):
    # What the machine of the test decides is left out.
    check = "check --skip confinement --skip memory-lock --skip start-timeout --skip tls"
    machine.show("list")
    machine.show("slot list", "slot list --check")
    machine.show(check)
    kms.control("POST", f"/keys/{list(machine.keys)[0]}/state", {"state": "PendingDeletion"})
    machine.show(check)
    kms.control("POST", f"/keys/{list(machine.keys)[0]}/state", {"state": "Enabled"})
    machine.configure(SECOND, "alias/mysql-26")
    machine.show("rewrap --dry-run", "rewrap --yes", "rewrap --yes")
    document = DOCUMENT.read_text()
    if os.environ.get("OPENKEYRING_WRITE_PICTURES"):
        pictures = iter(machine.written)
        document = BLOCK.sub(lambda _: next(pictures), document)
        DOCUMENT.write_text(document)
    assert BLOCK.findall(document) == machine.written
