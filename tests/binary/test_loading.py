# SPDX-License-Identifier: MIT
"""The built libraries in a plain C program: loaded, forked, unloaded, hundreds of times."""

import functools
import os
import subprocess
import tempfile

import pytest

from products import HERE, SANITIZING, compiler, runner

from lab.patience import seconds

ROUNDS = 100  # Under the sanitizer; without it enough to see one page a round.
MANY_ROUNDS = 400


_programs = tempfile.TemporaryDirectory(prefix="okr_loader_")  # Removed at the end.


@functools.cache
def loader(*words: str) -> str:
    program = os.path.join(_programs.name, "loader" + "".join(words).replace("/", ""))
    argv = [*(words or compiler()), "-g", "-Wall", "-Werror", "-o", program]
    subprocess.run([*argv, HERE / "loader.c", "-ldl"], check=True)
    return program


def run(program, rounds, library, symbols, **environment):
    return subprocess.run(
        [*runner(), program, str(rounds), library, *symbols],
        text=True,
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], **environment},
        timeout=seconds(300),
    )


def test_it_loads_with_everything_resolved(product):
    done = run(loader(), 1, product.path, product.symbols())
    assert done.returncode == 0, done.stderr


def test_a_symbol_that_is_not_there_is_noticed(product):
    assert run(loader(), 1, product.path, ["no_such_symbol"]).returncode != 0


def test_loading_and_unloading_leaves_nothing_behind(product):
    done = run(loader(), MANY_ROUNDS, product.path, product.symbols())
    assert done.returncode == 0, done.stderr
    early, late, last = done.stdout.splitlines()
    assert int(late) - int(early) < 512, (
        f"{late} kB after {MANY_ROUNDS} rounds, {early} kB after 10")
    assert last.startswith("threads 1 files ")
    assert int(last.split()[-1]) <= 4  # The three standard ones and the directory being listed.


def test_loading_and_unloading_under_address_sanitizer(product):
    if not product.asan_path.exists():
        pytest.fail(f"{product.asan_path} is missing: run ./dev build asan")
    done = run(loader(*SANITIZING), ROUNDS, product.asan_path, product.symbols(),
               ASAN_OPTIONS="detect_leaks=1:halt_on_error=1", UBSAN_OPTIONS="halt_on_error=1")
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Sanitizer" not in done.stderr
