# SPDX-License-Identifier: MIT
"""Where a real server takes its AWS identity from (docs/aws.md), and that no secret of it is shown."""

import json

from lab import aws_client, process
from lab.aws_plugin import make_table, readable, refusal, said, status, usable, wait_usable

ROLE = "arn:aws:iam::111122223333:role/okr-server"
NO_INSTANCE = {"AWS_EC2_METADATA_DISABLED": "true"}


def identity(kms, name: str, **more) -> dict[str, str]:
    """A new access key of the emulator, with a secret that can be searched for."""
    keys = {"id": f"AKIAOKRTEST{name.upper():0<9}", "secret": f"secret{name}0123456789/ABCDEFGHIJKLMNOPQRSTU"[:40]}
    kms.control("POST", "/identities", {"access_keys": [{**keys, **more}]})
    return keys


def as_profile(keys: dict[str, str]) -> str:
    return f"aws_access_key_id = {keys['id']}\naws_secret_access_key = {keys['secret']}\n"


def server_with(make_server, kms, environment, *, name="m"):
    """A server with one key file and nothing of the emulator's own credentials in its environment."""
    server = make_server(kms, name=name, options=["--aws-key-management-log-level=Trace",
                                                  "--aws-key-management-startup-deadline=0"])
    server.environment = environment
    aws_client.stock_file(kms, server.data, 1)
    return server


def everything_shown(server) -> str:
    return server.error_log() + str(server.sql(
        "SHOW GLOBAL STATUS; SHOW GLOBAL VARIABLES; SHOW PLUGINS; SELECT * FROM information_schema.SYSTEM_VARIABLES"
        " WHERE VARIABLE_NAME LIKE 'aws%'"))


def test_every_source_of_credentials(kms, make_server, directory):
    names = ["environment", "shared", "process", "config", "base", "container", "hidden"]
    keys = {name: identity(kms, name) for name in names}
    token = "token-of-the-pod-0123456789"
    kms.control("POST", "/identities", {"roles": [{"name": "okr-server"}], "web_identities": [
        {"token": token, "subject": "system:pod"}]})
    kms.control("POST", "/imds", {"container_authorization": "container-secret-4711"})
    (directory / "token").write_text(token)
    (directory / "keys.json").write_text(json.dumps(
        {"Version": 1, "AccessKeyId": keys["process"]["id"], "SecretAccessKey": keys["process"]["secret"]}))
    credentials, config = directory / "credentials", directory / "config"
    credentials.write_text(f"[shared]\n{as_profile(keys['shared'])}[base]\n{as_profile(keys['base'])}")
    config.write_text(f"[profile process]\ncredential_process = cat {directory}/keys.json\n"
                      f"[profile config]\n{as_profile(keys['config'])}"
                      f"[profile role]\nrole_arn = {ROLE}\nsource_profile = base\n"
                      f"[profile web]\nrole_arn = {ROLE}\nweb_identity_token_file = {directory}/token\n")
    files = {"AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_CONFIG_FILE": str(config), **NO_INSTANCE,
             "AWS_ENDPOINT_URL_STS": kms.url}
    environment_keys = {"AWS_ACCESS_KEY_ID": keys["environment"]["id"],
                        "AWS_SECRET_ACCESS_KEY": keys["environment"]["secret"]}
    sources = {
        "environment": {**environment_keys, "AWS_PROFILE": "shared", **files},
        "profile shared (keys in the credentials file)": {"AWS_PROFILE": "shared", **files},
        "profile process (credential_process)": {"AWS_PROFILE": "process", **files},
        "profile config (keys in the config file)": {"AWS_PROFILE": "config", **files},
        "profile role (assume role)": {"AWS_PROFILE": "role", **files},
        "profile web (web identity)": {"AWS_PROFILE": "web", **files},
        "web identity": {"AWS_WEB_IDENTITY_TOKEN_FILE": str(directory / "token"), "AWS_ROLE_ARN": ROLE, **files},
        "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": kms.url + "/container/creds",
                      "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-secret-4711", **files},
        "imds": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": kms.url},
    }
    server = server_with(make_server, kms, {})
    for number, (source, environment) in enumerate(sources.items()):
        server.environment = environment
        kms.reset_counters()
        server.start()
        rows = status(server)
        assert rows["credential_source"] == source, rows
        assert rows["versions_loaded"] == str(number + 1), f"{source}: {said(server)[-2000:]}"
        assert f"AWS credentials from {rows['credential_source']}, access key A" in said(server)
        make_table(server, f"t{number}", 10 + number)
        assert kms.counters()["errors"] == {}
        server.stop()
    server.start()
    shown = everything_shown(server)
    for secret in [token, "container-secret-4711", *(pair["secret"] for pair in keys.values())]:
        assert secret not in shown
    for name in ("environment", "shared", "process", "config"):
        assert keys[name]["id"] in shown, "which access key it is may be known"
    server.stop()
    kms.control("POST", "/imds", {"container_authorization": ""})


def test_without_credentials_the_message_says_what_was_tried(kms, make_server):
    server = server_with(make_server, kms, NO_INSTANCE).start()
    assert status(server)["credential_source"] == ""
    for text in (said(server), refusal(server, 2)):
        assert "no AWS credentials are configured (" in text
        for source in ("environment: ", "profile default (assume role): ", "profile default (web identity): ",
                       "profile default (keys in the credentials file): ", "profile default (credential_process): ",
                       "container: ", "imds: "):
            assert source in text, f"{source} in {text}"
    keys = identity(kms, "late")
    home = server.directory / ".aws"
    home.mkdir()
    (home / "credentials").write_text(f"[default]\n{as_profile(keys)}")
    wait_usable(server, 1, 2)  # No restart.
    assert status(server)["credential_source"] == "profile default (keys in the credentials file)"
    assert keys["secret"] not in everything_shown(server)
    server.stop()


def test_half_or_unsafe_settings_are_named(kms, make_server):
    cases = [({"AWS_ACCESS_KEY_ID": "AKIAOKRTESTHALF00000", **NO_INSTANCE},
              "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"),
             ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/creds", **NO_INSTANCE}, "192.0.2.1"),
             ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"},
              "no answer from the instance metadata service")]
    server = server_with(make_server, kms, {})
    for environment, expected in cases:
        server.environment = environment
        server.start()
        assert expected in refusal(server, 2)
        server.stop()
    server.environment = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": kms.url}
    kms.control("POST", "/imds", {"token_hangs": True})
    try:
        server.start()
        assert "hop limit" in refusal(server, 2)
    finally:
        kms.control("POST", "/imds", {"token_hangs": False})
    wait_usable(server, 2, seconds=6)
    server.stop()


def test_replaced_keys_are_picked_up_without_a_restart(kms, make_server, directory):
    old, new = identity(kms, "old"), identity(kms, "new")
    path = directory / "credentials"
    path.write_text(f"[default]\n{as_profile(old)}")
    server = server_with(make_server, kms, {"AWS_SHARED_CREDENTIALS_FILE": str(path), **NO_INSTANCE}).start()
    make_table(server, "t", 2)
    kms.control("DELETE", f"/identities/{old['id']}")
    refused = refusal(server, 3)
    assert "UnrecognizedClientException" in refused and "AWS does not know this access key" in refused
    path.write_text(f"[default]\n{as_profile(new)}")
    wait_usable(server, 3, seconds=8)
    assert new["id"] in said(server)
    old, new = new, identity(kms, "newer")
    path.write_text(f"[default]\n{as_profile(new)}")
    kms.control("DELETE", f"/identities/{old['id']}")
    assert usable(server, 4), "the refused call itself fetches the new keys"
    weak = identity(kms, "weak", policy={"allow_operations": ["Decrypt"]})
    path.write_text(f"[default]\n{as_profile(weak)}")
    kms.control("DELETE", f"/identities/{new['id']}")
    refused = refusal(server, 5)
    assert "is not authorized to perform: kms:GenerateDataKeyWithoutPlaintext" in refused
    assert "allow the operation for this identity in its IAM policy and in the policy of the KMS key" in refused
    server.restart()
    assert readable(server, "t"), "existing keys need kms:Decrypt only"
    shown = everything_shown(server)
    assert old["secret"] not in shown and new["secret"] not in shown
    server.stop()


def test_credentials_that_end_are_renewed(kms, make_server):
    def asked() -> int:
        return sum(count for name, count in kms.counters()["operations"].items() if name.startswith("imds:"))
    kms.control("POST", "/imds", {"lifetime_s": 3})
    try:
        server = server_with(make_server, kms, {"AWS_EC2_METADATA_SERVICE_ENDPOINT": kms.url}).start()
        ids = iter(range(100, 1000))
        before = asked()

        def renewed():
            assert usable(server, next(ids)), "at no moment are there none"
            return asked() >= before + 3
        process.wait_until(renewed, "new credentials of the instance", 20, every=0.3)
        server.stop()
    finally:
        kms.control("POST", "/imds", {"lifetime_s": 21600})
