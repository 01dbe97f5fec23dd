# SPDX-License-Identifier: MIT
"""keyring_aws in real MySQL 9.7: a long rotation does not hold up who ends it."""

import threading
import time

import pytest
from lab import process
from lab.aws_keyring_plugin import FUNCTIONS, INSTALL, UNINSTALL
from lab.mysql import SqlError

pytestmark = pytest.mark.sid

FETCH = "SELECT keyring_key_fetch('a')"
ROTATE = "SELECT keyring_aws_rotate_keys()"
DEADLINE_S = 60  # Of a rotation. A tenth of the default; long beside the seconds that are allowed.
SOON_S = 10


class Rotation(threading.Thread):
    """A rotation that KMS throttles, in a session of its own."""

    def __init__(self, kms, server):
        super().__init__()
        self.session = server.session()
        self.id = self.session.value("SELECT CONNECTION_ID()")
        self.outcome = ""
        kms.fault("throttle", "ReEncrypt", count=-1)
        kms.reset_counters()
        self.start()
        process.wait_until(lambda: kms.calls("ReEncrypt") > 2, "a rotation that is throttled")

    def run(self) -> None:
        try:
            self.outcome = self.session.value(ROTATE)
        except SqlError as error:
            self.outcome = str(error)


@pytest.fixture
def server(kms, make_aws_mysql):
    made = make_aws_mysql(options=["--log-error-verbosity=3",
                                   f"--keyring-aws-rotate-deadline-ms={DEADLINE_S * 1000}"])
    made.start()
    made.install_udf()
    made.sql(FUNCTIONS + "SELECT keyring_key_store('a','SECRET','text')")
    return made


def check_unchanged(kms, server, before: bytes) -> None:
    assert server.keyring.read_bytes() == before
    kms.clear_faults()
    assert server.value(FETCH) == "text"
    assert server.value(ROTATE) == "1"


def test_the_plugin_can_be_uninstalled_during_a_throttled_rotation(kms, server):
    before = server.keyring.read_bytes()
    rotation = Rotation(kms, server)
    started = time.monotonic()
    server.sql(UNINSTALL)
    assert time.monotonic() - started < SOON_S
    rotation.join(SOON_S)
    assert not rotation.is_alive() and "3198" in rotation.outcome, rotation.outcome
    kms.clear_faults()
    server.sql(INSTALL)
    check_unchanged(kms, server, before)


@pytest.mark.parametrize("what", ["QUERY", "CONNECTION"])
def test_a_throttled_rotation_can_be_killed(kms, server, what):
    before = server.keyring.read_bytes()
    rotation = Rotation(kms, server)
    server.sql(f"KILL {what} {rotation.id}")
    rotation.join(SOON_S)
    assert not rotation.is_alive() and "ERROR" in rotation.outcome, rotation.outcome
    check_unchanged(kms, server, before)


def test_a_shutdown_does_not_wait_for_a_throttled_rotation(kms, server):
    before = server.keyring.read_bytes()
    rotation = Rotation(kms, server)
    server.stop(seconds=SOON_S + 10)  # Of which the server has its own part.
    rotation.join(SOON_S)
    kms.clear_faults()
    server.start()
    check_unchanged(kms, server, before)
