# SPDX-License-Identifier: MIT
"""The packages, made once from build/products; in suite arm64 from build/arm64/products."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "packaging"))

from archives import Deb, output  # noqa: E402
from lab import certificates, emulator, kmip_emulator, process  # noqa: E402
from lab.patience import seconds  # noqa: E402

ARM64 = bool(os.environ.get("OPENKEYRING_BINARY_ARM64"))
PACKAGE = [ROOT / "packaging/package",
           *(["--products", ROOT / "build/arm64/products"] if ARM64 else [])]


@pytest.fixture(scope="session")
def build_directory() -> pathlib.Path:
    return ROOT / "build" / ("arm64" if ARM64 else "release")


@pytest.fixture(scope="session")
def architecture() -> str:
    """What the packages are for, as Debian calls it."""
    return "arm64" if ARM64 else output("dpkg", "--print-architecture").strip()


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> pathlib.Path:
    """The directory with the archives that ./dev package makes, without RPMs."""
    out = tmp_path_factory.mktemp("made")
    done = subprocess.run([*PACKAGE, "--out", out, "--no-rpm"], text=True, capture_output=True,
                          timeout=seconds(300), check=False, umask=0o077)  # Which must not show.
    assert done.returncode == 0, done.stderr
    yield out
    shutil.rmtree(out)


@pytest.fixture(scope="session")
def debs(made) -> dict[str, Deb]:
    return {deb.name: deb for deb in (Deb(path) for path in sorted(made.glob("*.deb")))}


@pytest.fixture(scope="session")
def rpms(tmp_path_factory) -> dict[str, pathlib.Path]:
    """The RPMs, and beside each the directory that it is unpacked in."""
    out = tmp_path_factory.mktemp("rpms")
    output(*PACKAGE, "--rpm", "--out", out, umask=0o077)
    found = {}
    for path in out.glob("*.rpm"):
        name = output("rpm", "-qp", "--qf", "%{NAME}", path)
        found[name] = path
        (out / name).mkdir()
        content = subprocess.run(["rpm2cpio", path], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["cpio", "-id", "--quiet"], input=content, cwd=out / name, check=True)
    return found


@pytest.fixture(scope="session")
def kms():
    directory = process.new_directory("kms")
    with emulator.Emulator(directory, alias="alias/mariadb") as running:  # As in README.
        yield running.start()
    process.remove_directory(directory)


@pytest.fixture(scope="session")
def kmip():
    directory = process.new_directory("kmip")
    authority = certificates.Authority(directory / "tls")
    with kmip_emulator.KmipEmulator(directory / "emulator", authority).start() as running:
        yield running
    process.remove_directory(directory)
