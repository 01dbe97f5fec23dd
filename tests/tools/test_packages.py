# SPDX-License-Identifier: MIT
"""lab.packages says what to do when the servers of Debian sid cannot be had."""

import pytest
from lab import packages


def test_going_without_is_said_not_guessed(monkeypatch):
    monkeypatch.setenv(packages.GO_WITHOUT, "1")
    with pytest.raises(packages.Unavailable, match=packages.GO_WITHOUT):
        packages.fetch("moto")


def test_a_mirror_that_cannot_be_reached_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(packages.MIRROR, "http://127.0.0.1:1/debian")
    monkeypatch.delenv(packages.GO_WITHOUT, raising=False)
    with pytest.raises(packages.Unavailable, match="--without-sid"):
        packages.fetch("moto")
    assert not (tmp_path / "openkeyring/sid/moto").exists()
