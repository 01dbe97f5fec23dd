# SPDX-License-Identifier: MIT
"""keyringctl convert: the same keys in another format, in a new file or directory."""

import os

import pytest

from changing import SOME, kms_config, snapshot, write_plain
from key_files import VERSIONS, options_of, read_raw, write_raw
from lab import aws_client, aws_keyring_plugin, percona_file


@pytest.fixture
def percona(directory, kms):
    """A keyring file of Percona's component, written without our code: its configuration."""
    write_percona(directory / "keys", kms, SOME)
    (directory / "keys").chmod(0o600)
    return kms_config(directory / "k", kms, directory / "keys")


def write_percona(path, kms, keys):
    percona_file.write(
        path,
        kms,
        kms.alias,
        [(owner, data_id, kind, key) for (data_id, owner), (kind, key) in keys.items()],
    )


def read_percona(path, kms):
    return {
        (data_id, owner): (kind, key) for owner, data_id, kind, key in percona_file.read(path, kms)
    }


def test_percona_to_sealed_and_back_are_the_same_keys(tool, directory, kms, percona):
    before = snapshot(directory / "keys")
    reply = tool.json(
        "convert", "--config", percona, "--to", "sealed", "--output", directory / "sealed", "--yes"
    )
    assert (reply["copied"], reply["compared"], reply["changed"]) == (4, 4, True)
    assert (directory / "sealed").read_bytes().startswith(b"\x89OKR")
    assert (directory / "sealed").stat().st_mode & 0o777 == 0o600, "that of the source"
    sealed = kms_config(directory / "s", kms, directory / "sealed")
    tool.json(
        "convert", "--config", sealed, "--to", "percona", "--output", directory / "json", "--yes"
    )
    assert read_percona(directory / "json", kms) == SOME
    assert snapshot(directory / "keys") == before


def test_oracles_file_is_read_too(tool, directory, kms, percona):
    percona_file.write_oracle(
        directory / "keys",
        kms,
        kms.alias,
        [(owner, name, kind, key) for (name, owner), (kind, key) in SOME.items()],
    )
    for target in ("sealed", "percona"):
        tool.run(
            "convert", "--config", percona, "--to", target, "--output", directory / target, "--yes"
        )
    assert read_percona(directory / "percona", kms) == SOME


def test_nothing_is_overwritten(tool, directory, kms, percona):
    (directory / "there").write_text("precious")
    for output in ("there", "keys"):
        before = snapshot(directory)
        done = tool.run(
            "convert",
            "--config",
            percona,
            "--to",
            "sealed",
            "--output",
            directory / output,
            "--yes",
            code=1,
        )
        assert "there already" in done.stderr and "nothing was changed" in done.stderr
        assert snapshot(directory) == before


def test_a_dry_run_and_the_missing_confirmation_change_nothing(tool, directory, percona):
    words = ("convert", "--config", percona, "--to", "sealed", "--output", directory / "sealed")
    before = snapshot(directory)
    plan = tool.json(*words, "--dry-run")["plan"]
    assert (
        len(plan) == 1
        and plan[0]["action"] == "create"
        and str(directory / "sealed") in plan[0]["target"]
    )
    assert tool.run(*words, code=6)
    assert tool.answer("\n", *words)[0] == 1
    assert snapshot(directory) == before
    assert tool.answer("yes\n", *words)[0] == 0
    assert (directory / "sealed").exists()


def test_wrong_command_lines(tool, directory, kms, percona):
    common = ("convert", "--config", percona)
    assert "--to" in tool.run(*common, "--output", "x", code=2).stderr
    assert "--output" in tool.run(*common, "--to", "sealed", code=2).stderr
    assert "sealed" in tool.run(*common, "--to", "seald", "--output", "x", code=2).stderr
    assert "raw" in tool.run(*common, "--to", "raw", "--output", "x", code=2).stderr


def test_a_damaged_file_is_not_converted(tool, directory, kms, percona):
    content = (directory / "keys").read_bytes()
    (directory / "keys").write_bytes(content[:-5])
    tool.run(
        "convert",
        "--config",
        percona,
        "--to",
        "sealed",
        "--output",
        directory / "sealed",
        "--yes",
        code=3,
    )
    # KMS refuses one of the keys: the good ones alone would be an incomplete keyring.
    (directory / "keys").write_bytes(content.replace(b'"data":"41', b'"data":"42', 1))
    tool.run(
        "convert",
        "--config",
        percona,
        "--to",
        "sealed",
        "--output",
        directory / "sealed",
        "--yes",
        code=3,
    )
    assert not (directory / "sealed").exists()


def test_keyring_aws_becomes_a_component(tool, directory, kms):
    conf = directory / "aws_conf"
    aws_keyring_plugin.write_conf(conf, kms)
    values = aws_keyring_plugin.variables(kms, conf, directory / "aws_data")
    options = directory / "my.cnf"
    options.write_text(
        "[mysqld]\nearly-plugin-load=keyring_aws.so\n"
        + "\n".join(value.removeprefix("--loose-") for value in values)
        + "\n"
    )
    write_plain(directory / "plain", SOME)
    tool.run(
        "migrate", f"component_keyring_file:{directory}/plain", f"keyring_aws:{options}", "--yes"
    )
    config = kms_config(directory / "k", kms, directory / "unused")
    words = (
        "convert",
        "--product",
        "keyring_aws",
        "--defaults-file",
        options,
        "--to",
        "percona",
        "--output",
        directory / "json",
        "--yes",
    )
    assert "--to-config" in tool.run(*words, code=2).stderr
    tool.run(*words, "--to-config", config)
    assert read_percona(directory / "json", kms) == SOME


# MariaDB's key files.

@pytest.fixture
def raw(directory, kms):
    """Key files as the plugin of MariaDB writes them: the arguments that name them."""
    write_raw(directory / "raw", kms)
    return options_of(directory, kms, directory / "raw")


def test_raw_key_files_become_bound_ones_and_raw_again(tool, directory, kms, raw):
    before = snapshot(directory / "raw")
    reply = tool.json("convert", *raw, "--to", "bound", "--output", directory / "bound", "--yes")
    assert reply["copied"] == reply["compared"] == 3
    names = sorted(path.name for path in (directory / "bound").iterdir())
    assert names == [
        "aws-kms-key-installation",
        "aws-kms-key-made.1.2",
        "aws-kms-key-made.7.1",
        "aws-kms-key.1.1",
        "aws-kms-key.1.2",
        "aws-kms-key.7.1",
    ]
    for path in (directory / "bound").glob("aws-kms-key.*"):
        assert path.read_bytes() != (directory / "raw" / path.name).read_bytes()
        assert path.stat().st_mode & 0o777 == 0o440
        with pytest.raises(aws_client.AwsRefused):
            aws_client.decrypt(kms, path.read_bytes())
    assert (directory / "bound").stat().st_mode & 0o777 == 0o750
    bound = options_of(directory, kms, directory / "bound", name="bound.cnf")
    assert tool.json("verify", *bound)["readable"] == 3
    tool.json("convert", *bound, "--to", "raw", "--output", directory / "again", "--yes")
    assert read_raw(directory / "again", kms) == VERSIONS
    assert snapshot(directory / "raw") == before


def test_a_missing_version_is_no_reason_to_go_on(tool, directory, kms, raw):
    (directory / "raw" / "aws-kms-key-made.7.2").touch()
    done = tool.run(
        "convert", *raw, "--to", "bound", "--output", directory / "bound", "--yes", code=1
    )
    assert "aws-kms-key.7.2" in done.stderr and not (directory / "bound").exists()


def test_a_directory_that_is_there_is_left_alone(tool, directory, raw):
    (directory / "bound").mkdir()
    for word in ("--yes", "--dry-run"):
        reply = tool.json("convert", *raw, "--to", "bound", "--output", directory / "bound", word,
                          code=1)
        assert f"{directory}/bound is there already" in reply["message"]
        nowhere = tool.json("convert", *raw, "--to", "bound", "--output", "/nowhere/bound", word,
                            code=2)
        assert "/nowhere" in nowhere["message"]
    assert list((directory / "bound").iterdir()) == []


def test_a_dry_run_of_key_files_changes_nothing(tool, directory, raw):
    before = snapshot(directory)
    words = ("convert", *raw, "--to", "bound", "--output", directory / "bound")
    plan = tool.json(*words, "--dry-run")["plan"]
    assert "3 bound key files" in plan[0]["detail"]
    tool.run(*words, code=6)
    assert snapshot(directory) == before


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
def test_files_that_root_makes_belong_to_the_owner_of_their_directory(
    tool, directory, kms, raw, percona
):
    place = directory / "mysql-keyring"
    place.mkdir()
    os.chown(place, 65534, 65534)
    tool.run("convert", *raw, "--to", "bound", "--output", place / "bound", "--yes")
    tool.run(
        "convert", "--config", percona, "--to", "sealed", "--output", place / "sealed", "--yes"
    )
    for path in [place / "bound", place / "sealed", *(place / "bound").iterdir()]:
        assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534), path


def test_an_old_version_is_taken_out_of_a_key_set(make_keyring, directory):
    """As docs/aws_key_management.md says: there is no other way."""
    files = directory / "bound"
    keyring = make_keyring("aws_key_management")
    keyring.write("latest 1", "rotate 1", "rotate 1")
    done = keyring.ctl("convert", "--to", "bound", "--output", files, "--yes")
    assert done.code == 0, done
    (files / "aws-kms-key.1.1").rename(directory / "moved")
    keyring = make_keyring("aws_key_management", key_store="FILES", keyfile_dir=files)
    keyring.write("latest 1")
    assert keyring.ctl("verify", "--json").json()["readable"] == 2
    keyring = make_keyring("aws_key_management", key_store="SEALED", keyfile_dir=files)
    keyring.write("latest 1")
    assert (files / "aws-kms-key-set").exists()
    listed = keyring.ctl("list", "--json").json()["keys"]
    assert [key["version"] for key in listed] == [2, 3]
