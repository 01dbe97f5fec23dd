# SPDX-License-Identifier: MIT
"""keyringctl as a test runs it, and keyrings that the products wrote for it."""

import json
import os
import pathlib
import pty
import subprocess

import jsonschema

from lab import process
from lab.patience import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "products" / "keyringctl"
SCHEMAS = ROOT / "docs" / "schemas"


def writer() -> pathlib.Path:
    """The test program that writes keyrings as the products do."""
    for preset in ("release", "debug"):
        path = ROOT / "build" / preset / "tests" / "keyring_writer"
        if path.exists():
            return path
    raise process.Failed("there is no keyring_writer: ./dev build")


def validated(text: str) -> dict:
    """A JSON reply that fits the schema that it names."""
    reply = json.loads(text)
    _, name, version = reply["schema"].split("/")
    schema = json.loads((SCHEMAS / f"{name}.{version}.json").read_text())
    jsonschema.validate(reply, schema)
    return reply


class Result:
    def __init__(self, done: subprocess.CompletedProcess):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def json(self) -> dict:
        """The reply on stdout; stderr is empty then."""
        assert self.err == "", self
        return validated(self.out)

    def error(self) -> dict:
        """The error on stderr; stdout is empty then."""
        assert self.out == ""
        reply = validated(self.err)
        assert reply["schema"] == "openkeyring/error/1" and reply["code"] == self.code
        return reply

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}\n--- stderr\n{self.err}"


def run(
    home: pathlib.Path, *words, environment=None, user=None, stdin="", timeout=seconds(60)
) -> Result:
    command = [str(word) for word in (PROGRAM, *words)]
    as_user = {"user": user, "group": "nogroup", "extra_groups": []} if user else {}
    done = subprocess.run(command, input=stdin, text=True, capture_output=True, check=False,
                          timeout=timeout, cwd=home,
                          env=process.bare_environment(home, environment), **as_user)
    return Result(done)


def in_terminal(keyring: "Keyring", *words, **variables) -> str:
    """What a terminal shows."""
    parent, child = pty.openpty()
    environment = process.bare_environment(
        keyring.directory, {**keyring.environment, "TERM": "xterm", **variables})
    started = subprocess.Popen([str(PROGRAM), *map(str, words)], stdin=child, stdout=child,
                               stderr=child, env=environment, cwd=keyring.directory)
    os.close(child)
    text = b""
    while True:
        try:
            chunk = os.read(parent, 65536)
        except OSError:
            break
        if not chunk:
            break
        text += chunk
    os.close(parent)
    started.wait()
    return text.decode()


class Keyring:
    """A keyring of one product in a directory, on a key server of the lab."""

    def __init__(self, product: str, directory: pathlib.Path, environment=None, variables=()):
        self.product, self.directory, self.environment = product, directory, environment or {}
        self.plugin, self.data = directory / "plugin", directory / "data"
        self.variables = list(variables)
        for made in (self.plugin, self.data, self.data / "mysql"):  # As a server has made it.
            made.mkdir(exist_ok=True)
        self.option_file = directory / "my.cnf"
        self.option_file.write_text("[mysqld]\n" + "\n".join(
            f"{word.removeprefix('--')}" for word in self.variables) + "\n")

    @property
    def config(self) -> pathlib.Path:
        return self.plugin / f"{self.product}.cnf"

    def configure(self, options: dict) -> None:
        self.config.write_text(json.dumps(options))
        self.config.chmod(0o640)

    def write(self, *lines: str, check=True) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [writer(), self.product, self.plugin, self.data, *self.variables],
            input="\n".join(lines) + "\n", text=True, capture_output=True, check=False,
            timeout=seconds(60), cwd=self.data,
            env=process.bare_environment(self.directory, self.environment))
        assert not check or done.returncode == 0, done.stderr
        return done

    def hold(self):
        """The keyring open, as in a server that runs, until the process is ended."""
        held = subprocess.Popen(
            [writer(), self.product, self.plugin, self.data, *self.variables],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=self.data,
            env=process.bare_environment(self.directory, self.environment))
        held.stdin.write("hold\n")
        held.stdin.flush()
        assert held.stdout.readline() == "held\n"
        return held

    def where(self) -> list[str]:
        """The options that name it."""
        if self.product.startswith("component_"):
            return ["--config", str(self.config), "--datadir", str(self.data)]
        return ["--product", self.product, "--defaults-file", str(self.option_file),
                "--datadir", str(self.data)]

    def ctl(self, command: str, *words, **more) -> Result:
        environment = {**self.environment, **more.pop("environment", {})}
        return run(self.directory, *command.split(), *self.where(), *words,
                   environment=environment, **more)

    def start(self, *words) -> subprocess.Popen:
        """The command, which runs."""
        return subprocess.Popen(
            [PROGRAM, *words, *self.where()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd=self.directory,
            env=process.bare_environment(self.directory, self.environment))


def picture(directory: pathlib.Path) -> dict:
    """Everything that a change of files would change: names, contents, modes, times, inodes."""
    seen = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        seen[str(path)] = (content, status.st_mode, status.st_uid, status.st_mtime_ns,
                           status.st_ctime_ns, status.st_ino)
    return seen
