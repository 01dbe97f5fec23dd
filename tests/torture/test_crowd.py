# SPDX-License-Identifier: MIT
"""Sixty-four connections at once, in a real server."""

import random
import threading
import time

import pytest

from lab import aws_plugin
import torture


@pytest.mark.parametrize("seconds", [8, pytest.param(60, marks=pytest.mark.long)])
def test_sixty_four_connections_use_create_and_rotate(seconds, kms, make_server):
    dice = random.Random(torture.SEED + seconds)
    server = make_server(options=["--max-connections=200"]).start()
    torture.prepare(server)
    ledger, watch = torture.Ledger(), torture.KeyWatch(kms, server.data)
    kms.reset_counters()
    before = len(aws_plugin.key_files(server.data))
    load = torture.Load(server, ledger, dice, writers=60, rotators=4, most_tables=6, rotate_all=0.05).start()
    time.sleep(seconds)
    load.stop()
    files = aws_plugin.key_files(server.data)
    calls = kms.counters()["operations"]
    # No key was made in vain; each was opened before its file got its name, and once more when it was read back. On a
    # machine that is very busy a call may time out.
    retries = int(server.sql("SHOW GLOBAL STATUS LIKE 'aws_key_management_kms_retries'")[0][1])
    new_keys = len(files) - before
    for operation, calls_per_key in (("GenerateDataKeyWithoutPlaintext", 1), ("Decrypt", 2)):
        assert 0 <= calls[operation] - calls_per_key * new_keys <= retries, (calls, len(files), before)
    assert "GenerateDataKey" not in calls, "a plaintext is asked for by Decrypt only"
    watch.check(restarted=True)
    ledger.check(server)
    server.restart(seconds=120)
    ledger.check(server)
    watch.check(restarted=True)
    assert torture.complaints(server) == []
    print(f"{load.statements} statements, {load.rotations} rotations, {len(files)} key versions in {seconds} s")
    assert load.rotations > seconds and load.statements > 5 * seconds
    server.stop()


def test_one_id_first_used_by_sixty_four_connections_is_made_once(kms, make_server):
    server = make_server(options=["--max-connections=200"]).start()
    torture.prepare(server)
    kms.latency(30)
    kms.reset_counters()
    sessions = [torture.Session(server) for _ in range(64)]
    start, failures = threading.Barrier(64), []

    def create(number: int) -> None:
        start.wait()
        for key_id in (100, 101, 102):
            try:
                sessions[number].run(f"CREATE TABLE d.t{number}_{key_id} (a INT) ENCRYPTED=YES"
                                     f" ENCRYPTION_KEY_ID={key_id}; INSERT INTO d.t{number}_{key_id} VALUES (1)")
            except (torture.Refused, torture.Gone) as error:
                failures.append(str(error))
    threads = [threading.Thread(target=create, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for session in sessions:
        session.close()
    assert failures == []
    assert kms.calls("GenerateDataKeyWithoutPlaintext") == 3
    assert kms.calls("Decrypt") == 6, "before its file gets its name, and when it is read back"
    assert {(100, 1), (101, 1), (102, 1)} <= set(aws_plugin.key_files(server.data))
    server.stop()
