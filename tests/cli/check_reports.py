# SPDX-License-Identifier: MIT
"""What `keyringctl check` says, and processes that look like database servers to it."""

import json
import subprocess
import sys

import ctl

ERRORS = ctl.ROOT / "docs" / "errors.md"


def results(done: ctl.Result) -> dict[str, dict]:
    return {check["id"]: check for check in done.json()["checks"]}


def finding(done: ctl.Result, check: str, text: str) -> dict:
    """The finding of that check with this text; the documentation must have the same words."""
    found = [one for one in results(done)[check]["findings"] if text in one["text"] + one["hint"]]
    assert found, json.dumps(results(done)[check], indent=1)
    rows = [line for line in ERRORS.read_text().splitlines() if f"| `{check}` | `" in line]
    assert any(text in row for row in rows), f"docs/errors.md does not have: {text}"
    assert found[0]["hint"] or found[0]["state"] == "ok"
    return found[0]


def loaded(keyring) -> None:
    """A plugin as the server's options load it; a component needs a manifest instead."""
    if keyring.product.startswith("component_"):
        return
    option = "early-plugin-load" if keyring.product == "keyring_aws" else "plugin-load-add"
    with keyring.option_file.open("a") as file:
        file.write(f"{option}={keyring.product}.so\n{keyring.product}=FORCE_PLUS_PERMANENT\n"
                   f"plugin-dir={keyring.plugin}\n")
    (keyring.plugin / f"{keyring.product}.so").write_text("")


def fake_server(directory, *options: str, name="mysqld", **more):
    """A process that looks like a database server to who reads /proc."""
    program = directory / "bin" / name
    program.parent.mkdir(exist_ok=True)
    script = "import time; print('up', flush=True); time.sleep(600)"
    running = subprocess.Popen(
        [str(program), "-c", script, f"--datadir={directory / 'data'}",
         f"--plugin-dir={directory / 'plugin'}", *options], executable=sys.executable,
        stdout=subprocess.PIPE, text=True, **more)
    assert running.stdout.readline() == "up\n"
    return running


def by_server(keyring, *words, environment=None) -> ctl.Result:
    """Found from the process alone."""
    return ctl.run(keyring.directory, "check", "--datadir", keyring.data, "--json", *words,
                   environment={**keyring.environment, **(environment or {})})
