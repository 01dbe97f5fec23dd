# SPDX-License-Identifier: MIT
"""check: mistakes with certificates, clocks, permissions and manifests that test_check.py has not.
"""

import json
import os
import pwd

import pytest

import conftest
from lab import aws_keyring_plugin, certificates, kmip_component
from check_reports import by_server, finding, results


@pytest.fixture
def kmip_keyring(make_keyring):
    return make_keyring("component_keyring_kmip")


def configured(keyring, kmip, **more):
    keyring.configure({**kmip_component.config(kmip, "mysql"), **more})
    return keyring.ctl("check", "--json")


def test_a_client_certificate_that_ended_or_ends_soon(kmip_keyring, kmip, directory):
    authority = certificates.Authority(directory / "other")
    for made, state, text in (
        (authority.expired_client(), "failed", "expired on"),
        (authority.client("soon"), "warning", "expires on"),
    ):
        done = configured(kmip_keyring, kmip, client_ca=str(made.certificate),
                          client_key=str(made.key))
        assert finding(done, "certificates", text)["state"] == state


def test_a_client_certificate_without_end_is_fine(kmip_keyring, kmip, directory):
    made = certificates.Authority(directory / "other").endless_client()
    done = configured(kmip_keyring, kmip, client_ca=str(made.certificate),
                      client_key=str(made.key))
    own = [one for one in results(done)["certificates"]["findings"]
           if str(made.certificate) in one["text"]]
    assert [one["state"] for one in own] == ["ok"], own


def test_certificate_files_that_are_none(kmip_keyring, kmip, directory):
    (directory / "empty.pem").write_text("not a certificate\n")
    done = configured(kmip_keyring, kmip, server_ca=str(directory / "missing.pem"))
    assert finding(done, "certificates", "correct the path")["state"] == "failed"
    assert finding(done, "tls", "correct the files of the options")["state"] == "failed"
    done = configured(kmip_keyring, kmip, server_ca=str(directory / "empty.pem"))
    assert finding(done, "certificates", "has no certificate")["state"] == "failed"


def test_a_private_key_that_lies_open(kmip_keyring, kmip):
    key = kmip.client_files("open")["client_key"]
    os.chmod(key, 0o644)
    done = configured(kmip_keyring, kmip, client_key=key,
                      client_ca=kmip.client_files("open")["client_ca"])
    assert finding(done, "certificates", "is world-readable")["state"] == "warning"


def test_a_note_of_the_object_group_that_is_damaged(kmip_keyring):
    kmip_keyring.write("store k - AES")
    (kmip_keyring.data / "component_keyring_kmip.group").write_text("no note\n")
    done = kmip_keyring.ctl("check", "--json")
    assert finding(done, "kmip-group", "is damaged")["state"] == "failed"


@pytest.mark.parametrize("offset,state", [(-400, "failed"), (400, "failed"), (200, "warning"),
                                          (2, "ok")])
def test_a_clock_that_is_wrong(good, kms, offset, state):
    kms.control("POST", "/clock", {"offset_s": offset})
    try:
        done = good.ctl("check", "--json")
    finally:
        kms.control("POST", "/clock", {"offset_s": 0})
    assert finding(done, "clock", "clock differs by")["state"] == state


def test_a_keyring_file_that_lies_open(good):
    (good.data / "keyring").chmod(0o644)
    done = good.ctl("check", "--json")
    assert finding(done, "permissions", "is world-readable")["state"] == "warning"


def given_to_nobody(keyring) -> None:
    """As if the server ran as that user; root runs the check and can read everything."""
    nobody = pwd.getpwnam("nobody")
    for path in (keyring.directory, *keyring.directory.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of root")
@pytest.mark.parametrize("product,name", [
    ("component_keyring_kms", "data/keyring"),
    ("component_keyring_kms", "plugin/component_keyring_kms.cnf"),
    ("component_keyring_kms", "plugin"),
    ("component_keyring_kmip", "client_key"),
    ("keyring_aws", "data/keyring_aws_data"),
    ("keyring_aws", "conf"),
    ("aws_key_management", "data/aws-kms-key-set"),
])
def test_what_root_can_read_and_the_server_s_user_cannot(
    make_keyring, kmip, kms, product, name
):
    keyring = make_keyring(product)
    keyring.write("latest 1" if product == "aws_key_management" else "store k - AES")
    options = {}
    if name == "client_key":
        options = kmip.client_files("nobody")
        keyring.configure({**json.loads(keyring.config.read_text()), **options})
    if name == "conf":
        aws_keyring_plugin.write_conf(keyring.directory / name, kms)
        text = keyring.option_file.read_text().replace("=CHAIN", "=FILE")
        keyring.option_file.write_text(f"{text}keyring_aws_conf_file={keyring.directory / name}\n")
    given_to_nobody(keyring)
    path = options.get(name) or keyring.directory / name
    os.chown(path, 0, 0)
    os.chmod(path, 0o700 if os.path.isdir(path) else 0o600)
    done = keyring.ctl("check", "--json")
    found = finding(done, "permissions", "cannot be read by the server's user")
    assert found["state"] == "failed" and f"{path} has the owner 0" in found["text"], found
    assert done.json()["would_find_keys"] is False and done.code == 3
    # Nobody gives a server the group of root; of another group it may be a member.
    os.chmod(path, 0o750 if os.path.isdir(path) else 0o640)
    again = finding(keyring.ctl("check", "--json"), "permissions",
                    "cannot be read by the server's user")
    assert again["state"] == "failed" and f"{path} has the owner 0" in again["text"]
    os.chown(path, 0, 4242)
    text = json.dumps(results(keyring.ctl("check", "--json"))["permissions"])
    assert "cannot be read by the server's user" not in text


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a library of root")
def test_a_library_that_only_root_can_read(good, server):
    library = good.plugin / "component_keyring_kms.so"
    library.touch(mode=0o600)
    server()
    (good.directory / "bin/mysqld.my").write_text('{"components": "file://component_keyring_kms"}')
    done = by_server(good)
    assert finding(done, "library", "cannot be read by the server's user")["state"] == "failed"
    assert results(done)["manifest"]["state"] == "ok" and done.json()["would_find_keys"] is False
    nobody = pwd.getpwnam("nobody")
    os.chown(good.data, nobody.pw_uid, nobody.pw_gid)
    library.chmod(0o640)
    assert results(by_server(good))["library"]["state"] == "failed"
    os.chown(library, 0, nobody.pw_gid)
    assert results(by_server(good))["library"]["state"] == "ok", "by its group"
    os.chown(library, 0, 4242)
    assert results(by_server(good))["library"]["state"] == "ok", "it may be a member"
    os.chown(library, nobody.pw_uid, 0)
    assert results(by_server(good))["library"]["state"] == "ok"
    library.chmod(0o600)
    os.chown(library, 0, nobody.pw_gid)
    assert results(by_server(good))["library"]["state"] == "failed"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a manifest of root")
def test_a_manifest_that_only_root_can_read(good, server):
    server()
    (good.plugin / "component_keyring_kms.so").touch()
    manifest = good.directory / "bin/mysqld.my"
    manifest.write_text('{"components": "file://component_keyring_kms"}')
    manifest.chmod(0o600)
    done = by_server(good)
    assert finding(done, "manifest", "cannot be read by the server's user")["state"] == "failed"
    assert done.json()["would_find_keys"] is False
    manifest.chmod(0o644)
    assert results(by_server(good))["manifest"]["state"] == "ok"


def test_a_manifest_with_two_keyrings(good, server):
    server()
    (good.directory / "bin/mysqld.my").write_text(json.dumps(
        {"components": "file://component_keyring_kms, file://component_keyring_file"}))
    (good.plugin / "component_keyring_kms.so").write_text("")
    done = by_server(good, "--product", "component_keyring_kms")
    assert finding(done, "manifest", "names more than one component")["state"] == "warning"
    assert done.json()["would_find_keys"] is True, "the first one is loaded"


def test_a_manifest_that_everybody_may_write(good, server):
    """The server takes it all the same, and logs a warning."""
    server()
    manifest = good.directory / "bin/mysqld.my"
    manifest.write_text(json.dumps({"components": "file://component_keyring_kms"}))
    manifest.chmod(0o666)
    (good.plugin / "component_keyring_kms.so").write_text("")
    done = by_server(good)
    assert finding(done, "manifest", "anybody can choose what the server loads")[
        "state"] == "warning"
    assert done.json()["would_find_keys"] is True


def test_a_keyring_without_keys_is_no_failure_but_is_said(make_keyring, kms, directory):
    keyring = make_keyring("component_keyring_kms")
    keyring.configure(conftest.kms_options(kms, directory))
    keyring.write("store k - AES", "remove k -")
    done = keyring.ctl("check", "--json")
    assert finding(done, "start", "the keyring has no keys")["state"] == "warning"
    assert done.code == 0 and results(done)["keys"]["state"] == "ok"
