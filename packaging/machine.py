# SPDX-License-Identifier: MIT
"""The processor that built files are for, read from the files themselves, and the programs that
deal with them: this machine's own, or those of the cross build (tools/arm64.cmake)."""

import dataclasses
import functools
import pathlib

from packages import ROOT, Failed, run

# What an ELF header calls a processor, and then Debian, RPM and the compiler.
PROCESSORS = {62: ("amd64", "x86_64", "x86_64-linux-gnu"),
              183: ("arm64", "aarch64", "aarch64-linux-gnu")}
TOOLCHAINS = {"arm64": ROOT / "tools/arm64.cmake"}
SYSROOTS = {"arm64": ROOT / "tools/arm64_sysroot"}


@dataclasses.dataclass(frozen=True)
class Machine:
    debian: str
    rpm: str
    compiler: str
    cross: bool  # Not the processor of this machine.

    def tool(self, name: str) -> str:
        """The name of a program of binutils."""
        return f"{self.compiler}-{name}" if self.cross else name

    def runner(self) -> list:
        """What stands before a program."""
        return [f"qemu-{self.rpm}-static", "-L", self._sysroot()] if self.cross else []

    def toolchain(self) -> list:
        """For tools/static_curl."""
        return ["--toolchain", TOOLCHAINS[self.debian]] if self.cross else []

    def needed_packages(self) -> list[pathlib.Path]:
        """Debian's packages of the libraries that products need, unpacked, where they are not
        this machine's."""
        return sorted((self._sysroot() / "debian-packages").iterdir()) if self.cross else []

    def _sysroot(self) -> pathlib.Path:
        return pathlib.Path(_output(SYSROOTS[self.debian]))


@functools.cache
def _output(*argv) -> str:
    return run(*argv).strip()


def machine_of(built: pathlib.Path) -> Machine:
    """Of an ELF file."""
    with open(built, "rb") as file:
        header = file.read(20)
    number = int.from_bytes(header[18:20], "little")
    if header[:4] != b"\x7fELF" or number not in PROCESSORS:
        raise Failed(f"{built} is not a program or library for amd64 or arm64")
    debian, rpm, compiler = PROCESSORS[number]
    cross = debian != _output("dpkg", "--print-architecture")
    if cross and debian not in TOOLCHAINS:
        raise Failed(f"{built} is for {debian}, and there is no cross build for that: make its "
                     f"packages on such a machine")
    return Machine(debian, rpm, compiler, cross)


def machine_of_all(built: list[pathlib.Path]) -> Machine:
    """Of files that go into one package."""
    found = {machine_of(path) for path in built}
    if len(found) != 1:
        names = ", ".join(sorted(one.debian for one in found))
        raise Failed(f"{', '.join(map(str, built))} are not for one processor ({names})")
    return found.pop()
