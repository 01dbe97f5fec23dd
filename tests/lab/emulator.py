# SPDX-License-Identifier: MIT
"""Our KMS emulator (emulators/kms) as a server that a test can start, bend and stop."""

import json
import pathlib
import urllib.request

from . import process
from .mariadb import PRODUCTS


class Emulator:
    """One emulator. Keys outlive it in a state file, and ports stay, so that it can be restarted."""

    def __init__(self, directory: pathlib.Path, *, alias: str = "alias/openkeyring", region: str = "eu-central-1",
                 options=()):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.alias = alias
        self.region = region
        self.options = list(options)
        self.log = self.directory / "emulator.log"
        self.ready: dict = {}
        self.process: process.Process | None = None

    def start(self) -> "Emulator":
        program = PRODUCTS / "kms-emulator"
        if not program.exists():
            raise process.Failed(f"{program} is missing: run ./dev build")
        ready_file = self.directory / "ready.json"
        ready_file.unlink(missing_ok=True)
        ports = ["--port", self.ready.get("port", 0), "--control-port", self.ready.get("control_port", 0)]
        self.process = process.Process(
            [program, "--ready-file", ready_file, "--state", self.directory / "state.json", "--region", self.region,
             "--create-key", self.alias, *ports, *self.options],
            self.log, process.bare_environment(self.directory), cwd=self.directory)

        def ready():
            self.process.fail_if_ended()
            return ready_file.exists()
        process.wait_until(ready, "the KMS emulator", 20)
        self.ready = json.loads(ready_file.read_text())
        return self

    @property
    def url(self) -> str:
        return self.ready["url"]

    def environment(self) -> dict[str, str]:
        """What a client of this KMS needs in its environment."""
        return {"AWS_ACCESS_KEY_ID": self.ready["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": self.ready["secret_access_key"], "AWS_REGION": self.region}

    def control(self, method: str, path: str, body: dict | None = None) -> dict:
        request = urllib.request.Request(
            self.ready["control_url"] + path, method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.loads(answer.read() or b"{}")

    def counters(self) -> dict:
        return self.control("GET", "/counters")

    def calls(self, operation: str) -> int:
        """How often this operation of KMS was asked for, e.g. "Decrypt"."""
        operations = self.counters()["operations"]
        return operations.get(operation, operations.get(f"kms:{operation}", 0))

    def reset_counters(self) -> None:
        self.control("POST", "/counters/reset")

    def fault(self, kind: str, operation: str = "*", count: int = 1, **more) -> None:
        """The next `count` requests of `operation` misbehave (-1: all, until clear_faults)."""
        self.control("POST", "/faults", {"kind": kind, "operation": operation, "count": count, **more})

    def clear_faults(self) -> None:
        self.control("DELETE", "/faults")

    def latency(self, milliseconds: int) -> None:
        self.control("POST", "/latency", {"ms": milliseconds})

    def stop(self) -> None:
        """It refuses connections from now on."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> "Emulator":
        return self

    def __exit__(self, *_) -> None:
        self.stop()
