# SPDX-License-Identifier: MIT
"""Programs as test cases: started, shown, logged, limited in time, and ended with all they started.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import select
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "build" / "test"

# A count to three million took this long where the limits of time below were made.
COUNT, COUNT_S, SLOWEST = 3_000_000, 0.15, 8.0
FACTOR = "OPENKEYRING_TIME_FACTOR"  # Says how slow a machine is; else it is measured.
SILENCE_S = 30  # After which a program that shows nothing is said to be running.


@dataclasses.dataclass
class Case:
    name: str
    result: str  # passed, failed, skipped
    why: str = ""
    log: str = ""  # Of a program: where its output is.


def slowness() -> float:
    """How much slower this machine is at the moment than the one where limits of time were made;
    at least 1. Other jobs count, too."""
    if FACTOR in os.environ:
        return max(1.0, float(os.environ[FACTOR]))
    started, number = time.monotonic(), 0
    while number < COUNT:
        number += 1
    return min(SLOWEST, max(1.0, (time.monotonic() - started) / COUNT_S))


def command(
    name: str, argv, *, seconds: float, environment=None, quiet=False, children=None,
    while_it_writes=False
) -> Case:
    """One program as one test case: passed when it ends with 0. Its output is shown, and kept in a
    log. `seconds`: its limit, on a machine that is not slow; `while_it_writes`: the limit begins
    again with each output. `children`: those that run beside it."""
    factor = slowness()
    limit = round(seconds * factor)
    log = RESULTS / f"{name.replace('/', '-').replace(' ', '-')}.log"
    with open(log, "wb") as kept:
        child = subprocess.Popen(
            [str(word) for word in argv],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, FACTOR: f"{factor:.1f}", **(environment or {})},
        )
        if children is not None and not children.add(child):
            return Case(name, "failed", "interrupted")
        ended = _pump(child, _Output(name, kept, quiet), limit, while_it_writes)
    code = child.wait()
    if code == 0 and ended:
        return Case(name, "passed", log=_short(log))
    if quiet:
        print("\n".join(log.read_text(errors="replace").splitlines()[-40:]), flush=True)
    what = "wrote nothing for" if while_it_writes else "did not end within"
    why = f"ended with {code}" if ended else (
        f"{what} {limit} s ({seconds:g} s on a fast machine; if this one is only slow: "
        f"{FACTOR}={2 * factor:.0f} ./dev test ...)")
    return Case(name, "failed", f"{why}; log: {_short(log)}", _short(log))


def together(calls, at_once: int) -> list[Case]:
    """Calls of command(), `at_once` at a time. Each takes the list of children."""
    children = Children()
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(call, children=children) for call in calls]
        try:
            return [future.result() for future in futures]
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()
            children.end()
            raise


class Children:
    """Programs that run side by side. Once they were ended, one more is ended at once."""

    def __init__(self):
        self._lock = threading.Lock()
        self._all = []
        self._ended = False

    def add(self, child) -> bool:
        """False when it was ended."""
        with self._lock:
            self._all.append(child)
            if not self._ended:
                return True
        _end(child)  # It has only begun: there is nothing to clean up.
        child.wait()
        return False

    def end(self) -> None:
        with self._lock:
            self._ended = True
            running = list(self._all)
        for child in running:
            _let_clean_up(child)
            _end(child)


class _Output:
    """Where the output of a program goes: into its log, and to the user unless it is quiet."""

    def __init__(self, name: str, kept, quiet: bool):
        self.name, self.kept, self.quiet = name, kept, quiet
        self.started = self.shown = self.taken = time.monotonic()
        self.last = b""

    def take(self, chunk: bytes) -> None:
        self.kept.write(chunk)
        self.taken = time.monotonic()
        self.last = (self.last + chunk)[-2000:]
        if not self.quiet:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            self.shown = time.monotonic()

    def say_what_runs(self) -> None:
        """Says so when nothing was shown for a while; with the last line of a quiet program."""
        now = time.monotonic()
        if now - self.shown < SILENCE_S:
            return
        lines = self.last.decode(errors="replace").split("\n") if self.quiet else []
        line = next((line for line in reversed(lines[:-1]) if line.strip()), "")
        print(f"  {self.name}: {now - self.started:.0f} s {line[:70]}".rstrip(), flush=True)
        self.shown = now


def _pump(child, output: _Output, limit: float, while_it_writes: bool) -> bool:
    """Copies the output until the program ends; kills the complete session then. False: it had to
    be killed, `limit` seconds after its start, or after its last output."""
    def left() -> float:
        return (output.taken if while_it_writes else output.started) + limit - time.monotonic()
    try:
        while left() > 0:
            output.say_what_runs()
            if not select.select([child.stdout], [], [], min(max(0, left()), 5))[0]:
                continue
            chunk = os.read(child.stdout.fileno(), 65536)
            if not chunk:
                child.wait(timeout=max(0, left()))
                return True
            output.take(chunk)
        return False
    except subprocess.TimeoutExpired:
        return False
    except KeyboardInterrupt:
        _let_clean_up(child)
        raise
    finally:
        _end(child)


def _end(child) -> None:
    """Kills what it left behind, or all of it."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _let_clean_up(child) -> None:
    """Passes Ctrl-C on: a test run removes its directories. At most some seconds."""
    try:
        os.killpg(child.pid, signal.SIGINT)
        child.communicate(timeout=8)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        pass


def _short(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))
