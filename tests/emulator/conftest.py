# SPDX-License-Identifier: MIT
import os
import pathlib
import sys

import pytest

# botocore must see nothing of the developer's own settings.
for name in [n for n in os.environ if n.startswith("AWS_") or n.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ.update(AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import emulator as emulator_module  # noqa: E402
from emulator import ALIAS, MRK  # noqa: E402


@pytest.fixture(scope="session")
def shared_emulator(tmp_path_factory):
    """One program for all tests that leave it as they found it."""
    directory = tmp_path_factory.mktemp("emulator")
    with emulator_module.Emulator(
            directory, "--region", "us-east-1", "--region", "eu-west-1",
            "--create-key", ALIAS, "--create-key", "alias/other",
            "--create-key", "alias/mrk=" + MRK,
            "--replicate", MRK + "=eu-west-1") as running:
        yield running


@pytest.fixture
def emulator(shared_emulator):
    shared_emulator.reset()
    yield shared_emulator
    shared_emulator.reset()


@pytest.fixture
def kms(emulator):
    return emulator.client("kms")


@pytest.fixture
def fresh_key(emulator):
    """The id of a key of the test's own, in the default region."""
    return emulator.control("POST", "/keys", {"region": "us-east-1"})["id"]


@pytest.fixture
def make_emulator(tmp_path):
    """make_emulator(*options) -> a started program, stopped at the end."""
    started = []

    def make(*options):
        running = emulator_module.Emulator(tmp_path, *options).start()
        started.append(running)
        return running

    yield make
    for running in started:
        running.stop()
