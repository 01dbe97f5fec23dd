#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a sealed keyring file of component_keyring_kms without OpenKeyring.

  recover_sealed_keyring.py FILE                    what the file says about itself, and the names
  of its keys recover_sealed_keyring.py --blob FILE > blob      the wrapped data key; its encryption
  context goes to stderr recover_sealed_keyring.py --data-key KEY FILE     the keys, once KMS has
  unwrapped the data key into the file KEY

Keys are printed as JSON, one object a line. Needs Python 3 and nothing else: AES-256-GCM is below,
slow and not hardened against whoever can time it, so run it where you are alone. The file is only
read. The format is docs/file_formats.md, "Sealed keyring file".

Ends with 1 when the file is damaged (what stands before the damage is printed all the same), with 2
when it cannot be read at all.
"""

import argparse
import hashlib
import hmac
import json
import pathlib
import struct
import sys
from typing import Iterator, NamedTuple

MAGIC = b"\x89OKRS\r\n\x1a"
PUT, REMOVE, DONE = 1, 2, 3
PREFIX, SALT, TAG, CHECKS = 20, 32, 16, 64


class Damaged(Exception):
    """The file is not what it must be."""


# AES-256-GCM.

def _sbox() -> list[int]:
    """FIPS 197: the inverse in GF(2^8), then an affine map."""
    box, p, q = [0x63] * 256, 1, 1
    while True:
        p ^= (p << 1) ^ (0x11B if p & 0x80 else 0)  # times 3
        p &= 0xFF
        for shift in (1, 2, 4):  # divided by 3
            q ^= q << shift
        q &= 0xFF
        q ^= 0x09 if q & 0x80 else 0
        rotated = [((q << n) | (q >> (8 - n))) & 0xFF for n in range(5)]
        box[p] = rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63
        if p == 1:
            return box


SBOX = _sbox()


def double(byte: int) -> int:
    return (byte << 1) ^ (0x11B if byte & 0x80 else 0)


class Aes256:
    """Encrypts single blocks."""

    def __init__(self, key: bytes):
        words = [key[i:i + 4] for i in range(0, 32, 4)]
        constant = 1
        for i in range(8, 60):
            word = words[-1]
            if i % 8 == 0:
                word = bytes(SBOX[b] for b in word[1:] + word[:1])
                word = bytes([word[0] ^ constant]) + word[1:]
                constant = double(constant)
            elif i % 8 == 4:
                word = bytes(SBOX[b] for b in word)
            words.append(bytes(a ^ b for a, b in zip(word, words[-8])))
        self.round_keys = [b"".join(words[i:i + 4]) for i in range(0, 60, 4)]

    def encrypt(self, block: bytes) -> bytes:
        state = [a ^ b for a, b in zip(block, self.round_keys[0])]
        for number, round_key in enumerate(self.round_keys[1:], 1):
            # SubBytes and ShiftRows: byte r of column c comes from column c + r.
            state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if number < 14:
                state = [byte for c in range(0, 16, 4) for byte in self._mix(state[c:c + 4])]
            state = [a ^ b for a, b in zip(state, round_key)]
        return bytes(state)

    @staticmethod
    def _mix(column: list[int]) -> list[int]:
        every = column[0] ^ column[1] ^ column[2] ^ column[3]
        return [column[i] ^ every ^ double(column[i] ^ column[(i + 1) % 4]) for i in range(4)]


def ghash(subkey: int, data: bytes) -> int:
    total = 0
    for i in range(0, len(data), 16):
        total ^= int.from_bytes(data[i:i + 16].ljust(16, b"\0"), "big")
        product, factor = 0, subkey
        for bit in range(127, -1, -1):
            if total >> bit & 1:
                product ^= factor
            factor = (factor >> 1) ^ (0xE1 << 120 if factor & 1 else 0)
        total = product
    return total


def gcm_open(key: bytes, nonce: bytes, additional: bytes, sealed: bytes) -> bytes:
    aes = Aes256(key)
    text, tag = sealed[:-TAG], sealed[-TAG:]
    subkey = int.from_bytes(aes.encrypt(bytes(16)), "big")
    hashed = (additional + bytes(-len(additional) % 16) + text + bytes(-len(text) % 16)
              + struct.pack(">QQ", 8 * len(additional), 8 * len(text)))
    mask = int.from_bytes(aes.encrypt(nonce + b"\0\0\0\1"), "big")
    if not hmac.compare_digest((ghash(subkey, hashed) ^ mask).to_bytes(16, "big"), tag):
        raise Damaged("its tag is wrong")
    stream = b"".join(
        aes.encrypt(nonce + struct.pack(">I", 2 + i)) for i in range((len(text) + 15) // 16)
    )
    return bytes(a ^ b for a, b in zip(text, stream))


def hkdf(key: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """RFC 5869, with SHA-256."""
    extracted = hmac.digest(salt, key, "sha256")
    out, block = b"", b""
    while len(out) < size:
        block = hmac.digest(extracted, block + info + bytes([len(out) // 32 + 1]), "sha256")
        out += block
    return out[:size]


# The file.

class Reader:
    def __init__(self, data: bytes, at: int = 0):
        self.data, self.at = data, at

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise Damaged("it is truncated")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def field(self) -> bytes:
        return self.take(self.number(2))


class Header:
    def __init__(self, content: bytes):
        reader = Reader(content)
        if reader.take(8) != MAGIC:
            raise Damaged("this is not a sealed keyring file")
        version, self.size = reader.number(2), reader.number(4)
        if (
            len(content) < self.size
            or hashlib.sha256(content[: self.size - 32]).digest()
            != content[self.size - 32 : self.size]
        ):
            raise Damaged("the header is damaged: its checksum is wrong")
        if version != 1:
            raise Damaged(f"the file has version {version}; this program knows version 1")
        self.file_id, self.generation = reader.take(16), reader.number(8)
        self.context = {
            reader.field().decode(): reader.field().decode() for _ in range(reader.number(2))
        }
        self.kms_key, self.arn, self.blob = (
            reader.field().decode(),
            reader.field().decode(),
            reader.field(),
        )
        if reader.at != self.size - CHECKS:
            raise Damaged("the header's fields do not add up")
        self.checked, self.mac = content[:reader.at], reader.take(32)

    def check(self, data_key: bytes) -> None:
        key = hkdf(data_key, self.file_id, b"openkeyring sealed header", 32)
        if not hmac.compare_digest(hmac.digest(key, self.checked, "sha256"), self.mac):
            raise Damaged("this is not the data key of the file, or somebody changed the header")


class Record(NamedTuple):
    begin: int
    kind: int
    number: int
    data_id: str
    owner: str
    type: str
    salt: bytes = b""
    clear: bytes = b""   # From "OKR" to the end of the type.
    sealed: bytes = b""  # The key, encrypted, and its tag.


def text(field: bytes) -> str:
    return field.decode(errors="backslashreplace")


class Log:
    """The records of a file, up to its end or to what cannot be read; then `end` says where and
    `why`."""

    def __init__(self, content: bytes, header: Header):
        self.content, self.header = content, header
        self.end, self.why = header.size, ""

    def prefix(self, at: int) -> tuple[int, int, int]:
        """Kind, size of what follows, number."""
        prefix = self.content[at:at + PREFIX]
        check = hashlib.sha256(self.header.file_id + prefix[:16]).digest()[:4]
        if len(prefix) < PREFIX or prefix[:3] != b"OKR" or prefix[16:] != check:
            raise Damaged("a record does not start with its prefix")
        kind, size, number = struct.unpack(">BIQ", prefix[3:16])
        if kind not in (PUT, REMOVE, DONE) or (kind == DONE) != (size == 0):
            raise Damaged("a record is of an unknown kind")
        return kind, size, number

    def records(self) -> Iterator[Record]:
        """All but the marks. Names only are right: nothing is decrypted."""
        last, after_record = 0, False
        while self.end < len(self.content):
            try:
                kind, size, number = self.prefix(self.end)
                if number != last + (kind != DONE):
                    raise Damaged("a record is missing or duplicate")
                record = None if kind == DONE else self.record(kind, size, number)
            except Damaged as damage:
                if after_record and self.mark_is_lost(last):
                    self.end, after_record = self.end + PREFIX, False
                    continue
                self.why = str(damage)
                return
            last, after_record = number, record is not None
            if record:
                yield record
            self.end += PREFIX + size

    def mark_is_lost(self, last: int) -> bool:
        """Whether the next record stands behind what may be the mark of the last one, which a power
        cut can lose."""
        try:
            kind, size, number = self.prefix(self.end + PREFIX)
        except Damaged:
            return False
        whole = self.end + 2 * PREFIX + size <= len(self.content)
        return kind != DONE and number == last + 1 and whole and self.is_torn(last)

    def record(self, kind: int, size: int, number: int) -> Record:
        reader = Reader(self.content[self.end:self.end + PREFIX + size], PREFIX)
        if len(reader.data) < PREFIX + size:
            raise Damaged("a record is truncated")
        salt = reader.take(SALT)
        data_id, owner, kind_of_key = reader.field(), reader.field(), reader.field()
        clear, sealed = reader.data[:reader.at], reader.data[reader.at:]
        if len(sealed) < TAG:
            raise Damaged("a record's fields do not add up")
        return Record(
            self.end,
            kind,
            number,
            text(data_id),
            text(owner),
            text(kind_of_key),
            salt,
            clear,
            sealed,
        )

    def is_torn(self, last: int) -> bool:
        """Whether what cannot be read is as a crash leaves it: nothing behind it proves that it had
        been synced."""
        for at in range(self.end + 1, len(self.content)):
            try:
                if self.content[at:at + 3] != b"OKR":
                    continue
                kind, _, number = self.prefix(at)
                # A mark is written once its record is synced, and so is the next record.
                if number >= last + (1 if kind == DONE else 2):
                    return False
            except Damaged:
                pass
        return True


def keys_of(log: Log, data_key: bytes | None) -> tuple[dict, int]:
    """The keys, as what is to be printed, and the number of the last good record."""
    keys: dict = {}
    tag, last = bytes(TAG), 0
    for record in log.records():
        printed = {"data_id": record.data_id, "owner": record.owner, "type": record.type}
        try:
            if data_key is not None:
                once = hkdf(
                    data_key, record.salt, b"openkeyring sealed record" + log.header.file_id, 44
                )
                additional = (
                    log.header.file_id
                    + struct.pack(">Q", log.header.generation)
                    + tag
                    + record.clear
                )
                printed["key"] = gcm_open(once[:32], once[32:], additional, record.sealed).hex()
            name = (record.data_id, record.owner)
            if (record.kind == PUT) == (name in keys):
                raise Damaged("a record stores a key that is there, or removes one that is not")
        except Damaged as damage:
            log.why = str(damage)
            break
        if record.kind == PUT:
            keys[name] = printed
        else:
            del keys[name]
        tag, last = record.sealed[-TAG:], record.number
    return keys, last


def run(options) -> int:
    content = pathlib.Path(options.file).read_bytes()
    header = Header(content)
    if options.blob:
        print(json.dumps(header.context), file=sys.stderr)
        sys.stdout.buffer.write(header.blob)
        return 0
    data_key = pathlib.Path(options.data_key).read_bytes() if options.data_key else None
    if data_key is None:
        print(
            f"sealed keyring, generation {header.generation}, wrapped under {header.kms_key} "
            f"({header.arn})",
            file=sys.stderr,
        )
    else:
        header.check(data_key)
    log = Log(content, header)
    keys, last = keys_of(log, data_key)
    for name in sorted(keys):
        print(json.dumps(keys[name]))
    if not log.why:
        return 0
    torn = log.is_torn(last)
    verdict = (
        "a crash cut the last record, of a store that never succeeded"
        if torn
        else "THE FILE IS DAMAGED, keys may be missing"
    )
    print(f"byte {log.end}: {log.why}; {verdict}", file=sys.stderr)
    return 0 if torn else 1


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--blob", action="store_true", help="write the wrapped data key to stdout")
    parser.add_argument(
        "--data-key", metavar="KEY", help="a file with the 32 bytes that KMS unwrapped"
    )
    try:
        return run(parser.parse_args(arguments))
    except (Damaged, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
