# SPDX-License-Identifier: MIT
"""Our KMIP emulator (testing/kmip_server) as servers that a test can start, bend and stop."""

import json
import pathlib
import urllib.request

from . import certificates, process
from .mariadb import PRODUCTS


class KmipEmulator:
    """One or more servers that share their objects. What they hold is gone when the program ends."""

    def __init__(self, folder: pathlib.Path, authority: certificates.Authority | None = None, *, servers: int = 1,
                 certificate: certificates.Certificate | None = None, options=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.authority = authority or certificates.Authority(self.folder / "tls")
        self.certificate = certificate or self.authority.server("kmip-emulator")
        self.servers = servers
        self.options = list(options)
        self.ready: dict = {}
        self.process: process.Process | None = None

    def start(self) -> "KmipEmulator":
        program = PRODUCTS / "kmip-emulator"
        if not program.exists():
            raise process.Failed(f"{program} is missing: run ./dev build")
        ready_file = self.folder / "ready.json"
        self.process = process.Process(
            [program, "--ready-file", ready_file, "--servers", self.servers, "--tls-cert", self.certificate.certificate,
             "--tls-key", self.certificate.key, "--client-ca", self.authority.certificate, *self.options],
            self.folder / "kmip-emulator.log", process.bare_environment(self.folder), cwd=self.folder)

        def ready():
            self.process.fail_if_ended()
            return ready_file.exists()
        process.wait_until(ready, "the KMIP emulator", 20)
        self.ready = json.loads(ready_file.read_text())
        return self

    @property
    def port(self) -> int:
        return self.ready["ports"][0]

    @property
    def ports(self) -> list[int]:
        return self.ready["ports"]

    def client_files(self, name: str = "client") -> dict[str, str]:
        return self.authority.kmip_options(name)

    def control(self, method: str, path: str, body: dict | None = None) -> dict:
        request = urllib.request.Request(
            self.ready["control_url"] + path, method=method, data=json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            return json.loads(answer.read())

    def fault(self, kind: str, operation: str = "*", count: int = 1, **more) -> None:
        """The next `count` requests with that operation ("Get") misbehave (-1: all)."""
        self.control("POST", "/faults", {"kind": kind, "operation": operation, "count": count, **more})

    def behave(self, **members) -> None:
        self.control("POST", "/behaviour", members)

    def counters(self, server: int = 0) -> dict:
        return self.control("GET", "/counters")["servers"][server]

    def objects(self) -> list[dict]:
        return self.control("GET", "/objects")["objects"]

    def stop_server(self, server: int = 0) -> None:
        """It refuses connections, but keeps its objects."""
        self.control("POST", "/stop", {"server": server})

    def start_server(self, server: int = 0) -> None:
        self.control("POST", "/start", {"server": server})

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process = None

    def __enter__(self) -> "KmipEmulator":
        return self

    def __exit__(self, *_) -> None:
        self.kill()
