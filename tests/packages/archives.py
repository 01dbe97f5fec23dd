# SPDX-License-Identifier: MIT
"""What is in a .deb, read by Python's own tar: no tool that makes them takes part."""

import dataclasses
import io
import lzma
import pathlib
import subprocess
import tarfile
import zlib

from lab.patience import seconds


def output(*argv, **more) -> str:
    """What a program prints; AssertionError with it when the program fails."""
    done = subprocess.run([str(word) for word in argv], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=seconds(300), check=False, **more)
    assert done.returncode == 0, done.stdout
    return done.stdout


def unpacked(rpm: pathlib.Path, name: str) -> pathlib.Path:
    """The directory where the files of an RPM are, by its name."""
    return rpm.parent / name


@dataclasses.dataclass(frozen=True)
class Entry:
    kind: str  # directory, file, link
    mode: int
    owner: tuple  # Number and name of user and group.
    content: bytes


def members(path: pathlib.Path) -> dict[str, bytes]:
    """The members of an ar archive."""
    data = path.read_bytes()
    assert data.startswith(b"!<arch>\n"), path
    found, at = {}, 8
    while at < len(data):
        name = data[at:at + 16].decode().strip().rstrip("/")
        size = int(data[at + 48:at + 58])
        found[name] = data[at + 60:at + 60 + size]
        at += 60 + size + size % 2
    return found


def files_of(content: bytes, kind: str) -> dict[str, Entry]:
    """The entries of a tar archive, by absolute path."""
    data = {"xz": lzma.decompress, "gz": lambda gz: zlib.decompress(gz, 31)}[kind](content)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for info in archive:
            kind = "file" if info.isfile() else "directory" if info.isdir() else "link"
            found["/" + info.name.removeprefix(".").strip("/")] = Entry(
                kind, info.mode, (info.uid, info.gid, info.uname, info.gname),
                archive.extractfile(info).read() if info.isfile() else b"")
    return found


class Deb:
    def __init__(self, path: pathlib.Path):
        self.path = path
        parts = members(path)
        assert parts["debian-binary"] == b"2.0\n"
        self.entries = self._tar(parts, "data")
        self.scripts = {name[1:]: entry.content.decode()
                        for name, entry in self._tar(parts, "control").items()
                        if entry.kind == "file"}
        self.modes = {name[1:]: entry.mode for name, entry in self._tar(parts, "control").items()}
        self.fields = _fields(self.scripts.pop("control"))
        self.name = self.fields["Package"]

    @staticmethod
    def _tar(parts: dict[str, bytes], name: str):
        (kind, content), = ((key.rpartition(".")[2], value) for key, value in parts.items()
                            if key.startswith(f"{name}.tar."))
        return files_of(content, kind)

    @property
    def files(self) -> dict[str, Entry]:
        return {name: entry for name, entry in self.entries.items() if entry.kind != "directory"}

    def text(self, name: str) -> str:
        return self.files[name].content.decode()

    def documents(self) -> dict[str, str]:
        """The guides, by their names in the package's directory."""
        start = f"/usr/share/doc/{self.name}/"
        return {name.removeprefix(start): self.text(name) for name in self.files
                if name.startswith(start) and name.endswith(".md")}


def _fields(text: str) -> dict[str, str]:
    found, name = {}, ""
    for line in text.splitlines():
        if line.startswith(" "):
            found[name] += "\n" + line
        else:
            name, _, value = line.partition(": ")
            found[name] = value
    return found
