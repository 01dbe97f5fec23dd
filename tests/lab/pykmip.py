# SPDX-License-Identifier: MIT
"""PyKMIP (Debian's python3-pykmip), a real KMIP server, as a private server of a test."""

import contextlib
import json
import pathlib
import socket
import sqlite3

from . import certificates, process
from .patience import seconds
from .service import Service

PROGRAM = pathlib.Path("/usr/bin/pykmip-server")
STATES = {
    1: "Pre-Active",
    2: "Active",
    3: "Deactivated",
    4: "Compromised",
}  # As its database has them.


class PyKmip(Service):
    """One server with its own database, which outlives a stop; the port stays too."""

    name = "PyKMIP"

    def __init__(self, directory: pathlib.Path, authority: certificates.Authority | None = None, *,
                 certificate: certificates.Certificate | None = None, policy: dict | None = None):
        """`policy`: policies by name, for objects that name one. "default" and "public" are
        PyKMIP's own."""
        super().__init__(directory)
        self.authority = authority or certificates.Authority(self.directory / "tls")
        self.certificate = certificate or self.authority.server("pykmip")
        self.policy = policy or {}
        self.port = process.free_port()
        self.log = self.directory / "pykmip.log"

    def start(self) -> "PyKmip":
        if not PROGRAM.exists():
            raise process.Failed(f"{PROGRAM} is missing: apt-get install python3-pykmip")
        policies = self.directory / "policies"
        policies.mkdir(exist_ok=True)
        if self.policy:
            (policies / "policy.json").write_text(json.dumps(self.policy))
        configuration = self.directory / "pykmip.conf"
        configuration.write_text(
            f"[server]\nhostname=127.0.0.1\nport={self.port}\n"
            f"certificate_path={self.certificate.certificate}\n"
            f"key_path={self.certificate.key}\nca_path={self.authority.certificate}\n"
            f"auth_suite=TLS1.2\n"
            f"policy_path={policies}\nenable_tls_client_auth=True\nlogging_level=WARNING\n"
            f"database_path={self.directory}/pykmip.db\n"
        )
        self.process = process.Process(
            ["/usr/bin/python3", PROGRAM, "-f", configuration, "-l", self.directory / "server.log"],
            self.log,
            process.bare_environment(self.directory),
            cwd=self.directory,
        )

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        self.wait_for(listens, "to listen", 30)
        return self

    def objects(self) -> list[dict]:
        """What its database holds: id, owner, state, names, groups and info of each; never a value.
        """
        with contextlib.closing(
            sqlite3.connect(
                f"file:{self.directory}/pykmip.db?mode=ro", uri=True, timeout=seconds(10)
            )
        ) as database:
            def lists(sql: str) -> dict[int, list]:
                found: dict[int, list] = {}
                for number, *value in database.execute(sql):
                    found.setdefault(number, []).append(value if len(value) > 1 else value[0])
                return found
            names = lists("SELECT mo_uid, name FROM managed_object_names ORDER BY id")
            groups = lists("SELECT m.managed_object_id, g.object_group FROM object_group_map m"
                           " JOIN object_groups g ON g.id = m.object_group_id ORDER BY g.id")
            info = lists(
                "SELECT m.managed_object_id, i.application_namespace, i.application_data"
                " FROM app_specific_info_map m JOIN app_specific_info i ON i.id = "
                "m.app_specific_info_id"
                " ORDER BY i.id"
            )
            states = dict(database.execute("SELECT uid, state FROM crypto_objects"))
            return [
                {
                    "id": str(number),
                    "owner": owner,
                    "state": STATES.get(states.get(number), "?"),
                    "names": names.get(number, []),
                    "groups": groups.get(number, []),
                    "info": info.get(number, []),
                }
                for number, owner in database.execute(
                    "SELECT uid, owner FROM managed_objects ORDER BY uid"
                )
            ]

    def client_files(self, name: str = "client") -> dict[str, str]:
        """Options of a client (server_ca, client_ca, client_key). The name is the owner of what it
        stores."""
        return self.authority.kmip_options(name)
