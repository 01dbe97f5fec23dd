# SPDX-License-Identifier: MIT
"""The rights that the guides ask for are enough, and each is needed: the IAM policies of docs/aws.md,
and the KMIP operations of docs/kmip_key_management.md."""

import re
import secrets

import pytest

from lab import aws_plugin, documents, emulator, process
from lab.certificates import Authority
from lab.kmip_emulator import KmipEmulator


@pytest.fixture
def kms(directory):
    """One of its own, since it remembers the identities that are made here."""
    with emulator.Emulator(directory / "rights-kms").start() as made:
        yield made


def policies() -> list[list[str]]:
    identity, key = documents.blocks("docs/aws.md", "json")
    return [documents.policy_actions(identity, "OpenKeyring"),
            documents.policy_actions(key, "TheDatabaseServerUsesTheKey")]


def identity(kms, actions) -> dict[str, str]:
    """Variables of a new access key that may do this and nothing else."""
    keys = {"id": f"AKIA{secrets.token_hex(8).upper()}", "secret": secrets.token_urlsafe(30)}
    kms.control("POST", "/identities", {"access_keys": [
        {**keys, "policy": {"allow_operations": actions}}]})
    return {"AWS_ACCESS_KEY_ID": keys["id"], "AWS_SECRET_ACCESS_KEY": keys["secret"]}


def test_the_policy_is_enough_and_all_of_it_is_needed(kms, make_server):
    allowed, also = policies()
    assert allowed == also and len(allowed) == 2
    server = make_server(kms, store="SEALED", environment=identity(kms, allowed)).start()
    aws_plugin.make_table(server, "t", 1)
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key = 1") == []
    server.restart()
    assert aws_plugin.readable(server, "t")
    server.stop()
    for missing in allowed:
        server.environment.update(identity(kms, [one for one in allowed if one != missing]))
        server.start("--aws-key-management-startup-deadline=0")
        assert not aws_plugin.usable(server, 77), missing
        server.stop()


@pytest.mark.sid
def test_the_policy_is_enough_for_a_sealed_file_of_mysql(kms, make_kms_mysql):
    server = make_kms_mysql(environment=identity(kms, policies()[0]))
    server.start()
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENCRYPTION='Y';"
               "ALTER INSTANCE ROTATE INNODB MASTER KEY; ALTER INSTANCE RELOAD KEYRING")


def documented_operations(row: str) -> set[str]:
    text = (documents.ROOT / "docs/kmip_key_management.md").read_text()
    found = re.search(rf"^\| {row} \| (.*?)[;|]", text, re.M)
    return {name.strip() for name in found[1].split(",")}


@pytest.mark.sid
def test_the_kmip_operations_are_those_that_are_used(directory, make_kmip_mysql, make_kmip_mariadb):
    used = {}
    with KmipEmulator(directory / "kmip", Authority(directory / "tls")).start() as kmip:
        for name, server in (("MariaDB", make_kmip_mariadb(kmip, more={"object_group": "a"})),
                             ("MySQL", make_kmip_mysql(kmip, name="n",
                                                       more={"object_group": "b"}))):
            before = kmip.counters()["operations"]
            server.start()
            if name == "MariaDB":
                aws_plugin.make_table(server, "t", 1)
                server.sql("SET GLOBAL kmip_key_management_rotate_key = 1")
            else:
                server.install_udf()
                server.sql("SELECT keyring_key_generate('k', 'AES', 32);"
                           "SELECT keyring_key_remove('k')")
            server.restart()
            after = kmip.counters()["operations"]
            used[name] = {one for one in after if after[one] > before.get(one, 0)}
            server.stop()
    process.remove_directory(directory / "tls")
    allowed = documented_operations("operations for any product")
    create = documented_operations("and to make keys")
    assert used["MariaDB"] | used["MySQL"] <= allowed | create, used
    assert create <= used["MariaDB"] and "Register" in used["MySQL"], used
