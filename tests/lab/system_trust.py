# SPDX-License-Identifier: MIT
"""Programs that find another authority among the system's, in /etc/ssl/certs: they get a mount
namespace of their own."""

import os
import pathlib
import shutil
import subprocess

SYSTEM = pathlib.Path("/etc/ssl/certs")
BUNDLE = "ca-certificates.crt"


def with_authority(directory: pathlib.Path, authority: pathlib.Path) -> tuple[str, ...]:
    """What stands before a program, so that it sees the system's certificates and that authority
    (PEM) there. `directory` is made. OSError where this system has no such directory or does not
    allow mounts."""
    shutil.copytree(SYSTEM, directory, symlinks=True)
    with open(directory / BUNDLE, "a") as bundle:
        bundle.write(authority.read_text())
    certificate = shutil.copy(authority, directory / "openkeyring.pem")
    name = subprocess.run(
        ["openssl", "x509", "-noout", "-hash", "-in", certificate],
        text=True,
        capture_output=True,
        check=True,
    ).stdout.strip()
    (directory / f"{name}.0").symlink_to("openkeyring.pem")
    own = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    command = (
        "unshare",
        *own,
        "--mount",
        "sh",
        "-c",
        f'mount --bind "$0" {SYSTEM} && exec "$@"',
        str(directory),
    )
    tried = subprocess.run([*command, "true"], text=True, capture_output=True, check=False)
    if tried.returncode != 0:
        raise OSError(f"no mount namespace: {tried.stderr.strip()}")
    return command
