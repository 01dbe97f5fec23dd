# SPDX-License-Identifier: MIT
"""Blocks of commands in the documents, for tests that run them."""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def blocks(page: str, language: str, section: str = "") -> list[str]:
    """Of a page (a path in the repository), or of one of its sections, by its title."""
    text = (ROOT / page).read_text()
    if section:
        found = re.search(rf"^#+ {re.escape(section)}\n(.*?)(?=^##|\Z)", text, re.S | re.M)
        assert found, f"{page} has no section {section}"
        text = found[1]
    made = [re.sub(rf"^{indent}", "", content, flags=re.M) for indent, content in
            re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.S | re.M)]
    assert made, f"{page}, {section}: no block of {language}"
    return made


def settings(page: str, section: str = "") -> list[str]:
    """The options of an option file, as a command line has them."""
    return ["--" + line.replace(" ", "") for text in blocks(page, "ini", section)
            for line in text.splitlines() if line and line[0] not in "[#"]


def variables(page: str, section: str = "") -> dict[str, str]:
    """The environment that a block of NAME=value lines is."""
    return dict(line.split("=", 1) for text in blocks(page, "sh", section)
                for line in text.splitlines() if re.match(r"[A-Z_]+=", line))


def commands(text: str) -> list[str]:
    """The lines of a block, without comments; continued lines are one."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [re.sub(r"\s+#.*", "", line).strip() for line in lines
            if line.strip() and not line.startswith("#")]


def policy_actions(text: str, sid: str) -> list[str]:
    """The actions that a statement of an IAM policy allows, without their service."""
    statement, = (one for one in json.loads(text)["Statement"] if one["Sid"] == sid)
    assert statement["Effect"] == "Allow"
    return [action.removeprefix("kms:") for action in statement["Action"]]
