# SPDX-License-Identifier: MIT
"""The built products, and what the binutils say about them."""

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


def listed(name: str) -> list[str]:
    """The lines of a file in this directory, without comments."""
    lines = (line.split("#")[0].strip() for line in (HERE / name).read_text().splitlines())
    return [line for line in lines if line]


def libcurl_directory() -> pathlib.Path | None:
    """Where the libcurl is from that the release build linked in; None when that uses the system's.
    """
    cache = (ROOT / "build" / "release" / "CMakeCache.txt").read_text()
    found = re.search(r"^OPENKEYRING_CURL_DIRECTORY:INTERNAL=(.+)", cache, re.M)
    return pathlib.Path(found[1]) if found else None


class Product:
    def __init__(self, name: str):
        self.name = name
        self.path = ROOT / "build" / "products" / f"{name}.so"
        self.asan_path = ROOT / "build" / "asan" / "products" / f"{name}.so"

    def symbols(self) -> list[str]:
        return listed(f"{self.name}.symbols")

    def tool(self, *argv: str) -> str:
        return subprocess.run(
            [*argv, str(self.path)], text=True, capture_output=True, check=True
        ).stdout

    def dynamic(self, tag: str) -> list[str]:
        """What the dynamic section says under a tag, e.g. NEEDED."""
        return re.findall(rf"\({tag}\)\s+(.*)", self.tool("readelf", "-dW"))
