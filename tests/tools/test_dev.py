# SPDX-License-Identifier: MIT
"""What ./dev says without installing anything."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from lab.patience import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITES = [line.split()[0] for line in (ROOT / "tools/suites.txt").read_text().splitlines()
          if not line.startswith("#")]


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


def test_lists_need_no_python_either(tmp_path):
    for name in ("env", "bash", "awk", "dirname", "sed", "cat"):
        (tmp_path / name).symlink_to(shutil.which(name))
    for words in (["--list"], ["test", "--list"], ["test", "--help"]):
        done = subprocess.run([ROOT / "dev", *words], text=True, capture_output=True, check=True,
                              env={"PATH": str(tmp_path)})
        listed = re.findall(r"^ *([a-z0-9-]+) +\S.*$", done.stdout, re.M)
        assert set(SUITES) <= set(listed), done


def test_a_suite_that_is_not_there_is_said_before_anything_is_installed(tmp_path):
    done = without_packages(tmp_path, ["test", "unit", "nonsense"])
    assert done.returncode == 2 and "no such suite: nonsense" in done.stderr
    assert "unit" in done.stderr and not done.stdout


@pytest.mark.parametrize("words,needed", [
    (["unit"], {"build"}),
    (["--fuzz-seconds", "5", "fuzz"], {"build", "fuzz"}),
    (["binary"], {"build", "pytest"}),
    (["--without-sid"], {"build", "demo", "pytest", "test", "format", "fuzz"}),
])
def test_only_what_the_suites_need_is_installed(tmp_path, words, needed):
    done = without_packages(tmp_path, ["test", *words])
    assert done.returncode == 3, done
    assert set(re.findall(r"no-such-package-of-(\w+)", done.stdout)) == needed


def test_a_long_command_is_never_silent(tmp_path):
    """tools/show_progress.sh: what goes on, and the last line of its log."""
    script = f"""
source {ROOT}/tools/show_progress.sh
trap hide_progress EXIT
echo 'first line
second line' > {tmp_path}/log
show_progress 'installing packages' {tmp_path}/log
while [ ! -s {tmp_path}/out ]; do sleep 0.02; done
"""
    with open(tmp_path / "out", "w") as out:
        subprocess.run(["bash", "-euc", script], stdout=out, check=True, timeout=seconds(60),
                       env={**os.environ, "OPENKEYRING_SILENCE_SECONDS": "0.05"})
    assert re.match(r"  installing packages: \d+ s  second line\n",
                    (tmp_path / "out").read_text())


@pytest.mark.parametrize("arguments,text", [
    (["build"], "build the products: about "),
    (["test", "unit"], "test unit: about "),
    (["test", "--without-sid"], "all ordinary tests: about "),
    (["demo"], "demo mariadb: about "),
    (["bench", "core"], "bench core"),
    (["lint"], "lint: about "),
    (["fuzz", "5"], "build the fuzz targets: about "),
    (["package"], "build and pack the products: about "),
])
def test_it_says_first_how_long_it_takes_and_how_much_disk(tmp_path, arguments, text):
    done = without_packages(tmp_path, arguments)
    assert done.returncode == 3, done
    assert done.stdout.startswith(f"==> {text}") and " GB are free" in done.stdout.split("\n")[0]


def without_packages(tmp_path, arguments):
    """Every package is missing here, and can only be named; apt-get would be noticed."""
    groups = {line.split()[0] for line in (ROOT / "tools/packages.txt").read_text().splitlines()
              if line and not line.startswith("#")}
    packages = tmp_path / "packages.txt"
    packages.write_text("".join(f"{group} no-such-package-of-{group} why\n" for group in groups))
    apt = tmp_path / "apt-get"
    apt.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\nexit 1\n")
    apt.chmod(0o755)
    return subprocess.run(
        [ROOT / "dev", *arguments], text=True, capture_output=True, check=False,
        timeout=seconds(60),
        env={**os.environ, "OPENKEYRING_PACKAGES": str(packages),
             "OPENKEYRING_APT_LOG": str(tmp_path / "apt.log"),
             "PATH": f"{tmp_path}:{os.environ['PATH']}"})
