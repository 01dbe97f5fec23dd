# SPDX-License-Identifier: MIT
"""The packages, made once from build/products."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "packaging"))

from archives import Deb  # noqa: E402
from lab import emulator, process  # noqa: E402


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> pathlib.Path:
    """The directory with the archives that ./dev package makes; RPMs only in `rpms`."""
    out = tmp_path_factory.mktemp("made")
    done = subprocess.run([ROOT / "packaging/package", "--out", out, "--no-rpm"], text=True,
                          capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    yield out
    shutil.rmtree(out)


@pytest.fixture(scope="session")
def debs(made) -> dict[str, Deb]:
    return {deb.name: deb for deb in (Deb(path) for path in sorted(made.glob("*.deb")))}


@pytest.fixture(scope="session")
def kms():
    directory = process.new_directory("kms")
    with emulator.Emulator(directory) as running:
        yield running.start()
    process.remove_directory(directory)
