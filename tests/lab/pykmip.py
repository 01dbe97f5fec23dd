# SPDX-License-Identifier: MIT
"""PyKMIP (Debian's python3-pykmip), a real KMIP server, as a private server of a test."""

import pathlib
import signal
import socket

from . import certificates, process

PROGRAM = pathlib.Path("/usr/bin/pykmip-server")


class PyKmip:
    """One server with its own database, which outlives a stop; the port stays too."""

    def __init__(self, folder: pathlib.Path, authority: certificates.Authority | None = None, *,
                 certificate: certificates.Certificate | None = None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.authority = authority or certificates.Authority(self.folder / "tls")
        self.certificate = certificate or self.authority.server("pykmip")
        self.port = process.free_port()
        self.log = self.folder / "pykmip.log"
        self.process: process.Process | None = None

    def start(self) -> "PyKmip":
        if not PROGRAM.exists():
            raise process.Failed(f"{PROGRAM} is missing: apt-get install python3-pykmip")
        policies = self.folder / "policies"
        policies.mkdir(exist_ok=True)
        configuration = self.folder / "pykmip.conf"
        configuration.write_text(
            f"[server]\nhostname=127.0.0.1\nport={self.port}\ncertificate_path={self.certificate.certificate}\n"
            f"key_path={self.certificate.key}\nca_path={self.authority.certificate}\nauth_suite=TLS1.2\n"
            f"policy_path={policies}\nenable_tls_client_auth=True\nlogging_level=WARNING\n"
            f"database_path={self.folder}/pykmip.db\n")
        self.process = process.Process(
            ["/usr/bin/python3", PROGRAM, "-f", configuration, "-l", self.folder / "server.log"], self.log,
            process.bare_environment(self.folder), cwd=self.folder)

        def ready():
            self.process.fail_if_ended()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        process.wait_until(ready, "PyKMIP", 30)
        return self

    def stop(self) -> None:
        """In order. SIGTERM would only take effect at the next connection; an open one delays the end by 10 s."""
        if self.process is not None:
            self.process.stop(signal.SIGINT)
            self.process.kill()  # Its two children.
            self.process = None

    def kill(self) -> None:
        """As in a power cut: it refuses connections from now on."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def client_files(self, name: str = "client") -> dict[str, str]:
        return self.authority.kmip_options(name)

    def __enter__(self) -> "PyKmip":
        return self

    def __exit__(self, *_) -> None:
        self.kill()
