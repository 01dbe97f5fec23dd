# SPDX-License-Identifier: MIT
"""Our numbers are those of another implementation."""

import re

import pytest

enums = pytest.importorskip("kmip.core.enums", reason="python3-pykmip is missing")


def test_tags(tool):
    theirs = {tag.name.replace("_", "").lower(): tag.value for tag in enums.Tags}
    ours = tool.ask(do="tags")["tags"]
    assert len(ours) > 80
    for name, number in ours.items():
        assert theirs[re.sub("[^a-z0-9]", "", name.lower())] == number, name
