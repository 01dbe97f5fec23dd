# SPDX-License-Identifier: MIT
"""keyringctl migrate between MariaDB's products: every version of every key, from AWS KMS to a KMIP
server and back. With a real server: tests/e2e/test_mariadb_migration.py."""

import os
import subprocess

import pytest

import ctl
from changing import plain_config, snapshot, write_plain
from lab import aws_plugin
from stopping import killed_everywhere

WRITTEN = ("latest 1", "rotate 1", "latest 2")


class Two:
    """A data directory whose server's option file knows both products."""

    def __init__(self, make_keyring, directory, store: str):
        self.aws = make_keyring("aws_key_management", key_store=store)
        self.kmip = make_keyring("kmip_key_management")
        self.directory, self.data = directory, self.aws.data
        self.options = directory / "my.cnf"
        self.options.write_text("[mysqld]\n" + "\n".join(
            word.removeprefix("--") for word in self.aws.variables + self.kmip.variables) + "\n")
        self.words = {name: f"{name}:{self.options}"
                      for name in ("aws_key_management", "kmip_key_management")}

    def migrate(self, source: str, *words, code: int = 0) -> dict:
        names = list(self.words)
        target = names[1 - names.index(source)]
        done = ctl.run(self.directory, "migrate", self.words[source], self.words[target],
                       "--datadir", self.data, "--json", *words,
                       environment=self.aws.environment)
        assert done.code == code, done
        return done.json() if code == 0 else done.error()

    def ids(self, product: str) -> list[str]:
        replies = {}
        for command in ("verify", "list"):
            done = ctl.run(self.directory, command, "--product", product, "--defaults-file",
                           self.options, "--datadir", self.data, "--json",
                           environment=self.aws.environment)
            assert done.code == 0, done
            replies[command] = done.json()
        # What a killed run left on a KMIP server is not a key.
        keys = [key for key in replies["list"]["keys"] if key["state"] != "unfinished"]
        assert replies["verify"]["ok"] and replies["verify"]["readable"] == len(keys), replies
        return sorted(f"{key['id']}.{key['version']}" for key in keys)

    def keys_of_aws(self) -> dict:
        """All files of them."""
        return snapshot(*sorted(self.data.glob("aws-kms-key*")))


@pytest.fixture(params=["FILES", "SEALED"])
def two(request, make_keyring, directory):
    return Two(make_keyring, directory, request.param)


AWS, KMIP = "aws_key_management", "kmip_key_management"


def test_every_version_goes_to_the_other_product_and_back(two):
    two.aws.write(*WRITTEN)
    before, all_before = two.keys_of_aws(), snapshot(two.directory)
    plan = two.migrate(AWS, "--dry-run")["plan"]
    assert len(plan) == 1 and plan[0]["action"] == "add to"
    assert 'key "1.1", key "1.2", key "2.1"' in plan[0]["detail"], plan
    assert two.migrate(AWS, code=6)["code"] == 6
    assert snapshot(two.directory) == all_before
    done = two.migrate(AWS, "--yes")
    assert (done["copied"], done["already_there"], done["compared"]) == (3, 0, 3)
    assert two.keys_of_aws() == before, "the source is as it was"
    assert two.ids(KMIP) == two.ids(AWS) == ["1.1", "1.2", "2.1"]
    done = two.migrate(AWS, "--yes")
    assert (done["copied"], done["already_there"]) == (0, 3) and not done["changed"]

    # A server goes on there, and everything comes back.
    two.kmip.write("rotate 1", "latest 3")
    refused = two.migrate(AWS, "--yes", code=1)
    assert "1.3" in refused["message"] and "3.1" not in refused["message"]
    assert "copy in the other direction" in refused["hint"]
    done = two.migrate(KMIP, "--yes")
    assert (done["copied"], done["already_there"]) == (2, 3)
    assert two.ids(AWS) == ["1.1", "1.2", "1.3", "2.1", "3.1"]
    two.aws.write("rotate 1")
    assert two.ids(AWS) == ["1.1", "1.2", "1.3", "1.4", "2.1", "3.1"]


def test_into_an_empty_directory_and_compared(two):
    two.kmip.write(*WRITTEN)
    before = two.ids(KMIP)
    assert two.migrate(KMIP, "--yes")["copied"] == 3
    assert two.ids(AWS) == two.ids(KMIP) == before
    files = aws_plugin.key_files(two.data)
    assert bool(files) == ("FILES" in str(two.aws.variables))
    assert two.migrate(KMIP, "--yes")["copied"] == 0


def test_a_source_without_keys_is_the_wrong_one(two):
    refused = two.migrate(AWS, "--yes", code=2)
    assert "has no keys to copy" in refused["message"]
    assert "the directory that the server uses" in refused["hint"]


def test_keys_of_other_values_are_refused_by_name(two):
    two.aws.write(*WRITTEN)
    two.kmip.write("latest 2", "latest 4")
    before = two.keys_of_aws()
    refused = two.migrate(AWS, "--yes", code=1)
    assert 'key "2.1"' in refused["message"] and "nothing was changed" in refused["message"]
    assert two.ids(KMIP) == ["2.1", "4.1"]
    refused = two.migrate(KMIP, "--yes", code=1)
    assert 'key "2.1"' in refused["message"]
    assert two.keys_of_aws() == before


def test_what_was_interrupted_is_completed(two, kmip):
    """The KMIP server fails after the first keys."""
    two.aws.write(*WRITTEN, "latest 5")
    kmip.fault("fail", "Register", count=-1, skip=2, reason=0x100, message="no")
    failed = two.migrate(AWS, "--yes", code=4)
    assert failed["changed"] == ["2 keys were added"], failed
    kmip.clear_faults()
    done = two.migrate(AWS, "--yes")
    assert (done["copied"], done["already_there"], done["compared"]) == (2, 2, 4)
    assert two.ids(KMIP) == ["1.1", "1.2", "2.1", "5.1"]


@pytest.mark.parametrize("source", ["aws_key_management", "kmip_key_management"])
def test_killed_at_its_changes_it_is_completed_by_the_same_command(two, tool, source):
    """Each run goes a little further than the one before; what is there is never wrong."""
    target = KMIP if source == AWS else AWS
    (two.aws if source == AWS else two.kmip).write(*WRITTEN)
    before = two.keys_of_aws() if source == AWS else two.ids(KMIP)
    runs = 0
    for _ in killed_everywhere(tool, "migrate", two.words[source], two.words[target], "--datadir",
                               two.data, "--yes", every=9):
        runs += 1
        if target == AWS and any(two.data.glob("aws-kms-key.*")):
            assert set(two.ids(AWS)) <= {"1.1", "1.2", "2.1"}
    assert runs > 2
    assert two.ids(target) == ["1.1", "1.2", "2.1"]
    assert two.migrate(source, "--yes")["copied"] == 0
    assert (two.keys_of_aws() if source == AWS else two.ids(KMIP)) == before


def test_a_source_that_cannot_be_read_completely_is_not_copied(two, kms):
    two.aws.write(*WRITTEN)
    kms.stop()
    refused = two.migrate(AWS, "--yes", code=4)
    assert refused["changed"] == []
    kms.start()
    lost = two.data / "aws-kms-key-set"
    is_set = lost.exists()
    if not is_set:
        lost = two.data / "aws-kms-key.1.2"
    lost.unlink()
    refused = two.migrate(AWS, "--yes", code=2 if is_set else 1)
    assert lost.name in refused["message"], refused


def test_an_older_version_that_is_lost_is_told(make_keyring, directory):
    two = Two(make_keyring, directory, "FILES")
    two.aws.write(*WRITTEN)
    (two.data / "aws-kms-key.1.1").unlink()
    warnings = two.migrate(AWS, "--yes")["warnings"]
    assert any("lacks version 1 of key 1, of which version 2 is there" in one
               for one in warnings), warnings
    assert two.ids(KMIP) == ["1.2", "2.1"]


def test_not_while_the_server_runs_and_not_into_a_keyring_of_mysql(two, tool):
    two.aws.write(*WRITTEN)
    plain = plain_config(two.directory, two.directory / "plain")
    write_plain(two.directory / "plain", {("k", ""): ("AES", bytes(16))})
    for words in ((two.words[AWS], plain), (plain, two.words[KMIP])):
        done = tool.run("migrate", *words, "--datadir", two.data, "--yes", "--allow-plaintext",
                        code=2)
        assert "one keyring cannot hold the other's" in done.stderr
    with subprocess.Popen(["/nowhere/mariadbd", "-c", "print('up', flush=True); input()",
                           f"--datadir={two.data}"], executable="/usr/bin/python3",
                          stdout=subprocess.PIPE, stdin=subprocess.PIPE) as started:
        started.stdout.readline()
        for source in (AWS, KMIP):
            refused = two.migrate(source, "--yes", code=5)
            assert str(started.pid) in refused["message"]
        started.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_root_does_not_make_files_that_the_server_cannot_read(two):
    two.kmip.write(*WRITTEN)
    os.chown(two.data, 65534, 65534)
    refused = two.migrate(KMIP, "--yes", code=2)
    assert "sudo -u" in refused["hint"] and not aws_plugin.key_files(two.data)
