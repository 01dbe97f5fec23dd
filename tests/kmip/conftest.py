# SPDX-License-Identifier: MIT
import itertools

import pytest
from lab import process
from lab.certificates import Authority
from lab.kmip_emulator import KmipEmulator
from lab.pykmip import PyKmip

from client import Tool

VERSIONS = {"pykmip": ["1.0", "1.1", "1.2", "1.3", "1.4", "2.0"],
            "emulator": ["1.0", "1.1", "1.2", "1.3", "1.4", "2.0", "2.1"]}
_users = itertools.count()


@pytest.fixture(scope="session")
def tool():
    made = Tool()
    yield made
    made.close()


@pytest.fixture(scope="session")
def servers():
    """Both servers, for all tests that leave them as they found them: each test is a user of its own."""
    directory = process.new_directory("kmip")
    authority = Authority(directory / "tls")
    with PyKmip(directory / "pykmip", authority).start() as real, \
            KmipEmulator(directory / "emulator", authority).start() as fake:
        yield {"pykmip": real, "emulator": fake}
    process.remove_directory(directory)


@pytest.fixture(params=list(VERSIONS))
def kind(request):
    """Which server: what holds for the one must hold for the other."""
    return request.param


@pytest.fixture
def server(kind, servers):
    return servers[kind]


@pytest.fixture
def client(server, tool):
    """With the version that it finds out."""
    return tool.open([server.port], server.client_files(f"user{next(_users)}"))


@pytest.fixture
def client_of_version(kind_and_version, servers, tool):
    kind, version = kind_and_version.split("-")
    return tool.open([servers[kind].port], servers[kind].client_files(f"user{next(_users)}"), version=version)


@pytest.fixture(params=[f"{kind}-{version}" for kind, versions in VERSIONS.items() for version in versions])
def kind_and_version(request):
    return request.param
