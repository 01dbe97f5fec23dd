# SPDX-License-Identifier: MIT
"""apt_world finds the Debian mirrors in any of the ways in which apt sources are written."""

import pytest

import apt_world


@pytest.fixture(autouse=True)
def no_mirror_set(monkeypatch):
    monkeypatch.delenv(apt_world.MIRROR, raising=False)


def write(directory, name, text):
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_one_line_format(tmp_path):
    write(tmp_path, "sources.list", """
# deb http://commented.invalid/debian bookworm main
deb-src http://source.invalid/debian bookworm main
deb http://security.invalid/debian-security bookworm-security main
deb [arch=amd64 signed-by=/x.gpg] http://mirror.invalid/debian bookworm main contrib  # ours
""")
    assert apt_world.mirror(str(tmp_path)) == "http://mirror.invalid/debian"


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
    assert apt_world.mirror(str(tmp_path)) == "https://mirror.invalid/debian"


def test_mirror_lists_of_apt_are_taken_as_they_are(tmp_path):
    write(
        tmp_path,
        "sources.list.d/a.list",
        "deb mirror+file:/etc/apt/mirrors/debian.list trixie main\n",
    )
    assert apt_world.mirror(str(tmp_path)) == "mirror+file:/etc/apt/mirrors/debian.list"


def test_a_machine_without_a_debian_mirror_is_told_what_to_set(tmp_path):
    write(tmp_path, "sources.list", "deb http://archive.invalid/ubuntu jammy main\n")
    with pytest.raises(apt_world.Unavailable, match=apt_world.MIRROR):
        apt_world.mirror(str(tmp_path))


def test_the_environment_overrides(tmp_path, monkeypatch):
    monkeypatch.setenv(apt_world.MIRROR, "http://own.invalid/debian")
    assert apt_world.mirror(str(tmp_path)) == "http://own.invalid/debian"


def test_a_release_comes_with_its_updates_and_security_fixes(tmp_path):
    write(tmp_path, "sources.list", """
deb http://mirror.invalid/debian bookworm main
deb http://mirror.invalid/debian bookworm-updates main
deb http://mirror.invalid/debian bookworm-backports main
deb http://security.invalid/debian-security bookworm-security main
deb https://other.invalid/ nodistro-security main
""")
    assert apt_world.release_mirrors("bookworm", str(tmp_path)) == [
        ("http://mirror.invalid/debian", "bookworm"),
        ("http://mirror.invalid/debian", "bookworm-updates"),
        ("http://security.invalid/debian-security", "bookworm-security"),
    ]


def test_a_release_is_asked_for_by_its_own_name_whatever_the_sources_call_it(tmp_path):
    write(tmp_path, "sources.list", """
deb http://mirror.invalid/debian stable main
deb http://security.invalid/debian-security stable-security main
""")
    assert apt_world.release_mirrors("trixie", str(tmp_path)) == [
        ("http://mirror.invalid/debian", "trixie"),
        ("http://security.invalid/debian-security", "trixie-security"),
    ]


def test_a_mirror_that_cannot_be_reached_is_an_error(tmp_path):
    world = apt_world.World(tmp_path, ["deb-src http://127.0.0.1:1/debian bookworm main"])
    with pytest.raises(apt_world.Unavailable, match="apt-get update failed"):
        world.run("update")
