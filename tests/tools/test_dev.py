# SPDX-License-Identifier: MIT
"""What ./dev says without installing anything."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("arguments,text", [
    (["--list"], "unit"),
    (["test", "--list"], "unit"),
    (["--help"], "usage: ./dev COMMAND"),
    (["build", "--help"], "usage: ./dev COMMAND"),
    (["test", "--help"], "usage: ./dev test"),
])
def test_lists_and_help_need_no_packages(tmp_path, arguments, text):
    done = without_packages(tmp_path, arguments)
    assert done.returncode == 0, done.stderr
    assert text in done.stdout
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("arguments,text", [
    (["build"], "build the products: about "),
    (["test", "unit"], "test unit: about "),
    (["test", "--without-sid"], "all ordinary tests: about "),
    (["demo"], "demo mariadb: about "),
])
def test_it_says_first_how_long_it_takes_and_how_much_disk(tmp_path, arguments, text):
    done = without_packages(tmp_path, arguments)
    assert done.returncode == 3, done
    assert done.stdout.startswith(f"==> {text}") and " GB are free" in done.stdout.split("\n")[0]


def without_packages(tmp_path, arguments):
    """Every package is missing here, and apt-get would be noticed."""
    packages = tmp_path / "packages.txt"
    packages.write_text("".join(
        f"{group} no-such-package-anywhere why\n"
        for group in ("build", "demo", "test", "format", "fuzz")))
    apt = tmp_path / "apt-get"
    apt.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\nexit 1\n")
    apt.chmod(0o755)
    return subprocess.run(
        [ROOT / "dev", *arguments], text=True, capture_output=True, check=False, timeout=60,
        env={**os.environ, "OPENKEYRING_PACKAGES": str(packages),
             "OPENKEYRING_APT_LOG": str(tmp_path / "apt.log"),
             "PATH": f"{tmp_path}:{os.environ['PATH']}"})
