# SPDX-License-Identifier: MIT
"""Each command line of keyringctl in README and docs: there is such a command, with these options.
"""

import functools
import re
import shlex
import subprocess

import ctl
import pytest

from lab.patience import seconds

PAGES = [ctl.ROOT / "README.md", *sorted((ctl.ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ctl.ROOT)) for page in PAGES]


@functools.cache
def help_of(*command: str) -> str:
    done = subprocess.run([ctl.PROGRAM, *command, "--help"], text=True, capture_output=True,
                          timeout=seconds(20), check=False)
    return done.stdout if done.returncode == 0 else ""


def lines(page) -> list[str]:
    """Of the blocks of sh, and of code within sentences."""
    text = page.read_text()
    shell = "".join(re.findall(r"^ *```sh\n(.*?)^ *```", text, re.S | re.M))
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M)
    found = [*re.sub(r"\\\n\s*", " ", shell).splitlines(), *re.findall(r"`([^`\n]+)`", text)]
    return [line for line in found if re.match(r"(sudo (-u mysql )?)?keyringctl ", line)]


def unknown(line: str) -> list[str]:
    """What the program does not know of a line."""
    words = shlex.split(line, comments=True)
    words = words[words.index("keyringctl") + 1:]
    if words and words[0].startswith("-"):
        return [] if words[0] in help_of() else words[:1]
    command = [word for word in words[:1] if re.fullmatch(r"[a-z]+", word)]
    if not command:
        return []  # A placeholder: keyringctl COMMAND.
    if command == ["slot"]:
        command += [word for word in words[1:2] if word.isalpha()]
    text = help_of(*command)
    if not text:
        return [" ".join(command)]
    return [word for word in words if word.startswith("--")
            and not re.search(rf"{re.escape(word.split('=')[0])}\b", text)]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_documented_command_exists(page):
    assert {line: unknown(line) for line in lines(page) if unknown(line)} == {}


def test_the_lines_are_found_and_judged():
    assert sum(len(lines(page)) for page in PAGES) > 60
    assert unknown("sudo -u mysql keyringctl slot list --check  # a comment") == []
    assert unknown("keyringctl rewrapp --yes") == ["rewrapp"]
    assert unknown("keyringctl check --no-such-option") == ["--no-such-option"]
