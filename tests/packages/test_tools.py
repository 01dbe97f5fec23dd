# SPDX-License-Identifier: MIT
"""Programs of others look at the packages: lintian, the parsers of AppArmor and systemd, rpm."""

import os
import pathlib
import re

import pytest
from archives import output, unpacked
from lab import (
    aws_keyring_plugin,
    aws_plugin,
    kmip_component,
    kmip_plugin,
    kms_component,
    mariadb,
)

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "packaging/examples"
LIBRARIES = {
    "mariadb-plugin-aws-key-management": ["aws_key_management"],
    "mariadb-plugin-kmip-key-management": ["kmip_key_management"],
    "openkeyring-mysql": ["component_keyring_kms", "component_keyring_kmip", "keyring_aws"],
    "keyringctl": [],
}

pytestmark = pytest.mark.long


def test_lintian_finds_nothing(debs):
    for deb in debs.values():
        found = output("lintian", "--fail-on", "error,warning", "--allow-root", deb.path)
        assert not re.search(r"^[EW]: ", found, re.M), found


def test_lintian_needs_each_override(debs):
    for name, deb in debs.items():
        found = output("lintian", "--fail-on", "none", "--allow-root", "--show-overrides", deb.path)
        text = deb.text(f"/usr/share/lintian/overrides/{name}")
        tags = re.findall(rf"^{name}: (\S+)", text, re.M)
        reasons = re.findall(r"^# \w+: ", text, re.M)
        assert tags and len(tags) == len(reasons)
        for tag in tags:
            assert re.search(rf"^O: {name}: {tag} ", found, re.M), f"{name}: {tag}"


@pytest.mark.parametrize("program", ["mysqld", "mariadbd"])
def test_apparmor_parses_the_rules(program, directory):
    rules = EXAMPLES / "apparmor" / f"usr.sbin.{program}"
    profile = directory / "profile"

    def parse():
        return output("apparmor_parser", "-Q", "-K", "-S", "--base", "/etc/apparmor.d", profile,
                      errors="replace")
    text = f"include <tunables/global>\n/usr/sbin/{program} {{\n  include \"{rules}\"\n}}\n"
    profile.write_text(text)
    parse()
    profile.write_text(text.replace("}\n", "no such rule,\n}\n"))
    with pytest.raises(AssertionError, match="syntax error"):
        parse()


def test_apparmor_allows_what_init_writes():
    text = (EXAMPLES / "apparmor/usr.sbin.mysqld").read_text()
    for rule in ("/usr/sbin/mysqld.my r,", "/usr/lib/mysql/plugin/*.cnf r,",
                 "/var/lib/mysql-keyring/ r,", "/var/lib/mysql-keyring/** rwk,"):
        assert f"\n{rule}\n" in text


@pytest.mark.parametrize("service", ["mariadb", "mysql"])
@pytest.mark.parametrize("edited", [False, True])
def test_systemd_accepts_the_drop_in(service, edited, directory):
    unit = directory / f"{service}.service"
    unit.write_text("[Unit]\nDescription=a server\n[Service]\nExecStart=/bin/true\n")
    text = (EXAMPLES / f"systemd/{service}.service.d/openkeyring.conf").read_text()
    if edited:
        text = re.sub(r"^#(?=[A-Z]\w+=)", "", text, flags=re.M)
        assert text.count("\nLoadCredential=") == 2 and "\nRequiresMountsFor=" in text
    drop_in = directory / f"{service}.service.d/openkeyring.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(text)
    verify = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit]
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{directory}:"}
    assert output(*verify, env=environment) == ""
    drop_in.write_text(text + "LimitMEMLOCK=much\n")
    with pytest.raises(AssertionError, match="Failed to parse"):
        output(*verify, env=environment)


@pytest.mark.parametrize("product", ["aws_key_management", "kmip_key_management"])
def test_mariadb_loads_the_plugin_of_the_rpm(rpms, kms, kmip, product, directory):
    options = (aws_plugin.options(kms, master_key_id=kms.alias) if product.startswith("aws")
               else kmip_plugin.options(kmip))
    server = mariadb.MariaDB(directory / "m", options=options, environment=kms.environment())
    package = f"mariadb-plugin-{product.replace('_', '-')}"
    server.plugin_directory = unpacked(rpms[package], package) / "usr/lib64/mariadb/plugin"
    try:
        server.start()
        aws_plugin.make_table(server, "t", 1)
        assert server.sql("SELECT plugin_library FROM information_schema.plugins WHERE"
                          f" plugin_name='{product}'") == [(f"{product}.so",)]
    finally:
        server.kill()


@pytest.mark.sid
@pytest.mark.parametrize("product", LIBRARIES["openkeyring-mysql"])
def test_mysql_loads_the_keyring_of_the_rpm(rpms, kms, kmip, product, directory):
    server = {
        "component_keyring_kms": lambda: kms_component.MySQLWithKms(directory / "m", kms),
        "component_keyring_kmip": lambda: kmip_component.MySQLWithKmip(directory / "m", kmip),
        "keyring_aws": lambda: aws_keyring_plugin.MySQLWithKeyringAws(directory / "m", kms),
    }[product]()
    name = f"{product}.so"
    (server.plugin_directory / name).unlink()
    (server.plugin_directory / name).symlink_to(
        unpacked(rpms["openkeyring-mysql"], "openkeyring-mysql") / "usr/lib64/mysql/plugin" / name)
    try:
        server.start()
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENCRYPTION='Y'")
    finally:
        server.kill()


def test_two_runs_make_the_same_packages(debs, rpms):
    for name, deb in debs.items():
        again = rpms[name].parent / deb.path.name
        assert again.read_bytes() == deb.path.read_bytes(), name
