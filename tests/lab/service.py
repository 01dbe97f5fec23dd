# SPDX-License-Identifier: MIT
"""What all servers of the lab have in common: a directory, one process, a life that ends with the
test."""

import json
import os
import pathlib
import signal
import urllib.request

from . import process
from .patience import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCTS = ROOT / "build" / "products"


def thread_state(task: pathlib.Path) -> str:
    """The letter of a thread's state in /proc; X when it is gone."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


class Service:
    """A server program. Subclasses define start(), which sets `process`."""

    name = "the server"  # For messages.

    def __init__(self, directory: pathlib.Path):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.log = self.directory / "error.log"
        self.process: process.Process | None = None

    def start(self):
        raise NotImplementedError

    def wait_for(self, condition, what: str, seconds: float):
        """The first true value of `condition()`. Failed when the process ends instead, or time is
        up."""
        def reached():
            self.process.fail_if_ended()
            return condition()
        try:
            return process.wait_until(reached, f"{self.name} {what}", seconds)
        except TimeoutError as error:
            self.kill()
            raise process.Failed(f"{error}\n{process.tail(self.log)}") from None

    def stop(self) -> None:
        """It refuses connections from now on."""
        self.kill()

    def kill(self) -> None:
        """kill -9, and nothing is left of it."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """Connections are still accepted by the kernel, but nothing is answered. Threads may run
        for a moment after the signal was sent, so this waits until none does."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        process.wait_until(
            lambda: all(thread_state(task) in "TtZX" for task in tasks.iterdir()),
            f"{self.name} to stop",
            every=0.002,
        )

    def resume(self) -> None:
        os.killpg(self.process.pid, signal.SIGCONT)

    hang = pause

    def running(self) -> bool:
        return self.process is not None and self.process.running()

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.kill()


class OurEmulator(Service):
    """A program of emulators/: it says in a file when it is ready and where, and has a control API.
    """

    def __init__(self, directory: pathlib.Path, program: str, options):
        super().__init__(directory)
        self.name = program
        self.options = list(options)
        self.log = self.directory / f"{program}.log"
        self.ready: dict = {}  # The content of its ready file.

    def launch(self, *options) -> None:
        """Starts the program and waits until it is ready."""
        program = PRODUCTS / self.name
        if not program.exists():
            raise process.Failed(f"{program} is missing: run ./dev build")
        ready_file = self.directory / "ready.json"
        ready_file.unlink(missing_ok=True)
        self.process = process.Process(
            [program, "--ready-file", ready_file, *options, *self.options],
            self.log, process.bare_environment(self.directory), cwd=self.directory)
        self.wait_for(ready_file.exists, "to be ready", 20)
        self.ready = json.loads(ready_file.read_text())

    def control(self, method: str, path: str, body: dict | None = None) -> dict:
        request = urllib.request.Request(
            self.ready["control_url"] + path, method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=seconds(20)) as answer:
            return json.loads(answer.read() or b"{}")
