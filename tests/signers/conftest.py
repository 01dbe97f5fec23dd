# SPDX-License-Identifier: MIT
import pytest

from signing import Signer


@pytest.fixture(scope="session")
def signer():
    made = Signer()
    yield made
    made.close()
