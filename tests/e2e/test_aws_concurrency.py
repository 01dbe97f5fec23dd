# SPDX-License-Identifier: MIT
"""Many connections, several servers and a slow KMS at once."""

import concurrent.futures
import time

from lab import aws_plugin, process
from lab.aws_plugin import make_table, make_tables, readable, said, told

ROTATE = "SET GLOBAL aws_key_management_rotate_key"


def at_once(*calls):
    """Their results; all run at the same time."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_thirty_first_users_of_an_id_make_one_key(kms, make_server):
    server = make_server(kms).start()
    server.sql("CREATE DATABASE d")
    kms.reset_counters()
    kms.latency(1000)  # So that all are there before the first is done.
    at_once(*[lambda name=f"t{number}": make_table(server, name, 50) for number in range(30)])
    kms.latency(0)
    assert kms.calls("GenerateDataKeyWithoutPlaintext") == 1
    assert kms.calls("Decrypt") == 2, "opened before it is stored, and read back"
    assert set(aws_plugin.key_files(server.data)) == {(1, 1), (50, 1)}
    assert all(readable(server, f"t{number}") for number in (0, 15, 29))
    server.stop()


def test_two_servers_on_one_directory_never_fork_a_version(kms, make_server, directory):
    keys = directory / "keys"
    keys.mkdir()
    servers = [make_server(kms, name=name, options=[f"--aws-key-management-keyfile-dir={keys}"]).start()
               for name in ("a", "b")]
    for server in servers:
        server.sql("CREATE DATABASE d")
    ids = range(60, 66)
    kms.latency(100)
    at_once(*[lambda server=server: make_tables(server, {f"t{number}": number for number in ids})
              for server in servers])
    assert set(aws_plugin.key_files(keys)) == {(1, 1), *((number, 1) for number in ids)}
    for _ in range(2):
        answers = at_once(*[lambda server=server: server.warnings_of(f"{ROTATE}=-1") for server in servers])
        assert answers == [[], []]
    kms.latency(0)
    for server in servers:
        make_tables(server, {f"u{number}": number for number in ids})
    newest = {server: {number: aws_plugin.key_versions(server, f"d/u{number}")[1] for number in ids}
              for server in servers}
    assert all(version >= 3 for versions in newest.values() for version in versions.values())
    for server in servers:
        server.stop()
    servers[0].data, servers[1].data = servers[1].data, servers[0].data  # Any server reads what any wrote.
    for server in servers:
        server.start()
        assert all(readable(server, f"{name}{number}") for name in "tu" for number in ids)
        server.stop()


def test_a_rotation_that_hangs_delays_nobody_and_ends(kms, make_server):
    server = make_server(kms, options=["--aws-key-management-operation-deadline=4"]).start()
    make_table(server, "t", 1)
    kms.fault("hang", "GenerateDataKeyWithoutPlaintext", count=-1)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        rotation = pool.submit(lambda: (told(server.warnings_of(f"{ROTATE}=1")), time.monotonic() - began))
        process.wait_until(lambda: kms.counters()["open_requests"] > 0, "the rotation to hang", 10)
        waits = []
        for statement in ["SHOW GLOBAL VARIABLES LIKE 'aws%'", "SELECT * FROM d.t", "SHOW GLOBAL STATUS LIKE 'aws%'",
                          "INSERT INTO d.t VALUES (2,'x')", "SELECT @@aws_key_management_key_spec"]:
            start = time.monotonic()
            server.sql(statement)
            waits.append(time.monotonic() - start)
            assert not rotation.done(), "it was to hang all the while"
        warning, seconds = rotation.result()
    # Each is a client's start, too, on a busy machine.
    assert sorted(waits)[len(waits) // 2] < 0.5 and max(waits) < 1.5, waits
    assert "rotation of key 1 failed" in warning
    assert seconds < 4 + 1
    kms.clear_faults()
    assert server.warnings_of(f"{ROTATE}=1") == []
    assert (1, 2) in aws_plugin.key_files(server.data)
    server.stop()


def test_rotating_all_goes_on_past_a_failure(kms, make_server):
    server = make_server(kms, options=["--aws-key-management-load-parallelism=1"]).start()
    make_tables(server, {f"t{number}": number for number in range(1, 6)})
    kms.fault("http_status", "GenerateDataKeyWithoutPlaintext", skip=2, status=400, code="AccessDeniedException",
              message="not you")
    warnings = server.warnings_of(f"{ROTATE}=-1")
    assert told(warnings).count("rotation of key ") == 1
    assert "rotation of key 3 failed" in told(warnings) and "AccessDeniedException" in told(warnings)
    assert "rotation of key 3 failed" in said(server)
    versions = {key_id: version for key_id, version in sorted(aws_plugin.key_files(server.data))}
    assert versions == {1: 2, 2: 2, 3: 1, 4: 2, 5: 2}
    for number in (1, 2, 4, 5):
        assert f"key {number} is rotated to version 2" in said(server)
    server.stop()
