# SPDX-License-Identifier: MIT
"""What mysqld does with a keyring besides serving: printing its help, checking its options, becoming a daemon."""

import os
import resource
import shutil
import signal
import time

import pytest
from lab import process
from lab.mariadb import PRODUCTS

pytestmark = pytest.mark.sid

LIMIT = 64 * 1024


@pytest.fixture(params=["kms", "kmip"])
def component(request, kms, kmip_servers, make_kms_mysql, make_kmip_mysql):
    """(server that was never started, function that counts what its key server was asked)."""
    if request.param == "kms":
        server = make_kms_mysql(more={"startup_deadline_ms": 30000, "operation_deadline_ms": 2000})
        return server, lambda: kms.counters()["accepted_connections"]
    emulator = kmip_servers["emulator"]
    server = make_kmip_mysql(emulator, more={"startup_deadline_ms": 30000})
    return server, lambda: sum(emulator.counters()["operations"].values())


def key_files(server) -> list:
    """What lies where the keyring keeps its keys."""
    keyring = getattr(server, "keyring", None)
    return sorted(keyring.parent.iterdir()) if keyring and keyring.parent.exists() else []


def test_help_asks_no_key_server_and_makes_no_file(component):
    server, asked = component
    before = asked()
    code, output = server.run("--verbose", "--help")
    assert code == 0 and "Variables (--variable-name=value)" in output
    assert "keyring" not in output.split("Usage:")[0].replace("keyring-migration", "")
    assert asked() == before and not key_files(server)
    server.start()
    assert server.status()["Component_status"] == "Active"
    assert asked() > before


def test_help_does_not_wait_for_a_key_server_that_hangs(kms, make_kms_mysql):
    server = make_kms_mysql(more={"startup_deadline_ms": 30000})
    kms.latency(60000)
    started = time.monotonic()
    code, _ = server.run("--help", "--verbose")
    assert code == 0 and time.monotonic() - started < 8


@pytest.mark.long
def test_an_empty_data_directory_is_initialized_with_the_component(component):
    """As in a container, whose volume is there and empty: notes come with the first start."""
    server, _ = component
    shutil.rmtree(server.data)
    (server.data / "lost+found").mkdir(parents=True)
    code, output = server.run("--initialize-insecure", seconds=120)
    assert code == 0, output[-3000:]
    server.start()
    assert server.status()["Component_status"] == "Active"
    assert [path.name for path in server.data.glob("component_keyring_*")]
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENCRYPTION='Y'")
    server.restart()
    assert server.sql("SELECT * FROM d.t") == []


def test_validate_config_tries_once(kms, make_kms_mysql):
    server = make_kms_mysql(more={"startup_deadline_ms": 40000, "operation_deadline_ms": 1500})
    kms.latency(60000)
    started = time.monotonic()
    code, output = server.run("--validate-config")
    assert time.monotonic() - started < 15
    assert code == 0 and "retried until" not in output and "no answer" in output


def test_help_initializes_no_plugin(kms, make_aws_mysql):
    server = make_aws_mysql()
    before = kms.counters()["accepted_connections"]
    code, output = server.run("--verbose", "--help")
    assert code == 0 and "keyring-aws-cmk-id" in output
    assert kms.counters()["accepted_connections"] == before and not key_files(server)


@pytest.mark.parametrize("name", ["component_keyring_kms", "component_keyring_kmip"])
def test_a_component_that_only_install_component_loads_says_so(make_mysql, make_kms_mysql, name):
    server = make_mysql(plugins=[PRODUCTS / f"{name}.so"])
    server.start()
    server.sql(f"INSTALL COMPONENT 'file://{name}'")
    said = f"{name}: this keyring protects nothing"
    assert server.last_log().count(said) == 1
    server.restart()
    assert server.last_log().count(said) == 1, "at each start"
    server.sql(f"UNINSTALL COMPONENT 'file://{name}'")
    served = make_kms_mysql(name="served")
    served.start()
    assert "protects nothing" not in served.last_log()


def locked_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(next(line.split()[1] for line in status if line.startswith("VmLck:")))


def test_keys_are_locked_again_in_a_daemon(make_kms_mysql):
    server = make_kms_mysql()
    server.start()
    server.install_udf()
    server.sql("DO keyring_key_generate('a','AES',32)")
    server.stop()
    code, output = server.run("--daemonize")
    assert code == 0, output
    pid = int((server.directory / "pid").read_text())
    try:
        assert locked_kib(pid) > 0, "the locks of the process that loaded the keys are not inherited"
        process.wait_until(server.socket.exists, "the daemon")
        assert server.status()["Secret_memory"].endswith("bytes, all locked")
        assert server.value("SELECT keyring_key_length_fetch('a')") == "32"
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run a server as another user, whose limit counts")
def test_a_small_limit_is_enough_for_keys(make_kms_mysql):
    server = make_kms_mysql(user="mysql")
    server.start()
    server.install_udf()
    server.sql(";".join(f"DO keyring_key_store('k{number}','SECRET','{'x' * 200}')" for number in range(100)))
    server.stop()
    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (LIMIT, before[1]))
    try:
        server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, before)
    row = server.status()["Secret_memory"]
    assert row.endswith("all locked"), row
    assert 20 <= locked_kib(server.process.pid) <= LIMIT // 1024
