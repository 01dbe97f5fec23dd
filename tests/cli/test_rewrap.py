# SPDX-License-Identifier: MIT
"""keyringctl rewrap: the same keys under another KMS key, in every format."""

import pytest

from changing import SOME, kms_config, read_plain, snapshot, write_plain
from key_files import VERSIONS, contents, options_of, read_raw, write_raw
from lab import aws_client, aws_keyring_plugin
from lab.patience import seconds


@pytest.fixture
def new_key(kms) -> str:
    """The ARN of a KMS key that nothing is wrapped under yet."""
    return aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"]


def wrapped_by(tool, *words) -> list[str]:
    return tool.json("list", *words)["wrapping_keys"]


@pytest.mark.parametrize("file_format", ["sealed", "percona"])
def test_a_file_of_the_component(tool, directory, kms, new_key, file_format):
    keys = directory / "keys"
    config = kms_config(directory / "k", kms, keys, file_format=file_format)
    write_plain(directory / "plain", SOME)
    tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    before = keys.read_bytes()
    assert tool.json("rewrap", "--config", config, "--yes")["changed"] is False
    assert keys.read_bytes() == before
    kms_config(directory / "k", kms, keys, kms_key=new_key)
    assert tool.json("rewrap", "--config", config, "--dry-run")["plan"][0]["action"] == "wrap again"
    tool.run("rewrap", "--config", config, code=6)
    assert keys.read_bytes() == before
    assert tool.json("rewrap", "--config", config, "--dry-run")["warnings"] == []
    reply = tool.json("rewrap", "--config", config, "--yes")
    assert (reply["changed"], reply["compared"], reply["warnings"]) == (True, len(SOME), [])
    if file_format == "sealed":
        assert reply["wrapping_keys"] == [new_key]
    assert keys.read_bytes() != before
    back = directory / "back"
    tool.run("migrate", config, f"component_keyring_file:{back}", "--allow-plaintext", "--yes")
    assert read_plain(back) == SOME
    # Without the old key, it is the new one that opens it.
    tool.run("verify", "--config", config)


def test_the_file_of_keyring_aws(tool, directory, kms, new_key):
    conf, options = directory / "aws_conf", directory / "my.cnf"
    aws_keyring_plugin.write_conf(conf, kms)

    def configure(cmk_id: str) -> None:
        values = aws_keyring_plugin.variables(kms, conf, directory / "data", cmk_id=cmk_id)
        lines = [value.removeprefix("--loose-") for value in values]
        options.write_text("[mysqld]\nearly-plugin-load=keyring_aws.so\n" + "\n".join(lines) + "\n")

    configure(kms.alias)
    write_plain(directory / "plain", SOME)
    place = ("--product", "keyring_aws", "--defaults-file", options)
    tool.run(
        "migrate", f"component_keyring_file:{directory}/plain", f"keyring_aws:{options}", "--yes"
    )
    configure(new_key)
    assert tool.json("rewrap", *place, "--yes")["wrapping_keys"] == [new_key]
    tool.run("verify", *place)


@pytest.fixture(params=["raw", "bound"])
def key_files(request, tool, directory, kms):
    """The arguments that name them, by the KMS key that is configured."""
    place = directory / "keys"

    def configure(key_id: str, where=place):
        return options_of(directory, kms, where, master_key_id=key_id)

    raw = place if request.param == "raw" else directory / "raw"
    write_raw(raw, kms)
    if request.param == "bound":
        tool.run("convert", *configure(kms.alias, raw), "--to", "bound", "--output", place, "--yes")
    return configure


def files(directory) -> dict[str, bytes]:
    return contents(directory / "keys")


def test_key_files(tool, directory, kms, new_key, key_files):
    before = files(directory)
    assert tool.json("rewrap", *key_files(kms.alias), "--yes")["changed"] is False
    assert files(directory) == before
    words = ("rewrap", *key_files(new_key))
    state = snapshot(directory)
    assert len(tool.json(*words, "--dry-run")["plan"]) == 3
    tool.run(*words, code=6)
    assert snapshot(directory) == state
    assert tool.json(*words, "--yes")["compared"] == 3
    now = files(directory)
    assert now.keys() == before.keys() and all(now[name] != before[name] for name in now)
    assert all(path.stat().st_mode & 0o777 == 0o440 for path in (directory / "keys").glob("*key.*"))
    assert tool.json("rewrap", *key_files(new_key), "--yes")["changed"] is False
    assert tool.json("verify", *key_files(new_key))["readable"] == 3
    tool.run("convert", *key_files(new_key), "--to", "raw", "--output", directory / "out", "--yes")
    assert read_raw(directory / "out", kms) == VERSIONS


def test_a_key_that_may_not_be_used_changes_nothing(tool, directory, kms, key_files):
    before = files(directory)
    missing = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
    done = tool.popen("rewrap", *key_files(missing), "--yes")
    out, err = done.communicate(timeout=seconds(60))
    assert done.returncode in (2, 4), (out, err)
    assert files(directory) == before


def disable(kms, arn: str) -> None:
    kms.control("POST", f"/keys/{arn.rpartition('/')[2]}/state", {"state": "Disabled"})


def point_alias(kms, alias: str) -> None:
    """At a new KMS key."""
    arn = aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"]
    key = {"region": kms.region, "id": arn.rpartition("/")[2], "alias": alias}
    kms.control("POST", "/keys", key)


def deny(kms, tool, **policy) -> None:
    """The tool gets credentials with that policy."""
    secret = "s" * 40
    kms.control("POST", "/identities",
                {"access_keys": [{"id": "AKIAREWRAP", "secret": secret, "policy": policy}]})
    tool.environment |= {"AWS_ACCESS_KEY_ID": "AKIAREWRAP", "AWS_SECRET_ACCESS_KEY": secret}


@pytest.mark.parametrize("trouble", ["disabled", "denied", "unreachable"])
@pytest.mark.parametrize("form", ["sealed", "percona", "two keys"])
def test_a_key_that_does_not_wrap_is_an_error(tool, directory, kms, new_key, form, trouble):
    """Whoever reads "nothing had to be changed" deletes the old KMS key."""
    keys = directory / "keys"
    file_format = "percona" if form == "percona" else "sealed"
    config = kms_config(directory / "k", kms, keys, file_format=file_format)
    write_plain(directory / "plain", SOME)
    tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    more = {"kms_key": new_key}
    if form == "two keys":
        more = {"region": None, "endpoint_url": None,
                "kms_key": [{"key": key, "endpoint_url": kms.url} for key in (kms.alias, new_key)]}
    if trouble == "unreachable" and form == "two keys":
        more["kms_key"][1]["endpoint_url"] = "http://127.0.0.1:9"
    kms_config(directory / "k", kms, keys, file_format=file_format, **more)
    if trouble == "disabled":
        disable(kms, new_key)
    elif trouble == "denied":
        deny(kms, tool, deny_keys=[new_key.rpartition("/")[2]])
    elif form != "two keys":
        kms.fault("http_status", "Encrypt", -1, status=503, code="DependencyTimeoutException")
        kms.fault("http_status", "ReEncrypt", -1, status=503, code="DependencyTimeoutException")
    before = keys.read_bytes()
    reply = tool.json("rewrap", "--config", config, "--yes", code=4)
    assert reply["unchanged"] == [str(keys)]
    assert keys.read_bytes() == before


def test_keys_of_an_unknown_kms_key_are_an_error(tool, directory, kms, new_key):
    """Whether an alias is that key cannot be asked: a start takes it as such, rewrap does not."""
    keys = directory / "keys"
    config = kms_config(directory / "k", kms, keys, file_format="percona", kms_key=new_key)
    write_plain(directory / "plain", SOME)
    tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    kms_config(directory / "k", kms, keys, file_format="percona")
    deny(kms, tool, deny_operations=["DescribeKey"])
    before = keys.read_bytes()
    tool.run("rewrap", "--config", config, "--yes", code=4)
    assert keys.read_bytes() == before


def test_a_configured_key_that_opens_nothing_now_is_an_error(tool, directory, kms, new_key):
    keys = directory / "keys"
    both = [{"key": key, "endpoint_url": kms.url} for key in (kms.alias, new_key)]
    config = kms_config(directory / "k", kms, keys, kms_key=both, region=None, endpoint_url=None)
    write_plain(directory / "plain", SOME)
    tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    assert tool.json("rewrap", "--config", config, "--yes")["changed"] is False
    disable(kms, new_key)
    done = tool.run("rewrap", "--config", config, "--yes", code=4)
    assert new_key in done.stderr and "key slot 2" in done.stderr


def test_an_alias_that_is_another_key_now_is_an_error(tool, directory, kms, new_key):
    """The slot has the same name, and would stay under the old KMS key."""
    keys = directory / "keys"
    alias = f"alias/moved-{new_key[-12:]}"
    point_alias(kms, alias)
    config = kms_config(directory / "k", kms, keys, kms_key=alias)
    write_plain(directory / "plain", SOME)
    tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    assert tool.json("rewrap", "--config", config, "--yes")["changed"] is False
    point_alias(kms, alias)
    before = keys.read_bytes()
    for words in (["--yes"], ["--dry-run"]):
        done = tool.run("rewrap", "--config", config, *words, code=2)
        assert alias in done.stderr and "set kms_key to that key's ARN" in done.stderr
    assert keys.read_bytes() == before
    deny(kms, tool, deny_operations=["DescribeKey"])
    reply = tool.json("rewrap", "--config", config, "--yes")
    assert any("cannot tell whether" in warning for warning in reply["warnings"])
    kms_config(directory / "k", kms, keys, kms_key=new_key)
    assert tool.json("rewrap", "--config", config, "--yes")["wrapping_keys"] == [new_key]


def test_a_dry_run_says_when_there_is_nothing_to_do(tool, directory, kms, new_key):
    for file_format in ("sealed", "percona"):
        keys = directory / f"keys-{file_format}"
        write_plain(directory / "plain", SOME)
        config = kms_config(directory / "k", kms, keys, file_format=file_format)
        tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
        before = snapshot(keys)
        assert tool.json("rewrap", "--config", config, "--dry-run")["plan"] == []
        assert tool.json("rewrap", "--config", config)["changed"] is False, "nothing to confirm"
        kms_config(directory / "k", kms, keys, file_format=file_format, kms_key=new_key)
        plan = tool.json("rewrap", "--config", config, "--dry-run")["plan"]
        assert [step["action"] for step in plan] == ["wrap again"]
        tool.run("rewrap", "--config", config, code=6)
        assert snapshot(keys) == before
