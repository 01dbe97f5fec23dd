# SPDX-License-Identifier: MIT
"""Instance metadata (version 2 and 1) and the container endpoint."""
import botocore.credentials
import botocore.utils
import pytest

TTL = {"x-aws-ec2-metadata-token-ttl-seconds": "21600"}
ROLES = "/latest/meta-data/iam/security-credentials/"
DEFAULTS = {"v1": False, "token_status": 200, "token_hangs": False, "get_status": 200,
            "role": "emulator-role", "lifetime_s": 21600, "container_path": "/container/creds",
            "container_authorization": ""}


@pytest.fixture
def imds(emulator):
    emulator.control("POST", "/imds", DEFAULTS)
    yield lambda **more: emulator.control("POST", "/imds", more)
    emulator.control("POST", "/imds", DEFAULTS)


def token_of(emulator):
    answer = emulator.send("PUT", "/latest/api/token", headers=TTL)
    assert answer.status == 200
    return {"x-aws-ec2-metadata-token": answer.body.decode()}


def works(emulator, json):
    credentials = botocore.credentials.Credentials(
        json["AccessKeyId"], json["SecretAccessKey"], json["Token"]
    )
    return emulator.client(credentials=credentials).generate_random(NumberOfBytes=1)


def test_version_two_gives_role_credentials_and_region(emulator, imds):
    token = token_of(emulator)
    assert emulator.send("GET", ROLES, headers=token).body == b"emulator-role"
    json = emulator.send("GET", ROLES + "emulator-role", headers=token).json()
    assert json["Code"] == "Success" and json["Expiration"].endswith("Z")
    assert works(emulator, json)
    again = emulator.send("GET", ROLES + "emulator-role", headers=token).json()
    assert again["AccessKeyId"] == json["AccessKeyId"]
    assert (
        emulator.send("GET", "/latest/meta-data/placement/region", headers=token).body
        == b"us-east-1"
    )
    assert emulator.send("GET", ROLES + "another", headers=token).status == 404
    assert emulator.send("GET", "/latest/meta-data/other", headers=token).status == 404


def test_botocore_gets_credentials_there(emulator, imds):
    fetcher = botocore.utils.InstanceMetadataFetcher(
        timeout=2, num_attempts=1, base_url=emulator.ready["url"])
    seen = fetcher.retrieve_iam_role_credentials()
    assert seen["role_name"] == "emulator-role"
    assert works(
        emulator,
        {
            "AccessKeyId": seen["access_key"],
            "SecretAccessKey": seen["secret_key"],
            "Token": seen["token"],
        },
    )


def test_without_a_good_token_nothing_is_given(emulator, imds):
    for headers in ({}, {"x-aws-ec2-metadata-token": "forged"}):
        assert emulator.send("GET", ROLES, headers=headers).status == 401
    for ttl in ("0", "21601", "x", None):
        headers = {} if ttl is None else {"x-aws-ec2-metadata-token-ttl-seconds": ttl}
        assert emulator.send("PUT", "/latest/api/token", headers=headers).status == 400
    assert (
        emulator.send("PUT", "/latest/api/token", headers={**TTL, "X-Forwarded-For": "a"}).status
        == 403
    )


def test_a_token_ends(emulator, imds):
    answer = emulator.send(
        "PUT", "/latest/api/token", headers={"x-aws-ec2-metadata-token-ttl-seconds": "60"}
    )
    token = {"x-aws-ec2-metadata-token": answer.body.decode()}
    assert emulator.send("GET", ROLES, headers=token).status == 200
    emulator.control("POST", "/clock", {"offset_s": 61})
    assert emulator.send("GET", ROLES, headers=token).status == 401


def test_version_one_when_allowed(emulator, imds):
    imds(v1=True)
    assert emulator.send("GET", ROLES).status == 200
    assert emulator.send("GET", ROLES, headers={"x-aws-ec2-metadata-token": "forged"}).status == 401


@pytest.mark.parametrize("status", [403, 404, 405, 503])
def test_the_put_can_be_refused(emulator, imds, status):
    imds(token_status=status)
    assert emulator.send("PUT", "/latest/api/token", headers=TTL).status == status


def test_the_put_can_hang(emulator, imds):
    imds(token_hangs=True)
    with pytest.raises(TimeoutError):
        emulator.send("PUT", "/latest/api/token", headers=TTL, timeout=0.3)


def test_the_service_can_be_down_or_without_a_role(emulator, imds):
    imds(get_status=503)
    assert emulator.send("GET", ROLES, headers=token_of(emulator)).status == 503
    imds(get_status=200, role="")
    assert emulator.send("GET", ROLES, headers=token_of(emulator)).status == 404


def test_credentials_can_be_short_lived_or_expired(emulator, imds):
    imds(lifetime_s=-60)
    json = emulator.send("GET", ROLES + "emulator-role", headers=token_of(emulator)).json()
    credentials = botocore.credentials.Credentials(
        json["AccessKeyId"], json["SecretAccessKey"], json["Token"]
    )
    answer = emulator.call("GenerateRandom", {"NumberOfBytes": 1}, credentials=credentials)
    assert answer.code() == "ExpiredTokenException"


def test_the_container_endpoint(emulator, imds):
    json = emulator.send("GET", "/container/creds").json()
    assert set(json) == {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    assert works(emulator, json)
    imds(container_path="/v2/credentials/x", container_authorization="Basic abc")
    assert emulator.send("GET", "/container/creds").status == 404
    assert emulator.send("GET", "/v2/credentials/x").status == 401
    assert (
        emulator.send("GET", "/v2/credentials/x", headers={"Authorization": "Basic abd"}).status
        == 401
    )
    assert (
        emulator.send("GET", "/v2/credentials/x", headers={"Authorization": "Basic abc"}).status
        == 200
    )


def test_faults_and_counters_know_these_services(emulator, imds):
    emulator.fault("http_status", "imds:PutToken", status=500, body="")
    assert emulator.send("PUT", "/latest/api/token", headers=TTL).status == 500
    emulator.fault("html", "container:*")
    assert emulator.send("GET", "/container/creds").status == 502
    seen = emulator.counters()["operations"]
    assert seen == {"imds:PutToken": 1, "container:GetCredentials": 1}


def test_the_role_named_in_the_options_has_its_policy(emulator, imds):
    emulator.control("POST", "/identities", {"roles": [
        {"name": "narrow", "policy": {"allow_operations": ["Encrypt"]}}]})
    imds(role="narrow")
    json = emulator.send("GET", "/container/creds").json()
    credentials = botocore.credentials.Credentials(
        json["AccessKeyId"], json["SecretAccessKey"], json["Token"]
    )
    assert (
        emulator.call("GenerateRandom", {"NumberOfBytes": 1}, credentials=credentials).code()
        == "AccessDeniedException"
    )
