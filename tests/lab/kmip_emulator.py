# SPDX-License-Identifier: MIT
"""Our KMIP emulator (emulators/kmip) as servers that a test can start, bend and stop."""

import pathlib

from . import certificates
from .service import OurEmulator


class KmipEmulator(OurEmulator):
    """One or more servers that share their objects. Ports outlive a stop and a kill, objects only a
    stop. Servers with different objects: two of these with one authority and certificate."""

    def __init__(self, directory: pathlib.Path, authority: certificates.Authority | None = None, *,
                 servers: int = 1, certificate: certificates.Certificate | None = None,
                 latency_ms: int = 0, options=()):
        super().__init__(directory, "kmip-emulator", options)
        self.authority = authority or certificates.Authority(self.directory / "tls")
        self.certificate = certificate or self.authority.server("kmip-emulator")
        self.servers = servers
        self.latency_ms = latency_ms

    def start(self) -> "KmipEmulator":
        """The program, or, after stop(), its servers."""
        if self.process is not None:
            for server in range(self.servers):
                self.start_server(server)
            return self
        ports = [word for port in self.ready.get("ports", []) for word in ("--port", port)]
        self.launch("--servers", self.servers, "--tls-cert", self.certificate.certificate,
                    "--tls-key", self.certificate.key, "--client-ca", self.authority.certificate,
                    "--latency-ms", self.latency_ms, *ports)
        return self

    @property
    def port(self) -> int:
        return self.ready["ports"][0]

    @property
    def ports(self) -> list[int]:
        return self.ready["ports"]

    def client_files(self, name: str = "client") -> dict[str, str]:
        """Options of a client (server_ca, client_ca, client_key). The name is the owner of what it
        stores."""
        return self.authority.kmip_options(name)

    def fault(
        self, kind: str, operation: str = "*", count: int = 1, *, server: int = 0, **more
    ) -> None:
        """The next `count` messages with that operation ("Get Attributes") misbehave (-1: all,
        until clear_faults)."""
        self.control(
            "POST",
            "/faults",
            {"kind": kind, "operation": operation, "count": count, "server": server, **more},
        )

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
        return sum(
            one["operations"].get(operation, 0)
            for one in self.control("GET", "/counters")["servers"]
        )

    def objects(self) -> list[dict]:
        """id, owner, names, groups, info, type and state of each; never a value."""
        return self.control("GET", "/objects")["objects"]

    def set_dates(self, id: str, **dates: int) -> None:
        """initial_date, deactivation_date (seconds since 1970): takes effect when it has come."""
        self.control("POST", "/objects", {"id": id, **dates})

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
