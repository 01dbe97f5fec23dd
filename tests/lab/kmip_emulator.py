# SPDX-License-Identifier: MIT
"""Our KMIP emulator (emulators/kmip) as servers that a test can start, bend and stop."""

import json
import pathlib
import signal
import urllib.request

from . import certificates, process
from .mariadb import PRODUCTS


class KmipEmulator:
    """One or more servers that share their objects. Ports outlive a stop and a kill, objects only a stop."""

    def __init__(self, directory: pathlib.Path, authority: certificates.Authority | None = None, *, servers: int = 1,
                 certificate: certificates.Certificate | None = None, latency_ms: int = 0, options=()):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.authority = authority or certificates.Authority(self.directory / "tls")
        self.certificate = certificate or self.authority.server("kmip-emulator")
        self.servers = servers
        self.latency_ms = latency_ms
        self.options = list(options)
        self.ready: dict = {}
        self.process: process.Process | None = None

    def start(self) -> "KmipEmulator":
        """The program, or, after stop(), its servers."""
        if self.process is not None:
            for server in range(self.servers):
                self.start_server(server)
            return self
        program = PRODUCTS / "kmip-emulator"
        if not program.exists():
            raise process.Failed(f"{program} is missing: run ./dev build")
        ready_file = self.directory / "ready.json"
        ready_file.unlink(missing_ok=True)
        ports = [word for port in self.ready.get("ports", []) for word in ("--port", port)]
        self.process = process.Process(
            [program, "--ready-file", ready_file, "--servers", self.servers, "--tls-cert", self.certificate.certificate,
             "--tls-key", self.certificate.key, "--client-ca", self.authority.certificate,
             "--latency-ms", self.latency_ms, *ports, *self.options],
            self.directory / "kmip-emulator.log", process.bare_environment(self.directory), cwd=self.directory)

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
        """Options of a client (server_ca, client_ca, client_key). The name is the owner of what it stores."""
        return self.authority.kmip_options(name)

    def control(self, method: str, path: str, body: dict | None = None) -> dict:
        request = urllib.request.Request(
            self.ready["control_url"] + path, method=method, data=json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            return json.loads(answer.read())

    def fault(self, kind: str, operation: str = "*", count: int = 1, *, server: int = 0, **more) -> None:
        """The next `count` messages with that operation ("Get Attributes") misbehave (-1: all, until clear_faults)."""
        self.control("POST", "/faults", {"kind": kind, "operation": operation, "count": count, "server": server, **more})

    def clear_faults(self, server: int = 0) -> None:
        self.control("DELETE", "/faults", {"server": server})

    def behave(self, *, server: int = 0, **members) -> None:
        """Lasting properties, e.g. locate_cap=1000, versions=["1.2"]."""
        self.control("POST", "/behaviour", {"server": server, **members})

    def latency(self, milliseconds: int) -> None:
        """Of every answer of every server."""
        for server in range(self.servers):
            self.behave(server=server, latency_ms=milliseconds)

    def counters(self, server: int = 0) -> dict:
        return self.control("GET", "/counters")["servers"][server]

    def calls(self, operation: str) -> int:
        """How often any of the servers was asked for it ("Get Attributes"), by items of batches."""
        return sum(one["operations"].get(operation, 0) for one in self.control("GET", "/counters")["servers"])

    def objects(self) -> list[dict]:
        """id, owner, names, groups, info, type and state of each; never a value."""
        return self.control("GET", "/objects")["objects"]

    def cut(self, server: int = 0) -> None:
        """Ends its connections; it takes new ones."""
        self.control("POST", "/cut", {"server": server})

    def stop_server(self, server: int = 0) -> None:
        """It refuses connections, and those that it has end."""
        self.control("POST", "/stop", {"server": server})

    def start_server(self, server: int = 0) -> None:
        """On the same port; nothing happens when it is not stopped."""
        self.control("POST", "/start", {"server": server})

    def stop(self) -> None:
        """All servers refuse connections; they keep their objects."""
        for server in range(self.servers):
            self.stop_server(server)

    def restart(self) -> None:
        self.stop()
        self.start()

    def hang(self) -> None:
        """Connections are still taken by the kernel, but nothing is answered; control calls neither."""
        self.process.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send(signal.SIGCONT)

    def kill(self) -> None:
        """Everything that it holds is gone."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def __enter__(self) -> "KmipEmulator":
        return self

    def __exit__(self, *_) -> None:
        self.kill()
