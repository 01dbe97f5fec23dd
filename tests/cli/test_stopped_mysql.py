# SPDX-License-Identifier: MIT
"""As test_stopped.py, of MySQL's products: recover, init of the components, and keyring_aws."""

import errno

import pytest

import recovery_keys
from changing import SOME, kms_config, read_plain, snapshot, write_plain
from lab import aws_client, aws_keyring_plugin
from sealed_file import SealedFile
from stopped_change import Change, check_killed_everywhere, check_refused_everywhere

TWO = dict(list(SOME.items())[1:3])  # Each of keyring_aws takes a call of KMS.


def recovered(name: str, tool, directory, kms) -> Change:
    """By the private key, into a new sealed file, or in the clear."""
    private, public = recovery_keys.pair()
    sealed = SealedFile(tool, directory, kms)
    sealed.configure(recovery_public_key=str(public))
    sealed.run("slot", "add", "--yes")
    before, made = snapshot(sealed.path), directory / "made"
    words = ("recover", "--config", sealed.config, "--private-key", private, "--output", made)
    printed = (*words, "--print-keys") if name == "recover --print-keys" else words
    back = directory / "back"

    def check() -> None:
        assert snapshot(sealed.path) == before
        assert name == "recover" or not list(directory.glob(".*.tmp")), "no keys in the clear"
        if made.exists() and name == "recover":
            again = ("recover", "--path", made, "--private-key", private, "--print-keys")
            back.unlink(missing_ok=True)
            tool.run(*again, "--output", back, "--yes")
            assert read_plain(back) == SOME
        elif made.exists():
            assert read_plain(made) == SOME and made.stat().st_mode & 0o777 == 0o600

    return Change((*printed, "--yes"), [made], check, made.exists, once=True)


def initialized(product: str, directory, kms, kmip, server) -> Change:
    for name in ("plugin", "data", "conf.d"):
        (directory / name).mkdir(exist_ok=True)
    server()  # Which says where its program and its plugins lie.
    place = directory / "ring"
    written = [directory / "plugin" / f"{product}.cnf", directory / "bin" / "mysqld.my"]
    words = ["init", product, "--datadir", directory / "data"]
    if product == "component_keyring_kmip":
        files = kmip.client_files("mysql")
        words += ["--kmip-servers", f"127.0.0.1:{kmip.port}", "--server-ca", files["server_ca"],
                  "--client-cert", files["client_ca"], "--client-key", files["client_key"]]
    else:
        words += ["--kms-key", kms.alias, "--region", kms.region, "--keyring-dir", place]
    if product == "keyring_aws":
        written = [directory / "conf.d" / "openkeyring.cnf"]
        words += ["--option-dir", directory / "conf.d"]
    contents = {}

    def check() -> None:
        """The server loads the product when the last file is there: then all is there."""
        there = [path.exists() for path in written]
        assert there == sorted(there, reverse=True)
        for path in filter(lambda one: one.exists(), written):
            assert path.read_bytes() == contents.setdefault(path, path.read_bytes())
            assert path.read_bytes().endswith(b"\n")
        if there[-1] and product != "component_keyring_kmip":
            assert place.stat().st_mode & 0o777 == 0o750

    def ended() -> bool:
        return written[-1].exists()

    return Change((*words, "--yes"), [place, *written], check, ended)


class KeyringAws:
    """A data file of keyring_aws, its option file, and keys that come from elsewhere."""

    def __init__(self, tool, directory, kms):
        self.tool, self.directory, self.kms = tool, directory, kms
        self.data, self.options = directory / "aws_data", directory / "my.cnf"
        aws_keyring_plugin.write_conf(directory / "aws_conf", kms)
        self.configure(kms.alias)
        self.where = ("--product", "keyring_aws", "--defaults-file", self.options)
        write_plain(directory / "plain", TWO)
        self.plain = f"component_keyring_file:{directory}/plain"

    def configure(self, cmk_id: str) -> None:
        values = aws_keyring_plugin.variables(self.kms, self.directory / "aws_conf", self.data,
                                              cmk_id=cmk_id)
        self.options.write_text("[mysqld]\nearly-plugin-load=keyring_aws.so\n" + "\n".join(
            value.removeprefix("--loose-") for value in values) + "\n")

    def fill(self, keys) -> None:
        write_plain(self.directory / "first", keys)
        self.tool.run("migrate", f"component_keyring_file:{self.directory}/first",
                      f"keyring_aws:{self.options}", "--yes")

    def keys(self) -> dict:
        back = self.directory / "back"
        back.unlink(missing_ok=True)
        self.tool.run("migrate", f"keyring_aws:{self.options}", f"component_keyring_file:{back}",
                      "--allow-plaintext", "--yes")
        return read_plain(back)


def keyring_aws_change(name: str, tool, directory, kms) -> Change:
    aws = KeyringAws(tool, directory, kms)
    made, places, once = directory / "made", [aws.data], False
    config = kms_config(directory / "k", kms, made)
    if name == "migrate into a new keyring_aws":
        words = ("migrate", aws.plain, f"keyring_aws:{aws.options}")
    elif name == "migrate into keyring_aws":
        aws.fill(dict(list(TWO.items())[:1]))
        words = ("migrate", aws.plain, f"keyring_aws:{aws.options}")
    elif name == "rewrap keyring_aws":
        aws.fill(TWO)
        aws.configure(aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"])
        words = ("rewrap", *aws.where)
    else:
        aws.fill(TWO)
        words = ("convert", *aws.where, "--to", "sealed", "--to-config", config, "--output", made)
        places, once = [made], True
    old = aws.data.read_bytes() if aws.data.exists() else b""

    def check() -> None:
        keys = aws.keys() if aws.data.exists() else {}
        assert keys.items() <= TWO.items()
        if name == "migrate into a new keyring_aws":
            assert keys in ({}, TWO)
        elif name.startswith("convert"):
            assert aws.data.read_bytes() == old
            assert not made.exists() or tool.json("list", "--path", made)["count"] == len(TWO)
        else:
            assert len(keys) == len(TWO) or name == "migrate into keyring_aws" and keys

    def ended() -> bool:
        if name.startswith("convert"):
            return made.exists()
        if name.startswith("migrate"):
            return aws.data.exists() and tool.json("list", *aws.where)["count"] == len(TWO)
        return aws.data.read_bytes() != old

    return Change((*words, "--yes"), places, check, ended, once=once)


NAMES = ["recover", "recover --print-keys", "init component_keyring_kms",
         "init component_keyring_kmip", "init keyring_aws", "migrate into a new keyring_aws",
         "migrate into keyring_aws", "rewrap keyring_aws", "convert keyring_aws"]


@pytest.fixture(params=NAMES)
def change(request, tool, directory, kms, kmip, server) -> Change:
    name = request.param
    if name.startswith("recover"):
        return recovered(name, tool, directory, kms).begin()
    if name.startswith("init"):
        return initialized(name.split()[1], directory, kms, kmip, server).begin()
    return keyring_aws_change(name, tool, directory, kms).begin()


def test_killed_at_each_change_it_is_the_old_state_or_the_new_one(tool, change):
    check_killed_everywhere(tool, change)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES])
def test_refused_at_each_change_it_says_so_and_nothing_is_lost(tool, change, error):
    check_refused_everywhere(tool, change, error)
