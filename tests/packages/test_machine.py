# SPDX-License-Identifier: MIT
"""packaging/machine.py: the processor of a package is that of the files in it."""

import machine
import packages
import pytest


@pytest.fixture
def binary(directory, monkeypatch):
    """Makes the first bytes of a program for a processor (its number), on a machine for amd64."""
    monkeypatch.setattr(machine, "_output", lambda *_: "amd64")

    def make(number: int):
        path = directory / str(number)
        path.write_bytes(b"\x7fELF".ljust(18, b"\0") + number.to_bytes(2, "little"))
        return path
    return make


def test_this_machines_own_needs_nothing_more(binary):
    found = machine.machine_of(binary(62))
    assert (found.debian, found.rpm, found.tool("nm")) == ("amd64", "x86_64", "nm")
    assert (found.runner(), found.toolchain(), found.needed_packages()) == ([], [], [])


def test_another_one_has_programs_of_its_own(binary):
    found = machine.machine_of(binary(183))
    assert (found.debian, found.rpm) == ("arm64", "aarch64")
    assert found.tool("nm") == "aarch64-linux-gnu-nm"
    assert found.runner()[0] == "qemu-aarch64-static"
    assert found.toolchain()[1].name == "arm64.cmake"


def test_arm64_is_this_machines_own_on_such_a_machine(binary, monkeypatch):
    monkeypatch.setattr(machine, "_output", lambda *_: "arm64")
    assert machine.machine_of(binary(183)).tool("strip") == "strip"
    with pytest.raises(packages.Failed, match="is for amd64, and there is no cross build"):
        machine.machine_of(binary(62))


def test_what_is_not_a_program_is_refused(binary, directory):
    text = directory / "text"
    text.write_text("not a program, but as long as the header of one")
    for path in (text, binary(8)):
        with pytest.raises(packages.Failed, match="is not a program or library for amd64 or arm64"):
            machine.machine_of(path)


def test_files_for_two_processors_are_refused(binary):
    with pytest.raises(packages.Failed, match=r"are not for one processor \(amd64, arm64\)"):
        machine.machine_of_all([binary(62), binary(183)])
