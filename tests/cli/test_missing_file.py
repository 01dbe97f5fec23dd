# SPDX-License-Identifier: MIT
"""`check` where there is no keyring file: before the first start, and when it was lost."""

import conftest
import ctl
import pytest

from check_reports import finding, results

ENCRYPTED_PAGE = 16384
# No server has the plugin here.
SKIPPED = ("--skip", "manifest", "--skip", "library")


@pytest.fixture(params=["component_keyring_kms", "keyring_aws"])
def empty(request, make_keyring):
    """Configured, and not started yet."""
    return make_keyring(request.param)


def encrypt_a_table(keyring) -> None:
    """A tablespace as InnoDB writes its first page: FSP_FLAGS has the bit of encryption."""
    page = bytearray(ENCRYPTED_PAGE)
    page[24:26] = (8).to_bytes(2, "big")
    page[54:58] = (1 << 13).to_bytes(4, "big")
    (keyring.data / "mysql" / "t.ibd").write_bytes(bytes(page))


def lost(keyring, text: str) -> None:
    before = ctl.picture(keyring.directory)
    done = keyring.ctl("check", "--json")
    assert finding(done, "files", text)["state"] == "failed"
    assert done.code == 3 and done.json()["would_find_keys"] is not True
    assert ctl.picture(keyring.directory) == before


def test_before_the_first_start_it_is_said_and_nothing_is_wrong(empty):
    before = ctl.picture(empty.directory)
    done = empty.ctl("check", "--json", *SKIPPED)
    found = finding(done, "files", "yet: the first start of the server makes a new one")
    assert found["state"] == "warning" and str(empty.data) in found["text"]
    by_id = results(done)
    assert done.code == 0, [one for one in by_id.values() if one["state"] == "failed"]
    assert by_id["keys"]["state"] == "skipped" and by_id["start"]["state"] == "ok"
    assert empty.ctl("check", "--strict", *SKIPPED).code == 3
    assert ctl.picture(empty.directory) == before


def test_before_the_server_has_made_its_databases(empty):
    (empty.data / "mysql").rmdir()
    assert empty.ctl("check", *SKIPPED).code == 0


def test_data_that_need_a_key_make_it_a_loss(empty):
    encrypt_a_table(empty)
    lost(empty, "is encrypted and needs its key")


def test_an_empty_file_beside_data_that_need_a_key(make_keyring):
    """One that was cut to nothing; a start without such data makes a new keyring of it."""
    keyring = make_keyring("component_keyring_kms")
    (keyring.data / "keyring").touch()
    assert keyring.ctl("check", "--json").json()["would_find_keys"] is True
    encrypt_a_table(keyring)
    refused = keyring.write("list", check=False)
    assert "is encrypted and needs its key" in refused.stderr and refused.returncode != 0
    done = keyring.ctl("check", "--json")
    assert any("is encrypted and needs its key" in one["text"]
               for one in results(done)["keys"]["findings"])
    assert done.code == 3 and done.json()["would_find_keys"] is False


def test_a_server_that_has_had_a_sealed_file_makes_it_a_loss(make_keyring):
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store k - AES")
    assert keyring.ctl("check").code == 0
    (keyring.data / "keyring").unlink()
    lost(keyring, "says that this server has had a keyring file")


def test_a_link_that_leads_nowhere_is_a_loss(make_keyring, kms, directory):
    keyring = make_keyring("component_keyring_kms")
    (directory / "data" / "keyring").symlink_to(directory / "gone")
    lost(keyring, "is a symbolic link to a file that does not exist")


def test_a_link_to_itself_is_not_a_missing_file(make_keyring, directory):
    keyring = make_keyring("component_keyring_kms")
    (directory / "data" / "keyring").symlink_to(directory / "data" / "keyring")
    lost(keyring, "cannot be reached: ")


def test_a_data_directory_that_is_not_there_cannot_tell(make_keyring, kms, directory):
    """A file system that is not mounted, or a mistyped --datadir."""
    keyring = make_keyring("component_keyring_kms")
    (directory / "keys").mkdir()
    keyring.configure({**conftest.kms_options(kms, directory),
                       "path": str(directory / "keys" / "keyring")})
    assert keyring.ctl("check", *SKIPPED).code == 0
    keyring.data.rename(directory / "elsewhere")
    lost(keyring, "does not exist, so that it cannot be told")


def test_a_directory_that_is_not_mounted_is_a_loss(make_keyring, kms, directory):
    keyring = make_keyring("component_keyring_kms")
    keyring.configure({**conftest.kms_options(kms, directory), "path": "/nowhere/keyring"})
    lost(keyring, "does not exist or cannot be reached")


def test_what_a_crash_left_of_a_file_is_a_loss(make_keyring):
    keyring = make_keyring("component_keyring_kms")
    (keyring.data / "keyring.backup").write_text("{}")
    lost(keyring, "a crash has left")


def test_a_file_that_is_named_must_be_there(make_keyring, directory):
    keyring = make_keyring("component_keyring_kms")
    done = keyring.ctl("check", "--path", str(directory / "data" / "keyring"), "--json",
                       "--product", "component_keyring_kms")
    assert finding(done, "files", "does not exist or cannot be reached")["state"] == "failed"
    assert done.code == 3


def test_without_the_data_directory_it_cannot_be_told(make_keyring, directory):
    keyring = make_keyring("component_keyring_kms")
    done = ctl.run(directory, "check", "--config", keyring.config, "--json",
                   environment=keyring.environment)
    assert finding(done, "files", "without the server's data directory")["state"] == "failed"
    assert done.code == 3


def test_who_may_not_read_the_data_cannot_tell(make_keyring, directory):
    keyring = make_keyring("component_keyring_kms")
    for path in (directory, directory.parent, keyring.plugin, keyring.data):
        path.chmod(0o755)
    keyring.config.chmod(0o644)
    done = ctl.run(directory, "check", *keyring.where(), "--json", user="nobody",
                   environment=keyring.environment)
    assert finding(done, "files", "can tell whether data need its keys")["state"] == "failed"
    assert done.code == 3
