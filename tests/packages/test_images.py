# SPDX-License-Identifier: MIT
"""docs/recipes/docker.md: the steps of its Dockerfiles, in a fresh Debian 12 in place of the image,
and then a server with what they leave."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from fresh_debian import FreshDebian
from lab import documents, kms_component, process
from test_life import DATA, MARKER, Server

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap and chroot need root"),
]
PAGE = "docs/recipes/docker.md"
KMS_GUIDE = "docs/component_keyring_kms.md"


class Image:
    """Follows a Dockerfile in a fresh Debian. `context`: the directory of the build."""

    def __init__(self, debian: FreshDebian, context: pathlib.Path):
        self.debian, self.context = debian, context

    def build(self, dockerfile: str) -> None:
        for line in re.sub(r"\\\n\s*", " ", dockerfile).splitlines():
            word, _, rest = line.partition(" ")
            if word in ("COPY", "ADD"):
                self._copy(word, rest)
            elif word == "RUN":
                self.debian.run("sh", "-ec", rest)
            else:
                assert word in ("FROM", "USER", "VOLUME"), line

    def _copy(self, word: str, rest: str) -> None:
        words = rest.split()
        mode = int(words.pop(0).removeprefix("--chmod="), 8) if words[0][0] == "-" else None
        *sources, target = words
        directory = self.debian.path(target)
        directory.mkdir(parents=True, exist_ok=True)
        for source in sources:
            found = list(self.context.glob(source))
            assert found, f"{source} is not in the context"
            for path in found:
                if word == "ADD":
                    subprocess.run(["tar", "-xzf", path, "-C", directory], check=True)
                    continue
                made = pathlib.Path(shutil.copy(path, directory))
                made.chmod(mode if mode is not None else 0o600)


@pytest.fixture
def image(directory):
    place = process.new_directory("debian", on_disk=True)
    (place / "context").mkdir()
    yield Image(FreshDebian(place / "root"), place / "context")
    process.remove_directory(place)


def dockerfile(section: str) -> str:
    text, = documents.blocks(PAGE, "dockerfile", section)
    return text


def test_mariadb(image, debs, kms):
    debian = image.debian
    debian.install("mariadb-server")
    for name in ("mariadb-plugin-aws-key-management", "keyringctl"):
        shutil.copy(debs[name].path, image.context)
    guide, = documents.blocks("docs/aws_key_management.md", "ini", "Configure")
    (image.context / "encryption.cnf").write_text(
        guide + f"aws_key_management_endpoint_url = {kms.url}\n")
    image.build(dockerfile("MariaDB"))
    assert not debian.path("/tmp/openkeyring").exists()
    with Server(debian, kms.environment()) as server:
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (a TEXT);"
                   f"INSERT INTO d.t VALUES ('{MARKER}'); FLUSH TABLES d.t FOR EXPORT")
        assert server.sql("SELECT a FROM d.t") == MARKER
    assert MARKER.encode() not in debian.path(f"{DATA}/d/t.ibd").read_bytes()


@pytest.mark.sid
@pytest.mark.parametrize("section", ["MySQL", "Percona Server"])
def test_mysql(section, image, made, rpms, kms, directory):
    debian = image.debian
    # What those images have, and this Debian does not.
    debian.run("groupadd", "mysql")
    debian.run("useradd", "-g", "mysql", "mysql")
    debian.install("rpm")
    debian.path("/usr/lib64/mysql/plugin").mkdir(parents=True)
    for path in (*made.glob("openkeyring-mysql_*.tar.gz"), rpms["openkeyring-mysql"]):
        shutil.copy(path, image.context)
    manifest, config = documents.blocks(KMS_GUIDE, "json", "Configure")
    (image.context / "mysqld.my").write_text(manifest)
    (image.context / "component_keyring_kms.cnf").write_text(config)
    settings, = documents.blocks(KMS_GUIDE, "ini", "Switching encryption on")
    (image.context / "encryption.cnf").write_text(settings)
    # The packages that it depends on are Debian's here, which its rpm does not know.
    image.build(dockerfile(section).replace("rpm -i ", "rpm -i --nodeps "))

    assert debian.owner("/var/lib/mysql-keyring") == "mysql:mysql 750"
    assert debian.owner("/usr/sbin/mysqld.my") == "root:root 644"
    server = kms_component.MySQLWithKms(directory / "m", kms)
    link = server.plugin_directory / "component_keyring_kms.so"
    link.unlink()
    shutil.copy(debian.path("/usr/lib64/mysql/plugin/component_keyring_kms.so"), link)
    shutil.copy(debian.path("/usr/sbin/mysqld.my"), server.program_directory)
    ours = json.loads(debian.path("/usr/lib64/mysql/plugin/component_keyring_kms.cnf").read_text())
    server.write_config(kms_component.NAME, {**kms_component.config(kms, server.keyring),
                                             **ours, "path": str(server.keyring),
                                             "kms_key": kms.alias, "region": kms.region})
    server.options += documents.settings(KMS_GUIDE, "Switching encryption on")
    server.binlog = True
    try:
        server.start()
        assert server.status()["Component_status"] == "Active"
        server.sql(f"CREATE DATABASE d; CREATE TABLE d.t (a TEXT); INSERT INTO d.t VALUES"
                   f" ('{MARKER}')")
        server.stop()
        assert MARKER.encode() not in (server.data / "d/t.ibd").read_bytes()
    finally:
        server.kill()
