# SPDX-License-Identifier: MIT
"""The Promela models, by spin: each holds as it is, and fails without any of its guards.

A model names its guards by lines `// broken: NAME what is missing`; -DNAME leaves one out. A line
`// also: NAME who` is a variant that holds, too."""

import pathlib
import re
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
MODELS = sorted(HERE.glob("*.pml"))
BROKEN = re.compile(r"^// broken: (\w+) +\S", re.M)
ALSO = re.compile(r"^// also: (\w+) +\S", re.M)
WHOLE = [(model, also) for model in MODELS for also in [None] + ALSO.findall(model.read_text())]
VARIANTS = [(model, name) for model in MODELS for name in BROKEN.findall(model.read_text())]
SECONDS = 600


def run(*argv, directory: pathlib.Path) -> str:
    done = subprocess.run(argv, cwd=directory, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, argv))}:\n{done.stdout}"
    return done.stdout


def verify(model: pathlib.Path, directory: pathlib.Path, *defines: str) -> str:
    """Every state that the model can reach; what spin's verifier says."""
    assert shutil.which("spin"), "spin is missing: apt-get install spin"
    shutil.copy(model, directory)
    run("spin", *defines, "-a", model.name, directory=directory)
    optimize = "-O0" if defines else "-O2"
    limits = ["-DSAFETY", "-DMEMLIM=2000"]
    run("cc", "-w", optimize, *limits, "-o", "pan", "pan.c", directory=directory)
    return run("./pan", "-m1000000", "-w22", directory=directory)


def errors(report: str) -> int:
    return int(re.search(r"errors: (\d+)", report).group(1))


@pytest.mark.parametrize(
    "model, also", WHOLE, ids=["-".join(filter(None, [model.stem, also])) for model, also in WHOLE])
def test_nothing_is_lost_or_forked(model, also, tmp_path):
    report = verify(model, tmp_path, *([f"-D{also}"] if also else []))
    assert errors(report) == 0, report
    # Incomplete searches prove nothing.
    assert "max search depth too small" not in report and "Search not completed" not in report
    states = int(re.search(r"(\d+) states, stored", report).group(1))
    print(f"{model.stem}: {states} states")
    assert states > 10000, report


@pytest.mark.parametrize(
    "model, name", VARIANTS, ids=[f"{model.stem}-{name}" for model, name in VARIANTS])
def test_without_a_guard_something_is(model, name, tmp_path):
    assert re.search(rf"^#(ifn?def|if|elif) .*\b{name}\b", model.read_text(), re.M), "not used"
    report = verify(model, tmp_path, f"-D{name}")
    # By an assertion, not by a mistake of the model.
    assert errors(report) == 1 and "assertion violated" in report, report
    assert "invalid array index" not in report, report


def test_each_model_has_guards():
    assert {model for model, _ in VARIANTS} == set(MODELS) and len(MODELS) == 4
