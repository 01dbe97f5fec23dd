# SPDX-License-Identifier: MIT
"""lab.packages finds the Debian mirror in any of the ways in which apt sources are written."""

import pytest
from lab import packages


@pytest.fixture(autouse=True)
def no_mirror_set(monkeypatch):
    monkeypatch.delenv(packages.MIRROR, raising=False)


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_one_line_format(tmp_path):
    write(tmp_path, "sources.list", """
# deb http://commented.invalid/debian bookworm main
deb-src http://source.invalid/debian bookworm main
deb http://security.invalid/debian-security bookworm-security main
deb [arch=amd64 signed-by=/x.gpg] http://mirror.invalid/debian bookworm main contrib  # ours
""")
    assert packages.mirror(str(tmp_path)) == "http://mirror.invalid/debian"


def test_deb822_format(tmp_path):
    write(tmp_path, "sources.list.d/other.sources", """Types: deb
URIs: https://other.invalid/
Suites: nodistro
Components: main
""")
    write(tmp_path, "sources.list.d/debian.sources", """Types: deb
# a comment
URIs: http://off.invalid/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb deb-src
URIs:
 https://mirror.invalid/debian
Suites: bookworm-updates
 bookworm
Components: main
Signed-By: /x.gpg
""")
    assert packages.mirror(str(tmp_path)) == "https://mirror.invalid/debian"


def test_mirror_lists_of_apt_are_taken_as_they_are(tmp_path):
    write(tmp_path, "sources.list.d/a.list", "deb mirror+file:/etc/apt/mirrors/debian.list trixie main\n")
    assert packages.mirror(str(tmp_path)) == "mirror+file:/etc/apt/mirrors/debian.list"


def test_a_machine_without_a_debian_mirror_is_told_what_to_set(tmp_path):
    write(tmp_path, "sources.list", "deb http://archive.invalid/ubuntu jammy main\n")
    with pytest.raises(packages.Unavailable, match=packages.MIRROR):
        packages.mirror(str(tmp_path))


def test_the_environment_overrides(tmp_path, monkeypatch):
    monkeypatch.setenv(packages.MIRROR, "http://own.invalid/debian")
    assert packages.mirror(str(tmp_path)) == "http://own.invalid/debian"


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
