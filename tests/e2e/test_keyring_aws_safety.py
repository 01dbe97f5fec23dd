# SPDX-License-Identifier: MIT
"""keyring_aws in real MySQL 9.7: what must not lose, fork or hide a key."""

import base64
import json

import pytest
from lab import emulator, process
from lab.aws_keyring_plugin import FUNCTIONS

pytestmark = pytest.mark.sid

FETCH = "SELECT keyring_key_fetch('a')"
ROTATE = "SELECT keyring_aws_rotate_keys()"
REGIONS = ("eu-central-1", "eu-west-1")
MULTI_REGION = "mrk-0123456789abcdef0123456789abcdef"


def start(server) -> None:
    """With all functions and one key "a"."""
    server.start()
    server.install_udf()
    server.sql(FUNCTIONS + "DO keyring_key_store('a','SECRET','text')")


def arn(region: str, key: str) -> str:
    return f"arn:aws:kms:{region}:111122223333:key/{key}"


def test_rotate_keys_replaces_nothing_by_an_answer_that_does_not_open(kms, make_aws_mysql):
    server = make_aws_mysql(more={"parallelism": 1})
    start(server)
    server.sql("DO keyring_key_store('b','SECRET','more'), keyring_key_store('c','SECRET','most')")
    before = server.keyring.read_bytes()
    answer = {"CiphertextBlob": base64.b64encode(b"\1" * 180).decode(), "KeyId": arn(kms.region, "k"),
              "SourceKeyId": arn(kms.region, "k")}
    kms.fault("bad_json", "ReEncrypt", count=1, skip=1, status=200, body=json.dumps(answer))
    code, text = server.run_error(ROTATE)
    assert code == 3198 and "does not open what it has just re-encrypted" in text
    assert server.keyring.read_bytes() == before
    assert [path.name for path in server.keyring.parent.iterdir()] == [server.keyring.name]
    server.restart()
    assert server.sql("SELECT keyring_key_fetch('a'), keyring_key_fetch('b'), keyring_key_fetch('c')") == [
        ("text", "more", "most")]
    assert server.value(ROTATE) == "1"
    assert server.keyring.read_bytes() != before
    assert server.value(FETCH) == "text"


def test_a_symbolic_link_as_data_file_stays_one_and_its_target_changes(make_aws_mysql):
    server = make_aws_mysql()
    start(server)
    server.stop()
    target = server.directory / "elsewhere" / "keys"
    target.parent.mkdir()
    server.keyring.rename(target)
    server.keyring.symlink_to(target)
    before = target.read_bytes()
    server.start()
    server.sql("DO keyring_key_store('b','SECRET','more')")
    assert server.keyring.is_symlink()
    assert target.read_bytes() != before
    assert [path.name for path in target.parent.iterdir()] == ["keys"]
    server.restart()
    assert server.sql("SELECT keyring_key_fetch('a'), keyring_key_fetch('b')") == [("text", "more")]
    assert server.value(ROTATE) == "1"
    assert server.keyring.is_symlink()


@pytest.fixture
def two_regions(directory):
    """A KMS with an alias of that name in two regions, and a multi-region key that is in both."""
    with emulator.Emulator(directory / "kms2", region=REGIONS[0], options=["--region", REGIONS[1]]) as running:
        running.start()
        running.control("POST", "/keys", {"region": REGIONS[1], "alias": running.alias})
        running.control("POST", "/keys", {"region": REGIONS[0], "id": MULTI_REGION, "alias": "alias/multi"})
        running.control("POST", f"/keys/{MULTI_REGION}/replicate", {"region": REGIONS[1]})
        yield running


def test_a_region_in_which_stored_keys_do_not_open_is_refused(two_regions, make_aws_mysql):
    server = make_aws_mysql(kms=two_regions)
    start(server)
    code, text = server.run_error(f"SET GLOBAL keyring_aws_region = '{REGIONS[1]}'")
    assert code == 3198 and "cannot decrypt the stored key" in text
    assert server.variable("keyring_aws_region") == REGIONS[0]
    assert server.value(FETCH) == "text"


@pytest.mark.parametrize("statements", [
    "SET GLOBAL keyring_aws_cmk_id = '{key}', keyring_aws_region = '{region}'",
    "SET GLOBAL keyring_aws_region = '{region}', keyring_aws_cmk_id = '{key}'",
    "SET GLOBAL keyring_aws_cmk_id = '{key}'; SET GLOBAL keyring_aws_region = '{region}'",
    "SET GLOBAL keyring_aws_region = '{region}'; SET GLOBAL keyring_aws_cmk_id = '{key}'"])
def test_an_arn_and_its_region_change_in_every_order(two_regions, make_aws_mysql, statements):
    server = make_aws_mysql(kms=two_regions, more={"cmk_id": arn(REGIONS[0], MULTI_REGION)})
    start(server)
    server.sql(statements.format(key=arn(REGIONS[1], MULTI_REGION), region=REGIONS[1]))
    assert server.variable("keyring_aws_region") == REGIONS[1]
    assert server.value(FETCH) == "text"
    server.sql("DO keyring_key_store('b','SECRET','more')")
    assert server.value("SELECT keyring_key_fetch('b')") == "more"
    assert server.value(ROTATE) == "1"
    two_regions.control("POST", f"/keys/{MULTI_REGION}/state", {"state": "Disabled", "region": REGIONS[0]})
    assert server.value(FETCH) == "text"


def test_a_statement_does_not_make_a_pair_that_was_not_tried(two_regions, make_aws_mysql):
    """Each value is good with the old value of the other; the alias is another key in the new region."""
    key = next(one["arn"] for one in two_regions.control("GET", "/keys")["keys"]
               if two_regions.alias in one["aliases"] and f":{REGIONS[0]}:" in one["arn"])
    server = make_aws_mysql(kms=two_regions, more={"cmk_id": key})
    start(server)
    to_alias, to_region = f"keyring_aws_cmk_id = '{two_regions.alias}'", f"keyring_aws_region = '{REGIONS[1]}'"

    def is_refused(statement: str, variable: str, cmk_id: str, region: str) -> None:
        code, text = server.run_error(statement)
        assert code == 3198 and f"{variable} " in text and "it was not tried whether KMS key" in text
        assert f"{variable} stays as it is: it was not tried" in server.last_log()
        assert server.variable("keyring_aws_cmk_id") == cmk_id and server.variable("keyring_aws_region") == region
        assert server.value(FETCH) == "text"
        server.sql("DO keyring_key_store('b','SECRET','more')")
        assert server.value("SELECT keyring_key_fetch('b')") == "more"
        server.sql("DO keyring_key_remove('b')")

    is_refused(f"SET GLOBAL {to_alias}, GLOBAL {to_region}", "keyring_aws_region", two_regions.alias, REGIONS[0])
    # The refused value alone is tried in full.
    code, text = server.run_error(f"SET GLOBAL {to_region}")
    assert code == 3198 and "cannot decrypt the stored key" in text
    server.sql(f"SET GLOBAL keyring_aws_cmk_id = '{key}'")
    is_refused(f"SET PERSIST {to_region}, PERSIST {to_alias}", "keyring_aws_cmk_id", key, REGIONS[1])
    assert server.sql("SELECT * FROM performance_schema.persisted_variables") == []


def test_an_arn_of_another_region_that_opens_no_stored_key_is_refused(two_regions, make_aws_mysql):
    server = make_aws_mysql(kms=two_regions)
    start(server)
    code, text = server.run_error(f"SET GLOBAL keyring_aws_cmk_id = '{arn(REGIONS[1], MULTI_REGION)}'")
    assert code == 3198 and "cannot decrypt the stored key" in text
    assert server.value(FETCH) == "text"


def test_an_owner_too_long_for_a_migration_fails_it_and_is_not_left_behind(make_aws_mysql):
    """mysqld has 96 bytes on its stack for an owner; an account's host pattern makes it 206."""
    server = make_aws_mysql()
    start(server)
    host = "%" * 200
    server.sql(f"CREATE USER 'long'@'{host}'; GRANT EXECUTE ON *.* TO 'long'@'{host}'")
    assert server.sql("SELECT keyring_key_store('mine','SECRET','hidden')", login=["--user=long"]) == [("1",)]
    assert ("mine", f"long@{host}"[:64]) in [(key, owner[:64]) for key, owner in server.keyring_keys()]
    assert server.sql("SELECT keyring_key_fetch('mine')", login=["--user=long"]) == [("hidden",)]
    server.stop()
    destination = server.use_keyring_file()
    (server.program_directory / "mysqld.my").unlink()
    with pytest.raises(process.Failed) as failure:
        server.migrate("keyring_aws.so", "component_keyring_file.so", "to")
    text = str(failure.value)
    assert "ended with 1\n" in text, text
    assert "cannot be migrated" in text and "Fetching key (mine)" in text
    assert "hidden".encode().hex().upper() not in (destination.read_text() if destination.exists() else "")
    server.start()
    assert server.sql("SELECT keyring_key_remove('mine')", login=["--user=long"]) == [("1",)]
    server.stop()
    server.migrate("keyring_aws.so", "component_keyring_file.so", "to")


def test_a_lost_data_file_is_not_replaced_by_a_new_one(make_aws_mysql):
    server = make_aws_mysql()
    start(server)
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY) ENCRYPTION='Y'; INSERT INTO d.t VALUES (1)")
    server.stop()
    away = server.keyring.rename(server.directory / "away")
    server.start()
    assert "is encrypted and needs its key" in server.last_log() and "d/t.ibd" in server.last_log()
    assert "keyring_aws_allow_new_keyring" in server.last_log()
    assert not server.keyring.exists()
    server.stop()
    away.rename(server.keyring)
    server.start()
    assert server.value("SELECT a FROM d.t") == "1" and server.value(FETCH) == "text"
    server.stop()
    server.keyring.unlink()
    server.configure(allow_new_keyring="ON")
    server.start()
    assert server.keyring.exists() and "no keyring was found" in server.last_log()
