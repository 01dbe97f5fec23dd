# SPDX-License-Identifier: MIT
"""keyringctl killed (kill -9) at each of its changes, or each of them refused by the system, one
run after the other, whatever the speed of the machine."""

import functools
import pathlib
import signal
import subprocess
from collections.abc import Iterator

from lab import process
from lab.patience import seconds

MOST = 2000  # Changes of one command.


@functools.cache
def library() -> pathlib.Path:
    """The library that stops a program: stop_at.c. Its directory ends with the tests."""
    made = process.new_directory("stopping") / "stop_at.so"
    source = pathlib.Path(__file__).with_name("stop_at.c")
    subprocess.run(
        ["cc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", source, "-o", made, "-ldl"],
        check=True,
    )
    return made


def run(tool, number: int, *words, **more) -> subprocess.CompletedProcess:
    """The command, stopped at its change `number`."""
    calm = tool.environment
    tool.environment = {
        **calm,
        "LD_PRELOAD": str(library()),
        "OPENKEYRING_STOP_AT": str(number),
        **more,
    }
    try:
        with tool.popen(*words) as running:
            out, err = running.communicate(timeout=seconds(60))
    finally:
        tool.environment = calm
    return subprocess.CompletedProcess(words, running.returncode, out, err)


def killed_everywhere(tool, *words, every: int = 1) -> Iterator[int]:
    """Runs the command and kills it before its first call that changes a file or sends something,
    yields the number of the call, runs it again and kills it before the next (or `every` so
    many), until a run reaches its end without being killed, with exit code 0."""
    for number in range(1, MOST, every):
        done = run(tool, number, *words)
        if done.returncode != -signal.SIGKILL:
            assert done.returncode == 0, (number, done)
            assert number > 1, "the library did not kill"
            return
        yield number
    raise AssertionError("the command has no end")


def refused_everywhere(tool, error: int, *words) -> Iterator[subprocess.CompletedProcess]:
    """Runs the command, lets its first call that changes a file fail with this errno, yields how
    the run ended, runs it again and lets the next fail, until a run meets no failure."""
    mark = tool.directory / "stopped"
    for number in range(1, MOST):
        mark.unlink(missing_ok=True)
        done = run(
            tool, number, *words, OPENKEYRING_ERROR=str(error), OPENKEYRING_STOPPED=str(mark)
        )
        if not mark.exists():
            assert done.returncode == 0, (number, done)
            assert number > 1, "the library let nothing fail"
            return
        mark.unlink()
        yield done
    raise AssertionError("the command has no end")
