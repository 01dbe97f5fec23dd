# SPDX-License-Identifier: MIT
"""docs/recover_sealed_keyring.py reads what our code writes: the format, by two implementations
that share nothing."""

import hashlib
import importlib.util
import json
import pathlib
import random
import struct
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "build/release/tests/sealed_keyring_tool"
SCRIPT = ROOT / "docs/recover_sealed_keyring.py"

spec = importlib.util.spec_from_file_location("recover_sealed_keyring", SCRIPT)
recover = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recover)


def hexed(value: str | bytes) -> str:
    return (value.encode() if isinstance(value, str) else value).hex() or "-"


class Keyring:
    """A file that our code writes, and what must be in it."""

    def __init__(self, directory: pathlib.Path):
        self.path = directory / "keyring"
        self.data_key_path = directory / "keyring.data-key"
        self.commands: list[str] = []
        self.keys: dict[tuple[str, str], tuple[str, bytes]] = {}

    def put(self, data_id: str, owner: str, type: str, data: bytes) -> None:
        self.commands.append(f"put {hexed(data_id)} {hexed(owner)} {hexed(type)} {hexed(data)}")
        self.keys[data_id, owner] = type, data

    def remove(self, data_id: str, owner: str) -> None:
        self.commands.append(f"remove {hexed(data_id)} {hexed(owner)}")
        del self.keys[data_id, owner]

    def reopen(self, kms_key: str = "") -> None:
        self.commands.append(f"reopen {kms_key}")

    def put_all(self, keys: list[tuple[str, str, str, bytes]]) -> None:
        words = [hexed(word) for key in keys for word in key]
        self.commands.append(f"put_all {' '.join(words)}")
        self.keys |= {(data_id, owner): (type, data) for data_id, owner, type, data in keys}

    def write(self) -> bytes:
        subprocess.run(
            [TOOL, self.path],
            input="".join(f"{line}\n" for line in self.commands),
            text=True,
            check=True,
        )
        return self.path.read_bytes()

    def expected(self, with_keys: bool = True) -> list[dict]:
        return [
            {"data_id": data_id, "owner": owner, "type": type}
            | ({"key": data.hex()} if with_keys else {})
            for (data_id, owner), (type, data) in sorted(self.keys.items())
        ]


@pytest.fixture
def keyring(tmp_path):
    return Keyring(tmp_path)


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True)


def printed(ran: subprocess.CompletedProcess) -> list[dict]:
    return [json.loads(line) for line in ran.stdout.splitlines()]


def typical(keyring: Keyring) -> bytes:
    keyring.put("k", "", "AES", b"sixteen byte key")
    keyring.put("s", "u@h", "SECRET", b"x")
    keyring.remove("k", "")
    keyring.put("k", "", "AES", b"another 16 bytes")
    return keyring.write()


def test_prints_the_keys_with_the_data_key(keyring):
    typical(keyring)
    ran = run("--data-key", keyring.data_key_path, keyring.path)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert printed(ran) == keyring.expected()


def test_lists_names_without_the_data_key(keyring):
    typical(keyring)
    ran = run(keyring.path)
    assert ran.returncode == 0
    assert printed(ran) == keyring.expected(with_keys=False)
    assert b"alias/fake" in ran.stderr


def test_gives_the_blob_and_its_context(keyring):
    content = typical(keyring)
    ran = run("--blob", keyring.path)
    assert ran.returncode == 0
    assert len(ran.stdout) == 100 and ran.stdout in content
    file_id = content[14:30].hex()
    assert json.loads(ran.stderr) == {
        "openkeyring:product": "component_keyring_kms",
        "openkeyring:file-id": file_id,
    }


def test_the_worked_example_of_the_document(keyring):
    keyring.put("k", "", "AES", b"sixteen byte key")
    content = keyring.write()
    size, = struct.unpack(">I", content[10:14])
    header, log = content[:size], content[size:]
    assert header[:10] == b"\x89OKRS\r\n\x1a\0\1"
    assert header[-32:] == hashlib.sha256(header[:-32]).digest()
    file_id = header[14:30]
    assert len(log) == 20 + 0x4A + 20
    assert log[:16] == b"OKR\1" + bytes.fromhex("0000004A 0000000000000001")
    assert log[16:20] == hashlib.sha256(file_id + log[:16]).digest()[:4]
    assert log[52:62] == bytes.fromhex("00016B 0000 0003414553")
    done = log[-20:]
    assert done[:16] == b"OKR\3" + bytes.fromhex("00000000 0000000000000001")
    assert done[16:] == hashlib.sha256(file_id + done[:16]).digest()[:4]


def test_version_2_with_a_local_slot_and_several_keys_at_once(keyring):
    keyring.put("k", "", "AES", b"sixteen byte key")
    keyring.commands.append("local")
    keyring.put_all([(f"k{i}", "o", "AES", bytes([i] * 32)) for i in range(5)])
    keyring.remove("k2", "o")
    content = keyring.write()
    assert content[8:10] == b"\0\2" and b"OKR\4" in content
    secret = pathlib.Path(f"{keyring.path}.secret")
    for option in (("--data-key", keyring.data_key_path), ("--local-secret", secret)):
        ran = run(*option, keyring.path)
        assert (ran.returncode, ran.stderr, printed(ran)) == (0, b"", keyring.expected())


def test_an_empty_keyring_has_no_keys(keyring):
    keyring.write()
    ran = run("--data-key", keyring.data_key_path, keyring.path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


@pytest.mark.parametrize("seed", range(4))
def test_random_files_agree(keyring, seed):
    dice = random.Random(seed)
    names = ["a", "INNODBKey-1", "naïve ключ", "x" * 300, "OKR\1OKR\3", "\n\t\x01"]
    for _ in range(60):
        name = dice.choice(names), dice.choice(["", "root@localhost", "owner"])
        if name in keyring.keys:
            keyring.remove(*name)
        else:
            keyring.put(
                *name,
                dice.choice(["AES", "SECRET", "RSA"]),
                dice.randbytes(dice.choice([1, 15, 16, 17, 32, 700]))
            )
        if dice.random() < 0.1:
            keyring.reopen(dice.choice(["", "alias/one", "alias/two"]))
    keyring.write()
    ran = run("--data-key", keyring.data_key_path, keyring.path)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert printed(ran) == keyring.expected()


def test_a_compacted_file_agrees(keyring):
    for i in range(12):
        keyring.put(f"kept {i}", "", "AES", bytes([i] * 32))
    for _ in range(8):
        keyring.put("big", "", "SECRET", b"x" * 10000)
        keyring.remove("big", "")
    content = keyring.write()
    assert struct.unpack(">Q", content[30:38])[0] > 1, "it was rewritten"
    ran = run("--data-key", keyring.data_key_path, keyring.path)
    assert (ran.returncode, printed(ran)) == (0, keyring.expected())


def read(content: bytes, data_key: bytes) -> tuple[list[dict], str]:
    """The keys and what is wrong with the file: "", "torn" or "damaged"."""
    header = recover.Header(content)
    header.check(data_key)
    log = recover.Log(content, header)
    keys, last = recover.keys_of(log, data_key)
    state = "" if not log.why else "torn" if log.is_torn(last) else "damaged"
    return [keys[name] for name in sorted(keys)], state


def test_it_notices_every_changed_byte_as_our_code_does(keyring):
    content, data_key = typical(keyring), keyring.data_key_path.read_bytes()
    assert read(content, data_key) == (keyring.expected(), "")
    for at in range(0, len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        try:
            keys, state = read(bytes(changed), data_key)
        except recover.Damaged:
            continue
        if at >= len(content) - 20:  # The last mark.
            assert (keys, state) == (keyring.expected(), "torn")
        else:
            assert state == "damaged", at


def test_a_torn_end_is_left_out(keyring):
    content = typical(keyring)
    keyring.path.write_bytes(content[:-25])
    del keyring.keys["k", ""]
    ran = run("--data-key", keyring.data_key_path, keyring.path)
    assert (ran.returncode, printed(ran)) == (0, keyring.expected())
    assert b"crash" in ran.stderr


def test_a_record_behind_a_lost_mark_counts(keyring):
    content = bytearray(typical(keyring))
    marks = [at for at in range(len(content)) if content[at:at + 4] == b"OKR\3"]
    content[marks[-2]:marks[-2] + 20] = bytes(20)
    keyring.path.write_bytes(content[:-20])
    ran = run("--data-key", keyring.data_key_path, keyring.path)
    assert (ran.returncode, ran.stderr, printed(ran)) == (0, b"", keyring.expected())


def test_damage_is_told_and_what_stands_before_it_is_printed(keyring):
    content = bytearray(typical(keyring))
    size, = struct.unpack(">I", content[10:14])
    content[size + 20 + 0x4A + 20 + 60] ^= 1  # In the second record.
    keyring.path.write_bytes(content)
    ran = run("--data-key", keyring.data_key_path, keyring.path)
    assert ran.returncode == 1
    assert [key["key"] for key in printed(ran)] == [b"sixteen byte key".hex()]
    assert b"DAMAGED" in ran.stderr


@pytest.mark.parametrize("change", ["key", "cut", "other file", "missing"])
def test_what_cannot_be_read_is_told(keyring, change):
    typical(keyring)
    if change == "key":
        keyring.data_key_path.write_bytes(bytes(32))
    elif change == "cut":
        keyring.path.write_bytes(keyring.path.read_bytes()[:90])
    elif change == "other file":
        keyring.path.write_text('{"version":"1.0"}')
    else:
        keyring.path.unlink()
    ran = run("--data-key", keyring.data_key_path, keyring.path)
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr and b"Traceback" not in ran.stderr


def test_its_gcm_is_that_of_the_published_vectors():
    """Test case 16 of the GCM specification: AES-256, 60 bytes of text, 20 of additional data."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    text = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    sealed = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )
    additional = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    assert (
        recover.gcm_open(key, bytes.fromhex("cafebabefacedbaddecaf888"), additional, sealed) == text
    )
    with pytest.raises(recover.Damaged):
        recover.gcm_open(key, bytes.fromhex("cafebabefacedbaddecaf888"), additional[1:], sealed)
