#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench keyringctl: list and verify of 100,000 keys in a sealed file."""

import json
import os
import pathlib
import pty
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]

import figures  # noqa: E402
from lab import emulator, kms_component, process  # noqa: E402

KEYS, ROUNDS = 100_000, 5
TOOL = ROOT / "build" / "products" / "keyringctl"
TIMER = ROOT / "build" / "bench" / "bench" / "keyringctl" / "gcm_timer"
# A small process between, whose own memory does not count for that of its child.
MEASURE = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


class Keyring:
    """A sealed file of so many keys, which migrate makes of MySQL's own file."""

    def __init__(self, directory: pathlib.Path, kms):
        self.directory = directory
        self.file = directory / "keyring"
        self.config = directory / "component_keyring_kms.cnf"
        self.config.write_text(json.dumps(kms_component.config(kms, self.file)))
        self.environment = process.bare_environment(directory, kms.environment())

    def words(self, *command) -> list[str]:
        return [str(word) for word in (TOOL, *command, "--config", self.config)]

    def fill(self) -> None:
        plain = self.directory / "plain"
        elements = [{"user": "", "data_id": f"INNODBKey-2f6b1b5a-{number}", "data_type": "AES",
                     "data": os.urandom(32).hex().upper(), "extension": []}
                    for number in range(KEYS)]
        plain.write_text(json.dumps({"version": "1.0", "elements": elements}))
        subprocess.run([TOOL, "migrate", f"component_keyring_file:{plain}", self.config, "--yes"],
                       check=True, env=self.environment, stdout=subprocess.DEVNULL)

    def measure(self, *command) -> tuple[float, float, float]:
        """Seconds, seconds of a processor, and MiB of memory, the best of some rounds."""
        rounds = []
        for _ in range(ROUNDS):
            started = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-S", "-c", MEASURE, *self.words(*command)], check=True,
                env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            took = time.monotonic() - started
            rounds.append((took, *map(float, done.stderr.split())))
        return tuple(min(column) for column in zip(*rounds))

    def least(self) -> float:
        """Seconds to read the file and to encrypt as many bytes."""
        return min(float(subprocess.run([TIMER, self.file, str(KEYS)], check=True, text=True,
                                        capture_output=True).stdout) for _ in range(ROUNDS))

    def shows_progress(self, *command) -> bool:
        """On a terminal; of what takes longer than a second."""
        parent, child = pty.openpty()
        with subprocess.Popen(self.words(*command), stdin=child, stdout=subprocess.DEVNULL,
                              stderr=child, env={**self.environment, "TERM": "xterm"}):
            os.close(child)
        try:
            return b"[" in os.read(parent, 65536)
        except OSError:
            return False
        finally:
            os.close(parent)


def main() -> None:
    before = figures.machine()
    directory = process.new_directory("bench_ctl")
    found = []
    try:
        with emulator.Emulator(directory, alias="alias/openkeyring") as kms:
            kms.start()
            keyring = Keyring(directory, kms)
            started = time.monotonic()
            keyring.fill()
            found.append(figures.Figure(f"migrate of {KEYS} keys", time.monotonic() - started, "s"))
            least = keyring.least()
            size = keyring.file.stat().st_size / (1 << 20)
            found.append(figures.Figure("read the file and AES-GCM of it", least, "s", None,
                                        f"{size:.1f} MiB in {KEYS} pieces"))
            for command in (["list"], ["list", "--json"], ["verify"]):
                wall, processor, memory = keyring.measure(*command)
                name = " ".join(command)
                found += [
                    figures.Figure(f"{name}, over that", processor / least, "x", 2,
                                   f"{processor:.3f} s of a processor, {wall:.3f} s in all"),
                    figures.Figure(f"{name}, memory over the file's size", memory / size, "x", 8,
                                   f"{memory:.0f} MiB")]
            found.append(figures.Figure(
                "verify longer than a second without a progress bar",
                wall > 1 and not keyring.shows_progress("verify"), "", 0))
    finally:
        process.remove_directory(directory)
    figures.report(found, before, ROOT / "build" / "bench" / "keyringctl.json")


if __name__ == "__main__":
    main()
