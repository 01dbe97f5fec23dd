# SPDX-License-Identifier: MIT
"""A release that knows version 1 of the sealed format only, and a file of version 2: it says that
the file is newer, and never that it is damaged or not a keyring."""

import hashlib
import pathlib
import struct
import subprocess

import pytest

from lab.patience import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "build/release/tests/sealed_keyring_tool"
VECTORS = ROOT / "testvectors" / "sealed"
HEADER = "src/storage/sealed/sealed_header.cc"
NEWER = "the file has format version 2, which a newer OpenKeyring wrote; use that one"

MAGIC, CHECK, MAX_HEADER = b"\x89OKRS\r\n\x1a", 32, 1 << 20


def version_1_reader(content: bytes) -> str:
    """What the released reader of version 1 did before it looked at fields, as it is in git at the
    parent of the commit that brought version 2."""
    if not content.startswith(MAGIC):
        return "this is not a sealed keyring file"
    version, size = struct.unpack_from(">HI", content, len(MAGIC))
    if size < 2 * CHECK or size > MAX_HEADER or size > len(content):
        return "it is truncated, or its size is wrong"
    if hashlib.sha256(content[:size - CHECK]).digest() != content[size - CHECK:size]:
        return "its checksum is wrong"
    if version != 1:
        return NEWER.replace("version 2", f"version {version}")
    return "read"


def write(path: pathlib.Path, *commands: str) -> bytes:
    subprocess.run([TOOL, path], input="".join(f"{line}\n" for line in commands), text=True,
                   check=True, timeout=seconds(60))
    return path.read_bytes()


def test_a_reader_of_version_1_is_told_that_the_file_is_newer(tmp_path):
    old = write(tmp_path / "one", "put 6b - 414553 00ff")
    assert version_1_reader(old) == "read"
    new = write(tmp_path / "two", "put 6b - 414553 00ff", "local", "put 6c - 414553 01")
    assert version_1_reader(new) == NEWER
    vectors = [path.read_bytes() for path in sorted(VECTORS.glob("*.sealed"))
               if not path.name.startswith("bad-")]
    said = [version_1_reader(one) for one in vectors]
    assert "read" in said and NEWER in said
    assert all(one == "read" or "which a newer OpenKeyring wrote" in one for one in said), said


@pytest.mark.long
def test_the_reader_of_version_1_itself_says_so(tmp_path):
    """The tool as it was before version 2, built from git's history."""
    log = subprocess.run(["git", "log", "--format=%H", "-S", "kNewestVersion = 2", "--", HEADER],
                         cwd=ROOT, text=True, capture_output=True, check=False)
    brought = log.stdout.split()
    if log.returncode != 0 or not brought:
        pytest.skip("the history is not here")
    archive = subprocess.run(["git", "archive", f"{brought[-1]}^"], cwd=ROOT, capture_output=True,
                             check=False)
    if archive.returncode != 0:
        pytest.skip("the history ends before that version")
    source, build = tmp_path / "source", tmp_path / "build"
    source.mkdir()
    subprocess.run(["tar", "-x", "-C", source], input=archive.stdout, check=True)
    for words in (["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
                   "-DOPENKEYRING_CURL=shared"],
                  ["cmake", "--build", build, "--target", "sealed_keyring_tool"]):
        done = subprocess.run(words, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    old_tool = build / "tests" / "sealed_keyring_tool"
    path = tmp_path / "keyring"
    before = write(path, "put 6b - 414553 00ff", "local", "put 6c - 414553 01")
    refused = subprocess.run([old_tool, path], input="reopen\n", text=True, capture_output=True,
                             check=False, timeout=seconds(60))
    assert refused.returncode == 1 and NEWER in refused.stderr, refused
    assert path.read_bytes() == before and sorted(tmp_path.glob("keyring.torn*")) == []
    # And a file of version 1, which is what it is, it reads.
    older = tmp_path / "older"
    subprocess.run([old_tool, older], input="put 6b - 414553 00ff\n", text=True, check=True,
                   timeout=seconds(60))
    assert version_1_reader(older.read_bytes()) == "read"
