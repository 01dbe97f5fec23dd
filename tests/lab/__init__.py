# SPDX-License-Identifier: MIT
"""Real servers for tests: MariaDB, moto and our KMS emulator, each private to one test run."""
