# SPDX-License-Identifier: MIT
"""check: a list of KMIP servers that do not lead to one store."""

import ctl
import pytest
from kmip.core import enums
from kmip.pie import client as pie_client

from check_reports import finding, results
from lab import certificates, kmip_emulator

GROUP = "kmip_key_management.group"


@pytest.fixture
def pair(directory):
    """Two KMIP servers with objects of their own."""
    authority = certificates.Authority(directory / "tls")
    both = {"authority": authority, "certificate": authority.server("kmip-emulator")}
    with kmip_emulator.KmipEmulator(directory / "one", **both).start() as one, \
            kmip_emulator.KmipEmulator(directory / "two", **both).start() as two:
        yield one, two


def keyring_on(directory, kmip, *ports) -> ctl.Keyring:
    """Keys of MariaDB in one data directory; all objects of the certificate are its group."""
    files = kmip.client_files("mariadb")
    servers = ",".join(f"127.0.0.1:{port}" for port in ports)
    return ctl.Keyring("kmip_key_management", directory, {}, [
        f"--kmip_key_management_servers={servers}",
        f"--kmip_key_management_server_ca={files['server_ca']}",
        f"--kmip_key_management_client_cert={files['client_ca']}",
        f"--kmip_key_management_client_key={files['client_key']}",
        "--kmip_key_management_startup_deadline=2"])


def mark(kmip, *markers: str) -> None:
    """Gives that server the markers, as a copy that is not the same store has them."""
    files = kmip.client_files("mariadb")
    with pie_client.ProxyKmipClient(
            hostname="127.0.0.1", port=kmip.port, cert=files["client_ca"],
            key=files["client_key"], ca=files["server_ca"],
            ssl_version="PROTOCOL_TLSv1_2") as client:
        for marker in markers:
            name = f"openkeyring-group//{marker}"
            client.create(enums.CryptographicAlgorithm.AES, 128, name=name)


def noted(keyring) -> str:
    return (keyring.data / GROUP).read_text().splitlines()[1].removeprefix("marker ")


def test_servers_of_one_store_have_the_same_objects(directory):
    with kmip_emulator.KmipEmulator(directory / "kmip", servers=2).start() as kmip:
        keyring = keyring_on(directory, kmip, *kmip.ports)
        keyring.write("latest 1", "rotate 1")
        check = results(keyring.ctl("check", "--json"))["kmip-group"]
        assert check["state"] == "ok", check
        texts = [one["text"] for one in check["findings"]]
        assert texts == [f"127.0.0.1:{port} has 2 objects and the marker" for port in kmip.ports]


def test_a_key_that_only_one_of_the_servers_has(pair, directory):
    keyring = keyring_on(directory, pair[0], pair[0].port)
    keyring.write("latest 1")
    mark(pair[1], noted(keyring))
    keyring = keyring_on(directory, pair[0], *(kmip.port for kmip in pair))
    found = finding(keyring.ctl("check", "--json"), "kmip-group", "do not have the same objects")
    assert found["state"] == "failed"
    assert found["text"].endswith(": 1 differ, one is openkeyring-mariadb//1/1"), found


def test_two_keys_of_one_name_are_not_the_same_object(pair, directory):
    """The data directory met two stores with one marker, and each made its key 1."""
    one, two = pair
    keyring = keyring_on(directory, one, one.port)
    keyring.write("latest 1")
    mark(two, noted(keyring), "f" * 32)  # Two, so that the key gets another identifier.
    keyring_on(directory, two, two.port).write("latest 1")
    ids = [next(key["id"] for key in kmip.objects() if key["names"] == ["openkeyring-mariadb//1/1"])
           for kmip in pair]
    assert ids[0] != ids[1]
    done = keyring_on(directory, one, one.port, two.port).ctl("check", "--json")
    found = finding(done, "kmip-group", "do not have the same objects")
    assert found["state"] == "failed" and done.code == 3
    assert found["text"].endswith(
        f"one is openkeyring-mariadb//1/1, which is object {ids[0]} on 127.0.0.1:{one.port} "
        f"and {ids[1]} on 127.0.0.1:{two.port}"), found


@pytest.mark.parametrize("product,operations", [
    ("component_keyring_kmip", ["Activate", "Register"]),
    ("kmip_key_management", ["Activate", "Create"]),
])
def test_a_server_that_does_not_offer_what_is_needed(make_keyring, kmip, product, operations):
    keyring = make_keyring(product)
    keyring.write("latest 1" if product == "kmip_key_management" else "store k - AES")
    assert results(keyring.ctl("check", "--json"))["kmip-servers"]["state"] == "ok"
    kmip.behave(reads_only=True)
    try:
        done = keyring.ctl("check", "--json")
    finally:
        kmip.behave(reads_only=False)
    found = results(done)["kmip-servers"]
    assert [one["text"] for one in found["findings"] if one["state"] == "failed"] == [
        f"127.0.0.1:{kmip.port} does not offer the operation {name}" for name in operations]
    hint = finding(done, "kmip-servers", "does not offer the operation")["hint"]
    assert hint.startswith("permit") and done.code == 3
    assert results(done)["keys"]["state"] == "ok", "what is stored can be read"
