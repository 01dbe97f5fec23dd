# SPDX-License-Identifier: MIT
"""tools/coverage counts what ran, a program at hand, and compares it with floors."""

import importlib.machinery
import importlib.util
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool():
    loader = importlib.machinery.SourceFileLoader("coverage_tool", str(ROOT / "tools/coverage"))
    spec = importlib.util.spec_from_loader("coverage_tool", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ran(tool, tmp_path_factory):
    """A project of two directories and a test, of which half was run."""
    root = tmp_path_factory.mktemp("covered")
    files = {
        "src/a/half.h": "inline int Half(int x) {\n  if (x > 0) return 1;\n  return 2;\n}\n",
        "src/a/one_test.cc": '#include "half.h"\nint Two();\n'
                             "int main() {\n  return Half(1) == 1 ? Two() : 1;\n}\n",
        "src/b/all.cc": "int Two() {\n  return 0;\n}\nint Never() {\n  return 1;\n}\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["g++", "-O0", "--coverage", "-o", "it", "src/a/one_test.cc", "src/b/all.cc"],
                   cwd=root, check=True)
    subprocess.run(["./it"], cwd=root, check=True)
    return tool.figures(tool.counts(root, sorted(root.rglob("*.gcda"))))


def test_lines_that_ran_are_counted_by_directory_without_tests(ran):
    assert set(ran) == {"src/a", "src/b"}
    # Of the header three lines, of which "return 2" did not run; of the other file four.
    assert (ran["src/a"]["lines"], ran["src/a"]["run"]) == (3, 2)
    assert ran["src/b"] == {"lines": 4, "run": 2, "percent": 50.0}


def test_less_than_a_floor_is_a_problem(tool, ran):
    assert tool.below(ran, {"src/a": 66.0, "src/b": 50.0}) == []
    assert tool.below(ran, {"src/a": 66.0, "src/b": 50.1}) == [
        "src/b: 50.0 % of its lines run, the floor is 50.1 %"]


def test_a_directory_without_a_floor_and_a_floor_without_one_are_problems(tool, ran):
    assert tool.below(ran, {"src/a": 1.0, "src/c": 1.0}) == [
        "src/b: it has no floor", "src/c: a floor, and no code"]
