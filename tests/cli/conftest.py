# SPDX-License-Identifier: MIT
"""Key servers for keyringctl, and the tool with their credentials."""

import pytest

from changing import Tool
from lab import certificates, emulator, kmip_emulator, process

ALIAS = "alias/openkeyring"


@pytest.fixture(scope="session")
def shared_kms():
    directory = process.new_directory("kms")
    with emulator.Emulator(directory, alias=ALIAS) as running:
        running.start()
        yield running
    process.remove_directory(directory)


@pytest.fixture
def kms(shared_kms):
    yield shared_kms
    if shared_kms.process is None or not shared_kms.process.running():
        shared_kms.start()
    shared_kms.clear_faults()
    shared_kms.latency(0)


@pytest.fixture(scope="session")
def kmip():
    directory = process.new_directory("kmip")
    authority = certificates.Authority(directory / "tls")
    with kmip_emulator.KmipEmulator(directory / "emulator", authority).start() as running:
        yield running
    process.remove_directory(directory)


@pytest.fixture
def tool(directory, kms):
    return Tool(directory, kms.environment())
