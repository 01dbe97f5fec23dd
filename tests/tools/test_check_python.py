# SPDX-License-Identifier: MIT
"""tools/check_python finds what is planted, in files with and without the ending .py."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "check_python"


def run(root: pathlib.Path, name: str, text: str):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    done = subprocess.run([TOOL, "--root", root], text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["a/x.py", "tool"])
@pytest.mark.parametrize("line, found", [
    ("import os", "imported but unused"),
    ("print(never_defined)", "undefined name"),
    ("x = '" + 100 * "a" + "'", "E501"),
    ("x=1", "E225"),
])
def test_a_problem_is_found(tmp_path, name, line, found):
    code, text = run(tmp_path, name, f"#!/usr/bin/python3\n{line}\n")
    assert code == 1 and f"{name}:2:" in text and found in text


@pytest.mark.parametrize("limit, is_found", [("60", True), ("5", True), ("0.3", False),
                                             ("2", False), ("seconds(60)", False)])
def test_limits_of_time_in_tests_grow_with_slowness(tmp_path, limit, is_found):
    code, text = run(tmp_path, "tests/x.py", f"print(seconds=1, timeout={limit})\n".replace(
        "seconds(", "float("))
    assert (code == 1 and "tests/x.py:1: a fixed limit" in text) == is_found
    assert run(tmp_path / "other", "tools/x.py", f"print(timeout={60})\n")[0] == 0


def test_clean_files_and_other_languages_are_fine(tmp_path):
    assert run(tmp_path, "x.py", "x = '" + 93 * "a" + "'\n")[0] == 0
    assert run(tmp_path, "script", "#!/bin/sh\nx=1\n")[0] == 0


def test_an_empty_tree_is_not_a_success(tmp_path):
    assert run(tmp_path, "README", "")[0] == 1


def test_seeds_of_fuzz_targets_are_few_and_written_by_hand():
    for directory in (ROOT / "fuzz" / "corpus").iterdir():
        names = [path.name for path in directory.iterdir()]
        assert 0 < len(names) <= 12, directory
        assert not [name for name in names if re.fullmatch(r"[0-9a-f]{40}", name)], directory
