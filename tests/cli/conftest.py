# SPDX-License-Identifier: MIT
"""Keyrings of every product, on the emulators."""

import sys
import pathlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import changing  # noqa: E402
import ctl  # noqa: E402
from check_reports import fake_server  # noqa: E402
from lab import emulator, kmip_component, kmip_emulator, process  # noqa: E402

ALIAS = "alias/openkeyring"


@pytest.fixture(scope="session")
def shared_kms():
    directory = process.new_directory("clikms")
    with emulator.Emulator(directory, alias=ALIAS) as running:
        running.start()
        yield running
    process.remove_directory(directory)


@pytest.fixture
def kms(shared_kms):
    if not shared_kms.running():
        shared_kms.start()
    yield shared_kms
    if not shared_kms.running():
        shared_kms.start()
    shared_kms.clear_faults()


@pytest.fixture(scope="session")
def shared_kmip():
    directory = process.new_directory("clikmip")
    with kmip_emulator.KmipEmulator(directory) as running:
        running.start()
        yield running
    process.remove_directory(directory)


@pytest.fixture
def kmip(shared_kmip):
    yield shared_kmip
    shared_kmip.start()
    shared_kmip.clear_faults()


def kms_options(kms, directory) -> dict:
    return {"path": str(directory / "data" / "keyring"), "kms_key": ALIAS, "region": kms.region,
            "endpoint_url": kms.url, "operation_deadline_ms": 3000, "connect_timeout_ms": 1000}


@pytest.fixture
def make_keyring(directory, kms, kmip):
    """A function that makes an empty keyring of a product."""
    def make(product: str, **more) -> ctl.Keyring:
        if product == "component_keyring_kms":
            keyring = ctl.Keyring(product, directory, kms.environment())
            keyring.configure({**kms_options(kms, directory), **more})
        elif product == "component_keyring_kmip":
            keyring = ctl.Keyring(product, directory)
            keyring.configure(
                kmip_component.config(kmip, "mysql", object_group=directory.name, **more))
        elif product == "keyring_aws":
            keyring = ctl.Keyring(product, directory, kms.environment(), [
                f"--keyring_aws_cmk_id={ALIAS}", f"--keyring_aws_region={kms.region}",
                "--keyring_aws_credentials=CHAIN", f"--keyring_aws_endpoint_url={kms.url}",
                f"--keyring_aws_data_file={directory}/data/keyring_aws_data",
                "--keyring_aws_operation_deadline_ms=3000"])
        elif product == "aws_key_management":
            keyring = ctl.Keyring(product, directory, kms.environment(), [
                f"--aws_key_management_master_key_id={ALIAS}",
                f"--aws_key_management_region={kms.region}",
                f"--aws_key_management_endpoint_url={kms.url}",
                "--aws_key_management_startup_deadline=2",
                *(f"--aws_key_management_{name}={value}" for name, value in more.items())])
        else:
            files = kmip.client_files("mariadb")
            keyring = ctl.Keyring(product, directory, {}, [
                f"--kmip_key_management_servers=127.0.0.1:{kmip.port}",
                f"--kmip_key_management_server_ca={files['server_ca']}",
                f"--kmip_key_management_client_cert={files['client_ca']}",
                f"--kmip_key_management_client_key={files['client_key']}",
                f"--kmip_key_management_object_group={directory.name}",
                "--kmip_key_management_startup_deadline=2"])
        return keyring
    return make


PRODUCTS = ["component_keyring_kms", "component_keyring_kmip", "keyring_aws", "aws_key_management",
            "kmip_key_management"]


@pytest.fixture(params=[*PRODUCTS, "key_files"])
def filled(request, make_keyring):
    """A keyring of each product and of each storage, with some keys."""
    if request.param == "key_files":
        keyring = make_keyring("aws_key_management", key_store="FILES")
        keyring.write("latest 1", "rotate 1", "latest 2")
        return keyring
    keyring = make_keyring(request.param)
    if request.param.endswith("management"):
        keyring.write("latest 1", "rotate 1", "latest 2")
    else:
        keyring.write("store INNODBKey-a-1 - AES", "store app u@h SECRET")
    return keyring


@pytest.fixture
def tool(directory, kms):
    return changing.Tool(directory, kms.environment())


@pytest.fixture
def server(directory):
    """A function that starts what looks like a database server; they end with the test."""
    made = []

    def start(*options, **more):
        made.append(fake_server(directory, *options, **more))
        return made[-1]
    yield start
    for one in made:
        one.kill()
        one.wait()


@pytest.fixture
def good(make_keyring):
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store k - AES")
    return keyring
