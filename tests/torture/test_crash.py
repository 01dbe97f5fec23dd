# SPDX-License-Identifier: MIT
"""kill -9 of a busy server, again and again: what was acknowledged is there, and no key is lost, forked or torn."""

import random
import time

import pytest

from lab import aws_plugin
import torture

ROUNDS_A_LIFE = 25  # Then a fresh data directory, so that starts stay quick.


def kill_at_a_bad_moment(server, dice) -> None:
    """At any time, or, half of the time, while a key file is on its way."""
    time.sleep(dice.uniform(0.05, 1.0))
    end = time.monotonic() + (0.5 if dice.random() < 0.5 else 0)
    while time.monotonic() < end:
        if any(server.data.glob(".aws-kms-key*.tmp")):
            time.sleep(dice.choice([0, 0, 0.001, 0.005]))
            break
    server.kill()


def crash_once(server, kms, ledger, watch, dice) -> None:
    kms.latency(dice.choice([0, 0, 2, 20]))
    load = torture.Load(server, ledger, dice).start()
    kill_at_a_bad_moment(server, dice)
    load.stop()
    kms.latency(0)
    watch.check()
    server.start(seconds=120)
    watch.check(restarted=True)
    status = dict(server.sql("SHOW GLOBAL STATUS LIKE 'aws_key_management_versions%'"))
    assert status["Aws_key_management_versions_failed"] == "0", status
    ledger.check(server)


@pytest.mark.parametrize("rounds", [14, pytest.param(300, marks=pytest.mark.long)])
def test_nothing_acknowledged_is_lost_by_kill_9(rounds, kms, make_server):
    dice = random.Random(torture.SEED + rounds)
    done = acknowledged = keys = 0
    while done < rounds:
        server = make_server(f"life{done}").start()
        torture.prepare(server)
        ledger, watch = torture.Ledger(), torture.KeyWatch(kms, server.data)
        for _ in range(min(ROUNDS_A_LIFE, rounds - done)):
            crash_once(server, kms, ledger, watch, dice)
            done += 1
        server.restart(seconds=120)
        ledger.check(server)
        watch.check(restarted=True)
        assert torture.complaints(server) == []
        server.stop()
        acknowledged += ledger.acknowledged
        keys += len(watch.digests)
    print(f"{rounds} crashes, {acknowledged} acknowledged statements, {keys} key versions")
    assert acknowledged > 20 * rounds and keys > 10, "too little happened to prove anything"


def test_the_first_start_can_die_at_any_time(kms, make_server):
    """Redo log and binary log use their keys before any client can."""
    dice = random.Random(torture.SEED)
    server = make_server()
    watch = torture.KeyWatch(kms, server.data)
    for delay in sorted(dice.uniform(0, 1.5) for _ in range(6)):
        server.launch()
        time.sleep(delay)
        server.kill()
        watch.check()
    server.start()
    watch.check(restarted=True)
    assert (1, 1) in aws_plugin.key_files(server.data)
    server.stop()
