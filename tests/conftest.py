# SPDX-License-Identifier: MIT
"""What all suites share."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lab import packages, process  # noqa: E402


@pytest.fixture
def directory(request):
    """A fresh directory for this test, with a path that is short enough for sockets."""
    name = request.node.name.removeprefix("test_")
    killing = "torture" in request.node.path.parts or "kill" in name or "crash" in name
    made = process.new_directory(name, on_disk=killing)
    yield made
    process.remove_directory(made)


def pytest_collection_modifyitems(items):
    """Left out only when the user said so; otherwise what cannot be fetched is a failure."""
    for item in items:
        if item.get_closest_marker("sid") and packages.without_sid():
            item.add_marker(pytest.mark.skip(reason="left out by --without-sid"))
