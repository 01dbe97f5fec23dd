#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a sealed keyring file without OpenKeyring.

Of component_keyring_kms, or the key set of MariaDB's aws_key_management.

  recover_sealed_keyring.py FILE
      The key slots of the file, and the names of its keys.

  recover_sealed_keyring.py --data-key KEY FILE
  recover_sealed_keyring.py --private-key PEM FILE
  recover_sealed_keyring.py --local-secret SECRET FILE
      The keys: with the 32 bytes of the data key in the file KEY, with the private half of a
      public-key slot, or with the secret of a local-file slot.

  recover_sealed_keyring.py --blob [--slot N] FILE > BLOB
      The wrapped data key of a slot, for `aws kms decrypt` or `openssl pkeyutl`. What these need
      goes to stderr.

Keys are printed as JSON, one object a line. Needs Python 3 and nothing else: AES-256-GCM and
RSA-OAEP are below, slow and not hardened against whoever can time them, so run it where you are
alone. The file is only read. The format is docs/file_formats.md, "Sealed keyring file".

Ends with 1 when the file is damaged (what stands before the damage is printed all the same), with 2
when it cannot be read at all.
"""

import argparse
import base64
import hashlib
import hmac
import json
import pathlib
import struct
import sys
from typing import Callable, Iterator, NamedTuple

MAGIC = b"\x89OKRS\r\n\x1a"
PUT, REMOVE, DONE, PUT_ALL = 1, 2, 3, 4
AWS_KMS, PUBLIC_KEY, LOCAL_FILE = 1, 2, 3
KINDS = {AWS_KMS: "aws-kms", PUBLIC_KEY: "public-key", LOCAL_FILE: "local-file"}
PREFIX, SALT, TAG, CHECKS = 20, 32, 16, 64


class Damaged(Exception):
    """The file is not what it must be."""


class Contradiction(Damaged):
    """A record that is intact, and not possible where it is: no crash leaves that."""


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


# RSA-OAEP with SHA-256 (RFC 8017).

def der(data: bytes) -> list[bytes]:
    """The contents of a sequence of DER elements."""
    found, at = [], 0
    while at + 2 <= len(data):
        size, at = data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(data[at:at + count], "big"), at + count
        found.append(data[at:at + size])
        at += size
    return found


class RsaPrivateKey:
    def __init__(self, pem: str):
        """PKCS#8 or PKCS#1."""
        lines = pem.strip().splitlines()
        if "ENCRYPTED" in pem or not lines or "PRIVATE KEY" not in lines[0]:
            raise Damaged("not a private key in clear PEM (openssl pkey -in PEM writes one)")
        fields = der(der(base64.b64decode("".join(lines[1:-1])))[0])
        if lines[0] == "-----BEGIN PRIVATE KEY-----":
            fields = der(der(fields[2])[0])
        if len(fields) < 4:
            raise Damaged("not an RSA key")
        self.modulus, _, self.exponent = (int.from_bytes(field, "big") for field in fields[1:4])

    def decrypt(self, blob: bytes) -> bytes:
        size = (self.modulus.bit_length() + 7) // 8
        padded = pow(int.from_bytes(blob, "big"), self.exponent, self.modulus).to_bytes(size, "big")
        seed, data = padded[1:33], padded[33:]
        seed = self._mask(seed, data)
        data = self._mask(data, seed)
        message = data[32:].lstrip(b"\0")
        if padded[0] or data[:32] != hashlib.sha256(b"").digest() or message[:1] != b"\1":
            raise Damaged("it was made for another private key, or is damaged")
        return message[1:]

    @staticmethod
    def _mask(text: bytes, seed: bytes) -> bytes:
        stream = b"".join(
            hashlib.sha256(seed + struct.pack(">I", i)).digest() for i in range(len(text) // 32 + 1)
        )
        return bytes(a ^ b for a, b in zip(text, stream))


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


class Slot(NamedTuple):
    number: int
    kind: int
    name: str
    maker: str
    parameters: bytes
    blob: bytes

    def __str__(self) -> str:
        kind = KINDS.get(self.kind, f"unknown kind {self.kind}")
        return f"key slot {self.number}: {kind} {self.name} ({self.maker})"


def pairs(reader: Reader) -> dict[str, str]:
    found: dict[str, str] = {}
    for _ in range(reader.number(2)):
        name, value = reader.field().decode(), reader.field().decode()
        if name in found:
            raise Damaged("a name is duplicate in an encryption context")
        found[name] = value
    return found


class Header:
    def __init__(self, content: bytes):
        reader = Reader(content)
        if reader.take(8) != MAGIC:
            raise Damaged("this is not a sealed keyring file")
        self.version, self.size = reader.number(2), reader.number(4)
        if (
            not 104 <= self.size <= min(len(content), 256 << 10)
            or hashlib.sha256(content[: self.size - 32]).digest()
            != content[self.size - 32 : self.size]
        ):
            raise Damaged("the header is damaged: its size or its checksum is wrong")
        if self.version not in (1, 2):
            raise Damaged(
                f"the file has version {self.version}; this program knows versions 1 and 2"
            )
        reader.data = content[: self.size - CHECKS]
        self.file_id, self.generation = reader.take(16), reader.number(8)
        features = reader.number(2) if self.version > 1 else 0
        if features > 1:
            raise Damaged(f"the file has features {features}, which this program does not know")
        self.put_all = features == 1
        self.context = pairs(reader)
        self.slots = self.read_slots(reader)
        if reader.at != self.size - CHECKS:
            raise Damaged("the header's fields do not add up")
        self.checked, self.mac = reader.data, content[self.size - 64 : self.size - 32]

    def read_slots(self, reader: Reader) -> list[Slot]:
        if self.version == 1:
            name, maker = reader.field().decode(), reader.field().decode()
            slots = [Slot(1, AWS_KMS, name, maker, b"", reader.field())]
        else:
            slots = [
                Slot(
                    reader.number(2),
                    reader.number(2),
                    text(reader.field()),
                    text(reader.field()),
                    reader.field(),
                    reader.field(),
                )
                for _ in range(reader.number(2))
            ]
        numbers = [0] + [slot.number for slot in slots]
        if len(slots) not in range(1, 65) or numbers != sorted(set(numbers)):
            raise Damaged("the header's slots do not add up")
        if not all(slot.blob for slot in slots):
            raise Damaged("a key slot is empty")
        return slots

    def check(self, data_key: bytes) -> None:
        key = hkdf(data_key, self.file_id, b"openkeyring sealed header", 32)
        if not hmac.compare_digest(hmac.digest(key, self.checked, "sha256"), self.mac):
            raise Damaged("this is not the data key of the file, or somebody changed the header")

    def context_of(self, slot: Slot) -> dict[str, str]:
        return pairs(Reader(slot.parameters)) if slot.parameters else self.context

    def open_local(self, slot: Slot, secret: bytes) -> bytes:
        maker = hkdf(secret, slot.parameters, b"openkeyring local unlock id", 16).hex()
        if maker != slot.maker:
            raise Damaged("it was made with another secret")
        info = b"openkeyring local unlock slot" + self.file_id
        once = hkdf(secret, slot.parameters, info, 44)
        return gcm_open(once[:32], once[32:], self.file_id, slot.blob)

    def open_slots(self, kind: int, open_slot: Callable[[Slot], bytes]) -> bytes:
        """The data key, from the first slot of that kind that gives it."""
        problems = []
        for slot in self.slots:
            if slot.kind != kind:
                continue
            try:
                data_key = open_slot(slot)
                self.check(data_key)
                return data_key
            except Damaged as damage:
                problems.append(f"{slot}: {damage}")
        raise Damaged("; ".join(problems) or f"the file has no {KINDS[kind]} slot")


class Name(NamedTuple):
    data_id: str
    owner: str
    type: str
    size: int  # Of the key.


class Record(NamedTuple):
    begin: int
    kind: int
    number: int
    names: list[Name]  # One, except of a PUT_ALL.
    salt: bytes = b""
    clear: bytes = b""   # From "OKR" to the end of the type.
    sealed: bytes = b""  # The keys, encrypted, and the tag.


def text(field: bytes) -> str:
    return field.decode(errors="backslashreplace")


class Log:
    """The records of a file, up to its end or to what cannot be read; then `end` says where and
    `why`."""

    def __init__(self, content: bytes, header: Header):
        self.content, self.header = content, header
        self.end, self.why, self.contradiction = header.size, "", False

    def prefix(self, at: int) -> tuple[int, int, int]:
        """Kind, size of what follows, number."""
        prefix = self.content[at:at + PREFIX]
        check = hashlib.sha256(self.header.file_id + prefix[:16]).digest()[:4]
        if len(prefix) < PREFIX or prefix[:3] != b"OKR" or prefix[16:] != check:
            raise Damaged("a record does not start with its prefix")
        kind, size, number = struct.unpack(">BIQ", prefix[3:16])
        known = kind in (PUT, REMOVE, DONE) or (kind == PUT_ALL and self.header.put_all)
        if not known or (kind == DONE) != (size == 0):
            raise Damaged("a record is of an unknown kind")
        return kind, size, number

    def records(self) -> Iterator[Record]:
        """All but the marks. Names only are right: nothing is decrypted."""
        last, after_record = 0, False
        while self.end < len(self.content):
            try:
                kind, size, number = self.prefix(self.end)
                if number != last + (kind != DONE):
                    raise Contradiction("a record is missing or duplicate")
                record = None if kind == DONE else self.record(kind, size, number)
            except Damaged as damage:
                self.contradiction = isinstance(damage, Contradiction)
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
        salt, count = reader.take(SALT), reader.number(4) if kind == PUT_ALL else 1
        names = []
        for _ in range(count):
            name = [text(reader.field()) for _ in range(3)]
            names.append(Name(*name, reader.number(4) if kind == PUT_ALL else 0))
        clear, sealed = reader.data[:reader.at], reader.data[reader.at:]
        if kind != PUT_ALL:
            names = [names[0]._replace(size=len(sealed) - TAG)]
        if sum(name.size for name in names) != len(sealed) - TAG or not names:
            raise Damaged("a record's fields do not add up")
        if min(name.size for name in names) < 0:
            raise Damaged("a record's fields do not add up")
        return Record(self.end, kind, number, names, salt, clear, sealed)

    def is_torn(self, last: int) -> bool:
        """Whether what cannot be read is as a crash leaves it: nothing behind it proves that it had
        been synced."""
        if self.contradiction:
            return False
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


def open_record(header: Header, record: Record, tag: bytes, data_key: bytes) -> bytes:
    """The keys of a record that follows the one with that tag, one after the other."""
    info = b"openkeyring sealed record" + header.file_id
    once = hkdf(data_key, record.salt, info, 44)
    additional = header.file_id + struct.pack(">Q", header.generation) + tag + record.clear
    return gcm_open(once[:32], once[32:], additional, record.sealed)


def keys_of(log: Log, data_key: bytes | None) -> tuple[dict, int]:
    """The keys, as what is to be printed, and the number of the last good record."""
    keys: dict = {}
    tag, last = bytes(TAG), 0
    for record in log.records():
        try:
            opened = Reader(
                open_record(log.header, record, tag, data_key) if data_key is not None else b""
            )
            for data_id, owner, kind_of_key, size in record.names:
                printed = {"data_id": data_id, "owner": owner, "type": kind_of_key}
                if data_key is not None:
                    printed["key"] = opened.take(size).hex()
                if (record.kind == REMOVE) != ((data_id, owner) in keys):
                    raise Contradiction(
                        "a record stores a key that is there, or removes one that is not"
                    )
                if record.kind == REMOVE:
                    del keys[data_id, owner]
                else:
                    keys[data_id, owner] = printed
        except Damaged as damage:
            log.why, log.contradiction = str(damage), isinstance(damage, Contradiction)
            break
        tag, last = record.sealed[-TAG:], record.number
    return keys, last


def print_blob(header: Header, number: int | None) -> None:
    """The blob to stdout, and how it is unwrapped to stderr."""
    wanted = [s for s in header.slots if s.number == number or number is None]
    wanted.sort(key=lambda slot: slot.kind != AWS_KMS)
    if not wanted:
        raise Damaged(f"the file has no key slot {number}")
    slot = wanted[0]
    if slot.kind == AWS_KMS:
        print(json.dumps(header.context_of(slot)), file=sys.stderr)
    else:
        print(slot, file=sys.stderr)
    if slot.kind == PUBLIC_KEY:
        print(
            "openssl pkeyutl -decrypt -inkey PRIVATE.pem -in BLOB -out KEY "
            "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256",
            file=sys.stderr,
        )
    sys.stdout.buffer.write(slot.blob)


def data_key_of(header: Header, options) -> bytes | None:
    if options.private_key:
        private = RsaPrivateKey(pathlib.Path(options.private_key).read_text())
        return header.open_slots(PUBLIC_KEY, lambda slot: private.decrypt(slot.blob))
    if options.local_secret:
        secret = pathlib.Path(options.local_secret).read_bytes()
        return header.open_slots(LOCAL_FILE, lambda slot: header.open_local(slot, secret))
    if not options.data_key:
        return None
    data_key = pathlib.Path(options.data_key).read_bytes()
    header.check(data_key)
    return data_key


def run(options) -> int:
    content = pathlib.Path(options.file).read_bytes()
    header = Header(content)
    if options.blob:
        print_blob(header, options.slot)
        return 0
    data_key = data_key_of(header, options)
    if data_key is None:
        print(f"sealed keyring, generation {header.generation}", file=sys.stderr)
        for slot in header.slots:
            print(slot, file=sys.stderr)
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
    parser.add_argument("--slot", type=int, metavar="N", help="of which key slot")
    parser.add_argument("--data-key", metavar="KEY", help="a file with the data key")
    parser.add_argument("--private-key", metavar="PEM", help="of a public-key slot, not encrypted")
    parser.add_argument("--local-secret", metavar="SECRET", help="the file of a local-file slot")
    try:
        return run(parser.parse_args(arguments))
    except (Damaged, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
