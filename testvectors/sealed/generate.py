#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the test vectors of sealed keyring files: *.sealed and manifest.json, beside this program.

Another implementation of the format in docs/file_formats.md than OpenKeyring's: it only writes. All
bytes that are random in real files come from `bytes_of`, so each run writes the same. Nothing here
protects anything. Only the ciphers are those of docs/recover_sealed_keyring.py.
"""

import hashlib
import hmac
import importlib.util
import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location(
    "recover_sealed_keyring", HERE.parents[1] / "docs/recover_sealed_keyring.py"
)
recover = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recover)

PUT, REMOVE, DONE, PUT_ALL = 1, 2, 3, 4
KMS, PUBLIC, LOCAL, UNKNOWN = 1, 2, 3, 77
LABEL = "OpenKeyring test vector: "
# The primes are bytes_of("p", 192) and bytes_of("q", 192), with their two highest bits and the
# lowest one set, plus these: the next numbers that are prime and fit the exponent 65537.
P_OFFSET, Q_OFFSET = 18, 938


def bytes_of(label: str, size: int) -> bytes:
    """SHA-256 of the label and a counter, as often as needed."""
    out = b""
    while len(out) < size:
        out += hashlib.sha256(f"{LABEL}{label}:{len(out) // 32}".encode()).digest()
    return out[:size]


DATA_KEY, SECRET = bytes_of("data key", 32), bytes_of("local secret", 32)
FILE_ID = bytes_of("file id", 16)


# RSA.

def prime_start(label: str) -> int:
    return int.from_bytes(bytes_of(label, 192), "big") | 3 << 1534 | 1


def is_prime(number: int) -> bool:
    """Miller-Rabin; wrong for a number in 4^24."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37] + list(range(41, 53)):
        x = pow(base, odd, number)
        if x in (1, number - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True


def offset_of_prime(label: str) -> int:
    number = prime_start(label)
    small = [p for p in range(3, 2000, 2) if all(p % d for d in range(3, p, 2))]
    while (
        any(number % p == 0 for p in small)
        or (number - 1) % 65537 == 0
        or not is_prime(number)
    ):
        number += 2
    return number - prime_start(label)


P, Q = prime_start("p") + P_OFFSET, prime_start("q") + Q_OFFSET
N, E = P * Q, 65537


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def der_number(number: int) -> bytes:
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def public_key_info() -> bytes:
    """SubjectPublicKeyInfo."""
    algorithm = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    key = der(0x30, der_number(N) + der_number(E))
    return der(0x30, algorithm + der(3, b"\0" + key))


def mask(text: bytes, seed: bytes) -> bytes:
    blocks = range(len(text) // 32 + 1)
    stream = b"".join(hashlib.sha256(seed + struct.pack(">I", i)).digest() for i in blocks)
    return bytes(a ^ b for a, b in zip(text, stream))


def oaep(message: bytes) -> bytes:
    size, seed = (N.bit_length() + 7) // 8, bytes_of("oaep seed", 32)
    padding = bytes(size - len(message) - 66)
    data = mask(hashlib.sha256(b"").digest() + padding + b"\1" + message, seed)
    padded = b"\0" + mask(seed, data) + data
    return pow(int.from_bytes(padded, "big"), E, N).to_bytes(size, "big")


def seal(key: bytes, salt: bytes, info: bytes, additional: bytes, text: bytes) -> bytes:
    once = recover.hkdf(key, salt, info, 44)
    aes, nonce = recover.Aes256(once[:32]), once[32:]
    blocks = range(len(text) // 16 + 1)
    stream = b"".join(aes.encrypt(nonce + struct.pack(">I", 2 + i)) for i in blocks)
    sealed = bytes(a ^ b for a, b in zip(text, stream))
    hashed = (
        additional + bytes(-len(additional) % 16) + sealed + bytes(-len(sealed) % 16)
        + struct.pack(">QQ", 8 * len(additional), 8 * len(sealed))
    )
    subkey = int.from_bytes(aes.encrypt(bytes(16)), "big")
    last = int.from_bytes(aes.encrypt(nonce + b"\0\0\0\1"), "big")
    return sealed + (recover.ghash(subkey, hashed) ^ last).to_bytes(16, "big")


# The format.

def field(value: str | bytes) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(value)) + value


def pairs(context: list[tuple[str, str]]) -> bytes:
    return struct.pack(">H", len(context)) + b"".join(field(n) + field(v) for n, v in context)


def context_of(product: str, **own: str) -> list[tuple[str, str]]:
    return sorted(
        [("openkeyring:file-id", FILE_ID.hex()), ("openkeyring:product", product), *own.items()]
    )


def slot(number: int, kind: int, name: str, maker: str, parameters: bytes, blob: bytes) -> bytes:
    fields = [field(value) for value in (name, maker, parameters, blob)]
    return struct.pack(">HH", number, kind) + b"".join(fields)


def kms_slot(number: int, letter: str, parameters: bytes = b"") -> bytes:
    """The blob is a placeholder: only KMS can make one."""
    arn = f"arn:aws:kms:us-east-1:111122223333:key/{letter * 8}"
    return slot(number, KMS, f"alias/{letter}", arn, parameters, bytes_of(f"blob {letter}", 40))


def public_slot(number: int) -> bytes:
    maker = "SHA256:" + hashlib.sha256(public_key_info()).hexdigest()
    return slot(number, PUBLIC, "/etc/recovery.pem", maker, b"", oaep(DATA_KEY))


def local_slot(number: int) -> bytes:
    salt = bytes_of("local salt", 32)
    maker = recover.hkdf(SECRET, salt, b"openkeyring local unlock id", 16).hex()
    info = b"openkeyring local unlock slot" + FILE_ID
    blob = seal(SECRET, salt, info, FILE_ID, DATA_KEY)
    return slot(number, LOCAL, "/run/secret", maker, salt, blob)


def checks(fields: bytes) -> bytes:
    key = recover.hkdf(DATA_KEY, FILE_ID, b"openkeyring sealed header", 32)
    mac = fields + hmac.digest(key, fields, "sha256")
    return mac + hashlib.sha256(mac).digest()


def sized(start: bytes, fields: bytes) -> bytes:
    return start + struct.pack(">I", len(start) + 4 + len(fields) + 64) + fields


def header_fields(version: int, context, rest: bytes, features: int = 0) -> bytes:
    fields = FILE_ID + struct.pack(">Q", 1)
    if version > 1:
        fields += struct.pack(">H", features)
    return sized(b"\x89OKRS\r\n\x1a" + struct.pack(">H", version), fields + pairs(context) + rest)


def header1(product: str = "component_keyring_kms") -> bytes:
    arn = "arn:aws:kms:us-east-1:111122223333:key/aaaaaaaa"
    rest = field("alias/a") + field(arn) + field(bytes_of("blob a", 40))
    return checks(header_fields(1, context_of(product), rest))


def header2(
    slots: list[bytes], product: str = "component_keyring_kms", features: int = 0, **own
) -> bytes:
    rest = struct.pack(">H", len(slots)) + b"".join(slots)
    return checks(header_fields(2, context_of(product, **own), rest, features))


class Log:
    """Records; `keys` is what they come to."""

    def __init__(self):
        self.records: list[bytes] = []
        self.number, self.tag = 0, bytes(16)
        self.keys: dict[tuple[str, str], tuple[str, bytes]] = {}

    def prefix(self, kind: int, size: int) -> bytes:
        prefix = b"OKR" + struct.pack(">BIQ", kind, size, self.number)
        return prefix + hashlib.sha256(FILE_ID + prefix).digest()[:4]

    def add(self, kind: int, fields: bytes, key: bytes, done: bool = True) -> "Log":
        self.number += 1
        salt = bytes_of(f"salt {self.number} {len(self.records)}", 32)
        clear = self.prefix(kind, 32 + len(fields) + len(key) + 16) + salt + fields
        additional = FILE_ID + struct.pack(">Q", 1) + self.tag + clear
        sealed = seal(DATA_KEY, salt, b"openkeyring sealed record" + FILE_ID, additional, key)
        self.tag = sealed[-16:]
        self.records.append(clear + sealed + (self.prefix(DONE, 0) if done else b""))
        return self

    def put(self, data_id: str, owner: str, kind: str, size: int, done: bool = True) -> "Log":
        key = bytes_of(f"key {data_id} {owner} {self.number}", size)
        self.keys[data_id, owner] = kind, key
        return self.add(PUT, field(data_id) + field(owner) + field(kind), key, done)

    def remove(self, data_id: str, owner: str, done: bool = True) -> "Log":
        self.keys.pop((data_id, owner), None)
        return self.add(REMOVE, field(data_id) + field(owner) + field(""), b"", done)

    def put_all(self, names: list[tuple[str, str, str]], size: int, lie: int = 0) -> "Log":
        fields, all_keys = struct.pack(">I", len(names)), b""
        for data_id, owner, kind in names:
            key = bytes_of(f"key {data_id} {owner} {self.number}", size)
            fields += field(data_id) + field(owner) + field(kind) + struct.pack(">I", size + lie)
            all_keys += key
            self.keys[data_id, owner] = kind, key
        return self.add(PUT_ALL, fields, all_keys)

    def bytes(self) -> bytes:
        return b"".join(self.records)


def typical() -> Log:
    log = Log().put("INNODBKey-1", "", "AES", 32).put("secret", "root@localhost", "SECRET", 5)
    return log.remove("INNODBKey-1", "").put("INNODBKey-2", "", "AES", 32)


def key_set() -> Log:
    """As MariaDB's key set names them: data id = key id, owner = version."""
    log = Log().put("1", "1", "AES", 32).put("2", "1", "AES-IMPORTED", 16)
    return log.put_all([("1", "2", "AES"), ("2", "2", "AES")], 32)


ALL_SLOTS = [
    kms_slot(1, "a"),
    kms_slot(2, "b", pairs(context_of("component_keyring_kms", team="old"))),
    public_slot(4),
    local_slot(5),
    slot(7, UNKNOWN, "tpm", "", b"\1", b"\2"),
]
TWO = [kms_slot(1, "a"), kms_slot(2, "b")]
INSTALLATION = {"openkeyring:installation": bytes_of("installation", 16).hex()}


class Vectors:
    def __init__(self):
        self.manifest: list[dict] = []

    def add(
        self, name: str, content: bytes, about: str, result: str = "ok", log: Log | None = None
    ) -> None:
        (HERE / f"{name}.sealed").write_bytes(content)
        vector = {"file": f"{name}.sealed", "about": about, "result": result}
        if result in ("ok", "torn"):
            vector["keys"] = [
                {"data_id": data_id, "owner": owner, "type": kind, "key": key.hex()}
                for (data_id, owner), (kind, key) in sorted((log or Log()).keys.items())
            ]
        self.manifest.append(vector)

    def write(self) -> None:
        # The bits of what is stored, so that a copy that was damaged shows.
        for vector in self.manifest:
            content = (HERE / vector["file"]).read_bytes()
            vector["sha256"] = hashlib.sha256(content).hexdigest()
        manifest = {
            "data_key": DATA_KEY.hex(),
            "local_secret": SECRET.hex(),
            "rsa_p_offset": P_OFFSET,
            "rsa_q_offset": Q_OFFSET,
            "vectors": self.manifest,
        }
        (HERE / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def good(vectors: Vectors) -> None:
    log = typical()
    set_header = header2([kms_slot(1, "a")], "aws_key_management", 1, **INSTALLATION)
    vectors.add("v1-empty", header1(), "version 1 without records")
    vectors.add("v1-keys", header1() + log.bytes(), "version 1: put, remove, put", log=log)
    vectors.add("v2-two-kms", header2(TWO) + log.bytes(), "two KMS keys", log=log)
    vectors.add(
        "v2-all-kinds", header2(ALL_SLOTS) + log.bytes(),
        "every kind of slot; slot 2 has its own pairs, slot 7 an unknown kind", log=log,
    )
    vectors.add(
        "key-set", set_header + key_set().bytes(),
        "MariaDB's key set, with two keys put at once", log=key_set(),
    )
    one = Log().put("a", "", "AES", 32)
    two = Log().put("a", "", "AES", 32).put("b", "", "AES", 32)
    vectors.add(
        "torn-end", header1() + two.bytes()[:-25],
        "the last record is incomplete", "torn", one,
    )
    vectors.add(
        "torn-put-all", set_header + key_set().bytes()[:-40],
        "a put all is incomplete: none of its keys is there", "torn",
        Log().put("1", "1", "AES", 32).put("2", "1", "AES-IMPORTED", 16),
    )
    lost = Log().put("a", "", "AES", 32).put("b", "", "AES", 32, done=False)
    content = bytearray(header1() + lost.bytes())
    begin = len(header1()) + len(lost.records[0]) - 20
    content[begin:begin + 20] = bytes(20)
    vectors.add(
        "lost-mark", bytes(content), "a done was lost; the record behind it counts", log=lost
    )


def bad_headers(vectors: Vectors) -> None:
    body, whole = typical().bytes(), header2(TWO)
    vectors.add("bad-magic", b"\x89OKRT" + whole[5:] + body, "another magic", "corrupt")
    vectors.add("bad-truncated", whole[:-1], "the header is truncated", "corrupt")
    flipped = bytearray(whole + body)
    flipped[60] ^= 1
    vectors.add("bad-digest", bytes(flipped), "a byte of the header was changed", "corrupt")
    flipped = bytearray(whole[:-32])
    flipped[whole.index(b"alias/b") + 6] ^= 1
    forged = bytes(flipped) + hashlib.sha256(flipped).digest()
    vectors.add(
        "bad-mac", forged + body, "a slot was renamed, and the digest made right", "corrupt"
    )
    more = header_fields(2, context_of("component_keyring_kms"), struct.pack(">H", 3)
                         + b"".join(TWO) + kms_slot(3, "c"))
    forged = more + whole[-64:-32]
    forged += hashlib.sha256(forged).digest()
    vectors.add("bad-added-slot", forged + body, "a slot was added without the data key", "corrupt")
    newer = header_fields(3, context_of("component_keyring_kms"), b"")
    vectors.add("newer-version", checks(newer), "version 3", "newer")
    vectors.add("newer-features", header2(TWO, features=2) + body, "an unknown feature", "newer")
    vectors.add("bad-order", header2(TWO[::-1]) + body, "slots are not by rising number", "corrupt")
    vectors.add(
        "bad-number", header2([TWO[0], TWO[0]]) + body, "two slots of one number", "corrupt"
    )
    vectors.add("bad-zero", header2([kms_slot(0, "a")]) + body, "a slot of number 0", "corrupt")
    vectors.add("bad-no-slot", header2([]) + body, "no slot", "corrupt")
    empty = slot(3, KMS, "alias/c", "", b"", b"")
    vectors.add("bad-empty-slot", header2([*TWO, empty]) + body, "a slot without a blob", "corrupt")
    many = [kms_slot(i, "a") for i in range(1, 66)]
    vectors.add("bad-many-slots", header2(many) + body, "65 slots", "corrupt")
    twice = checks(header_fields(2, [("a", "b"), ("a", "c")], struct.pack(">H", 1) + TWO[0]))
    vectors.add("bad-pairs", twice + body, "a duplicate pair", "corrupt")
    extra = checks(header_fields(2, [], struct.pack(">H", 1) + TWO[0] + b"\0"))
    vectors.add("bad-extra", extra + body, "a byte behind the slots", "corrupt")


def bad_records(vectors: Vectors) -> None:
    header, records = header2(TWO), typical().records
    changed = bytearray(header + typical().bytes())
    changed[len(header) + 70] ^= 1
    vectors.add("bad-record", bytes(changed), "a byte of the first record was changed", "corrupt")
    vectors.add(
        "bad-dropped", header + b"".join(records[1:]), "the first record is missing", "corrupt"
    )
    swapped = [records[1], records[0], *records[2:]]
    vectors.add("bad-swapped", header + b"".join(swapped), "two records are swapped", "corrupt")
    vectors.add("bad-twice", header + records[0] * 2, "a duplicate record", "corrupt")
    again = Log().put("a", "", "AES", 32).put("a", "", "AES", 32)
    vectors.add("bad-put", header + again.bytes(), "a put of a key that is there", "corrupt")
    vectors.add(
        "bad-remove", header + Log().remove("a", "").bytes(), "a remove of no key", "corrupt"
    )
    again = Log().put("a", "", "AES", 32).put("a", "", "AES", 32, done=False)
    vectors.add("bad-last-put", header + again.bytes(), "the same, without its done", "corrupt")
    again = Log().remove("a", "", done=False)
    vectors.add(
        "bad-last-remove", header + again.bytes(), "a remove of no key, without its done", "corrupt"
    )
    vectors.add(
        "bad-put-all-feature", header + key_set().bytes(), "put all without its feature", "corrupt"
    )
    allowed = header2(TWO, features=1)
    names = [("a", "", "AES"), ("b", "", "AES")]
    for name, lie in (("long", 1), ("short", -1)):
        log = Log().put_all(names, 32, lie).put("c", "", "AES", 32)
        about = f"keys that are said to be too {name}"
        vectors.add(f"bad-put-all-{name}", allowed + log.bytes(), about, "corrupt")
    same = Log().put_all([names[0], names[0]], 32)
    vectors.add(
        "bad-put-all-names", allowed + same.bytes(), "a put all of one name twice", "corrupt"
    )
    nothing = Log().put_all([], 32).put("c", "", "AES", 32)
    vectors.add("bad-put-all-empty", allowed + nothing.bytes(), "a put all of no key", "corrupt")


def main() -> int:
    if (offset_of_prime("p"), offset_of_prime("q")) != (P_OFFSET, Q_OFFSET):
        print(offset_of_prime("p"), offset_of_prime("q"), "are the offsets", file=sys.stderr)
        return 1
    vectors = Vectors()
    good(vectors)
    bad_headers(vectors)
    bad_records(vectors)
    vectors.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
