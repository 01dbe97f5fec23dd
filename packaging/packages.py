# SPDX-License-Identifier: MIT
"""The packages, and what is in each. The only list: Debian's, the RPM and the tar archives follow
it."""

import dataclasses
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
MAINTAINER = "The OpenKeyring authors <noreply@openkeyring.invalid>"
REVISION = "1"  # Of the packaging; 1 again with each new version.

DEVELOPERS = ("architecture", "release")  # Pages for who builds it.
# All of them in each package, in one directory: they refer to each other.
GUIDES = tuple(
    str(path.relative_to(ROOT)) for directory in ("docs", "docs/recipes")
    for path in sorted((ROOT / directory).glob("*.md")) if path.stem not in DEVELOPERS)
COMMON = (*GUIDES, "docs/monitoring.svg", "docs/recover_sealed_keyring.py", "SECURITY.md")


@dataclasses.dataclass(frozen=True)
class Package:
    """`configuration`: an option file of the plugin, every option commented out. `documents` and
    `examples` are paths in the repository. `fields`: more lines of Debian's control file."""
    name: str
    summary: str
    description: str
    libraries: tuple[str, ...] = ()
    program: str = ""
    configuration: str = ""
    documents: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    rpm_fields: tuple[str, ...] = ()
    diverts: tuple[str, ...] = ()  # Libraries of the same name that another package may have.


# What was one package for all of MariaDB, with keyringctl inside.
OLD_MARIADB = "openkeyring-mariadb"


def _mariadb(product: str, summary: str, description: str) -> Package:
    return Package(
        name=f"mariadb-plugin-{product.replace('_', '-')}", summary=summary,
        description=description, libraries=(product,), configuration=f"{product}.cnf",
        documents=COMMON,
        examples=("apparmor/usr.sbin.mariadbd", "selinux.txt", "systemd/mariadb.service.d",
                  "monitoring"),
        fields={"Recommends": "keyringctl, mariadb-server", "Breaks": OLD_MARIADB,
                "Replaces": OLD_MARIADB, "Suggests": "python3",
                "Enhances": "mariadb-server"},
        rpm_fields=("Recommends: keyringctl", "Suggests: mariadb-server"))


PACKAGES = (
    _mariadb("aws_key_management", "MariaDB encryption keys under AWS KMS",
             "The plugin aws_key_management for MariaDB's data-at-rest encryption: a drop-in\n"
             "replacement for MariaDB's plugin of that name, which is not distributed as a\n"
             "package. New servers keep all keys in one sealed file that one call opens."),
    _mariadb("kmip_key_management", "MariaDB encryption keys on a KMIP server",
             "The plugin kmip_key_management for MariaDB's data-at-rest encryption, with keys\n"
             "that one of several KMIP servers holds."),
    Package(
        name="openkeyring-mysql", summary="MySQL encryption keys under AWS KMS or KMIP",
        description="component_keyring_kms and component_keyring_kmip, drop-in replacements for\n"
                    "Percona's components of these names, for MySQL and Percona Server 8.0.25 and\n"
                    "later; and the plugin keyring_aws, after MySQL Enterprise's.",
        libraries=("component_keyring_kms", "component_keyring_kmip", "keyring_aws"),
        documents=COMMON,
        examples=("apparmor/usr.sbin.mysqld", "selinux.txt", "systemd/mysql.service.d",
                  "mysql/component_keyring_kms.cnf", "mysql/component_keyring_kmip.cnf",
                  "mysql/keyring_aws.cnf", "mysql/encryption.cnf", "mysql/mysqld.my",
                  "monitoring"),
        fields={"Recommends": "keyringctl, mysql-community-server | percona-server-server | "
                              "mysql-server", "Suggests": "python3"},
        rpm_fields=("Recommends: keyringctl", "Suggests: mysql-server"),
        diverts=("component_keyring_kms", "component_keyring_kmip")),
    Package(
        name="keyringctl", summary="check, back up and migrate database keyrings",
        description="A command-line tool for the keyrings of MySQL, Percona Server and MariaDB:\n"
                    "it sets them up, checks them, lists, backs up, restores and migrates keys,\n"
                    "and rewraps them under another key of AWS KMS.",
        program="keyringctl",
        documents=(*COMMON, "docs/schemas"),
        examples=("monitoring",),
        fields={"Breaks": f"{OLD_MARIADB}, openkeyring-mysql (<< 0.1.0-1)",
                "Replaces": f"{OLD_MARIADB}, openkeyring-mysql (<< 0.1.0-1)",
                "Suggests": "mariadb-plugin-aws-key-management, "
                            "mariadb-plugin-kmip-key-management, openkeyring-mysql, python3"}),
)


class Failed(RuntimeError):
    """A package cannot be made. The text says why."""


def version() -> str:
    found = re.search(r"^project\(openkeyring VERSION ([0-9.]+)",
                      (ROOT / "CMakeLists.txt").read_text(), re.M)
    if not found:
        raise Failed("no version in CMakeLists.txt")
    return found[1]


def epoch() -> int:
    """The time that everything in the packages has: SOURCE_DATE_EPOCH, else that of the last
    commit, else that of the change log."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    try:
        return int(run("git", "log", "-1", "--format=%ct", cwd=ROOT))
    except (Failed, OSError, ValueError):  # Not a checkout, or one of another user.
        return int((ROOT / "CHANGELOG.md").stat().st_mtime)


def run(*argv, **more) -> str:
    """The output of a program; Failed with its end when it fails."""
    done = subprocess.run([str(word) for word in argv], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-15:])
        raise Failed(f"{pathlib.Path(argv[0]).name} failed:\n{tail}")
    return done.stdout
