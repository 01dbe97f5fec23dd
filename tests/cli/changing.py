# SPDX-License-Identifier: MIT
"""What the tests of the changing commands share: the tool as a process, its JSON checked against
the schemas, and keyrings that are written and read without our code."""

import hashlib
import json
import os
import pathlib
import pty
import signal
import subprocess

import jsonschema

from lab import kmip_component, kms_component, process
from lab.patience import seconds
from lab.service import PRODUCTS

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "schemas"
TOOL = str(PRODUCTS / "keyringctl")

Keys = dict[tuple[str, str], tuple[str, bytes]]  # (data id, owner) -> (type, key)

SOME: Keys = {
    ("INNODBKey-0f3a-1", ""): ("AES", bytes(range(32))),
    ("same name", "root@localhost"): ("AES", bytes(16)),
    ("same name", "app@%"): ("SECRET", b"pass\0word"),
    ('quote"backslash\\', ""): ("SECRET", "ü".encode()),
}


class Tool:
    """keyringctl with an environment. Each call returns the finished process."""

    def __init__(self, directory: pathlib.Path, environment: dict[str, str]):
        self.environment = process.bare_environment(directory, environment)
        self.directory = directory

    def popen(self, *words, **more) -> subprocess.Popen:
        return subprocess.Popen(
            [TOOL, *map(str, words)],
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
            cwd=self.directory,
            **more,
        )

    def run(self, *words, code: int = 0, **more) -> subprocess.CompletedProcess:
        with self.popen(*words, **more) as running:
            out, err = running.communicate(timeout=seconds(60))
        assert running.returncode == code, (words, running.returncode, out, err)
        return subprocess.CompletedProcess(words, running.returncode, out, err)

    def json(self, *words, code: int = 0, **more) -> dict:
        """The object that it prints, on stderr for an error, checked against its schema."""
        done = self.run(*words, "--json", code=code, **more)
        failed = done.stdout == ""
        reply = json.loads(done.stderr if failed else done.stdout)
        name = reply["schema"].split("/")[1]
        schema = SCHEMAS / f"{name}.1.json"
        if schema.exists() or name not in ("list", "verify", "error"):  # Of other tests.
            jsonschema.validate(reply, json.loads(schema.read_text()))
        if not failed:
            assert done.stderr == ""
        return reply

    def answer(self, text: str, *words, through=None) -> tuple[int, str]:
        """On a terminal, where `text` is typed; exit code and what was shown. `through`: a shell
        script that starts the tool."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.directory)
            argv = [*(("/bin/sh", str(through)) if through else ()), TOOL, *map(str, words)]
            os.execve(argv[0], argv, {**self.environment, "TERM": "xterm"})
        os.write(terminal, text.encode())
        shown = b""
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors="replace")


# Keyrings without our code.


def write_plain(path: pathlib.Path, keys: Keys) -> None:
    """MySQL's component_keyring_file."""
    elements = [
        {
            "user": owner,
            "data_id": data_id,
            "data_type": kind,
            "data": key.hex().upper(),
            "extension": [],
        }
        for (data_id, owner), (kind, key) in keys.items()
    ]
    path.write_text(json.dumps({"version": "1.0", "elements": elements}, separators=(",", ":")))


def read_plain(path: pathlib.Path) -> Keys:
    document = json.loads(path.read_text())
    assert document["version"] == "1.0"
    return {
        (one["data_id"], one["user"]): (one["data_type"], bytes.fromhex(one["data"]))
        for one in document["elements"]
    }


def plain_config(directory: pathlib.Path, data: pathlib.Path) -> pathlib.Path:
    config = directory / "component_keyring_file.cnf"
    config.write_text(json.dumps({"path": str(data), "read_only": False}))
    return config


def kms_config(directory: pathlib.Path, kms, data: pathlib.Path, **more) -> pathlib.Path:
    directory.mkdir(exist_ok=True)
    config = directory / "component_keyring_kms.cnf"
    config.write_text(json.dumps(kms_component.config(kms, data, **more)))
    return config


def kmip_config(directory: pathlib.Path, kmip, user: str) -> pathlib.Path:
    directory.mkdir(exist_ok=True)
    config = directory / "component_keyring_kmip.cnf"
    config.write_text(json.dumps(kmip_component.config(kmip, user)))
    return config


def snapshot(*paths: pathlib.Path) -> dict:
    """Names, contents, modes and times of everything below."""
    found = {}
    for top in paths:
        for path in [top, *top.rglob("*")] if top.is_dir() else [top]:
            if not path.exists():
                found[path] = None
                continue
            about = path.stat()
            content = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else None
            time = about.st_mtime_ns if path.is_file() else None
            found[path] = (content, about.st_mode, about.st_uid, time)
    return found


def interrupt_after(running: subprocess.Popen, pause: float, number=signal.SIGKILL) -> int:
    """Its exit code; the signal is sent unless it ends earlier."""
    try:
        running.wait(pause)
    except subprocess.TimeoutExpired:
        running.send_signal(number)
    running.communicate(timeout=seconds(60))
    return running.returncode
