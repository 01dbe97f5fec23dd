# SPDX-License-Identifier: MIT
"""keyringctl check with a login to a server that runs: what it serves against what is stored."""

import json
import pathlib
import shutil
import subprocess

import jsonschema
import pytest

from lab import aws_plugin, process
from lab.patience import seconds
from lab.service import PRODUCTS

TOOL = PRODUCTS / "keyringctl"
SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs" / "schemas" / "check.1.json"
TABLE = "CREATE DATABASE d; CREATE TABLE d.t (a INT) ENCRYPTION='Y'"
SECRET = "a password of the login"


class Check:
    """One run with --json: the exit code, and what was found by check id."""

    def __init__(self, server, *words, environment=None, installed: bool = True):
        done = subprocess.run(
            [TOOL, "check", "--json", "--skip", "confinement", "--skip", "memory-lock",
             *(["--datadir", server.data] if installed else []), *map(str, words)],
            text=True, capture_output=True, check=False, timeout=seconds(60), stdin=subprocess.DEVNULL,
            env=process.bare_environment(
                server.directory, {**server.environment, **(environment or {})}))
        assert done.stderr == "", done.stderr
        assert SECRET not in done.stdout
        self.code, self.reply = done.returncode, json.loads(done.stdout)
        jsonschema.validate(self.reply, json.loads(SCHEMA.read_text()))
        self.checks = {one["id"]: one for one in self.reply["checks"]}

    def state(self, check: str) -> str:
        return self.checks[check]["state"]

    def texts(self, check: str) -> str:
        return "\n".join(one["text"] for one in self.checks[check]["findings"])

    def __repr__(self):
        return f"exit code {self.code}\n{json.dumps(self.reply, indent=1)}"


def login_file(directory, user: str = "root", **more) -> pathlib.Path:
    path = directory / f"login-{user}.cnf"
    lines = [f"{name}={value}" for name, value in {"user": user, **more}.items()]
    path.write_text("[client]\n" + "\n".join(lines) + "\n")
    path.chmod(0o600)
    return path


def client(server) -> pathlib.Path:
    """MySQL's client as one program: it has a loader of its own."""
    installation = server.installation
    path = server.directory / "client"
    words = [f"'{word}'" for word in installation.program("mysql")]
    path.write_text(f"#!/bin/sh\nexec {' '.join(words)} \"$@\" "
                    f"'--character-sets-dir={installation.share}/charsets'\n")
    path.chmod(0o755)
    return path


def start(server):
    server.start()
    server.sql(TABLE)
    server.install_udf()
    server.sql("SELECT keyring_key_generate('mine','AES',32)")
    return server


@pytest.fixture
def mysql_server(make_kms_mysql):
    return start(make_kms_mysql())


def words(server) -> list:
    return ["--login-file", login_file(server.directory), "--client", client(server)]


@pytest.mark.sid
@pytest.mark.parametrize("product", ["component_keyring_kms", "component_keyring_kmip", "keyring_aws"])
def test_a_server_that_serves_what_is_stored(product, make_kms_mysql, make_aws_mysql,
                                             make_kmip_mysql, kmip_servers):
    if product == "component_keyring_kms":
        server = make_kms_mysql()
    elif product == "keyring_aws":
        server = make_aws_mysql()
    else:
        server = make_kmip_mysql(kmip_servers["emulator"])
    found = Check(start(server), *words(server))
    assert found.code == 0 and found.state("server") == "ok", found
    count = len(server.keyring_keys())
    assert found.texts("server-keys") == (
        f"the running server serves {count} keys, the storage holds {count}; 1 value equal")
    assert found.reply["running_server"] == {
        "served": count, "stored": count, "not_stored": [], "not_served": [], "different": [],
        "digests_compared": 1}


@pytest.mark.sid
def test_keys_that_the_next_start_would_not_find(mysql_server, directory):
    server, old = mysql_server, directory / "old"
    shutil.copy(server.keyring, old)
    server.sql("SELECT keyring_key_generate('newer','AES',32)")
    served = len(server.keyring_keys())
    assert Check(server, *words(server)).code == 0
    old.rename(server.keyring)
    found = Check(server, *words(server))
    assert found.code == 3 and found.reply["would_find_keys"] is False, found
    assert found.texts("server-keys") == (
        f'the running server serves {served} keys, the storage holds {served - 1}; these would be '
        'missing at the next start: key "newer" of "root@localhost"')
    assert found.reply["running_server"]["not_stored"] == ['key "newer" of "root@localhost"']
    assert "do not stop the server" in found.checks["server-keys"]["findings"][0]["hint"]
    assert Check(server).code == 0, "without a login nobody knows"


@pytest.mark.sid
def test_another_value_and_a_key_that_is_not_served(mysql_server, directory):
    server, old = mysql_server, directory / "old"
    shutil.copy(server.keyring, old)
    server.sql("SELECT keyring_key_remove('mine')")
    newest = directory / "newest"
    shutil.copy(server.keyring, newest)
    shutil.copy(old, server.keyring.with_name("new"))
    server.keyring.with_name("new").rename(server.keyring)
    found = Check(server, *words(server))
    assert found.code == 0 and found.state("server-keys") == "warning", found
    assert found.reply["running_server"]["not_served"] == ['key "mine" of "root@localhost"']
    assert Check(server, "--strict", *words(server)).code == 3

    newest.rename(server.keyring)
    server.restart()
    server.sql("SELECT keyring_key_generate('mine','AES',32)")
    old.rename(server.keyring)
    found = Check(server, *words(server))
    assert found.code == 3, found
    assert found.reply["running_server"]["different"] == ['key "mine" of "root@localhost"']
    assert 'another value is stored than the running server serves: key "mine"' in found.texts("server-keys")


@pytest.mark.sid
def test_logins_that_do_not_do(mysql_server, make_kms_mysql, directory):
    server = mysql_server
    server.sql(f"CREATE USER little@localhost IDENTIFIED BY '{SECRET}'")
    program = ["--client", client(server)]

    def failed(*more):
        found = Check(server, *more)
        assert found.code == 3 and found.state("server") == "failed", found
        assert found.state("server-keys") == "skipped" and "running_server" not in found.reply
        assert found.reply["would_find_keys"] is True, "what a start needs is there"
        return found.texts("server")

    little = login_file(directory, "little", password=f'"{SECRET}"')
    assert "denied to user 'little'" in failed("--login-file", little, *program)
    wrong = login_file(directory, "root", password="wrong")
    assert "ERROR 1045" in failed("--login-file", wrong, *program)
    little.chmod(0o640)
    assert "chmod 0600" in failed("--login-file", little, *program)
    little.chmod(0o600)
    shutil.chown(little, "nobody")
    assert "must belong to root" in failed("--login-file", little, *program)
    assert "login file /nowhere" in failed("--login-file", "/nowhere", *program)
    assert "exit 127" in failed("--login-socket", "root", "--client", directory / "none")

    # The login of another server.
    other = start(make_kms_mysql(name="other"))
    assert "not to that of" in failed_of(server, login_file(directory, socket=other.socket), program)
    found = Check(server, "--config", server.plugin_directory / "component_keyring_kms.cnf",
                  "--login-file", login_file(directory, socket=server.socket), *program,
                  installed=False)
    assert "which server is meant" in found.texts("server")
    found = Check(server, "--config", server.plugin_directory / "component_keyring_kms.cnf",
                  "--login-file", login_file(directory, socket=server.socket), *program)
    assert found.state("server-keys") == "ok", found


def failed_of(server, login, program) -> str:
    """By the configuration: then the login's socket counts."""
    found = Check(server, "--config", server.plugin_directory / "component_keyring_kms.cnf",
                  "--login-file", login, *program)
    assert found.code == 3 and found.state("server") == "failed", found
    assert found.state("server-keys") == "skipped" and found.state("in-clear") == "skipped", found
    return found.texts("server")


@pytest.mark.sid
def test_a_server_that_shows_no_keys_or_has_another_keyring(make_kms_mysql):
    server = make_kms_mysql(options=["--performance-schema=OFF"]).start()
    found = Check(server, *words(server))
    assert found.code == 3 and "performance_schema is off" in found.texts("server"), found
    assert found.state("server-keys") == "skipped"
    assert "binlog_encryption" not in found.texts("in-clear"), "this server has no binary log"
    assert "innodb_redo_log_encrypt=OFF" in found.texts("in-clear"), found
    server.stop()
    server.options = []
    server.use_keyring_file()
    server.start()
    server.sql(TABLE)
    server.write_manifest("component_keyring_kms")
    found = Check(server, *words(server))
    assert "the keyring of the running server is component_keyring_file" in found.texts("server")
    assert found.code == 3


def test_key_versions_of_mariadb(make_server, kms):
    server = make_server(kms, options=["--innodb-encrypt-tables=ON"])
    server.start()
    aws_plugin.make_tables(server, {"one": 1, "two": 2})
    server.sql("SET GLOBAL aws_key_management_rotate_key=1")
    login = ["--login-socket", "root"]
    found = Check(server, *login)
    assert found.code == 0, found
    assert found.texts("server-keys") == "the running server serves 3 key versions, the storage holds 3"

    files = aws_plugin.key_files(server.data)
    away = files[2, 1].rename(server.directory / "away")
    found = Check(server, *login)
    assert found.code == 3 and found.reply["running_server"]["not_stored"] == ["version 1 of key 2"]
    assert ("the running server serves 3 key versions, the storage holds 2; these would be missing at "
            "the next start: version 1 of key 2") == found.texts("server-keys"), found
    away.rename(files[2, 1])
    (server.data / "aws-kms-key-made.1.2").unlink()
    files[1, 2].unlink()  # No table needs it yet, or one does: fewer are stored in any case.
    found = Check(server, *login)
    assert found.code == 3 and "would be missing at the next start" in found.texts("server-keys")


def test_a_login_of_mariadb_without_the_privilege(make_server, kms):
    server = make_server(kms).start()
    aws_plugin.make_tables(server, {"one": 1})
    server.sql("CREATE USER little@localhost")
    found = Check(server, "--login-socket", "little")
    assert found.code == 3 and "PROCESS" in found.texts("server"), found


def test_a_key_set_and_a_kmip_server_of_mariadb(make_server, make_kmip_mariadb, kmip_servers, kms):
    for server in (make_server(kms, name="set", store="SEALED"),
                   make_kmip_mariadb(kmip_servers["emulator"], name="kmip")):
        server.start()
        aws_plugin.make_tables(server, {"one": 1, "two": 2})
        found = Check(server, "--login-socket", "root")
        assert found.code == 0, found
        assert found.texts("server-keys").endswith("serves 2 key versions, the storage holds 2")
        server.stop()
