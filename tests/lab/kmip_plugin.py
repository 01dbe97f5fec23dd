# SPDX-License-Identifier: MIT
"""How a MariaDB server is told to use kmip_key_management. What is seen of its keys is as with
aws_plugin."""

from . import aws_plugin
from .mariadb import PRODUCTS, MariaDB

PLUGIN = PRODUCTS / "kmip_key_management.so"


def options(kmip, user: str = "mariadb", **more) -> list[str]:
    """Command line options for PyKMIP or the emulator; `more` by their names. None leaves an option
    out."""
    files = kmip.client_files(user)
    values = {
        "servers": f"127.0.0.1:{kmip.port}",
        "server_ca": files["server_ca"],
        "client_cert": files["client_ca"],
        "client_key": files["client_key"],
        "startup_deadline": 4,
        "operation_deadline": 4,
        "request_timeout": 2000,
        **more,
    }
    return [
        "--plugin-load-add=kmip_key_management",
        *(
            f"--kmip-key-management-{name.replace('_', '-')}={value}"
            for name, value in values.items()
            if value is not None
        ),
    ]


def status(server: MariaDB) -> dict[str, str]:
    return aws_plugin.status(server, "Kmip_key_management")


def said(server: MariaDB) -> str:
    return aws_plugin.said(server, "KMIP plugin")
