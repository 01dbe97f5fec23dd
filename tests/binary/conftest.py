# SPDX-License-Identifier: MIT
import pytest

from products import NAMES, Product


@pytest.fixture(params=NAMES)
def product(request):
    made = Product(request.param)
    assert made.path.exists(), f"{made.path} is missing: run ./dev build"
    return made
