# SPDX-License-Identifier: MIT
"""The components in a program that loads them as Percona XtraBackup does. XtraBackup itself is not
packaged for this system."""

import json
import subprocess

import pytest

from lab import emulator, kmip_component, kmip_emulator, kms_component, process
from lab.patience import seconds
from products import HERE, Product


@pytest.fixture
def host(directory):
    """A function that runs the program; `exported` says whether the component sees its variable."""
    kms = emulator.Emulator(directory / "kms").start()
    for name in ("plugin", "data", "keys"):
        (directory / name).mkdir()

    def run(config, what: str, *, exported: bool = True, library="component_keyring_kms"):
        program = directory / f"host{exported}"
        if not program.exists():
            subprocess.run(["c++", "-std=c++20", "-g", "-Wall", "-Werror",
                            *(["-rdynamic"] if exported else []), HERE / "xtrabackup_host.cc",
                            "-o", program, "-ldl"], check=True)
        return subprocess.run(
            [program, Product(library).path, directory / "plugin",
             directory / "data", config, what],
            text=True, capture_output=True, check=False, timeout=seconds(60),
            env=process.bare_environment(directory, kms.environment()))

    run.options = lambda name: json.dumps(kms_component.config(kms, directory / "keys" / name))
    yield run
    kms.stop()


def test_the_configuration_is_the_one_that_its_option_names(host, directory):
    named = directory / "component_keyring_kms.cnf"
    named.write_text(host.options("named"))
    done = host(named, "store")
    assert done.returncode == 0, done.stderr
    done = host(named, "fetch")
    assert (done.returncode, done.stdout) == (0, "value AES\n"), done.stderr
    # It wins over the one of the plugin directory, which has another keyring.
    (directory / "plugin" / named.name).write_text(host.options("other"))
    assert host(named, "fetch").stdout == "value AES\n"
    assert not (directory / "keys" / "other").exists()


def test_the_component_for_kmip_takes_it_too(host, directory):
    with kmip_emulator.KmipEmulator(directory / "kmip").start() as kmip:
        named = directory / "component_keyring_kmip.cnf"
        options = kmip_component.config(kmip, "mysql", object_group="named")
        named.write_text(json.dumps(options))
        other = directory / "plugin" / named.name
        other.write_text(json.dumps({**options, "object_group": "other"}))
        done = host(named, "store", library="component_keyring_kmip")
        assert done.returncode == 0, done.stderr
        done = host(named, "fetch", library="component_keyring_kmip")
        assert (done.returncode, done.stdout) == (0, "value AES\n"), done.stderr
        assert host(other, "fetch", library="component_keyring_kmip").returncode != 0


def test_a_local_configuration_is_followed_from_there(host, directory):
    named = directory / "component_keyring_kms.cnf"
    named.write_text('{"read_local_config": true}')
    (directory / "data" / named.name).write_text(host.options("local"))
    assert host(named, "store").returncode == 0
    assert (directory / "keys" / "local").exists()


@pytest.mark.parametrize("exported", [True, False])
def test_other_programs_use_the_plugin_directory(host, directory, exported):
    """The variable is empty, or there is none."""
    named = directory / "component_keyring_kms.cnf"
    named.write_text(host.options("named"))
    config = "" if exported else named
    done = host(config, "store", exported=exported)
    assert done.returncode == 1 and "cannot read config file" in done.stderr
    assert str(directory / "plugin" / named.name) in done.stderr
    (directory / "plugin" / named.name).write_text(host.options("plugin"))
    assert host(config, "store", exported=exported).returncode == 0
    assert (directory / "keys" / "plugin").exists()


def test_a_file_that_is_missing_is_named(host, directory):
    done = host(directory / "gone.cnf", "store")
    assert done.returncode == 1 and f"cannot read config file {directory}/gone.cnf" in done.stderr
