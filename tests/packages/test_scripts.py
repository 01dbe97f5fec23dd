# SPDX-License-Identifier: MIT
"""The scripts of the .deb packages: which there are, and what they do when dpkg calls them, with
stand-ins for the programs that would change the system."""

import os
import subprocess

import pytest

SCRIPTS = {
    "mariadb-plugin-aws-key-management": {"postinst", "triggers", "conffiles", "md5sums"},
    "mariadb-plugin-kmip-key-management": {"postinst", "triggers", "conffiles", "md5sums"},
    "openkeyring-mysql": {"preinst", "postrm", "md5sums"},
    "keyringctl": {"md5sums"},
}
STAND_INS = {
    "getent": 'exit "$NO_GROUP"',
    "stat": 'echo "$OWNER"',
    "dpkg-statoverride": 'exit "$NO_OVERRIDE"',
    "chgrp": 'echo "chgrp $*"',
    "dpkg-divert": 'echo "divert $*"',
}


@pytest.fixture
def call(debs, directory):
    """call(package, script, argument...): what the stand-ins were told, one line a call."""
    programs = directory / "bin"
    programs.mkdir()
    for name, body in STAND_INS.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    options = directory / "x.cnf"
    options.write_text("[mariadb]\n")

    def run(package, script, *arguments, owner="root:root", no_group=0, no_override=1):
        text = debs[package].scripts[script]
        for file in debs[package].scripts.get("conffiles", "").split():
            text = text.replace(file, str(options))
        done = subprocess.run(
            ["sh", "-euc", text, script, *arguments], text=True, capture_output=True, check=True,
            env={"PATH": f"{programs}:{os.environ['PATH']}", "OWNER": owner,
                 "NO_GROUP": str(no_group), "NO_OVERRIDE": str(no_override)})
        return done.stdout.replace(str(options), "FILE").splitlines()
    run.options = options
    return run


@pytest.mark.parametrize("name", SCRIPTS)
def test_there_are_no_other_scripts(debs, name):
    assert set(debs[name].scripts) == SCRIPTS[name]
    for script in SCRIPTS[name] & {"preinst", "postinst", "postrm"}:
        assert debs[name].modes[script] == 0o755
        for word in ("systemctl", "service ", "invoke-rc.d", "rm ", "INSTALL "):
            assert word not in debs[name].scripts[script], "nothing is loaded, started or removed"


def test_a_server_that_comes_later_is_noticed(debs):
    for name in ("mariadb-plugin-aws-key-management", "mariadb-plugin-kmip-key-management"):
        assert debs[name].scripts["triggers"] == "interest-noawait /etc/mysql/debian-start\n"


@pytest.mark.parametrize("action", ["configure", "triggered"])
def test_the_configuration_is_given_to_the_servers_group(call, action):
    given = ["chgrp mysql FILE"]
    plugin = "mariadb-plugin-kmip-key-management"
    assert call(plugin, "postinst", action) == given
    assert call(plugin, "postinst", action, no_group=2) == [], "no server yet"
    assert call(plugin, "postinst", action, no_override=0) == [], "dpkg-statoverride decides"
    assert call(plugin, "postinst", action, owner="root:adm") == [], "the administrator decided"
    call.options.unlink()
    assert call(plugin, "postinst", action) == [], "the administrator removed it"


def test_other_calls_of_postinst_do_nothing(call):
    assert call("mariadb-plugin-aws-key-management", "postinst", "abort-upgrade", "1") == []


def test_perconas_components_are_put_aside_and_given_back(call):
    plugin = "/usr/lib/mysql/plugin"
    files = [f"{plugin}/component_keyring_kms.so", f"{plugin}/component_keyring_kmip.so"]
    for script, action, option in (("preinst", "install", "--add"), ("preinst", "upgrade", "--add"),
                                   ("postrm", "remove", "--remove")):
        assert call("openkeyring-mysql", script, action) == [
            f"divert --quiet --package openkeyring-mysql {option} --rename --divert "
            f"{file}.percona {file}" for file in files]
    for action in ("purge", "upgrade", "failed-upgrade"):
        assert call("openkeyring-mysql", "postrm", action) == []
