# SPDX-License-Identifier: MIT
"""Core dumps, and what can be read in them."""

import base64
import collections
import dataclasses
import mmap
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess

from lab import process
from lab.patience import seconds


BLOCK = 4096


@dataclasses.dataclass(frozen=True)
class Find:
    what: str
    form: str
    where: str  # The mapping, as /proc/PID/maps names it: [heap], [stack], a file, or "" (anonymous).
    address: int

    def __str__(self) -> str:
        return f"{self.what} as {self.form} in {self.where or 'anonymous memory'} at {self.address:#x}"


class Core:
    """A dump of a process, which ends. The kernel writes it, or, where it is told to hand dumps to a program, gdb."""

    def __init__(self, pid: int, path: pathlib.Path):
        self.path = path
        self._maps = []
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            words = line.split(maxsplit=5)
            first, last = (int(part, 16) for part in words[0].split("-"))
            self._maps.append((first, last, words[5] if len(words) > 5 else ""))
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
        if pattern.isalnum() and _may_dump(pid):
            _let_kernel_dump(pid, pattern, path)
        else:
            _let_gdb_dump(pid, path)
        assert path.stat().st_size > 100000

    def search(self, secrets: dict[str, bytes]) -> list[Find]:
        """Every place where half of one of these can be read, in one of the usual forms."""
        patterns = [(what, form, pattern) for what, secret in secrets.items() for form, pattern in forms(secret)]
        with open(self.path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
            return [Find(what, form, self._where(address + at), address + at)
                    for address, run in self._runs(memory)
                    for what, form, pattern in patterns for at in _all(run, pattern)]

    def _runs(self, memory):
        """(address, bytes) of what is not zero, which is most of it."""
        zeros = bytes(BLOCK)
        for offset, size, address in self._segments(memory):
            run = []
            for at in range(0, size + BLOCK, BLOCK):
                block = memory[offset + at:offset + min(at + BLOCK, size)] if at < size else b""
                if block and block != zeros[:len(block)]:
                    run.append(block)
                elif run:
                    content = b"".join(run)
                    yield address + at - BLOCK * len(run), content
                    run = []

    @staticmethod
    def _segments(memory) -> list[tuple[int, int, int]]:
        """(offset in the file, size, address) of what ELF calls PT_LOAD."""
        offset, = struct.unpack_from("<Q", memory, 32)
        size, count = struct.unpack_from("<HH", memory, 54)
        found = []
        for number in range(count):
            kind, _, at, address, _, length = struct.unpack_from("<IIQQQQ", memory, offset + number * size)
            if kind == 1:
                found.append((at, length, address))
        return found

    def _where(self, address: int) -> str:
        return next((name for first, last, name in self._maps if first <= address < last), "?")


def _may_dump(pid: int) -> bool:
    try:
        resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return True
    except PermissionError:
        return False


def _let_kernel_dump(pid: int, name: str, path: pathlib.Path) -> None:
    directory = pathlib.Path(os.readlink(f"/proc/{pid}/cwd"))
    before = set(directory.glob(f"{name}*"))
    os.kill(pid, signal.SIGTRAP)  # Dumps, and no server has a handler for it.

    def written():
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and set(directory.glob(f"{name}*")) - before
    new, = process.wait_until(written, "the core dump", 120)
    new.rename(path)


def _let_gdb_dump(pid: int, path: pathlib.Path) -> None:
    assert shutil.which("gdb"), "gdb is missing: apt-get install gdb"
    done = subprocess.run(
        ["gdb", "-nx", "-batch", "-p", str(pid), "-iex", "set auto-load off", "-iex", "set debuginfod enabled off",
         "-iex", "set auto-solib-add off", "-ex", "set use-coredump-filter on",
         "-ex", "set dump-excluded-mappings off", "-ex", f"generate-core-file {path}", "-ex", "kill"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=seconds(600))
    assert path.exists(), done.stdout[-2000:]


def summary(finds: list[Find]) -> dict[tuple[str, str, str], int]:
    """How often which kind of secret is where, without the single places."""
    return dict(collections.Counter(
        ("a key" if find.what.startswith("version") else find.what, find.form, find.where) for find in finds))


def forms(secret: bytes) -> list[tuple[str, bytes]]:
    """Both halves as they are, in hex and in base64, since buffers get overwritten in part."""
    text = base64.b64encode(secret).rstrip(b"=")
    written = [("raw bytes", secret), ("hex", secret.hex().encode()), ("HEX", secret.hex().upper().encode()),
               ("base64", text)]
    return [(form, half) for form, whole in written
            for half in (whole[:len(whole) // 2], whole[len(whole) // 2:])]


def _all(run: bytes, pattern: bytes):
    at = run.find(pattern)
    while at >= 0:
        yield at
        at = run.find(pattern, at + 1)


def in_files(directory: pathlib.Path, secrets: dict[str, bytes], leave_out=()) -> list[str]:
    """Names of files under the directory that hold one of these."""
    found = []
    for path in directory.rglob("*"):
        if not path.is_file() or path.is_symlink() or path in leave_out:
            continue
        content = path.read_bytes()
        found += [f"{what} as {form} in {path.name}" for what, secret in secrets.items()
                  for form, pattern in forms(secret) if pattern in content]
    return found
