# SPDX-License-Identifier: MIT
"""component_keyring_kms in real MySQL 9.7 when KMS, the configuration, the key file or the disk is not as it should be."""

import json
import os
import pathlib
import re
import socket
import subprocess
import time

import pytest
from lab import emulator, percona_file
from lab.kms_component import NAME
from lab.mysql import SqlError

pytestmark = pytest.mark.sid

TABLE = "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY) ENCRYPTION='Y'; INSERT INTO d.t VALUES (1)"
GENERATE = "SELECT keyring_key_generate('{}','AES',32)"


def generated(server, name: str) -> bool:
    """Whether a key of that name could be made, by a server or a session. A failure gives NULL, or an error."""
    try:
        return server.value(GENERATE.format(name)) == "1"
    except SqlError:
        return False


def of_service(code: str) -> dict:
    return {"kind": "http_status", "status": 400, "code": code, "message": "the service's words"}


FAULTS = [  # (fault, what the log says)
    (of_service("AccessDeniedException"), "allow the operation for this identity"),
    (of_service("DisabledException"), "enable the KMS key"),
    (of_service("KMSInvalidStateException"), "pending deletion"),
    (of_service("NotFoundException"), "there is no such KMS key"),
    ({"kind": "throttle"}, "request rate"),
    ({"kind": "expired_token"}, "session token has expired"),
    ({"kind": "http_status", "status": 503, "body": ""}, "HTTP 503"),
    ({"kind": "html"}, "not from AWS"),
    ({"kind": "cut_before"}, "no answer"),
    ({"kind": "truncate"}, "no answer"),
    ({"kind": "bad_json"}, "AWS KMS"),
]


@pytest.fixture(params=["sealed", "percona"])
def server(request, kms, make_kms_mysql):
    """A running server with an encrypted table and the functions of keyring_udf; its Percona file is another writer's."""
    made = make_kms_mysql(environment={"AWS_MAX_ATTEMPTS": "2"}, more={"file_format": request.param})
    made.format = request.param
    if made.format == "percona":
        percona_file.write(made.keyring, kms, kms.alias, [("", "of another writer", "AES", bytes(range(32)))])
    made.options_now = {"file_format": request.param}
    made.start()
    made.sql(TABLE)
    made.install_udf()
    return made


def test_a_failing_kms_at_reload_and_store_is_explained_and_the_old_keyring_serves(kms, server):
    keys = server.keyring_keys()
    for number, (fault, expected) in enumerate(FAULTS):
        kms.fault(operation="*", count=-1, **fault)
        seen = len(server.error_log())
        assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035, fault
        assert expected in server.error_log()[seen:], fault
        assert "stays in use" in server.error_log()[seen:]
        assert server.keyring_keys() == keys
        seen = len(server.error_log())
        stored = generated(server, f"under fault {number}")
        if server.format == "sealed":
            assert stored, "a store needs no KMS"
            keys = server.keyring_keys()
        else:
            assert not stored
            assert expected in server.error_log()[seen:], fault
        assert server.value("SELECT a FROM d.t") == "1"
        assert server.status()["Component_status"] == "Active"
        assert server.status()["Backend_reachable"] == "No"
        kms.clear_faults()
        server.reload()
        assert server.status()["Last_failure"] == "<NONE>"
        assert server.keyring_keys() == keys
    assert generated(server, "at last")


def test_a_start_without_kms_says_so_and_a_reload_mends_it(kms, server):
    keys = server.keyring_keys()
    server.stop()
    kms.stop()
    started = time.monotonic()
    code, output = server.run("--validate-config")
    assert time.monotonic() - started < 4 + 5, "the deadline at start, and the server's own time"
    assert "no answer from" in output or "cannot connect" in output or "refused" in output.lower(), output
    kms.start()
    kms.fault(operation="*", count=-1, **of_service("AccessDeniedException"))
    # InnoDB does not need the key of a table that nobody opens, unless it recovers.
    server.start()
    status = server.status()
    assert status["Component_status"] == "Disabled"
    assert "allow the operation" in status["Last_failure"] and status["Data_file"] == "<NOT APPLICABLE>"
    assert not generated(server, "without a keyring")
    assert server.run_error("SELECT a FROM d.t")[0] != 0
    kms.clear_faults()
    server.reload()
    assert server.status()["Component_status"] == "Active"
    assert server.keyring_keys() == keys


def test_every_fault_of_kms_at_a_start_is_explained(kms, server):
    server.stop()
    server.configure(**server.options_now, startup_deadline_ms=1200)
    before = server.keyring.read_bytes()
    for fault, expected in FAULTS:
        kms.fault(operation="*", count=-1, **fault)
        output = server.run("--validate-config")[1]
        kms.clear_faults()
        assert expected in output and "MY-013714" in output, f"{fault}: {output}"
    assert server.keyring.read_bytes() == before
    server.start()
    assert server.value("SELECT a FROM d.t") == "1"


def test_a_start_waits_for_a_kms_that_comes_back(kms, server):
    server.stop()
    server.configure(**server.options_now, startup_deadline_ms=60000)
    port = kms.ready["port"]
    kms.stop()
    with socket.create_server(("127.0.0.1", port)) as nobody:  # Hangs up on everybody.
        nobody.settimeout(20)
        server.start(wait=False)
        for _ in range(8):  # More than the attempts of one call.
            nobody.accept()[0].close()
    kms.start()
    server.wait_ready()
    assert server.status()["Component_status"] == "Active"
    assert "is retried until startup_deadline_ms" in server.last_log()
    assert server.value("SELECT a FROM d.t") == "1"


def test_a_hung_kms_takes_no_longer_than_the_deadlines(kms, server):
    kms.process.send(19)  # SIGSTOP
    try:
        started = time.monotonic()
        assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
        assert generated(server, "while it hangs") == (server.format == "sealed")
        assert time.monotonic() - started < 2 * 3 + 3
        assert server.value("SELECT a FROM d.t") == "1"
        server.stop()
        started = time.monotonic()
        server.run("--validate-config")
        assert time.monotonic() - started < 4 + 5
    finally:
        kms.process.send(18)
    server.start()
    assert server.value("SELECT a FROM d.t") == "1"


def test_another_kms_key_rewraps_at_a_reload(kms, server):
    other = kms.control("POST", "/keys", {"region": kms.region, "alias": f"alias/other-{server.format}"})["id"]
    old = server.status()["Wrapping_key"]
    secret = server.value(f"{GENERATE.format('mine')}") and server.value("SELECT HEX(keyring_key_fetch('mine'))")
    server.configure(**server.options_now, kms_key=f"alias/other-{server.format}", read_only=True)
    assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
    assert "opened read-only" in server.status()["Last_failure"]
    before = server.keyring.read_bytes()
    server.configure(**server.options_now, kms_key=f"alias/other-{server.format}")
    server.reload()
    assert server.status()["Wrapping_key"].endswith(f"key/{other}")
    assert server.keyring.read_bytes() != before
    assert server.value("SELECT HEX(keyring_key_fetch('mine'))") == secret
    # Without the old key everything still opens.
    state = f"/keys/{old.split('/')[-1]}/state"
    kms.control("POST", state, {"state": "Disabled"})
    try:
        server.restart()
        assert server.value("SELECT a FROM d.t") == "1"
        assert generated(server, "under the new key")
    finally:
        kms.control("POST", state, {"state": "Enabled"})


def test_read_only_refuses_every_change(kms, server):
    content = server.keyring.read_bytes()
    server.configure(**server.options_now, read_only=True)
    server.restart()
    assert server.status()["Read_only"] == "Yes"
    assert not generated(server, "refused")
    assert "read_only" in server.last_log()
    assert server.run_error("ALTER INSTANCE ROTATE INNODB MASTER KEY")
    assert server.value("SELECT a FROM d.t") == "1"
    assert server.keyring.read_bytes() == content
    assert sorted(path.name for path in server.keyring.parent.iterdir()) == [server.keyring.name]


@pytest.mark.parametrize("form", ["sealed", "percona"])
def test_files_and_directories_that_the_server_may_not_use(form, kms, make_kms_mysql):
    server = make_kms_mysql(user="mysql", more={"file_format": form})
    if form == "percona":
        percona_file.write(server.keyring, kms, kms.alias, [("", "of another writer", "AES", bytes(range(32)))])
        server.give_to_user()
    server.start()
    server.install_udf()
    assert generated(server, "mine")
    keys = server.keyring_keys()
    directory, inode = server.keyring.parent, server.keyring.stat()

    server.keyring.chmod(0)
    assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
    assert f"{server.keyring}: Permission denied" in server.last_log()
    assert server.keyring_keys() == keys
    server.keyring.chmod(0o440)  # It may be read, and not written.
    server.restart()
    assert server.keyring_keys() == keys
    assert not generated(server, "refused")
    assert f"{server.keyring}: Permission denied" in server.last_log()
    server.keyring.chmod(0o640)
    server.reload()
    assert generated(server, "works again")

    os.chown(directory, 0, 0)  # A sealed file grows in place; a JSON file is replaced.
    assert generated(server, "in a directory of root") == (form == "sealed")
    os.chown(directory, inode.st_uid, inode.st_gid)
    assert generated(server, "in a directory of its own")
    server.restart()
    assert "in a directory of its own" in [key for key, _ in server.keyring_keys()]


def test_a_second_server_reads_and_is_told_who_has_the_file(kms, server, make_kms_mysql):
    second = make_kms_mysql(name="second", keyring=server.keyring)
    second.start()
    second.install_udf()
    assert second.status()["Component_status"] == "Active"
    assert second.keyring_keys() == server.keyring_keys()
    assert not generated(second, "refused")
    assert f"is in use by process {server.process.pid} (" in second.last_log()
    assert generated(server, "the first goes on")


def test_a_file_that_vanishes_or_changes_under_a_server_loses_nothing(server):
    content = server.keyring.read_bytes()
    keys = server.keyring_keys()
    away = server.keyring.rename(server.keyring.parent / "away")
    assert not generated(server, "refused")
    assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
    assert not server.keyring.exists(), "no new keyring in its place"
    assert server.keyring_keys() == keys
    away.rename(server.keyring)
    server.reload()
    assert generated(server, "works again")
    newer = server.keyring.read_bytes()
    server.keyring.write_bytes(content)  # In place, as cp does.
    assert not generated(server, "refused")
    assert server.keyring.read_bytes() == content
    server.keyring.write_bytes(newer)
    server.reload()
    assert generated(server, "and again")


def test_damage_of_any_byte_never_gives_a_wrong_key(kms, make_kms_mysql):
    """The unit tests flip every bit; here some bytes all over the file, in a real server."""
    server = make_kms_mysql()
    server.start()
    server.install_udf()
    for number in range(3):
        assert generated(server, f"k{number}")
    rows = "SELECT KEY_ID FROM performance_schema.keyring_keys"
    names = server.sql(rows)
    secrets = [server.value(f"SELECT HEX(keyring_key_fetch('k{number}'))") for number in range(3)]
    good = server.keyring.read_bytes()
    with server.session() as session:
        for place in range(0, len(good), 23):
            damaged = bytearray(good)
            damaged[place] ^= 0x40
            server.keyring.write_bytes(damaged)
            try:
                session.sql("ALTER INSTANCE RELOAD KEYRING")
                # Only a mark at the very end may be put aside.
                assert place >= len(good) - 20, f"byte {place} of {len(good)}"
            except SqlError as error:
                assert error.code == 4035
            assert session.sql(rows) == names
            for number, secret in enumerate(secrets):
                assert session.value(f"SELECT HEX(keyring_key_fetch('k{number}'))") == secret
    server.keyring.write_bytes(good)
    server.reload()


def test_a_full_disk_loses_nothing(kms, directory, make_kms_mysql):
    disk = directory / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        for form in ("sealed", "percona"):
            server = make_kms_mysql(name=form, keyring=disk / form, more={"file_format": form})
            server.start()
            server.install_udf()
            stored = 0
            with server.session() as session:
                while stored < 2000 and generated(session, f"k{stored}"):
                    stored += 1
            assert 5 < stored < 2000
            assert "space" in server.last_log()
            secret = server.value("SELECT HEX(keyring_key_fetch('k3'))")
            assert len(server.keyring_keys()) == stored
            server.restart()
            assert len(server.keyring_keys()) == stored
            assert server.value("SELECT HEX(keyring_key_fetch('k3'))") == secret
            server.stop()
            (disk / form).unlink()
    finally:
        for made in (server,):
            made.kill()
        subprocess.run(["umount", disk], check=True)


BAD = [  # (what the configuration has, what the log says)
    ({"kms_key": None, "kms_keey": "x"}, "there is no option kms_keey; did you mean kms_key?"),
    ({"path": None}, "path is missing"),
    ({"kms_key": None}, "kms_key is missing"),
    ({"read_only": "perhaps"}, "read_only must be true or false"),
    ({"startup_deadline_ms": -1}, "startup_deadline_ms must be a whole number from 1"),
    ({"load_parallelism": 1000}, "load_parallelism must be a whole number from 1 to 256"),
    ({"auth_key": "AKIA"}, "set auth_key and secret_access_key together"),
    ({"encryption_context": {"openkeyring:x": "y"}}, "names that start with openkeyring:"),
    ({"file_format": "xml"}, "file_format must be"),
    ({"region": "nowhere at all"}, "region"),
    ({"endpoint_url": "http://192.0.2.1"}, "would carry plaintext keys unencrypted"),
    ({"path": "/no/such/directory/keys"}, "/no/such/directory"),
    ({"cmk_id": "x"}, "cmk_id is another product's name for kms_key"),
]


def test_a_wrong_configuration_is_explained_and_mended_by_a_reload(make_kms_mysql):
    server = make_kms_mysql(more={"kms_key": None})
    server.start()
    assert "[MY-013714]" in server.last_log()
    for wrong, expected in BAD:
        server.configure(**wrong)
        seen = len(server.error_log())
        assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035, wrong
        said = server.error_log()[seen:]
        assert expected in said and "MY-013714" in said, f"{wrong}: {said}"
        assert server.status()["Component_status"] == "Disabled"
    server.write_config(NAME, '{"path": "x",\n "kms_key" "y"}')
    assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
    failure = server.status()["Last_failure"]
    assert "line 2, column" in failure and f"{NAME}.cnf has not valid format" in failure
    (server.plugin_directory / f"{NAME}.cnf").unlink()
    assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
    assert f"cannot read config file {server.plugin_directory}" in server.status()["Last_failure"]
    server.configure()
    server.reload()
    assert server.status()["Component_status"] == "Active"


def test_an_unknown_option_is_a_warning(make_kms_mysql):
    """A configuration of Percona's component may hold anything."""
    server = make_kms_mysql(more={"read_olny": True}, options=["--log-error-verbosity=3"])
    server.start()
    text = "there is no option read_olny; did you mean read_only?"
    assert f"{text} (it is ignored)" in server.last_log()
    status = server.status()
    assert status["Component_status"] == "Active" and text in status["Configuration_warnings"]
    assert "[MY-013713]" in server.last_log()
    server.configure()
    server.reload()
    assert server.status()["Configuration_warnings"] == "<NONE>"


def test_a_configuration_of_mysql_enterprise_is_understood(kms, make_kms_mysql):
    """A change of the name in the manifest is all."""
    server = make_kms_mysql()
    server.configure()
    ours = server.plugin_directory / f"{NAME}.cnf"
    ours.unlink()
    server.environment.update(AWS_ACCESS_KEY_ID="AKIAWRONG", AWS_REGION="us-west-2")
    theirs = {
        "cmk_id": kms.alias, "data_file": str(server.keyring), "cache_keys": "true",
        "aws_authentication": {
            "mode": "simple", "region": kms.region,
            "access_key_id": kms.ready["access_key_id"],
            "access_key_secret": kms.ready["secret_access_key"]},
        "aws_connection": {"connect_timeout_ms": 1000}, "endpoint_url": kms.url}
    percona_file.write_oracle(server.keyring, kms, kms.alias, [("", "one", "AES", bytes(32))])
    server.write_config("component_keyring_aws", json.dumps(theirs))
    server.start()
    assert server.status()["Component_status"] == "Active", server.last_log()
    assert server.keyring_keys() == [("one", "")]
    assert server.status()["KeyId"] == kms.alias


def test_a_secret_that_everybody_can_read_is_a_warning_with_the_cure(kms, make_kms_mysql):
    """And credentials of the configuration go before those of the environment."""
    own = {"auth_key": kms.ready["access_key_id"], "secret_access_key": kms.ready["secret_access_key"]}
    server = make_kms_mysql(more=own, environment={"AWS_ACCESS_KEY_ID": "AKIAWRONG"})
    server.start()
    config = server.plugin_directory / f"{NAME}.cnf"
    cure = f"run: chown root:mysql {config}; chmod 640 {config}"
    status = server.status()
    assert status["Component_status"] == "Active" and cure in status["Configuration_warnings"]
    assert cure in server.last_log()
    assert own["secret_access_key"] not in server.last_log()
    server.configure(**own, strict_permissions=True)
    config.chmod(0o644)
    assert server.run_error("ALTER INSTANCE RELOAD KEYRING")[0] == 4035
    assert cure in server.status()["Last_failure"]
    config.chmod(0o440)
    server.reload()
    assert server.status()["Configuration_warnings"] == "<NONE>"
    server.configure(**own, allow_insecure_permissions=True)
    server.reload()
    assert own["secret_access_key"] not in json.dumps(server.status_rows())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the server's user")
def test_the_cure_for_permissions_works_as_it_is_printed(kms, make_kms_mysql):
    """On a file of root's, which the server reads only because everybody may."""
    own = {"auth_key": kms.ready["access_key_id"], "secret_access_key": kms.ready["secret_access_key"]}
    server = make_kms_mysql(user="mysql", more=own, environment={"AWS_ACCESS_KEY_ID": "AKIAWRONG"})
    config = server.plugin_directory / f"{NAME}.cnf"
    os.chown(config, 0, 0)
    config.chmod(0o644)
    server.start()
    cure = re.search(rf"run: (chown .*; chmod .* {config})", server.status()["Configuration_warnings"])[1]
    subprocess.run(["bash", "-ec", cure], check=True)
    server.reload()
    assert server.status()["Configuration_warnings"] == "<NONE>"
    server.restart()
    assert server.status()["Component_status"] == "Active"


def test_backups_that_percona_left_are_judged(kms, make_kms_mysql):
    server = make_kms_mysql()
    keys = [("", "one", "AES", bytes(32)), ("", "two", "AES", bytes(range(32)))]
    backup = pathlib.Path(f"{server.keyring}.backup")
    percona_file.write(server.keyring, kms, kms.alias, keys[:1])
    percona_file.write(backup, kms, kms.alias, keys[:1])
    backup.write_text(backup.read_text()[:-40])  # Torn: the stock component would copy it over the good file.
    server.start()
    assert server.keyring_keys() == [("one", "")]
    server.stop()
    good = json.loads(server.keyring.read_text())
    whole = {"version": "1.0", "elements": [*good["elements"], percona_element(kms, keys[1])]}
    backup.write_text(json.dumps(whole))
    server.keyring.write_text("{\"version\":\"1.0\",\"elem")  # Torn: a crash in the middle of the stock component's write.
    server.start()
    assert server.keyring_keys() == [("one", ""), ("two", "")]
    assert not backup.exists()
    server.restart()
    assert server.keyring_keys() == [("one", ""), ("two", "")]


def percona_element(kms, key) -> dict:
    scratch = kms.directory / "scratch"
    percona_file.write(scratch, kms, kms.alias, [key])
    return json.loads(scratch.read_text())["elements"][0]


def test_the_file_of_oracles_component_is_read_and_kept(kms, make_kms_mysql):
    server = make_kms_mysql()
    percona_file.write_oracle(server.keyring, kms, kms.alias, [("", "one", "AES", bytes(32))])
    server.start()
    server.install_udf()
    assert generated(server, "two")
    assert [percona_file.is_percona(one["data"]) for one in percona_file.elements(server.keyring)] == [False, False]
    server.restart()
    assert len(server.keyring_keys()) == 2


@pytest.mark.parametrize("kind", ["hang", "http_status"])
def test_metadata_that_hang_are_not_another_region(kind, directory, make_kms_mysql):
    """An alias of the same name in us-east-1 would wrap the keys there."""
    with emulator.Emulator(directory / "kms2", options=["--region", "us-east-1"]) as kms:
        kms.start()
        kms.control("POST", "/keys", {"region": "us-east-1", "alias": kms.alias})
        server = make_kms_mysql(kms=kms, more={"region": None, "startup_deadline_ms": 20000},
                                environment={"AWS_EC2_METADATA_SERVICE_ENDPOINT": kms.url})
        server.environment.pop("AWS_REGION")
        kms.fault(kind, "imds:GetRegion", count=4, status=503)
        server.start()
        assert server.status()["Component_status"] == "Active", server.last_log()
        assert kms.counters()["faults"].get(kind, 0) >= 1
        header = server.keyring.read_bytes()
        assert b"arn:aws:kms:eu-central-1:" in header and b"us-east-1" not in header
        assert "us-east-1" not in server.last_log()
