# SPDX-License-Identifier: MIT
"""A new sealed file that keyringctl makes has a key slot for each configured key that could make
one: it is made while a region is down, and opened without that region."""

import json

import pytest

import recovery_keys
from changing import SOME, kms_config, read_plain, write_plain
from lab import aws_keyring_plugin, key_set, kms_regions, percona_file

PRODUCT = "component_keyring_kms"


@pytest.fixture(scope="module")
def both_regions():
    with kms_regions.running("clinewslots") as regions:
        yield regions


@pytest.fixture
def regions(both_regions, tool):
    for one in both_regions:
        one.repair()
    tool.environment |= {**both_regions[0].environment(), "AWS_MAX_ATTEMPTS": "1"}
    yield both_regions


class NewFile:
    """Commands that make a sealed file in the directory "new", and what is in there."""

    def __init__(self, tool, directory, regions):
        self.tool, self.directory, self.regions = tool, directory, regions
        self.private, self.public = recovery_keys.pair()
        self.place = directory / "new"
        self.place.mkdir()
        self.path = self.place / "keys"
        write_plain(directory / "plain", SOME)
        self.plain = f"component_keyring_file:{directory}/plain"

    def config(self, name, path, *regions, **more):
        """Of a component with the keys of these regions."""
        options = {**kms_regions.keys(*regions), "operation_deadline_ms": 2000, **more}
        if len(regions) == 1:
            options |= {"kms_key": regions[0].key_arn, "region": regions[0].region,
                        "endpoint_url": regions[0].url}
        return kms_config(self.directory / name, regions[0], path, **options)

    def words(self, command, *regions, **more) -> list:
        """The command, whose source needs only the recovery key, or the last region."""
        if command == "migrate":
            return ["migrate", self.plain, self.config("n", self.path, *regions, **more), "--yes"]
        if command == "convert keyring_aws":
            options = self.keyring_aws(regions[-1])
            return ["convert", "--product", "keyring_aws", "--defaults-file", options, "--to",
                    "sealed", "--to-config", self.config("n", self.path, *regions, **more),
                    "--output", self.path, "--yes"]
        source = self.directory / "old" / "keys"
        source.parent.mkdir()
        old = self.config("o", source, *regions, recovery_public_key=str(self.public))
        self.tool.run("migrate", self.plain, old, "--yes")
        new = self.config("o", source, *regions, **more)
        if command == "convert":
            return ["convert", "--config", new, "--to", "sealed", "--output", self.path, "--yes"]
        return ["recover", "--config", new, "--private-key", self.private, "--output", self.path,
                "--yes"]

    def keyring_aws(self, region):
        conf, options = self.directory / "aws_conf", self.directory / "my.cnf"
        aws_keyring_plugin.write_conf(conf, region)
        values = aws_keyring_plugin.variables(region, conf, self.directory / "aws_data")
        options.write_text("[mysqld]\nearly-plugin-load=keyring_aws.so\n" + "\n".join(
            value.removeprefix("--loose-") for value in values) + "\n")
        self.tool.run("migrate", self.plain, f"keyring_aws:{options}", "--yes")
        return options

    def slots(self, config, *words, code=0) -> list[tuple]:
        reply = self.tool.json("slot", "list", "--config", config, *words, code=code)
        return [(one["kind"], one["name"], one["state"]) for one in reply["slots"]]

    def keys(self, config) -> dict:
        back = self.directory / "back"
        back.unlink(missing_ok=True)
        self.tool.run("migrate", config, f"component_keyring_file:{back}", "--allow-plaintext",
                      "--yes")
        return read_plain(back)


@pytest.fixture
def new_file(tool, directory, regions):
    return NewFile(tool, directory, regions)


COMMANDS = ["migrate", "convert", "convert keyring_aws", "recover"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_first_region_is_down_and_the_second_one_makes_the_file(new_file, command):
    first, second = new_file.regions
    words = new_file.words(command, first, second)
    first.stop()
    reply = new_file.tool.json(*words)
    assert reply["copied"] == len(SOME)
    missing = [one for one in reply["warnings"] if "there is no key slot for" in one]
    assert len(missing) == 1, reply["warnings"]
    assert missing[0].startswith(f"keyring file {new_file.path}: there is no key slot for aws-kms "
                                 f"{first.entry['key']} yet; it is added at a later load: ")
    alone = new_file.config("s", new_file.path, second)
    assert new_file.slots(alone, "--check") == [("aws-kms", second.key_arn, "opened")]
    assert new_file.keys(alone) == SOME
    # Back again, its slot is added.
    first.start()
    both = new_file.config("s", new_file.path, first, second)
    new_file.tool.run("slot", "add", "--config", both, "--yes")
    second.stop()
    assert new_file.keys(both) == SOME


@pytest.mark.parametrize("command", COMMANDS)
def test_both_regions_are_down_and_nothing_is_left_behind(new_file, command):
    first, second = new_file.regions
    words = new_file.words(command, first, second)
    if command.startswith("convert"):  # The source is opened by the second one.
        for one in new_file.regions:
            one.fault("http_status", "GenerateDataKeyWithoutPlaintext", -1, status=500)
    else:
        first.stop()
        second.stop()
    failed = new_file.tool.json(*words, code=4)
    for one in new_file.regions:
        assert one.entry["key"] in failed["message"]
    assert not list(new_file.place.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_configured_key_opens_the_new_file(new_file, command):
    """Each region by itself, the recovery key, and the local unlock file."""
    first, second = new_file.regions
    local = new_file.directory / "run" / "unlock"
    local.parent.mkdir()
    local.write_bytes(bytes(range(32)))
    local.chmod(0o600)
    both = {"recovery_public_key": str(new_file.public), "local_unlock_file": str(local)}
    reply = new_file.tool.json(*new_file.words(command, first, second, **both))
    assert not [one for one in reply["warnings"] if str(new_file.path) in one]
    config = new_file.config("s", new_file.path, first, second, **both)
    assert [kind for kind, _, _ in new_file.slots(config)] == [
        "aws-kms", "aws-kms", "public-key", "local-file"]
    for one in new_file.regions:
        assert new_file.keys(new_file.config("s", new_file.path, one)) == SOME
    for one in new_file.regions:
        one.stop()
    printed = new_file.directory / "printed"
    new_file.tool.run("recover", "--path", new_file.path, "--private-key", new_file.private,
                      "--print-keys", "--output", printed, "--yes")
    assert read_plain(printed) == SOME


def test_a_local_unlock_file_beside_the_new_file_makes_no_slot(new_file):
    """Whoever copies the directory would get both."""
    local = new_file.place / "unlock"
    local.write_bytes(bytes(range(32)))
    local.chmod(0o600)
    words = new_file.words("convert", *new_file.regions, local_unlock_file=str(local))
    warnings = new_file.tool.json(*words)["warnings"]
    assert any("there is no key slot for local-file" in one for one in warnings), warnings
    config = new_file.config("s", new_file.path, *new_file.regions)
    assert [kind for kind, _, _ in new_file.slots(config)] == ["aws-kms", "aws-kms"]


def test_a_file_in_percona_s_format_has_one_key(new_file):
    """And is refused before it is there."""
    words = new_file.words("convert", *new_file.regions)
    words[words.index("sealed")] = "percona"
    for word in ("--yes", "--dry-run"):
        failed = new_file.tool.json(*words, word, code=2)
        assert "has one KMS key" in failed["message"]
    assert not new_file.path.exists()
    first = new_file.regions[0]
    words[2] = new_file.config("o", new_file.directory / "old" / "keys", first)
    new_file.tool.run(*words)
    assert len(percona_file.read(new_file.path, first)) == len(SOME)
    assert json.loads(new_file.path.read_text())


def test_a_new_key_set_is_made_by_the_second_region_too(tool, make_keyring, regions):
    """MariaDB's, by migrate; what recover makes is in test_key_set_slots.py."""
    first, second = regions
    kmip, aws = make_keyring("kmip_key_management"), make_keyring("aws_key_management")
    kmip.write("latest 1", "rotate 1", "latest 2")
    options = aws.directory / "both.cnf"

    def configure(*used) -> list:
        aws.variables = [f"--aws_key_management_master_key_id={json.dumps([*used])}",
                         "--aws_key_management_startup_deadline=5"]
        options.write_text("[mysqld]\n" + "\n".join(
            word.removeprefix("--") for word in aws.variables + kmip.variables) + "\n")
        return ["--defaults-file", options, "--datadir", aws.data]

    where = configure(first.entry, second.entry)
    words = ["migrate", f"kmip_key_management:{options}", f"aws_key_management:{options}",
             "--datadir", aws.data, "--yes"]
    first.stop()
    second.stop()
    tool.json(*words, code=4)
    assert not (aws.data / key_set.NAME).exists()
    second.start()
    reply = tool.json(*words)
    assert reply["copied"] == 3
    assert any(f"there is no key slot for aws-kms {first.entry['key']} yet" in one
               for one in reply["warnings"]), reply["warnings"]
    where = ["--product", "aws_key_management", *configure(second.entry)]
    assert tool.json("verify", *where)["readable"] == 3
    slots = tool.json("slot", "list", "--check", *where)["slots"]
    assert [(one["name"], one["state"]) for one in slots] == [(second.key_arn, "opened")]


def test_a_recovered_key_set_is_made_by_the_second_region_too(tool, make_keyring, regions):
    first, second = regions
    private, public = recovery_keys.pair()
    keyring = make_keyring("aws_key_management")

    def configure(*used, **more) -> None:
        options = {"master_key_id": json.dumps([*used]), "recovery_public_key": public, **more}
        keyring.variables = [f"--aws_key_management_{name}={value}"
                             for name, value in options.items()]
        keyring.option_file.write_text("[mysqld]\n" + "\n".join(
            word.removeprefix("--") for word in keyring.variables) + "\n")

    configure(first.entry, second.entry)
    keyring.environment = first.environment()
    keyring.write("latest 1", "rotate 1")
    output = keyring.directory / "new"
    words = ["recover", "--private-key", private, "--output", output, *keyring.where(), "--yes"]
    first.stop()
    second.stop()
    tool.json(*words, code=4)
    assert not output.exists() and not list(output.parent.glob(".new*"))
    second.start()
    reply = tool.json(*words)
    assert [f"the new key set has no key slot for aws-kms {first.entry['key']} yet" in one
            for one in reply["warnings"]].count(True) == 1, reply["warnings"]
    configure(second.entry, keyfile_dir=output)
    assert tool.json("verify", *keyring.where())["readable"] == 2
    slots = tool.json("slot", "list", "--check", *keyring.where())["slots"]
    assert [one["kind"] for one in slots] == ["aws-kms", "public-key"]
    assert slots[0]["name"] == second.key_arn and slots[0]["state"] == "opened"
