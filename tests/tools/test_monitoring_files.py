# SPDX-License-Identifier: MIT
"""docs/monitoring.md and packaging/examples/monitoring agree with the source and each other."""

import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

from lab.patience import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "packaging/examples/monitoring"
GUIDE = (ROOT / "docs/monitoring.md").read_text()
DASHBOARD = EXAMPLES / "dashboard.json"
PICTURE = ROOT / "docs/monitoring.svg"
SERVICE = EXAMPLES / "openkeyring-check.service"
FILE = "/var/lib/prometheus/node-exporter/openkeyring.prom"
PREFIX = "mysql_global_status_openkeyring_"
OF_CHECK = {"openkeyring_check_state", "openkeyring_check_exit_code"}


def metrics() -> list[tuple[str, ...]]:
    """(name, type, unit, products) of src/product/metrics.h, in its order."""
    table = (
        (ROOT / "src/product/metrics.h")
        .read_text()
        .partition("kMetrics[] = {")[2]
        .partition("};")[0]
    )
    found = re.findall(r'{\s*"(\w+)",\s*MetricType::k(\w+),\s*"([^"]+)",\s*"([^"]+)"', table)
    return [(name, kind.lower(), unit, products) for name, kind, unit, products in found]


def test_the_guide_has_the_table_of_the_source():
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]+) \| ([^|]+) \| \S", GUIDE, re.M)
    assert len(rows) > 20
    assert rows == metrics()


def used(text: str) -> set[str]:
    return set(re.findall(rf"\b{PREFIX}(\w+)", text))


@pytest.mark.parametrize("name", ["openkeyring.rules.yml", "dashboard.json"])
def test_expressions_use_metrics_that_exist(name):
    text = (EXAMPLES / name).read_text()
    assert used(text) and used(text) <= {metric[0] for metric in metrics()}
    assert set(re.findall(r"\bopenkeyring_check_\w+", text)) <= OF_CHECK


def test_the_dashboard_shows_every_metric():
    assert used(DASHBOARD.read_text()) == {metric[0] for metric in metrics()}


def test_the_picture_is_that_of_the_dashboard():
    picture = PICTURE.read_text()
    assert (
        hashlib.sha256(DASHBOARD.read_bytes()).hexdigest() in picture
    ), "run OPENKEYRING_PICTURES=1 pytest tests/e2e/test_monitoring.py"
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        assert f">{panel['title']}<" in picture


# ---- The timer ----------------------------------------------------------------------------------


def commands(key: str) -> list[str]:
    """The words of a command of the unit, as systemd passes them on."""
    line = next(line for line in SERVICE.read_text().splitlines() if line.startswith(f"{key}="))
    return [
        word.replace("$$", "$").replace("%%", "%")
        for word in shlex.split(line.partition("=")[2].lstrip("+"))
    ]


def run_unit(directory: pathlib.Path, keyringctl: str) -> pathlib.Path:
    """Does what the unit does, with a keyringctl of this text; the file that the exporter reads."""
    program = directory / "keyringctl"
    program.write_text(f"#!/bin/sh\n{keyringctl}\n")
    program.chmod(0o755)
    file = directory / "openkeyring.prom"
    environment = {"PATH": f"{directory}:{os.environ['PATH']}", "CHECK_OPTIONS": "--datadir /data"}
    for key in ("ExecStartPre", "ExecStart", "ExecStartPost"):
        words = [word.replace(FILE, str(file)) for word in commands(key)]
        with open(f"{file}.new", "a", encoding="utf-8") as output:  # StandardOutput=append:
            subprocess.run(words, stdout=output, env=environment, check=True, timeout=seconds(20))
    return file


def test_the_unit_writes_what_the_check_says_and_its_exit_code(tmp_path):
    file = run_unit(tmp_path, 'echo "# of $*"; exit 3')
    lines = file.read_text().splitlines()
    assert lines[0] == "# of check --format prometheus --datadir /data"
    assert lines[-1] == "openkeyring_check_exit_code 3"
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=file.read_text(),
        text=True,
        check=False,
        capture_output=True,
        timeout=seconds(20),
    )
    assert checked.returncode == 0, checked.stderr


def test_the_unit_replaces_the_file_at_once(tmp_path):
    """The exporter reads the old file meanwhile; what a crash left is not in the new one."""
    file = tmp_path / "openkeyring.prom"
    file.write_text("old 1\n")
    (tmp_path / "openkeyring.prom.new").write_text("of a crash 1\n")
    run_unit(tmp_path, f'cat "{file}" >&2; echo "seen $(cat "{file}")"; exit 0')
    assert file.read_text().startswith("seen old 1\n# HELP openkeyring_check_exit_code")
    assert not (tmp_path / "openkeyring.prom.new").exists()


def test_the_unit_names_one_file():
    text = SERVICE.read_text()
    assert f"StandardOutput=append:{FILE}.new" in text
    assert set(re.findall(r"/var/lib/prometheus\S+", text)) == {
        f"{FILE}.new",
        FILE,
        str(pathlib.Path(FILE).parent),
    }


@pytest.mark.long
def test_systemd_accepts_the_units():
    verify = [
        shutil.which("systemd-analyze"),
        "verify",
        "--man=no",
        SERVICE,
        EXAMPLES / "openkeyring-check.timer",
    ]
    done = subprocess.run(
        verify, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=seconds(60),
    )
    assert (done.returncode, done.stdout) == (0, "")
