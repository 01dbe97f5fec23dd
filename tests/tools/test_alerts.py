# SPDX-License-Identifier: MIT
"""The alerts of packaging/examples/monitoring, by promtool: each fires for its cause, after its
time, and not without it."""

import json
import pathlib
import re
import subprocess

import pytest
import yaml

from lab.patience import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "packaging/examples/monitoring/openkeyring.rules.yml"
GUIDE = (ROOT / "docs/monitoring.md").read_text()
ALERTS = {
    rule["alert"]: rule
    for group in yaml.safe_load(RULES.read_text())["groups"]
    for rule in group["rules"]
}

DB = {"instance": "db1", "job": "mysql"}
NODE = {"instance": "db1", "job": "node"}
OF_DATA = {"datadir": "/d", "product": "p"}


def of(name: str, **labels) -> str:
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


def ours(**series) -> dict[str, str]:
    """Metrics of one database server."""
    return {
        of(f"mysql_global_status_openkeyring_{name}", **DB): values
        for name, values in series.items()
    }


def check(name: str) -> str:
    return of("openkeyring_check_state", **NODE, check=name, **OF_DATA)


def written(file: str) -> str:
    return of("node_textfile_mtime_seconds", **NODE, file=file)


UP = of("mysql_up", **DB)
EXIT_CODE = of("openkeyring_check_exit_code", **NODE)

HEALTHY = ours(
    loaded="1x100",
    load_failed="0x100",
    keys="3x100",
    keys_failed="0x100",
    failures="2x100",
    key_server_reachable="1x100",
    last_success_seconds="10+60x100",
    last_error_seconds="900+60x100",
    kms_key_state="1x100",
    opened_by_local_slot="0x100",
    slots="2x100",
    slots_opening="1x100",
    slots_failed="0x100",
    slots_missing="0x100",
    throttled="7x100",
    errors="2x100",
    retries="2x100",
    requests="0+5x100",
    request_milliseconds_sum="0+100x100",
    credentials_expire_seconds="600-60x100",
    client_certificate_expires_seconds="8640000-60x100",
    configuration_warnings="0x100",
    secret_memory_bytes="4096x100",
    secret_memory_unlocked_bytes="0x100",
) | {
    UP: "1x100",
    check("start"): "0x100",
    check("in-clear"): "2x100",
    EXIT_CODE: "0x100",
    written("/x/openkeyring.prom"): "0x100",
}

# Name: (series, one value a minute; (minutes, alert, None or the words that it fires with)...).
CASES = {
    "a healthy keyring": (HEALTHY, *((90, alert, None) for alert in ALERTS)),
    "keys that cannot be read": (
        ours(loaded="1x5 0x30"),
        (6, "NotLoaded", None),
        (8, "NotLoaded", {}),
    ),
    "a plugin that does not load any more": (
        ours(loaded="1x5 _x60") | {UP: "1x60"},
        (5, "Gone", None),
        (20, "Gone", {}),
    ),
    "a server that does not run": (ours(loaded="1x5 _x60") | {UP: "1x5 0x60"}, (30, "Gone", None)),
    "a server that never had a keyring": ({UP: "1x60"}, (30, "Gone", None)),
    "a new keyring in place of the right one": (
        ours(keys="3x10 0x30"),
        (9, "Empty", None),
        (13, "Empty", {}),
    ),
    "a keyring that has no key yet": (ours(keys="0x60"), (30, "Empty", None)),
    "a reload that failed": (
        ours(loaded="1x30", load_failed="0x5 1x30"),
        (5, "ReloadFailed", None),
        (8, "ReloadFailed", {}),
        (8, "NotLoaded", None),
    ),
    "a first load that failed": (
        ours(loaded="0x30", load_failed="1x30"),
        (8, "ReloadFailed", None),
        (8, "NotLoaded", {}),
    ),
    "operations that fail": (
        ours(failures="0x10 4x40"),
        (10, "Failures", None),
        (13, "Failures", {"value": "4"}),
        (40, "Failures", None),
    ),
    "a key server that does not answer": (
        ours(key_server_reachable="1x5 0x100", last_error_seconds="_x5 0+60x100"),
        (9, "KeyServerUnreachable", None),
        (20, "KeyServerUnreachable", {}),
        (80, "KeyServerUnreachable", None),
    ),
    "a KMS key that is disabled": (
        ours(kms_key_state="1x5 3x30"),
        (5, "KmsKeyUnusable", None),
        (8, "KmsKeyUnusable", {"value": "3"}),
    ),
    "a start by the local unlock file": (
        ours(opened_by_local_slot="1x5 0x5"),
        (1, "OpenedByLocalSlot", {}),
        (8, "OpenedByLocalSlot", None),
    ),
    "a slot that fails and one that is missing": (
        ours(slots_failed="0x5 1x40", slots_missing="0x5 1x40"),
        (14, "SlotLost", None),
        (17, "SlotLost", {"value": "2"}),
    ),
    "throttling": (ours(throttled="0x5 0+5x40"), (5, "Throttled", None), (30, "Throttled", {})),
    "a slow key server": (
        ours(requests="0+6x60", request_milliseconds_sum="0+9000x60"),
        (5, "KeyServerSlow", None),
        (30, "KeyServerSlow", {"value": "1500"}),
    ),
    "a client certificate that ends soon": (
        ours(client_certificate_expires_seconds="1209660-60x10"),
        (1, "ClientCertificateExpires", None),
        (4, "ClientCertificateExpires", {"duration": "13d 23h 57m 0s"}),
        (4, "ClientCertificateExpired", None),
    ),
    "a client certificate that has ended": (
        ours(client_certificate_expires_seconds="60-60x10"),
        (4, "ClientCertificateExpired", {}),
    ),
    "memory that is not locked": (
        ours(secret_memory_unlocked_bytes="4096x100"),
        (30, "SecretMemorySwappable", None),
        (70, "SecretMemorySwappable", {}),
    ),
    "an odd configuration": (
        ours(configuration_warnings="2x100"),
        (30, "ConfigurationWarning", None),
        (70, "ConfigurationWarning", {"value": "2"}),
    ),
    "a restart that would fail": (
        {check("start"): "0x5 3x30", check("clock"): "0x5 3x30", EXIT_CODE: "0x5 3x30"},
        (5, "RestartWouldFail", None),
        (12, "RestartWouldFail", {"labels": {**NODE, "check": "start", **OF_DATA}}),
        (12, "CheckFailed", {"labels": {**NODE, "check": "clock", **OF_DATA}}),
        (12, "CheckCannotRun", None),
    ),
    "a check that cannot run": (
        {EXIT_CODE: "4x5 2x30"},
        (5, "CheckCannotRun", None),
        (12, "CheckCannotRun", {"labels": NODE, "value": "2"}),
    ),
    "a timer that does not run": (
        {written("/x/openkeyring.prom"): "0x300", written("/x/other.prom"): "0x300"},
        (170, "CheckStale", None),
        (
            190,
            "CheckStale",
            {"labels": {**NODE, "file": "/x/openkeyring.prom"}, "duration": "3h 10m 0s"},
        ),
    ),
}


def firing(alert: str, words: dict) -> dict:
    """What promtool expects of an alert that fires."""
    labels = words.get("labels", DB)

    def filled(text: str) -> str:
        text = re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], text)
        text = re.sub(r"{{ \$value \| printf [^}]*}}", words.get("value", ""), text)
        return text.replace("{{ $value | humanizeDuration }}", words.get("duration", ""))

    rule = ALERTS[alert]
    return {
        "exp_labels": {**rule["labels"], **labels},
        "exp_annotations": {name: filled(text) for name, text in rule["annotations"].items()},
    }


def test_of(name: str, series: dict, *expected) -> dict:
    found = []
    for minutes, alert, words in expected:
        alert = alert if alert in ALERTS else f"OpenKeyring{alert}"
        found.append(
            {
                "eval_time": f"{minutes}m",
                "alertname": alert,
                "exp_alerts": [] if words is None else [firing(alert, words)],
            }
        )
    return {
        "name": name,
        "interval": "1m",
        "alert_rule_test": found,
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
    }


test_of.__test__ = False


def promtool(*words) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["promtool", *map(str, words)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=seconds(60),
    )


def run_cases(directory: pathlib.Path, rules: pathlib.Path) -> subprocess.CompletedProcess:
    file = directory / "cases.json"  # Which is YAML, too.
    file.write_text(
        json.dumps(
            {
                "rule_files": [str(rules)],
                "evaluation_interval": "1m",
                "tests": [test_of(name, *case) for name, case in CASES.items()],
            }
        )
    )
    return promtool("test", "rules", file)


def test_each_alert_fires_for_its_cause_and_not_without_it(tmp_path):
    assert promtool("check", "rules", RULES).returncode == 0
    done = run_cases(tmp_path, RULES)
    assert done.returncode == 0, done.stdout


def test_each_alert_has_a_case_in_which_it_fires():
    fired = {
        alert
        for _, *expected in CASES.values()
        for _, alert, words in expected
        if words is not None
    }
    assert {f"OpenKeyring{alert}" for alert in fired} == set(ALERTS)


@pytest.mark.long
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("loaded == 0", "loaded == 2"),
        ("for: 10m", "for: 20m"),
        ("< 3600", "< 360000"),
        ("> 10", "> 100"),
    ],
)
def test_a_rule_that_is_another_one_is_noticed(tmp_path, old, new):
    text = RULES.read_text()
    assert old in text
    changed = tmp_path / "rules.yml"
    changed.write_text(text.replace(old, new))
    assert run_cases(tmp_path, changed).returncode != 0


def test_the_guide_says_of_each_alert_what_to_do():
    told = re.findall(r"^#### (OpenKeyring\w+)$", GUIDE, re.M)
    assert told == list(ALERTS)
