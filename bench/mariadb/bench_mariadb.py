#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench mariadb: the plugin's figures beside its goals, as a table and as JSON.

The figures that count are ratios of two things measured in one run, since machines differ and have
other work. A missed goal is reported, and is not a failure: only a benchmark that breaks ends with
something else than 0.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent), str(ROOT / "tests")]

import figures  # noqa: E402
import footprint  # noqa: E402
import hung  # noqa: E402
import key_sets  # noqa: E402
import keys  # noqa: E402
import tables  # noqa: E402
from lab import aws_plugin, mariadb, process  # noqa: E402

PARTS = {
    "keys": keys.measure,
    "key-sets": key_sets.measure,
    "tables": tables.measure,
    "footprint": footprint.measure,
    "hung": hung.measure,
}


def copy_of_plugin(directory: pathlib.Path) -> pathlib.Path:
    """So that a build meanwhile does not change what is measured."""
    plugin = directory / aws_plugin.PLUGIN.name
    shutil.copy(aws_plugin.PLUGIN, plugin)
    with open(plugin, "rb") as copy:
        os.fsync(copy.fileno())  # Pages not yet on disk would count as written to by the server.
    return plugin


def measure(names: list[str], timer: pathlib.Path) -> list[figures.Figure]:
    # Not in memory, as tests are: that is faster than any disk, and a library there counts as
    # written to.
    os.environ.setdefault("OPENKEYRING_TEST_TMP", tempfile.gettempdir())
    directory = process.new_directory("bench")
    plugin = copy_of_plugin(directory)
    found = []
    try:
        for name in names:
            print(f"  {name} ...", file=sys.stderr, flush=True)
            part = directory / name
            part.mkdir()
            more = (timer,) if name in ("keys", "key-sets") else ()
            found += PARTS[name](part, plugin, *more)
    finally:
        process.kill_all()
        process.remove_directory(directory)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--build",
        type=pathlib.Path,
        default=ROOT / "build" / "bench",
        help="where plugin_timer was built",
    )
    parser.add_argument(
        "--json", type=pathlib.Path, default=ROOT / "build" / "bench" / "mariadb.json"
    )
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help="default: all")
    arguments = parser.parse_args()
    before = figures.machine(mariadb=mariadb.mariadb_10().version)
    try:
        found = measure(
            arguments.part or list(PARTS), arguments.build / "bench" / "mariadb" / "plugin_timer"
        )
    except Exception:  # Whatever it is, a person wants to see it.
        traceback.print_exc()
        return 1
    figures.report(found, before, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
