# SPDX-License-Identifier: MIT
"""The built products, and what the binutils say about them."""

import functools
import os
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NAMES = [
    "aws_key_management",
    "kmip_key_management",
    "component_keyring_kms",
    "component_keyring_kmip",
    "keyring_aws",
]
# The suite arm64 sets this: what build/arm64 has is looked at, and run by qemu-user.
ARM64 = bool(os.environ.get("OPENKEYRING_BINARY_ARM64"))
BUILD = ROOT / "build" / ("arm64" if ARM64 else "release")
BINUTILS = "aarch64-linux-gnu-" if ARM64 else ""
# Compiles a program that may load what build/asan has.
SANITIZING = ("cc", "-fsanitize=address,undefined")


def listed(name: str) -> list[str]:
    """The lines of a file in this directory, without comments."""
    lines = (line.split("#")[0].strip() for line in (HERE / name).read_text().splitlines())
    return [line for line in lines if line]


def compiler() -> list[str]:
    """What compiles a program that loads a product."""
    return [f"{BINUTILS}gcc", f"--sysroot={_sysroot()}"] if ARM64 else ["cc"]


def runner() -> list[str]:
    """What stands before such a program."""
    return ["qemu-aarch64-static", "-L", _sysroot()] if ARM64 else []


@functools.cache
def _sysroot() -> str:
    return subprocess.run(
        [ROOT / "tools/arm64_sysroot"], text=True, capture_output=True, check=True
    ).stdout.strip()


def libcurl_directory() -> pathlib.Path | None:
    """Where the libcurl is from that the build linked in; None when that uses the system's."""
    cache = (BUILD / "CMakeCache.txt").read_text()
    found = re.search(r"^OPENKEYRING_CURL_DIRECTORY:INTERNAL=(.+)", cache, re.M)
    return pathlib.Path(found[1]) if found else None


class Product:
    def __init__(self, name: str):
        self.name = name
        self.path = (BUILD if ARM64 else ROOT / "build") / "products" / f"{name}.so"
        self.asan_path = ROOT / "build" / "asan" / "products" / f"{name}.so"

    def symbols(self) -> list[str]:
        return listed(f"{self.name}.symbols")

    def tool(self, name: str, *arguments: str) -> str:
        argv = [BINUTILS + name, *arguments, str(self.path)]
        return subprocess.run(argv, text=True, capture_output=True, check=True).stdout

    def dynamic(self, tag: str) -> list[str]:
        """What the dynamic section says under a tag, e.g. NEEDED."""
        return re.findall(rf"\({tag}\)\s+(.*)", self.tool("readelf", "-dW"))
