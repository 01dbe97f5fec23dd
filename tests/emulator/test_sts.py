# SPDX-License-Identifier: MIT
"""STS: roles, web identities, external ids, lifetimes; credentials that work."""
import datetime
import time
import urllib.parse

import botocore
import botocore.config
import botocore.credentials
import botocore.session
import pytest

from emulator import ALIAS, code_of

ACCOUNT = "111122223333"


def role_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


@pytest.fixture
def sts(emulator):
    emulator.control("POST", "/identities", {
        "roles": [{"name": "reader", "policy": {"allow_operations": ["Decrypt", "GenerateRandom"]}},
                  {"name": "partner", "external_id": "shared-secret"},
                  {"name": "long", "max_seconds": 43200}],
        "web_identities": [{"token": "good-token", "subject": "system:pod"},
                           {"token": "x" * 15000},
                           {"token": "old-token", "expires_in_s": -5}]})
    return emulator.client("sts")


def credentials_of(answer):
    c = answer["Credentials"]
    return botocore.credentials.Credentials(
        c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"]
    )


def test_assume_role_gives_credentials_with_the_roles_policy(emulator, sts):
    answer = sts.assume_role(RoleArn=role_arn("reader"), RoleSessionName="me@host")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/me@host"
    left = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert 3590 < left.total_seconds() <= 3600
    kms = emulator.client(credentials=credentials_of(answer))
    assert kms.generate_random(NumberOfBytes=1)
    code, message, _ = code_of(lambda: kms.encrypt(KeyId=ALIAS, Plaintext=b"x"))
    assert code == "AccessDeniedException"
    assert f"User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/me@host is not" in message


def test_the_duration_is_honoured_and_bounded(emulator, sts):
    def left(role, seconds):
        answer = sts.assume_role(
            RoleArn=role_arn(role), RoleSessionName="me", DurationSeconds=seconds
        )
        return (
            answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
        ).total_seconds()
    assert 890 < left("reader", 900) <= 900
    assert 43190 < left("long", 43200) <= 43200
    sts = emulator.client("sts", parameter_validation=False)
    for role, seconds in (("reader", 3601), ("long", 43201), ("long", 899)):
        code, _, status = code_of(lambda: left(role, seconds))
        assert (code, status) == ("ValidationError", 400)


def test_the_external_id_is_enforced(sts):
    arguments = {"RoleArn": role_arn("partner"), "RoleSessionName": "me"}
    assert sts.assume_role(ExternalId="shared-secret", **arguments)
    for more in ({}, {"ExternalId": "another"}):
        code, message, status = code_of(lambda: sts.assume_role(**arguments, **more))
        assert (code, status) == ("AccessDenied", 403)
        assert "not authorized to perform: sts:AssumeRole on resource" in message


def test_assume_role_asks_for_permission_by_operation_and_not_by_key(emulator, sts):
    for policy, passes in (
        ({"allow_keys": ["x"]}, True),
        ({"deny_operations": ["AssumeRole"]}, False),
    ):
        emulator.control("POST", "/identities", {"access_keys": [
            {"id": "AKIASTS", "secret": "s", "policy": policy}]})
        limited = emulator.client("sts", botocore.credentials.Credentials("AKIASTS", "s"))

        def assume():
            return limited.assume_role(RoleArn=role_arn("reader"), RoleSessionName="me")
        if passes:
            assert assume()
        else:
            assert code_of(assume)[0] == "AccessDenied"


def test_unknown_roles_and_bad_session_names_are_refused(sts):
    assert (
        code_of(lambda: sts.assume_role(RoleArn=role_arn("unknown"), RoleSessionName="me"))[0]
        == "AccessDenied"
    )
    assert (
        code_of(lambda: sts.assume_role(RoleArn=role_arn("reader"), RoleSessionName="a b"))[0]
        == "ValidationError"
    )


def test_a_lifetime_can_be_made_very_short(emulator, sts):
    emulator.control("POST", "/sts", {"lifetime_s": 1})
    kms = emulator.client(credentials=credentials_of(
        sts.assume_role(RoleArn=role_arn("reader"), RoleSessionName="me")))
    assert kms.generate_random(NumberOfBytes=1)
    time.sleep(1.1)
    assert code_of(lambda: kms.generate_random(NumberOfBytes=1))[0] == "ExpiredTokenException"
    emulator.control("POST", "/sts", {"lifetime_s": None})


def test_get_caller_identity(emulator, sts):
    who = sts.get_caller_identity()
    assert who["Account"] == ACCOUNT
    assert who["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/" + emulator.ready["access_key_id"]


def test_signatures_are_verified_with_the_errors_of_sts(emulator, sts):
    good = emulator.credentials()
    wrong_secret = botocore.credentials.Credentials(good.access_key, "x" * 40)
    unknown = botocore.credentials.Credentials("AKIAUNKNOWN", "x" * 40)
    expired = credentials_of(sts.assume_role(RoleArn=role_arn("reader"), RoleSessionName="me"))
    emulator.control("POST", "/clock", {"offset_s": 280})
    for credentials, code in (
        (wrong_secret, "SignatureDoesNotMatch"),
        (unknown, "InvalidClientTokenId"),
    ):
        seen, _, status = code_of(emulator.client("sts", credentials).get_caller_identity)
        assert (seen, status) == (code, 403)
    emulator.control("POST", "/sts", {"lifetime_s": -1})
    expired = credentials_of(sts.assume_role(RoleArn=role_arn("reader"), RoleSessionName="me"))
    seen, _, status = code_of(emulator.client("sts", expired).get_caller_identity)
    assert (seen, status) == ("ExpiredToken", 403)


def test_an_unsigned_assume_role_is_refused(emulator):
    body = urllib.parse.urlencode({"Action": "AssumeRole", "Version": "2011-06-15",
                                   "RoleArn": role_arn("reader"), "RoleSessionName": "me"})
    answer = emulator.send(
        "POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    )
    assert answer.status == 403 and b"<Code>MissingAuthenticationToken</Code>" in answer.body


def unsigned_client(emulator):
    return botocore.session.get_session().create_client(
        "sts",
        region_name="us-east-1",
        endpoint_url=emulator.ready["url"],
        config=botocore.config.Config(
            signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}
        ),
    )


@pytest.mark.parametrize("token", ["good-token", "x" * 15000])
def test_a_web_identity_needs_no_signature(emulator, sts, token):
    answer = unsigned_client(emulator).assume_role_with_web_identity(
        RoleArn=role_arn("reader"), RoleSessionName="pod", WebIdentityToken=token)
    assert emulator.client(credentials=credentials_of(answer)).generate_random(NumberOfBytes=1)


@pytest.mark.parametrize("token,code", [
    ("old-token", "ExpiredTokenException"), ("forged", "InvalidIdentityToken")])
def test_bad_web_identities_are_refused(emulator, sts, token, code):
    seen, _, status = code_of(lambda: unsigned_client(emulator).assume_role_with_web_identity(
        RoleArn=role_arn("reader"), RoleSessionName="pod", WebIdentityToken=token))
    assert (seen, status) == (code, 400)


def test_faults_of_sts_are_xml(emulator, sts):
    emulator.fault("throttle", "sts:*")
    code, _, status = code_of(sts.get_caller_identity)
    assert (code, status) == ("Throttling", 400)
    emulator.fault(
        "http_status", "AssumeRoleWithWebIdentity", status=400, code="IDPCommunicationError"
    )
    assert code_of(lambda: unsigned_client(emulator).assume_role_with_web_identity(
        RoleArn=role_arn("reader"), RoleSessionName="pod", WebIdentityToken="good-token"))[0] == \
        "IDPCommunicationError"
    assert emulator.counters()["operations"]["sts:GetCallerIdentity"] == 1
