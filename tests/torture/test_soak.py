# SPDX-License-Identifier: MIT
"""Minutes of mixed load while KMS and the server misbehave. OPENKEYRING_SOAK_SECONDS sets how long (600)."""

import os
import pathlib
import random
import signal
import time

import pytest

from lab import process
import torture

SECONDS = float(os.environ.get("OPENKEYRING_SOAK_SECONDS", "600"))
FAULTS = ["throttle", "http_status", "html", "cut_before", "reset_before", "cut_after", "reset_after", "truncate",
          "oversize", "bad_json", "empty_body", "wrong_date"]


def resources(server) -> dict[str, int]:
    """Memory in kB, threads and files of a running server."""
    home = pathlib.Path(f"/proc/{server.process.pid}")
    lines = dict(line.split(":", 1) for line in (home / "status").read_text().splitlines())
    return {"kB": int(lines["VmRSS"].split()[0]), "threads": int(lines["Threads"]),
            "files": len(list(home.glob("fd/*")))}


def misbehave(kms, dice) -> None:
    """One thing that may happen to KMS; over when this returns, or soon."""
    what = dice.random()
    if what < 0.6:
        kms.fault(dice.choice(FAULTS), dice.choice(["*", "Decrypt", "GenerateDataKeyWithoutPlaintext"]),
                  dice.randrange(1, 8), skip=dice.randrange(4))
        time.sleep(dice.uniform(0, 1))
    elif what < 0.75:
        kms.latency(dice.choice([0, 0, 5, 50]))
    elif what < 0.9:
        kms.process.send(signal.SIGSTOP)
        time.sleep(dice.uniform(0.2, 4))
        kms.process.send(signal.SIGCONT)
    else:
        kms.stop()
        time.sleep(dice.uniform(0, 2))
        kms.start()


def calm(kms) -> None:
    kms.clear_faults()
    kms.latency(0)


def keys_work(server, number: int) -> bool:
    """Failed creations are tried again after a pause."""
    try:
        server.sql(f"CREATE TABLE d.probe{number} (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID={5000 + number}")
        return True
    except Exception:  # SqlError, or a timeout of the client.
        return False


@pytest.mark.long
def test_soak(kms, make_server):
    dice = random.Random(torture.SEED)
    server = make_server(options=["--aws-key-management-operation-deadline=2"]).start()
    torture.prepare(server)
    ledger, watch = torture.Ledger(), torture.KeyWatch(kms, server.data)
    end = time.monotonic() + SECONDS
    counts = dict.fromkeys(("lives", "kills", "misbehaviours", "statements", "refused", "rotations"), 0)
    while time.monotonic() < end:
        counts["lives"] += 1
        load = torture.Load(server, ledger, dice, writers=8, rotators=1, rotate_all=0.02, most_tables=40, ids=range(2, 1000),
                            tolerant=True).start()
        life = time.monotonic() + dice.uniform(5, 30)
        while time.monotonic() < min(life, end):
            misbehave(kms, dice)
            counts["misbehaviours"] += 1
        calm(kms)
        if dice.random() < 0.5:
            server.kill()
            counts["kills"] += 1
        load.stop()
        counts["statements"] += load.statements
        counts["refused"] += len(load.refused)
        counts["rotations"] += load.rotations
        if server.process is not None:
            process.wait_until(lambda: keys_work(server, counts["lives"]), "keys to work again", 30, every=0.3)
            server.stop(120)
        watch.check()
        server.start(seconds=120)
        watch.check(restarted=True)
        ledger.check(server)
    check_for_leaks(server, kms, dice)
    server.restart(seconds=120)
    ledger.check(server)
    watch.check(restarted=True)
    server.stop()
    print(f"{counts}, {ledger.rows()} rows, {len(watch.digests)} key versions")
    assert counts["statements"] > 10 * SECONDS


def check_for_leaks(server, kms, dice) -> None:
    """After the first tenth of the work (caches fill, connections open), more work takes no more."""
    with torture.Session(server) as session:
        session.run("CREATE TABLE d.leak (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID=9000")

        def work(rounds: int) -> dict[str, int]:
            for number in range(rounds):
                if number % 10 == 0:
                    kms.fault(dice.choice(FAULTS), "*", 2)
                session.run("SET GLOBAL aws_key_management_rotate_key=9000")
                session.run("INSERT INTO d.leak VALUES (1)")
            calm(kms)
            return resources(server)
        work(60)
        first = work(20)
        last = work(int(max(100, SECONDS / 2)))
        print(f"resources: {first} -> {last}")
        # A version takes about 100 bytes; the rest is what the server and its allocator keep.
        assert last["kB"] - first["kB"] < 20000, (first, last)
        assert last["threads"] <= first["threads"] + 2, (first, last)
        assert last["files"] <= first["files"] + 4, (first, last)
