# SPDX-License-Identifier: MIT
"""How a demo tells its story: numbered steps, remarks, and claims that are checked."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab import process  # noqa: E402
from lab.mysql import SqlError  # noqa: E402

_step = 0
_directory = "\0"  # Left out of what is shown.


def step(text: str) -> None:
    global _step
    _step += 1
    print(f"\n{_step}. {text}", flush=True)


def say(text: str) -> None:
    print(f"   {text}".replace(_directory, ""), flush=True)


def check(condition: bool, text: str) -> None:
    """A claim of the demo; it ends here when it does not hold."""
    if not condition:
        raise AssertionError(f"NOT TRUE: {text}")
    say(f"ok: {text}")


def reload_error(server) -> str:
    """A reload that must fail; what the keyring says about it."""
    try:
        server.reload()
    except SqlError as error:
        assert error.code == 4035, error
        return server.status()["Last_failure"]
    raise AssertionError("NOT TRUE: the reload is refused")


def run(demo) -> int:
    """demo(directory) in a directory of its own; the exit code. The last line is "demo: ok", or an
    error shows the logs."""
    global _directory
    directory = process.new_directory("demo")
    _directory = f"{directory}/"
    try:
        demo(directory)
    except KeyboardInterrupt:
        print("\ndemo: interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # Whatever it is, a person wants to see why.
        print(f"\ndemo: FAILED: {error}", file=sys.stderr)
        for log in sorted(directory.glob("*/*.log")):
            print(
                f"\n--- the end of {log.relative_to(directory)}\n{process.tail(log, 25)}",
                file=sys.stderr,
            )
        return 1
    finally:
        process.kill_all()
        process.remove_directory(directory)
    print("\ndemo: ok")
    return 0
