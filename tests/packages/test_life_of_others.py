# SPDX-License-Identifier: MIT
"""The life of the other packages, each with a server of Debian's own: openkeyring-mysql with MySQL
9.7 of sid, the plugin for KMIP with MariaDB."""

import os
import shutil

import pytest
from fresh_debian import FreshDebian
from lab import process
from test_life import DATA, MARKER, SETUP, Server, keys, rebuilt

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap and chroot need root"),
]
MYSQL, KMIP = "openkeyring-mysql", "mariadb-plugin-kmip-key-management"
KEYRING = "/var/lib/mysql-keyring/keyring"


class MySqlServer(Server):
    """Debian's MySQL inside."""

    PROGRAM, CLIENT, ADMIN = "/usr/sbin/mysqld", "mysql", "mysqladmin"

    def status(self) -> str:
        return self.sql("SELECT STATUS_VALUE FROM performance_schema.keyring_component_status"
                        " WHERE STATUS_KEY = 'Component_status'")


@pytest.fixture
def fresh():
    """A function that makes a Debian of a release."""
    directory = process.new_directory("debian", on_disk=True)
    yield lambda release: FreshDebian(directory / "root", release)
    process.remove_directory(directory)


def encrypted(debian: FreshDebian) -> bool:
    return MARKER.encode() not in debian.path(f"{DATA}/d/t.ibd").read_bytes()


@pytest.mark.sid
def test_the_components_with_mysql(fresh, debs, kms, directory):
    debian = fresh("sid")
    debian.install(debs[MYSQL].path, debs["keyringctl"].path)  # Before the server.
    debian.install("mysql-server-core", "mysql-client-core")
    debian.run("groupadd", "-f", "mysql")
    debian.try_run("useradd", "-g", "mysql", "mysql")
    debian.run("install", "-d", "-o", "mysql", "-g", "mysql", DATA, "/var/lib/mysql-files",
               "/var/run/mysqld")
    debian.run("/usr/sbin/mysqld", "--initialize-insecure", user="mysql")
    environment = kms.environment()
    with MySqlServer(debian, environment) as server:
        assert server.status() == "", "installing it loads nothing"

    told = debian.run("keyringctl", "init", "component_keyring_kms", "--kms-key", kms.alias,
                      "--region", kms.region, "--endpoint-url", kms.url, "--yes")
    assert "wrote /usr/sbin/mysqld.my" in told
    assert debian.owner("/var/lib/mysql-keyring") == "mysql:mysql 750"
    with MySqlServer(debian, environment) as server:
        assert server.status() == "Active"
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (a TEXT) ENCRYPTION='Y';"
                   f"INSERT INTO d.t VALUES ('{MARKER}'); FLUSH TABLES d.t FOR EXPORT")
    keyring = debian.path(KEYRING)
    made = keyring.read_bytes()
    assert encrypted(debian) and debian.owner(KEYRING) == "mysql:mysql 640"

    debian.install(rebuilt(debs[MYSQL].path, directory, ("Version: ", "Version: 9.")))
    assert "9.0" in debian.run("dpkg-query", "-W", MYSQL)
    with MySqlServer(debian, environment) as server:
        assert server.sql("SELECT a FROM d.t") == MARKER
    written = {path: debian.path(path).read_bytes() for path in (
        "/usr/sbin/mysqld.my", "/usr/lib/mysql/plugin/component_keyring_kms.cnf")}

    for action, state in (("remove", ("", "rc")), ("purge", ("",))):
        debian.run("apt-get", "-q", "-y", action, MYSQL, "keyringctl")
        assert debian.state(MYSQL) in state
        assert keyring.read_bytes() == made
        assert {path: debian.path(path).read_bytes() for path in written} == written
        without = debian.try_run("timeout", "60", "/usr/sbin/mysqld", user="mysql",
                                 environment=environment)
        assert without.returncode not in (0, 124), "the manifest names what is not there"

    debian.install(debs[MYSQL].path, debs["keyringctl"].path)
    assert "ok  1 key" in debian.run("keyringctl", "verify", environment=environment)
    with MySqlServer(debian, environment) as server:
        assert server.status() == "Active" and server.sql("SELECT a FROM d.t") == MARKER


def test_the_plugin_for_kmip_with_mariadb(fresh, debs, kmip, directory):
    debian = fresh("bookworm")
    debian.install(debs[KMIP].path, debs["keyringctl"].path, "mariadb-server")
    options = debian.path("/etc/mysql/mariadb.conf.d/kmip_key_management.cnf")
    assert debian.owner("/etc/mysql/mariadb.conf.d/kmip_key_management.cnf") == "root:mysql 640"
    place = debian.path("/etc/mysql/kmip")
    place.mkdir()
    words = []
    for option, path in kmip.client_files("mysql").items():
        shutil.copy(path, place / option)
        words += [{"server_ca": "--server-ca", "client_ca": "--client-cert",
                   "client_key": "--client-key"}[option], f"/etc/mysql/kmip/{option}"]
    debian.run("chown", "-R", "root:mysql", "/etc/mysql/kmip")
    debian.run("chmod", "-R", "u=rwX,g=rX,o=", "/etc/mysql/kmip")
    with Server(debian, {}) as server:
        assert server.sql("SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_name LIKE"
                          " '%key_management'") == "0", "installing it loads nothing"
    told = debian.run("keyringctl", "init", "kmip_key_management", "--kmip-servers",
                      f"localhost:{kmip.port}", *words, "--object-group", "life", "--yes")
    assert f"wrote {SETUP}" in told
    with Server(debian, {}) as server:
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (a TEXT) ENCRYPTED=YES;"
                   f"INSERT INTO d.t VALUES ('{MARKER}'); FLUSH TABLES d.t FOR EXPORT")
    assert encrypted(debian) and not keys(debian), "keys are on the KMIP server"

    debian.install(rebuilt(debs[KMIP].path, directory, ("Version: ", "Version: 9.")))
    with Server(debian, {}) as server:
        assert server.sql("SELECT a FROM d.t") == MARKER
    for action in ("remove", "purge"):
        debian.run("apt-get", "-q", "-y", action, KMIP)
        assert options.exists() == (action == "remove") and debian.path(SETUP).exists()
        without = debian.try_run("timeout", "60", "/usr/sbin/mariadbd", user="mysql")
        assert without.returncode not in (0, 124), "it does not start without its tables"
    debian.install(debs[KMIP].path)
    assert "ok  1 key" in debian.run("keyringctl", "verify")
    with Server(debian, {}) as server:
        assert server.sql("SELECT a FROM d.t") == MARKER
