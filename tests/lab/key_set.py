# SPDX-License-Identifier: MIT
"""MariaDB's key set (aws-kms-key-set) as docs/file_formats.md has it, as far as it can be read
without its data key."""

import hashlib
import pathlib
import struct

NAME = "aws-kms-key-set"
MADE = "aws-kms-key-set-made"
MAGIC = b"\x89OKRS\r\n\x1a"
PUT, DONE, PUT_ALL = 1, 3, 4


class _Fields:
    def __init__(self, data: bytes):
        self.data = data

    def take(self, size: int) -> bytes:
        assert len(self.data) >= size, "truncated"
        found, self.data = self.data[:size], self.data[size:]
        return found

    def number(self, form: str) -> int:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def field(self) -> str:
        return self.take(self.number(">H")).decode()


def header(directory: pathlib.Path) -> tuple[dict[str, str], int]:
    """(the pairs that it is bound to, where its records start); the checksum is checked."""
    content = (directory / NAME).read_bytes()
    fields = _Fields(content)
    assert fields.take(8) == MAGIC
    version, size = fields.number(">H"), fields.number(">I")
    assert version == 2, "it may have put-all records"
    assert hashlib.sha256(content[: size - 32]).digest() == content[size - 32 : size]
    fields.take(16 + 8)
    assert fields.number(">H") == 1, "features"
    pairs = dict((fields.field(), fields.field()) for _ in range(fields.number(">H")))
    return pairs, size


def appends(directory: pathlib.Path) -> list[list[tuple[int, int, str]]]:
    """(key id, version, type) of all keys, by the append that they came with."""
    _, start = header(directory)
    rest = _Fields((directory / NAME).read_bytes()[start:])
    found = []
    while rest.data:
        assert rest.take(3) == b"OKR"
        kind, size = rest.number(">B"), rest.number(">I")
        rest.take(8 + 4)
        body = _Fields(rest.take(size))
        if kind == DONE:
            continue
        assert kind in (PUT, PUT_ALL), kind
        body.take(32)
        found.append([])
        for _ in range(body.number(">I") if kind == PUT_ALL else 1):
            key_id, version, key_type = body.field(), body.field(), body.field()
            found[-1].append((int(key_id), int(version), key_type))
            if kind == PUT_ALL:
                body.take(4)
    return found


def versions(directory: pathlib.Path) -> dict[tuple[int, int], str]:
    """The types by (key id, version)."""
    return {(key_id, version): key_type for append in appends(directory)
            for key_id, version, key_type in append}


def options(store: str = "AUTO", source: str = "KMS") -> list[str]:
    return [f"--aws-key-management-key-store={store}", f"--aws-key-management-key-source={source}"]
