# SPDX-License-Identifier: MIT
"""The MariaDB plugin is started, asks a KMS over TLS, is stopped and unloaded, a hundred times in
one process: what it brings along (libcurl, when that is linked in) leaves nothing behind either."""

import pathlib
import re
import subprocess

import pytest

from lab import certificates, emulator, process
from products import HERE, SANITIZING, Product

HEADERS = "/usr/include/mariadb/server"
PLUGIN = Product("aws_key_management")


@pytest.fixture
def start(directory):
    """A function that starts the program which reloads a library; gives it with a way to tell it
    what to do."""
    authority = certificates.Authority(directory / "ca")
    own = authority.server()
    kms = emulator.Emulator(
        directory / "kms", options=["--tls-cert", own.certificate, "--tls-key", own.key]
    ).start()
    (directory / "keys").mkdir()
    children = []

    def run(library: pathlib.Path, *compiler: str):
        program = directory / "harness"
        subprocess.run(
            [
                *(compiler or ["cc"]),
                "-g",
                "-rdynamic",  # The plugin recognizes a server by a symbol.
                f"-I{HEADERS}",
                f"-I{HEADERS}/private",
                HERE.parent / "torture/harness.c",
                "-o",
                program,
                "-ldl",
            ],
            check=True,
        )
        child = subprocess.Popen(
            [
                program,
                library,
                f"keyfile_dir={directory}/keys",
                f"region={kms.region}",
                f"endpoint_url={kms.url}",
                f"master_key_id={kms.alias}",
            ],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=open(directory / "errors", "w"),
            cwd=directory,
            env=process.bare_environment(
                directory,
                {
                    **kms.environment(),
                    "AWS_CA_BUNDLE": str(authority.certificate),
                    "ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=1",
                },
            ),
        )
        children.append(child)
        assert child.stdout.readline() == "ready\n", (directory / "errors").read_text()[-2000:]

        def tell(what: str) -> str:
            child.stdin.write(what + "\n")
            child.stdin.flush()
            return child.stdout.readline().strip()
        return child, tell

    yield run
    for child in children:
        child.kill()
        child.wait()
    kms.stop()


def rounds(tell, count: int) -> None:
    for _ in range(count):
        assert (tell("use 1"), tell("use 2"), tell("reload")) == ("1", "1", "1")


def own_kb(child) -> int:
    return int(
        re.search(r"RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{child.pid}/status").read_text())[1]
    )


def entries(child, what: str) -> int:
    return sum(1 for _ in pathlib.Path(f"/proc/{child.pid}/{what}").iterdir())


def test_use_and_unloading_leaves_nothing_behind(start):
    child, tell = start(PLUGIN.path)
    rounds(tell, 10)
    early, files = own_kb(child), entries(child, "fd")
    rounds(tell, 90)
    assert own_kb(child) - early < 512
    # Two keys are loaded over one connection or two, of three descriptors each.
    assert abs(entries(child, "fd") - files) <= 3
    assert entries(child, "task") == 1


def test_use_and_unloading_under_address_sanitizer(start, directory):
    child, tell = start(PLUGIN.asan_path, *SANITIZING)
    rounds(tell, 100)
    child.stdin.close()
    assert child.wait(60) == 0
    assert "Sanitizer" not in (directory / "errors").read_text()
