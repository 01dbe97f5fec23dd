# SPDX-License-Identifier: MIT
"""The RPMs: their files, fields and needs, as rpm reads them."""

import re

import pytest
from archives import output, unpacked

LIBRARIES = {
    "mariadb-plugin-aws-key-management": ["aws_key_management"],
    "mariadb-plugin-kmip-key-management": ["kmip_key_management"],
    "openkeyring-mysql": ["component_keyring_kms", "component_keyring_kmip", "keyring_aws"],
    "keyringctl": [],
}
PROCESSORS = {"amd64": "x86_64", "arm64": "aarch64"}

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_processor_of_the_rpm(rpms, name, architecture):
    processor = PROCESSORS[architecture]
    assert output("rpm", "-qp", "--qf", "%{ARCH}", rpms[name]) == processor
    assert rpms[name].name.endswith(f".{processor}.rpm")


@pytest.mark.parametrize("name", LIBRARIES)
def test_files_of_the_rpm(rpms, debs, name):
    root = unpacked(rpms[name], name)
    found = {f"/{path.relative_to(root)}" for path in root.rglob("*")
             if path.is_symlink() or path.is_file()}
    moved = {"/usr/lib/mysql/plugin": "/usr/lib64/mysql/plugin",
             "/etc/mysql/mariadb.conf.d": "/etc/my.cnf.d",
             "/usr/share/zsh/vendor-completions": "/usr/share/zsh/site-functions",
             "/mysql.service.d/": "/mysqld.service.d/"}
    expected = set()
    for file in debs[name].files:
        for old, new in moved.items():
            file = file.replace(old, new)
        if "lintian" not in file and "changelog.Debian" not in file and "apparmor" not in file:
            expected.add(file)
    if name.startswith("mariadb"):
        link = f"/usr/lib64/mariadb/plugin/{LIBRARIES[name][0]}.so"
        assert (root / link[1:]).resolve(strict=True).is_file()
        expected.add(link)
    assert found == expected


def test_the_drop_in_is_for_the_unit_of_these_systems(rpms):
    root = unpacked(rpms["openkeyring-mysql"], "openkeyring-mysql")
    drop_in, = root.rglob("mysqld.service.d/*.conf")
    text = drop_in.read_text()
    assert "/etc/systemd/system/mysqld.service.d/" in text and "restart mysqld\n" in text
    assert "/run/credentials/mysqld.service/" in text and "mysql.service" not in text


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_rpm_needs_what_enterprise_linux_9_has(rpms, name):
    needs = output("rpm", "-qp", "--requires", rpms[name]).splitlines()
    assert "ca-certificates" in needs and "libssl.so.3()(64bit)" in needs
    assert not any("stdc++" in one or "curl" in one for one in needs)
    highest = max((tuple(map(int, found[1].split("."))) for one in needs
                   if (found := re.match(r"libc\.so\.6\(GLIBC_([0-9.]+)\)", one))))
    assert highest <= (2, 34)


@pytest.mark.parametrize("name", LIBRARIES)
def test_directories_of_the_rpm_are_open(rpms, name):
    listed = output("rpm", "-qp", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\n]", rpms[name])
    modes = {line.split()[0] for line in listed.splitlines() if line.startswith("d")}
    assert modes == {"drwxr-xr-x"}


@pytest.mark.parametrize("name", [name for name in LIBRARIES if name.startswith("mariadb")])
def test_the_option_file_of_the_rpm_is_kept_and_closed(rpms, name):
    file = f"/etc/my.cnf.d/{LIBRARIES[name][0]}.cnf"
    listed = output("rpm", "-qp", "--qf", "[%{FILENAMES} %{FILEFLAGS:fflags} %{FILEMODES:perms}\n]",
                    rpms[name]).splitlines()
    assert f"{file} cn -rw-r-----" in listed
    scripts = output("rpm", "-qp", "--scripts", "--triggers", rpms[name])
    assert scripts.count(f"chgrp mysql {file}") == 2 and "MariaDB-server" in scripts
