# SPDX-License-Identifier: MIT
"""Limits of time that grow with the slowness of the machine."""

import os

# How slow this machine is, as tools/run_tests found.
FACTOR = float(os.environ.get("OPENKEYRING_TIME_FACTOR", "1"))


def seconds(on_a_fast_machine: float) -> float:
    return on_a_fast_machine * FACTOR
