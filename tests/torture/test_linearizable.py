# SPDX-License-Identifier: MIT
"""Histories of concurrent stores, fetches and removals, with kill -9 and restarts, are linearizable;
and the checker tells histories that are from histories that are not."""

import math
import pathlib
import random
import subprocess
import sys

import pytest

from lab import kmip_component, kmip_emulator, process
from lab.patience import seconds
import linearizable
import torture
from linearizable import Operation, is_linearizable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import ctl  # noqa: E402

ALIAS = "alias/openkeyring"


def op(kind, outcome, called, answered=math.inf, value="a") -> Operation:
    return Operation(kind, value, outcome, called, answered)


LINEARIZABLE = {
    "one after the other": [
        op("store", "ok", 1, 2), op("fetch", "value", 3, 4), op("remove", "ok", 5, 6),
        op("fetch", "none", 7, 8)],
    "a fetch beside a store sees either": [
        op("store", "ok", 1, 6), op("fetch", "none", 2, 3), op("fetch", "value", 4, 5)],
    "of two stores one is first": [
        op("store", "ok", 1, 4, "a"), op("store", "exists", 2, 3, "b"),
        op("fetch", "value", 5, 6, "a")],
    "stored again after it was removed": [
        op("store", "ok", 1, 2), op("remove", "ok", 3, 8), op("store", "ok", 4, 7, "b"),
        op("fetch", "value", 9, 10, "b")],
    "a killed store took effect": [op("store", "unknown", 1, 5), op("fetch", "value", 6, 7)],
    "a killed store did not": [op("store", "unknown", 1, 5), op("fetch", "none", 6, 7)],
    "a killed removal took effect late": [
        op("store", "ok", 1, 2), op("remove", "unknown", 3), op("fetch", "value", 4, 5),
        op("fetch", "none", 6, 7)],
    "nothing happened": [],
}
NOT_LINEARIZABLE = {
    "a store is lost": [op("store", "ok", 1, 2), op("fetch", "none", 3, 4)],
    "a removed key is back": [
        op("store", "ok", 1, 2), op("remove", "ok", 3, 4), op("fetch", "value", 5, 6)],
    "another value": [op("store", "ok", 1, 2), op("fetch", "value", 3, 4, "b")],
    "a key out of nothing": [op("fetch", "value", 1, 2)],
    "two stores succeed": [op("store", "ok", 1, 4, "a"), op("store", "ok", 2, 3, "b")],
    "it exists, says the store that nobody was before": [op("store", "exists", 1, 2)],
    "two removals succeed": [
        op("store", "ok", 1, 2), op("remove", "ok", 3, 6), op("remove", "ok", 4, 5)],
    "new, then old": [
        op("store", "ok", 1, 9), op("fetch", "value", 2, 3), op("fetch", "none", 4, 5)],
    "a killed store comes and goes": [
        op("store", "unknown", 1, 3), op("fetch", "value", 4, 5), op("fetch", "none", 6, 7)],
    "a killed store takes effect after the restart": [
        op("store", "unknown", 1, 3), op("fetch", "none", 4, 5), op("fetch", "value", 6, 7)],
    "of two killed stores each is seen": [
        op("store", "unknown", 1, 3, "a"), op("store", "unknown", 2, 3, "b"),
        op("fetch", "value", 4, 5, "a"), op("fetch", "value", 6, 7, "b")],
}


@pytest.mark.parametrize("name", LINEARIZABLE)
def test_histories_that_are_linearizable(name):
    assert is_linearizable(LINEARIZABLE[name])


@pytest.mark.parametrize("name", NOT_LINEARIZABLE)
def test_histories_that_are_not(name):
    assert not is_linearizable(NOT_LINEARIZABLE[name])


def random_history(dice: random.Random) -> list[Operation]:
    """Of a register that takes effect at random moments, so that it is linearizable."""
    moments = sorted((called + dice.random() * 4, called) for called in range(60))
    state, history = linearizable.ABSENT, []
    for moment, called in moments:
        kind, end = dice.choice(["store", "remove", "fetch"]), moment + dice.random() * 4
        here = state != linearizable.ABSENT
        value = str(called) if kind == "store" else state
        outcome = {"store": "exists" if here else "ok", "remove": "ok" if here else "none",
                   "fetch": "value" if here else "none"}[kind]
        if outcome == "ok":
            state = value if kind == "store" else linearizable.ABSENT
        if dice.random() < 0.1:
            outcome, end = "unknown", math.inf
        history.append(Operation(kind, value, outcome, called, end))
    return history


def test_random_histories_of_a_register_are_and_changed_ones_are_not():
    for seed in range(60):
        dice = random.Random(seed)
        history = random_history(dice)
        assert is_linearizable(history), seed
        fetched = [at for at, one in enumerate(history) if one.outcome == "value"]
        if fetched:
            at = dice.choice(fetched)
            wrong = op("fetch", "value", history[at].called, history[at].answered, "never stored")
            assert not is_linearizable([*history[:at], wrong, *history[at + 1:]]), seed


def test_what_a_killed_process_did_not_answer_is_over_when_the_next_has_loaded():
    for ends in (True, False):
        recorder = linearizable.Recorder(ends)
        for line in ("ready", "call 0 store k a", "ready", "call 0 fetch k -", "done 0 none"):
            recorder.line(line)
        killed, fetch = recorder.by_key["k"]
        assert killed == Operation("store", "a", "unknown", 2, 3 if ends else math.inf)
        assert fetch == Operation("fetch", "", "none", 4, 5)
        assert (recorder.answers, recorder.unanswered) == (1, 1)


# ---- The products ------------------------------------------------------------------------------

@pytest.fixture
def make_keyring(directory, kms):
    """A function that configures a keyring of a product and form, and says whether what a killed
    process asked for is over once the next one has loaded."""
    with kmip_emulator.KmipEmulator(directory / "kmip") as kmip:
        def make(product: str) -> tuple[ctl.Keyring, bool]:
            name, _, form = product.partition("-")
            variables = [] if name != "keyring_aws" else [
                f"--keyring_aws_cmk_id={ALIAS}", f"--keyring_aws_region={kms.region}",
                "--keyring_aws_credentials=CHAIN", f"--keyring_aws_endpoint_url={kms.url}",
                f"--keyring_aws_data_file={directory}/data/keyring_aws_data"]
            keyring = ctl.Keyring(name, directory, kms.environment(), variables)
            if form:
                keyring.configure({
                    "path": str(directory / "data" / "keyring"), "kms_key": ALIAS,
                    "region": kms.region, "endpoint_url": kms.url, "file_format": form})
            elif name == "component_keyring_kmip":
                kmip.start()
                keyring.configure(kmip_component.config(kmip, "mysql", object_group="race"))
            return keyring, name != "component_keyring_kmip"
        yield make


def live(keyring: ctl.Keyring, recorder, race: str, lines: int = 0) -> None:
    """One life of a process, killed after so many lines of its history (0: it ends by itself)."""
    done = subprocess.run(
        [ctl.writer(), keyring.product, keyring.plugin, keyring.data, *keyring.variables],
        input=f"{race} {lines}\n", text=True, capture_output=True, timeout=seconds(120), check=False,
        cwd=keyring.data, env=process.bare_environment(keyring.directory, keyring.environment))
    assert done.returncode == (-9 if lines else 0), done.stderr
    for line in done.stdout.splitlines():
        recorder.line(line)


def wrong(recorder) -> dict:
    """The keys whose history has no order, with it."""
    return {key: sorted(history, key=lambda one: one.called)
            for key, history in recorder.by_key.items() if not is_linearizable(history)}


def check(make_keyring, product: str, lives: int, operations: int) -> None:
    keyring, ends = make_keyring(product)
    recorder = linearizable.Recorder(ends)
    dice = random.Random(f"{torture.SEED} {product}")
    for life in range(lives):
        # Four threads write two lines for each operation.
        lines = 0 if life == lives - 1 else dice.randrange(2, 8 * operations)
        live(keyring, recorder, f"race 4 {operations} 3 {life}", lines)
    assert not wrong(recorder)
    print(f"{product}: {recorder.answers} answers, {recorder.unanswered} without, {lives} lives")
    assert recorder.answers > operations and len(recorder.by_key) == 3
    assert recorder.unanswered > 0


PRODUCTS = ["component_keyring_kms-sealed", "component_keyring_kms-percona",
            "component_keyring_kmip", "keyring_aws"]


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_short_history_is_linearizable(make_keyring, product):
    check(make_keyring, product, lives=4, operations=15)


def test_an_old_file_is_noticed(make_keyring):
    keyring, ends = make_keyring("component_keyring_kms-sealed")
    recorder = linearizable.Recorder(ends)
    live(keyring, recorder, "race 1 40 3 1")
    file = keyring.data / "keyring"
    old = file.read_bytes()
    live(keyring, recorder, "race 1 40 3 2")
    assert not wrong(recorder)
    file.write_bytes(old)
    live(keyring, recorder, "race 1 40 3 3")
    assert wrong(recorder)


@pytest.mark.long
@pytest.mark.parametrize("product", PRODUCTS)
def test_a_long_history_is_linearizable(make_keyring, product):
    check(make_keyring, product, lives=60, operations=100)
