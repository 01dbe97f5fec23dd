# SPDX-License-Identifier: MIT
"""Our KMS emulator (emulators/kms) as a server that a test can start, bend and stop."""

import pathlib

from .service import OurEmulator


class Emulator(OurEmulator):
    """One emulator. Keys outlive it in a state file, and ports stay, so that it can be restarted.
    """

    def __init__(self, directory: pathlib.Path, *, alias: str = "alias/openkeyring",
                 region: str = "eu-central-1", options=()):
        super().__init__(directory, "kms-emulator", options)
        self.alias = alias
        self.region = region

    def start(self) -> "Emulator":
        self.launch("--state", self.directory / "state.json", "--region", self.region,
                    "--create-key", self.alias, "--port", self.ready.get("port", 0),
                    "--control-port", self.ready.get("control_port", 0))
        return self

    @property
    def url(self) -> str:
        return self.ready["url"]

    def environment(self) -> dict[str, str]:
        """What a client of this KMS needs in its environment."""
        return {"AWS_ACCESS_KEY_ID": self.ready["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": self.ready["secret_access_key"], "AWS_REGION": self.region}

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
        self.control(
            "POST", "/faults", {"kind": kind, "operation": operation, "count": count, **more}
        )

    def clear_faults(self) -> None:
        self.control("DELETE", "/faults")

    def availability(self, **more) -> dict:
        """quota={"requests_per_second": 50}, errors={"percent": 5}, outage={"for_s": 10}."""
        return self.control("POST", "/availability", more)

    def latency(self, milliseconds: int) -> None:
        self.control("POST", "/latency", {"ms": milliseconds})
