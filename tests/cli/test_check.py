# SPDX-License-Identifier: MIT
"""check: the likeliest mistakes of an installation, each with its cause and its cure."""

import json
import os
import re

import conftest
import pytest

from check_reports import ERRORS, by_server, finding, results
from lab import aws_client, certificates, kmip_component, process


def test_every_check_has_an_anchor_and_every_anchor_a_check(good):
    text = ERRORS.read_text()
    anchors = set(re.findall(r'<a id="check-([a-z-]+)"></a>', text))
    found = results(good.ctl("check", "--json"))
    assert anchors == set(found)
    for name, check in found.items():
        assert check["anchor"] == f"docs/errors.md#check-{name}"


def test_a_good_keyring_has_no_failure_on_any_product(filled):
    done = filled.ctl("check", "--json")
    failed = {name: check for name, check in results(done).items() if check["state"] == "failed"}
    if filled.product.startswith("component_"):
        assert not failed, failed
        assert done.code == 0
    else:  # Nothing loads the plugin here.
        assert set(failed) <= {"manifest", "library"}, failed
    assert done.json()["would_find_keys"] is True
    assert filled.ctl("check").out.count("yes: ") == 1


@pytest.mark.parametrize("options,text", [
    ({"kms_kye": "x"}, "did you mean"),  # A server starts with it.
    ({"kms_key": None}, "kms_key is missing"),
])
def test_wrong_options(good, kms, options, text):
    changed = {**conftest.kms_options(kms, good.directory), **options}
    good.configure({name: value for name, value in changed.items() if value is not None})
    done = good.ctl("check", "--json")
    assert finding(done, "config", text)["state"] == "failed" and done.code == 3


def test_a_configuration_that_is_not_json(good):
    good.config.write_text("[mysqld]\nkms_key=x\n")
    finding(good.ctl("check", "--json"), "config", "is not valid JSON")


def test_a_secret_that_lies_open(good, kms):
    keys = kms.environment()
    good.configure({**conftest.kms_options(kms, good.directory),
                    "auth_key": keys["AWS_ACCESS_KEY_ID"],
                    "secret_access_key": keys["AWS_SECRET_ACCESS_KEY"]})
    good.config.chmod(0o644)
    done = good.ctl("check", "--json")
    found = finding(done, "config", "is world-readable; run: chown")
    assert found["state"] == "warning"
    assert f"; run: chown root:mysql {good.config}; chmod 640 {good.config}" in found["text"]
    assert keys["AWS_SECRET_ACCESS_KEY"] not in done.out


def test_no_configuration(good):
    good.config.unlink()
    finding(good.ctl("check", "--json"), "config", "cannot read config file")


@pytest.mark.parametrize("manifest,text", [
    (None, "does not exist or cannot be read"),
    ({"components": "file://component_keyring_file"}, "does not name component_keyring_kms"),
    ({"components": "file://component_keyring_kms.so"}, "with a path or with .so"),
    (["file://component_keyring_kms"], "is not a JSON object"),
])
def test_manifests(good, server, manifest, text):
    server()
    if manifest is not None:
        (good.directory / "bin/mysqld.my").write_text(json.dumps(manifest))
    done = by_server(good, "--product", "component_keyring_kms")
    assert finding(done, "manifest", text)["state"] == "failed"


def test_a_server_is_found_with_its_product_by_the_manifest(good, server):
    running = server()
    (good.directory / "bin/mysqld.my").write_text('{"read_local_manifest": true}')
    (good.data / "mysqld.my").write_text('{"components": "file://component_keyring_kms"}')
    (good.plugin / "component_keyring_kms.so").write_text("")
    done = by_server(good)
    assert done.code == 0, done
    assert results(done)["manifest"]["state"] == "ok"
    source = {one["what"]: one for one in done.json()["source"]}
    assert source["server"]["found_in"] == f"process {running.pid}"
    assert source["product"]["value"] == "component_keyring_kms"
    assert source["data directory"]["value"] == str(good.data)


def test_early_plugin_load_of_a_component(good, server):
    server("--early-plugin-load=component_keyring_kms.so")
    finding(by_server(good, "--product", "component_keyring_kms"), "manifest",
            "which is a component and not a plugin")


def test_a_plugin_that_is_not_loaded_or_too_late(make_keyring, server):
    keyring = make_keyring("keyring_aws")
    keyring.write("store k - AES")
    finding(keyring.ctl("check", "--json"), "manifest", "no option of the server loads")
    server("--plugin-load-add=keyring_aws.so", *keyring.variables)
    finding(by_server(keyring), "manifest", "after InnoDB has asked for its keys")


def test_a_library_that_is_elsewhere(good, server):
    server()
    finding(by_server(good, "--product", "component_keyring_kms"), "library",
            "does not exist, or its directory cannot be read")


def test_directories_of_the_keyring(good, kms):
    options = conftest.kms_options(kms, good.directory)
    good.configure({**options, "path": str(good.directory / "missing/keyring")})
    finding(good.ctl("check", "--json"), "permissions", "does not exist, or may not be looked at")
    finding(good.ctl("check", "--json"), "files", "does not exist or cannot be reached")
    (good.directory / "missing").mkdir()
    good.configure({**options, "path": str(good.directory / "missing/keyring")})
    (good.directory / "missing").chmod(0o777)
    finding(good.ctl("check", "--json"), "permissions", "anybody can replace the keyring")
    (good.directory / "missing").chmod(0o755)
    if os.geteuid() == 0:
        os.chown(good.data, 65534, 65534)
        finding(good.ctl("check", "--json"), "permissions", "may not be able to store keys")


def test_no_credentials(good):
    done = good.ctl("check", "--json", environment={
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"})
    finding(done, "credentials", "no source has AWS credentials")
    assert done.json()["would_find_keys"] is False


def test_a_server_with_other_aws_variables(good, server):
    server(env={**os.environ, "AWS_PROFILE": "prod", "AWS_SECRET_ACCESS_KEY": "other-secret"})
    done = by_server(good, "--product", "component_keyring_kms")
    text = json.dumps(results(done)["credentials"])
    assert "AWS_PROFILE, AWS_SECRET_ACCESS_KEY" in text and "other-secret" not in text


def test_a_kms_key_that_does_not_exist(good, kms):
    good.configure({**conftest.kms_options(kms, good.directory), "kms_key": "alias/other"})
    finding(good.ctl("check", "--json"), "kms-key", "there is no such KMS key in this region")


@pytest.mark.parametrize("operation,text", [("DisableKey", "is Disabled"),
                                            ("ScheduleKeyDeletion", "is pending deletion")])
def test_kms_keys_that_cannot_be_used(good, kms, operation, text):
    key = aws_client.call(kms, "CreateKey")["KeyMetadata"]["KeyId"]
    good.configure({**conftest.kms_options(kms, good.directory), "kms_key": key})
    more = {"PendingWindowInDays": 7} if operation == "ScheduleKeyDeletion" else {}
    aws_client.call(kms, operation, KeyId=key, **more)
    done = good.ctl("check", "--json")
    assert finding(done, "kms-key", text)["state"] == "failed" and done.code == 3


def test_a_permission_that_is_missing(good, kms):
    kms.fault("http_status", "Decrypt", -1, status=400, code="AccessDeniedException",
              message="not authorized")
    done = good.ctl("check", "--json")
    assert finding(done, "kms-permissions", "kms:Decrypt")["state"] == "failed"
    assert results(done)["slots"]["state"] == "failed"


def test_dry_runs_make_nothing(good, kms):
    kms.reset_counters()
    good.ctl("check", "--skip", "keys", "--skip", "slots")
    assert results(good.ctl("check", "--json"))["kms-permissions"]["state"] == "ok"
    errors = kms.counters()["error_codes"]
    assert errors.get("DryRunOperationException", 0) >= 4, kms.counters()


def test_a_name_without_address(good, kms):
    good.configure({**conftest.kms_options(kms, good.directory),
                    "endpoint_url": "https://kms.invalid"})
    done = good.ctl("check", "--json")
    assert finding(done, "dns", "correct the name")["state"] == "failed"
    assert done.code in (3, 4), "a name that nobody has is a mistake, not an outage"


def test_nobody_listens(good, kms):
    good.configure({**conftest.kms_options(kms, good.directory),
                    "endpoint_url": f"http://127.0.0.1:{process.free_port()}"})
    done = good.ctl("check", "--json")
    finding(done, "tcp", "check firewalls")
    assert done.code == 4 and done.json()["would_find_keys"] is False


def test_the_wrong_authority(make_keyring, kmip, directory):
    keyring = make_keyring("component_keyring_kmip")
    other = certificates.Authority(directory / "other")
    keyring.configure({**kmip_component.config(kmip, "mysql"), "server_ca": str(other.certificate)})
    assert finding(keyring.ctl("check", "--json"), "tls", "is not trusted")["state"] == "failed"


def test_another_object_group(make_keyring, kmip):
    keyring = make_keyring("component_keyring_kmip")
    keyring.write("store k - AES")
    keyring.configure(kmip_component.config(kmip, "mysql", object_group="another"))
    done = keyring.ctl("check", "--json")
    finding(done, "kmip-group", "has no marker of this database's object group")
    assert done.json()["would_find_keys"] is False and done.code in (3, 4)


def test_skip_and_pre_leave_checks_out(good):
    found = results(good.ctl("check", "--json", "--skip", "keys", "--skip", "tls"))
    assert "keys" not in found and "tls" not in found and "start" in found
    pre = results(good.ctl("check", "--json", "--pre"))
    assert "config" in pre and "kms-permissions" in pre and "files" not in pre


def test_formats(good):
    lines = good.ctl("check", "--format", "prometheus").out.splitlines()
    assert all(line.startswith(("#", "openkeyring_check_state{")) for line in lines)
    assert any(line.endswith('check="keys"} 0') for line in lines)
    nagios = good.ctl("check", "--format", "nagios")
    assert nagios.code == 1 and nagios.out.startswith("KEYRING WARNING - tls: ")
    (good.data / "keyring").unlink()
    nagios = good.ctl("check", "--format", "nagios")
    assert nagios.code == 2 and nagios.out.startswith("KEYRING CRITICAL - ")


def test_strict_makes_a_warning_a_problem(good):
    assert good.ctl("check").code == 0
    assert good.ctl("check", "--strict").code == 3


def test_what_a_crash_left_is_named(good):
    (good.data / "keyring.torn-0123456789abcdef").write_text("x")
    check = results(good.ctl("check", "--json"))["files"]
    assert check["state"] == "warning" and "torn-0123456789abcdef" in check["findings"][0]["text"]
