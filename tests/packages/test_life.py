# SPDX-License-Identifier: MIT
"""The life of the packages in a fresh Debian 12: installed, set up, run, upgraded, removed, purged;
and what must survive it."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from archives import output
from fresh_debian import FreshDebian
from lab import process
from lab.patience import seconds

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap and chroot need root"),
]

AWS = "mariadb-plugin-aws-key-management"
OPTIONS = "/etc/mysql/mariadb.conf.d/aws_key_management.cnf"
SETUP = "/etc/mysql/mariadb.conf.d/openkeyring.cnf"
DATA = "/var/lib/mysql"
MARKER = "PLAIN-MARKER-4711"


README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
PICTURE = re.compile(r"^```text\n(\$ sudo mariadb .*?)^```", re.S | re.M)
SHOWN = {  # What is different each time, and what the README shows in its place.
    r"key/[0-9a-f-]{36}": "key/1234abcd-12ab-34cd-56ef-1234567890ab",
    r"file id: [0-9a-f]{32}": "file id: 0123456789abcdef0123456789abcdef",
}


def readme(start: str) -> str:
    """The line of README's first screen that starts so, as root types it."""
    line, = (line for line in README.read_text().splitlines()[:40]
             if line.startswith(f"sudo {start} "))
    return line.removeprefix("sudo ").split(" #")[0]


def picture(debian: FreshDebian, environment) -> str:
    """README's commands with what they print now."""
    text = ""
    for line in re.findall(r"^\$ (.*)$", PICTURE.search(README.read_text())[1], re.M):
        done = debian.try_run("sh", "-ec", line.removeprefix("sudo "), environment=environment)
        text += f"$ {line}\n{done.stdout}"
        if "mariadb" in line:  # For the search of the file: InnoDB writes when it likes.
            debian.run("mariadb", "-e", "FLUSH TABLES shop.customers FOR EXPORT")
    for pattern, shown in SHOWN.items():
        text = re.sub(pattern, shown, text)
    return text


@pytest.fixture
def debian():
    directory = process.new_directory("debian", on_disk=True)
    yield FreshDebian(directory / "root")
    process.remove_directory(directory)


class Server:
    """Debian's MariaDB inside, as its unit starts it: as its user, with the files in /etc/mysql."""

    PROGRAM, CLIENT, ADMIN = "/usr/sbin/mariadbd", "mariadb", "mariadb-admin"

    def __init__(self, debian: FreshDebian, environment):
        self.debian, self.environment, self.process = debian, environment, None
        self.log = debian.path("/var/log/server.log")

    def __enter__(self):
        self.debian.run("install", "-d", "-o", "mysql", "-g", "mysql", "/run/mysqld")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                self.debian.argv(self.PROGRAM, user="mysql", environment=self.environment),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            process.wait_until(self._answers, self.PROGRAM, seconds(120), 0.2)
        except BaseException:
            self.process.kill()
            raise
        return self

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        return self.debian.try_run(self.ADMIN, "ping").returncode == 0

    def sql(self, text: str) -> str:
        return self.debian.run(self.CLIENT, "-N", "-e", text).strip()

    def __exit__(self, *_):
        self.debian.try_run(self.ADMIN, "shutdown")
        try:
            self.process.wait(seconds(60))
        finally:
            self.process.kill()


def keys(debian: FreshDebian) -> dict[str, str]:
    """Every file of keys, by what is in it."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(debian.path(DATA).glob("aws-kms-key*"))}


def rebuilt(deb: pathlib.Path, directory: pathlib.Path, *changes: tuple[str, str],
            file: str = "DEBIAN/control") -> pathlib.Path:
    """A copy of a package with something replaced."""
    tree = directory / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    for old, new in changes:
        text = (tree / file).read_text()
        assert old in text
        (tree / file).write_text(text.replace(old, new))
    return packed(tree, directory)


def packed(tree: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
    made = subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, directory], check=True,
                          text=True, capture_output=True)
    return directory / re.search(r"in '.*?([^/']+\.deb)'", made.stdout)[1]


def dummy(directory: pathlib.Path, name: str, version: str, *files: str) -> pathlib.Path:
    """A package with files that say its name and version."""
    tree = directory / "dummy"
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: a <a@b.invalid>\n"
        "Description: a test\n")
    for file in files:
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        (tree / file).write_text(f"{name} {version}")
    return packed(tree, directory)


def test_from_installation_to_purge(debian, debs, kms, directory):
    # The plugin before its server: the group that may read the option file comes later.
    for name in (AWS, "keyringctl"):
        debian.copy_in(debs[name].path, "build/packages")
    debian.run("sh", "-ec", readme("apt install") + " -y --no-install-recommends")
    assert debian.owner(OPTIONS) == "root:root 640"
    debian.install("mariadb-server")
    assert debian.owner(OPTIONS) == "root:mysql 640"
    environment = kms.environment()
    with Server(debian, environment) as server:
        assert server.sql("SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_name LIKE"
                          " '%key_management'") == "0", "installing it loads nothing"
    told = debian.run("mariadb-admin", "--help", user="www-data")
    assert "denied" not in told and "Warning" not in told, "other users' clients are not disturbed"

    told = debian.run("sh", "-ec", readme("keyringctl init") + f" --endpoint-url {kms.url} --yes")
    assert f"wrote {SETUP}" in told
    with Server(debian, environment) as server:
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (a TEXT) ENCRYPTED=YES;"
                   f"INSERT INTO d.t VALUES ('{MARKER}'); FLUSH TABLES d.t FOR EXPORT")
        shown = picture(debian, environment)
    if os.environ.get("OPENKEYRING_WRITE_PICTURES"):
        README.write_text(PICTURE.sub(lambda _: f"```text\n{shown}```", README.read_text()))
    assert PICTURE.search(README.read_text())[1] == shown
    made = keys(debian)
    assert made and MARKER.encode() not in debian.path(f"{DATA}/d/t.ibd").read_bytes()

    # An administrator's edit, and a new version with another option file.
    option_file = debian.path(OPTIONS)
    edited = option_file.read_text().replace("eu-central-1", "eu-west-1")
    option_file.write_text(edited)
    newer = rebuilt(debs[AWS].path, directory, ("[mariadb]", "# Of the new version.\n[mariadb]"),
                    file=OPTIONS[1:])
    newer = rebuilt(newer, directory, ("Version: ", "Version: 9."))
    debian.install(newer)
    assert "9.0" in debian.run("dpkg-query", "-W", AWS)
    assert option_file.read_text() == edited and debian.owner(OPTIONS) == "root:mysql 640"
    with Server(debian, environment) as server:
        assert server.sql("SELECT a FROM d.t") == MARKER
    assert keys(debian) == made

    for action, state in (("remove", "rc"), ("purge", "")):
        debian.run("apt-get", "-q", "-y", action, AWS, "keyringctl")
        assert debian.state(AWS) == state
        assert option_file.exists() == (action == "remove")
        assert keys(debian) == made and debian.path(SETUP).exists()
        assert not debian.path("/usr/bin/keyringctl").exists()
        without = debian.try_run("timeout", "60", "/usr/sbin/mariadbd", user="mysql",
                                 environment=environment)
        assert without.returncode not in (0, 124), "it does not start without its tables"
        assert "aws_key_management" in without.stdout or "aws-key-management" in without.stdout

    debian.install(debs[AWS].path)
    assert debian.owner(OPTIONS) == "root:mysql 640"
    with Server(debian, environment) as server:
        assert server.sql("SELECT a FROM d.t") == MARKER
    assert keys(debian) == made


def test_what_the_administrator_decided_stays(debian, debs):
    debian.run("groupadd", "mysql")
    debian.run("dpkg-statoverride", "--add", "root", "adm", "0600", OPTIONS)
    debian.install(debs[AWS].path)
    assert debian.owner(OPTIONS) == "root:adm 600"
    kmip = OPTIONS.replace("aws", "kmip")
    debian.install(debs["mariadb-plugin-kmip-key-management"].path)
    assert debian.owner(kmip) == "root:mysql 640"
    debian.run("chown", "root:adm", kmip)
    debian.run("dpkg-reconfigure", "mariadb-plugin-kmip-key-management")
    assert debian.owner(kmip) == "root:adm 640"


def test_the_package_of_before_is_replaced(debian, debs, directory):
    plugins = "usr/lib/mysql/plugin"
    old = dummy(directory, "openkeyring-mariadb", "0.1.0", "usr/bin/keyringctl",
                f"{plugins}/aws_key_management.so", f"{plugins}/kmip_key_management.so")
    debian.install(old)
    debian.install(debs[AWS].path, debs["keyringctl"].path)
    assert debian.state("openkeyring-mariadb") in ("", "rc")
    assert "keyringctl 0." in debian.run("keyringctl", "--version")
    assert debian.path(f"/{plugins}/aws_key_management.so").stat().st_size > 100_000

    old = dummy(directory, "openkeyring-mysql", "0.1.0", "usr/bin/keyringctl")
    debian.run("apt-get", "-q", "-y", "purge", "keyringctl")
    debian.install(old)
    debian.install(debs["openkeyring-mysql"].path, debs["keyringctl"].path)
    assert debian.state("openkeyring-mysql") == "ii" and debian.state("keyringctl") == "ii"


def test_perconas_components_come_back(debian, debs, directory):
    file = "usr/lib/mysql/plugin/component_keyring_kms.so"
    theirs = debian.path(f"/{file}")
    debian.install(dummy(directory, "percona-server-server", "1", file))
    debian.install(debs["openkeyring-mysql"].path)
    assert theirs.stat().st_size > 100_000
    debian.install(dummy(directory, "percona-server-server", "2", file))
    assert theirs.stat().st_size > 100_000, "an upgrade of theirs does not take ours away"
    debian.install(rebuilt(debs["openkeyring-mysql"].path, directory, ("Version: ", "Version: 9.")))
    assert theirs.stat().st_size > 100_000
    debian.run("apt-get", "-q", "-y", "purge", "openkeyring-mysql")
    assert theirs.read_text() == "percona-server-server 2"
    assert [path.name for path in theirs.parent.iterdir()] == [theirs.name]


def empty_rpm(directory: pathlib.Path, name: str) -> pathlib.Path:
    """An RPM of this name, with nothing inside."""
    (directory / "spec").write_text(f"Name: {name}\nVersion: 1\nRelease: 1\nSummary: a test\n"
                                    "License: MIT\n%description\nA test.\n%files\n")
    output("rpmbuild", "-bb", "--define", f"_topdir {directory}", directory / "spec")
    found, = directory.glob("RPMS/*/*.rpm")
    return found


def test_the_life_of_an_rpm(debian, rpms, directory):
    def rpm(*words) -> str:
        return output("rpm", "--root", debian.root, "--nodeps", *words)
    options = "/etc/my.cnf.d/aws_key_management.cnf"
    key = debian.path("/var/lib/mysql/aws-kms-key-set")
    key.parent.mkdir(parents=True)
    key.write_text("a key")
    rpm("-i", rpms[AWS])
    assert debian.owner(options) == "root:root 640"
    debian.run("groupadd", "mysql")
    rpm("-i", empty_rpm(directory, "mariadb-server"))
    assert debian.owner(options) == "root:mysql 640", "a server came later"
    rpm("-U", "--replacepkgs", rpms[AWS])
    assert debian.owner(options) == "root:mysql 640"
    link = debian.path("/usr/lib64/mariadb/plugin/aws_key_management.so")
    assert link.resolve().stat().st_size > 100_000
    debian.path(options).write_text("[mariadb]\n")
    rpm("-e", AWS)
    assert debian.path(f"{options}.rpmsave").read_text() == "[mariadb]\n"
    assert not link.is_symlink() and key.read_text() == "a key"
    rpm("-i", rpms[AWS])
    assert debian.owner(options) == "root:mysql 640", "a server was there before"
