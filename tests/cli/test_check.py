# SPDX-License-Identifier: MIT
"""check: the likeliest mistakes of an installation, each with its cause and its cure."""

import json
import os
import re
import subprocess

import conftest
import ctl
import pytest

from check_reports import ERRORS, by_server, finding, loaded, results
from lab import aws_client, certificates, kmip_component, process


def test_every_check_has_an_anchor_and_every_anchor_a_check(good):
    text = ERRORS.read_text()
    anchors = set(re.findall(r'<a id="check-([a-z-]+)"></a>', text))
    found = results(good.ctl("check", "--json"))
    assert anchors == set(found)
    for name, check in found.items():
        assert check["anchor"] == f"docs/errors.md#check-{name}"


def test_a_good_keyring_has_no_failure_on_any_product(filled):
    loaded(filled)
    done = filled.ctl("check", "--json")
    failed = {name: check for name, check in results(done).items() if check["state"] == "failed"}
    assert not failed and done.code == 0, failed
    assert done.json()["would_find_keys"] is True
    assert filled.ctl("check").out.count("yes: ") == 1


@pytest.mark.parametrize("options,text,starts", [
    ({"kms_kye": "x"}, "did you mean", True),  # A server starts with it.
    ({"kms_key": None}, "kms_key is missing", False),
])
def test_wrong_options(good, kms, options, text, starts):
    changed = {**conftest.kms_options(kms, good.directory), **options}
    good.configure({name: value for name, value in changed.items() if value is not None})
    done = good.ctl("check", "--json")
    assert finding(done, "config", text)["state"] == "failed" and done.code == 3
    assert done.json()["would_find_keys"] is starts
    done = good.ctl("check", "--json", "--skip", "keys")
    assert done.json()["would_find_keys"] is (None if starts else False), "whatever the keys are"


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
    ({"components": "file://component_x,file://component_keyring_x,file://component_keyring_kms"},
     "and the server loads the first keyring only"),
    (["file://component_keyring_kms"], "is not a JSON object"),
])
def test_manifests(good, server, manifest, text):
    server()
    if manifest is not None:
        (good.directory / "bin/mysqld.my").write_text(json.dumps(manifest))
    (good.plugin / "component_keyring_kms.so").write_text("")
    done = by_server(good, "--product", "component_keyring_kms")
    assert finding(done, "manifest", text)["state"] == "failed"
    assert len(results(done)["manifest"]["findings"]) == 1
    assert results(done)["library"]["state"] == results(done)["keys"]["state"] == "ok"
    assert done.json()["would_find_keys"] is False, "a start would load no keyring"
    assert finding(done, "start", "see the checks above")["state"] == "failed"


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
    (good.directory / "bin/mysqld.my").write_text('{"components": "file://component_keyring_kms"}')
    (good.plugin / "component_keyring_kms.so").write_text("")
    done = by_server(good)
    found = finding(done, "manifest", "which is a component and not a plugin")
    assert found["state"] == "warning" and done.json()["would_find_keys"] is True, (
        "the server logs an error, and loads it by the manifest")


def test_a_plugin_that_is_not_loaded_or_too_late(make_keyring, server):
    keyring = make_keyring("keyring_aws")
    keyring.write("store k - AES")
    (keyring.plugin / "keyring_aws.so").write_text("")

    def refused(done, text):
        """For this reason alone a start finds no key."""
        finding(done, "manifest", text)
        assert results(done)["library"]["state"] == results(done)["keys"]["state"] == "ok"
        assert done.json()["would_find_keys"] is False

    refused(keyring.ctl("check", "--json", "--plugin-dir", keyring.plugin),
            "no option of the server loads")
    server("--plugin-load-add=keyring_aws.so", *keyring.variables)
    refused(by_server(keyring), "after InnoDB has asked for its keys")


@pytest.mark.parametrize("product", ["aws_key_management", "keyring_aws"])
@pytest.mark.parametrize("value,state", [("FORCE_PLUS_PERMANENT", "ok"), ("force", "ok"),
                                         ("ON", "warning"), (None, "warning")])
def test_a_plugin_that_the_server_may_start_without(make_keyring, product, value, state):
    keyring = make_keyring(product)
    keyring.write("latest 1" if product == "aws_key_management" else "store k - AES")
    loaded(keyring)
    line = f"{product}=FORCE_PLUS_PERMANENT\n"
    text = keyring.option_file.read_text()
    assert line in text
    keyring.option_file.write_text(text.replace(line, f"{product}={value}\n" if value else ""))
    done = keyring.ctl("check", "--json")
    assert results(done)["manifest"]["state"] == state
    if state == "warning":
        finding(done, "manifest", "the server also starts when the plugin cannot be loaded")
    assert done.json()["would_find_keys"] is True and done.code == 0


def test_a_library_that_is_elsewhere(good, server):
    server()
    (good.directory / "bin/mysqld.my").write_text('{"components": "file://component_keyring_kms"}')
    done = by_server(good, "--product", "component_keyring_kms")
    finding(done, "library", "does not exist, or its directory cannot be read")
    assert results(done)["manifest"]["state"] == results(done)["keys"]["state"] == "ok"
    assert done.json()["would_find_keys"] is False


def slot_options(kms, directory, which: str) -> dict:
    """What only a file with key slots can have."""
    if which == "kms_key":
        return {"kms_key": [{"key": key, "endpoint_url": kms.url}
                            for key in (conftest.ALIAS, "alias/another")]}
    path = directory / which
    if which == "local_unlock_file":
        path.write_bytes(bytes(range(32)))
        path.chmod(0o400)
    else:
        subprocess.run(["openssl", "genrsa", "-out", directory / "rsa", "3072"], check=True,
                       capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", directory / "rsa", "-pubout", "-out", path],
                       check=True, capture_output=True)
    return {which: str(path)}


SLOT_OPTIONS = ["kms_key", "recovery_public_key", "local_unlock_file"]


@pytest.mark.parametrize("which", SLOT_OPTIONS)
def test_a_json_file_with_options_of_key_slots_is_refused_as_by_the_server(make_keyring, kms,
                                                                           directory, which):
    keyring = make_keyring("component_keyring_kms", file_format="percona")
    keyring.write("store k - AES")
    options = {**conftest.kms_options(kms, directory), **slot_options(kms, directory, which)}
    if which == "kms_key":
        del options["endpoint_url"]
    keyring.configure(options)
    refused = keyring.write("list", check=False)
    assert refused.returncode != 0 and "has one KMS key" in refused.stderr
    done = keyring.ctl("check", "--json")
    assert finding(done, "keys", "which has one KMS key")["state"] == "failed"
    assert done.json()["would_find_keys"] is False and done.code == 3
    assert keyring.ctl("verify").code == 2


@pytest.mark.parametrize("which", SLOT_OPTIONS)
def test_key_files_with_options_of_key_slots_are_refused_as_by_the_server(make_keyring, kms,
                                                                          directory, which):
    keyring = make_keyring("aws_key_management", key_store="FILES")
    keyring.write("latest 1")
    loaded(keyring)
    assert keyring.ctl("check", "--json").json()["would_find_keys"] is True
    options = slot_options(kms, directory, which)
    text = keyring.option_file.read_text()
    if which == "kms_key":
        options = {"master_key_id": f"'{json.dumps(options['kms_key'])}'", "endpoint_url": ""}
    for name, value in options.items():
        text += f"aws_key_management_{name}={value}\n"
    keyring.option_file.write_text(text)
    done = keyring.ctl("check", "--json")
    assert results(done)["config"]["state"] == "ok"
    assert finding(done, "keys", "these have one KMS key")["state"] == "failed"
    assert done.json()["would_find_keys"] is False and done.code == 3
    keyring.option_file.write_text(text.replace("key_store=FILES", "key_store=SEALED"))
    done = keyring.ctl("check", "--json")
    assert done.json()["would_find_keys"] is True, "a start makes a key set of them"


def test_an_empty_file_in_place_of_a_sealed_one(good):
    (good.data / "keyring").write_bytes(b"")
    done = good.ctl("check", "--json")
    assert finding(done, "keys", "is missing or empty, but this server's keyring is a sealed file")
    assert done.json()["would_find_keys"] is False and done.code == 3
    assert good.ctl("verify").code == 3
    (good.data / "component_keyring_kms.sealed").unlink()
    assert good.ctl("check", "--json").json()["would_find_keys"] is True, "Percona's first start"


@pytest.mark.parametrize("options,text", [
    ({"master_key_id": "'[\"alias/a\"'"}, "aws_key_management_master_key_id: "),
    ({"master_key_id": "alias/a,alias/b"}, "endpoint_url is for one KMS key"),
    ({"recovery_public_key": "/nowhere/key.pem"}, "aws_key_management_recovery_public_key: "),
    ({"local_unlock_file": "/dev/null"}, "aws_key_management_local_unlock_file: "),
])
def test_options_that_a_start_refuses_before_it_is_one(make_keyring, options, text):
    keyring = make_keyring("aws_key_management")
    assert results(keyring.ctl("check", "--json", "--pre"))["config"]["state"] == "ok"
    with keyring.option_file.open("a") as file:
        file.writelines(f"aws_key_management_{name}={value}\n" for name, value in options.items())
    done = keyring.ctl("check", "--json", "--pre")
    assert finding(done, "config", text)["state"] == "failed" and done.code == 3
    assert done.json()["would_find_keys"] is None


def test_settings_of_aws_that_a_start_refuses(good, kms):
    good.configure({**conftest.kms_options(kms, good.directory), "profile": "missing"})
    for words in ((), ("--pre",)):
        done = good.ctl("check", "--json", *words)
        assert finding(done, "config", "is in neither of the AWS shared files")["state"] == "failed"
        assert done.code == 3


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
        os.chown(good.config, 0, 65534)
        good.directory.chmod(0o755)
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


def test_a_kms_key_of_another_kind(good, kms):
    kind = {"KeyUsage": "GENERATE_VERIFY_MAC", "KeySpec": "HMAC_256"}
    key = aws_client.call(kms, "CreateKey", **kind)["KeyMetadata"]["KeyId"]
    good.configure({**conftest.kms_options(kms, good.directory), "kms_key": key})
    found = finding(good.ctl("check", "--json"), "kms-key", "is not a symmetric encryption key")
    assert found["state"] == "failed" and "(HMAC_256, GENERATE_VERIFY_MAC)" in found["text"]


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


@pytest.mark.parametrize("words", [("--pre",), ("--skip", "keys")])
def test_nagios_says_no_more_than_was_checked(good, words):
    skipped = [word for name in ("tls", "confinement", "memory-lock", "permissions")
               for word in ("--skip", name)]
    read = good.ctl("check", "--format", "nagios", *skipped)
    assert read.code == 0 and read.out.startswith("KEYRING OK - all keys can be read |")
    done = good.ctl("check", "--format", "nagios", *skipped, *words)
    assert done.code == 0 and "keys were not read" in done.out and "can be read" not in done.out


def quiet(*more) -> list[str]:
    """Without the checks that warn here."""
    return [word for name in ("tls", "confinement", "memory-lock", "permissions", *more)
            for word in ("--skip", name)]


def test_nagios_with_strict(good, kms, server):
    words = ("--format", "nagios", "--strict")
    done = good.ctl("check", *words, *quiet())
    assert done.code == 0 and done.out.startswith("KEYRING OK - ")
    done = good.ctl("check", *words)
    assert done.code == 2 and done.out.startswith("KEYRING CRITICAL - tls: "), done
    assert "| failed=0 warnings=" in done.out
    # What the tool itself warned of.
    good.configure({**conftest.kms_options(kms, good.directory), "kms_kye": "x"})
    done = good.ctl("check", *words, *quiet("config"))
    assert done.err.count("warning:") == 1 and done.code == 2, done
    assert done.out.startswith("KEYRING CRITICAL - 1 warning on stderr | failed=0 warnings=0")
    assert good.ctl("check", *words[:2], *quiet("config")).code == 0


@pytest.mark.parametrize("words", [("--config", "/nowhere/my.cnf"), ("--no-such-option",),
                                   ("--skip", "nonsense")])
def test_nagios_hears_that_nothing_was_checked(directory, words):
    done = ctl.run(directory, "check", "--format", "nagios", *words)
    assert done.code == 3 and re.fullmatch("KEYRING UNKNOWN - [^|\n]+\n", done.out), done
    assert done.err.startswith("keyringctl: error: "), "for people, as everywhere"


def test_json_is_one_format_of_others(good, directory):
    as_json = good.ctl("check", "--json")
    as_format = good.ctl("check", "--format=json")
    assert results(as_format).keys() == results(as_json).keys()
    assert good.ctl("check", "--json", "--format", "json").code == as_json.code
    for name in ("text", "prometheus", "nagios"):
        done = good.ctl("check", "--json", "--format", name)
        assert done.code == 2 and "exclude each other" in done.error()["message"]
    done = ctl.run(directory, "check", "--format", "json", "--config", "/nowhere/my.cnf")
    assert done.error()["code"] == 2


def test_no_core_dump_can_be_turned_off(good, directory):
    """Then nothing is done, and it is said as it was asked for."""
    source, library = directory / "limit.c", directory / "limit.so"
    source.write_text("int setrlimit(int a, const void *b) { return a == 4 ? -1 : b == 0; }\n"
                      "int setrlimit64(int a, const void *b) { return setrlimit(a, b); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library], check=True)
    more = {"environment": {"LD_PRELOAD": str(library)}}
    done = good.ctl("list", "--json", **more)
    assert done.code == 1 and done.error()["message"].startswith("core dumps of this process")
    assert good.ctl("list", **more).err.startswith("keyringctl: error: core dumps of this process")
    done = good.ctl("check", "--format", "nagios", **more)
    assert done.code == 3 and done.out.startswith("KEYRING UNKNOWN - core dumps of this process")


def test_strict_makes_a_warning_a_problem(good):
    assert good.ctl("check").code == 0
    assert good.ctl("check", "--strict").code == 3


def test_what_a_crash_left_is_named(good):
    (good.data / "keyring.torn-0123456789abcdef").write_text("x")
    check = results(good.ctl("check", "--json"))["files"]
    assert check["state"] == "warning" and "torn-0123456789abcdef" in check["findings"][0]["text"]


def test_a_yes_names_what_was_not_judged(good):
    def last(*words):
        return results(good.ctl("check", "--json", *words))["start"]["findings"][0]["text"]

    assert last().startswith("yes: ") and "not judged" not in last()
    assert last("--skip", "tls", "--skip", "config").endswith(" key (not judged: config)")
