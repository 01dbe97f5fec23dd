# SPDX-License-Identifier: MIT
"""What the tests of the tools share."""

import signal

import pytest


@pytest.fixture(scope="session", autouse=True)
def ctrl_c():
    """Ctrl-C works in what the tests start: a background job of a shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
