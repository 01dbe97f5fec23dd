# SPDX-License-Identifier: MIT
"""tools/mutate: what it changes, and that it tells a mutant that a test notices from one that none
does."""

import importlib.machinery
import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "mutate"


@pytest.fixture(scope="module")
def mutate():
    sys.path.insert(0, str(ROOT / "tools"))
    loader = importlib.machinery.SourceFileLoader("mutate", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutate", loader))
    sys.modules["mutate"] = module
    loader.exec_module(module)
    return module


def results(mutate, body: str) -> list[str]:
    text = f"namespace n {{\n\nint F(int a) {{\n{body}}}\n\n}}  // namespace n\n"
    start, end = text.index(body), text.index(body) + len(body)
    made = []
    for mutant in mutate.mutants("x.cc", text):
        assert start <= mutant.start < mutant.end <= end
        changed = text[:mutant.start] + mutant.replacement + text[mutant.end:]
        made.append(changed[start:len(changed) - len(text) + end])
    return made


def test_statements_are_deleted_but_not_declarations_and_returns(mutate):
    assert results(
        mutate, "  int b = 1;\n  const Status s = G();\n  b += a;\n  Status t = G();\n  return b;\n"
    ) == ["  int b = 1;\n  const Status s = G();\n  ;\n  Status t = G();\n  return b;\n"]


def test_conditions_are_negated_and_guards_deleted(mutate):
    assert results(mutate, "  if (a && b) return 1;\n") == [
        "  if ( !(a && b)) return 1;\n",
        "  ;\n",
    ]
    assert results(mutate, "  if (Status s = G(); !s.ok()) return 1;\n") == [
        "  if (Status s = G(); !(!s.ok())) return 1;\n"] + ["  ;\n"]


def test_a_block_under_a_condition_stays_and_its_statements_go(mutate):
    assert results(mutate, "  if (a) {\n    G();\n  }\n") == [
        "  if ( !(a)) {\n    G();\n  }\n",
        "  if (a) {\n    ;\n  }\n",
    ]


def test_comments_and_strings_are_not_code(mutate):
    assert results(mutate, '  // if (a) G();\n  return "if (a) G();";\n') == []


SOURCE = """int Checked(int a) {
  if (a < 0) return -1;
  a += 1;
  return a;
}
int unused = 0;
void Unnoticed() {
  unused = 1;
}
"""
TEST = """int Checked(int);
void Unnoticed();
int main() {
  Unnoticed();
  return Checked(-5) == -1 && Checked(1) == 2 ? 0 : 1;
}
"""
NINJA = """rule cxx
  command = c++ -c $in -o $out
rule ar
  command = ar rcs $out $in
rule link
  command = : && c++ $objects -o $out $libraries && :
build src/keyring/x.cc.o: cxx {root}/src/keyring/x.cc
build tests/__/src/keyring/x_test.cc.o: cxx {root}/src/keyring/x_test.cc
build libx.a: ar src/keyring/x.cc.o
build unit_tests: link tests/__/src/keyring/x_test.cc.o libx.a
  objects = tests/__/src/keyring/x_test.cc.o
  libraries = libx.a
"""


@pytest.fixture
def project(tmp_path):
    """A project whose test checks one function and calls another without looking."""
    (tmp_path / "src/keyring").mkdir(parents=True)
    build = tmp_path / "build/debug"
    build.mkdir(parents=True)
    (tmp_path / "src/keyring/x.cc").write_text(SOURCE)
    (tmp_path / "src/keyring/x_test.cc").write_text(TEST)
    (build / "build.ninja").write_text(NINJA.format(root=tmp_path))
    file = f"{tmp_path}/src/keyring/x.cc"
    (build / "compile_commands.json").write_text(
        json.dumps(
            [
                {
                    "directory": str(build),
                    "file": file,
                    "command": f"c++ -o src/keyring/x.cc.o -c {file}",
                }
            ]
        )
    )
    subprocess.run(["ninja", "-C", build, "unit_tests"], check=True, stdout=subprocess.DEVNULL)
    return tmp_path


def test_survivors_are_what_no_test_notices(project):
    done = subprocess.run(
        [TOOL, "--root", project, "--seed", "1", "--sample", "9", "src/keyring"],
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("survived")] == [
        "survived: src/keyring/x.cc:8: deleted: unused = 1;"]
    assert lines[-1] == "mutate: 3 caught, 1 survived, 0 did not compile"


@pytest.mark.parametrize("guard, code, found", [
    (("src/keyring/x.cc", "if (a < 0) return -1;", "", "why"), 0, "1 caught"),
    (("src/keyring/x.cc", "unused = 1;", "", "why"), 1, "why: survived"),
    (("src/keyring/x.cc", "a += 1", "nonsense", "why"), 1, "why: stillborn"),
    (("src/keyring/x.cc", "gone", "", "why"), 1, "stands there 0 times, not once"),
    (("src/keyring/y.cc", "gone", "", "why"), 1, "stands there 0 times, not once"),
])
def test_a_guard_must_be_there_and_be_caught(
    mutate, project, monkeypatch, capsys, guard, code, found
):
    monkeypatch.setattr(mutate.mutation_guards, "GUARDS", [guard])
    monkeypatch.setattr(sys, "argv", ["mutate", "--root", str(project), "--guards-only"])
    assert mutate.main() == code
    assert found in capsys.readouterr().out


def test_the_guards_are_where_their_table_says(mutate):
    """A guard whose code was rewritten would be deleted nowhere."""
    made, problems = mutate.guards(mutate.ROOT)
    assert not problems
    assert len(made) == len(mutate.mutation_guards.GUARDS)
