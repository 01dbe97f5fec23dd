# SPDX-License-Identifier: MIT
"""tools/check_licenses finds what is planted."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINE = "SPDX-License-Identifier: MIT\n"


@pytest.fixture
def repository(tmp_path):
    """One file for each pattern of the tool, so that none is reported as not needed."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for name in ("LICENSE", "a.md", "a.json", "packaging/examples/mysql/mysqld.my",
                 "packaging/examples/mysql/component_x.cnf", "packaging/notices/lib",
                 "packaging/debian/lintian-overrides", "fuzz/corpus/x/1", "testvectors/v"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    (tmp_path / "a.cc").write_text("// " + LINE)
    return tmp_path


def check(repository) -> tuple[int, str]:
    done = subprocess.run([ROOT / "tools/check_licenses", "--root", repository, "--files-only"],
                          text=True, capture_output=True, check=False)
    return done.returncode, done.stdout


def test_files_that_say_their_license_pass(repository):
    (repository / "script").write_text("#!/bin/sh\n# " + LINE)
    assert check(repository) == (0, "check_licenses: 11 files, 0 problems\n")


@pytest.mark.parametrize("name", ["b.cc", "b.dict", "b.map", "script", "deep/b.yaml"])
def test_a_file_without_the_line_is_found(repository, name):
    (repository / name).parent.mkdir(exist_ok=True)
    (repository / name).write_text("\n" * 5 + "# " + LINE)  # Too far down.
    code, text = check(repository)
    assert code == 1 and f"{name}:1: no line" in text


@pytest.mark.parametrize("name", ["b.cc", "b.md"])
def test_another_license_is_found(repository, name):
    (repository / name).write_text("// SPDX-License-" + "Identifier: GPL-3.0-only\n")
    code, text = check(repository)
    assert code == 1 and f"{name}: it is under GPL-3.0-only" in text


def test_what_git_ignores_is_not_looked_at(repository):
    (repository / ".gitignore").write_text("# " + LINE + "made/\n")
    (repository / "made").mkdir()
    (repository / "made/b.cc").write_text("x\n")
    assert check(repository)[0] == 0


def test_an_exemption_that_is_not_needed_is_found(repository):
    (repository / "testvectors/v").unlink()
    code, text = check(repository)
    assert code == 1 and "no file fits the pattern testvectors/*" in text


def test_this_project_passes_with_its_notices():
    done = subprocess.run([ROOT / "tools/check_licenses"], text=True, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stdout


def test_a_library_without_a_notice_is_found():
    # By the tool's own function, with one more library that is looked for in the binaries.
    code = ("import importlib.machinery as m, importlib.util as u, pathlib, sys\n"
            "loader = m.SourceFileLoader('tool', 'tools/check_licenses')\n"
            "tool = u.module_from_spec(u.spec_from_loader('tool', loader))\n"
            "loader.exec_module(tool)\n"
            "sys.path.insert(0, 'packaging')\nimport tree\ntree.LINKED_IN['zlib'] = ' inflate'\n"
            "print(tool.check_notices(pathlib.Path('.').resolve()))\n")
    done = subprocess.run(["/usr/bin/python3", "-c", code], cwd=ROOT, text=True,
                          capture_output=True, check=False)
    assert "zlib has no packaging/notices/zlib" in done.stdout, done.stderr
    assert "sbom.py: zlib" in done.stdout
