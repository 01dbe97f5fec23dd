# SPDX-License-Identifier: MIT
"""One version, that of CMakeLists.txt, in every plugin and program. Status rows:
services_list_test.cc."""

import ctypes
import re
import subprocess

import pytest

from products import ROOT, Product

VERSION = re.search(
    r"^project\(openkeyring VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(), re.M
)[1]
MAJOR, MINOR = (int(part) for part in VERSION.split(".")[:2])


class PluginDescriptor(ctypes.Structure):
    """The start that MySQL's st_mysql_plugin and MariaDB's st_maria_plugin have in common, and two
    members more."""
    _fields_ = [
        ("type", ctypes.c_int),
        ("info", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("author", ctypes.c_char_p),
        ("description", ctypes.c_char_p),
        ("license", ctypes.c_int),
        ("init", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
    ]


class MariaDbDescriptor(PluginDescriptor):
    _fields_ = [
        ("version", ctypes.c_uint),
        ("status", ctypes.c_void_p),
        ("variables", ctypes.c_void_p),
        ("version_info", ctypes.c_char_p),
        ("maturity", ctypes.c_uint),
    ]


class MysqlDescriptor(PluginDescriptor):
    _fields_ = [("deinit", ctypes.c_void_p), ("version", ctypes.c_uint)]


def descriptor(name: str, symbol: str, layout):
    return layout.in_dll(ctypes.CDLL(str(Product(name).path)), symbol)


@pytest.mark.parametrize("name", ["aws_key_management", "kmip_key_management"])
def test_a_mariadb_plugin_has_the_version_of_the_project(name):
    found = descriptor(name, "_maria_plugin_declarations_", MariaDbDescriptor)
    assert found.name.decode() == name
    assert (found.version, found.version_info.decode()) == (MAJOR * 256 + MINOR, VERSION)


def test_the_mysql_plugin_has_the_version_of_the_project():
    found = descriptor("keyring_aws", "_mysql_plugin_declarations_", MysqlDescriptor)
    assert (found.name, found.version) == (b"keyring_aws", MAJOR * 256 + MINOR)


@pytest.mark.parametrize("name", ["kms-emulator", "kmip-emulator"])
def test_a_program_says_the_version_of_the_project(name):
    program = ROOT / "build" / "products" / name
    done = subprocess.run([program, "--version"], text=True, capture_output=True, check=True)
    assert done.stdout == f"{name} {VERSION}\n"
