# SPDX-License-Identifier: MIT
"""The same cases against the emulator and against moto, an independent KMS.

What passes on both is not just our own idea of KMS. moto is known to differ
from AWS (MOTO_DIFFERS); there the emulator keeps to AWS, and the case says
what moto does instead.

moto comes from tests/lab (Debian sid), or from MOTO_URL with
MOTO_ACCESS_KEY_ID and MOTO_SECRET_ACCESS_KEY when that is set.
"""
import http.client
import json
import os
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.session
import pytest

import emulator as emulator_module
from emulator import ALIAS, code_of

from lab.patience import seconds

MOTO_DIFFERS = {
    "auth": "moto answers auth errors as XML with 403, AWS KMS as JSON with 400",
    "date": "moto does not check the date",
    "state": "in moto disabled keys and keys pending deletion still work",
    "key_id": "moto gives AccessDeniedException for a wrong KeyId, AWS IncorrectKeyException",
    "dry_run": "moto ignores DryRun",
}


class Server:
    """A KMS to ask: an emulator or moto."""

    def __init__(self, name, url, region, access_key, secret_key):
        self.name, self.url, self.region = name, url, region
        self.credentials = botocore.credentials.Credentials(access_key, secret_key)

    @property
    def is_moto(self):
        return self.name == "moto"

    def client(self, credentials=None):
        credentials = credentials or self.credentials
        return botocore.session.get_session().create_client(
            "kms", region_name=self.region, endpoint_url=self.url,
            aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key,
            config=botocore.config.Config(retries={"total_max_attempts": 1}))

    def send(self, operation, body, spoil=lambda headers, text: (headers, text)):
        """A request signed by botocore and then spoilt: status and body."""
        text = json.dumps(body)
        request = botocore.awsrequest.AWSRequest(
            "POST",
            self.url + "/",
            data=text,
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": "TrentService." + operation,
            },
        )
        botocore.auth.SigV4Auth(self.credentials, "kms", self.region).add_auth(request)
        headers, text = spoil(dict(request.headers.items()), text)
        url = urllib.parse.urlsplit(self.url)
        headers.setdefault("Host", url.netloc)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=seconds(20))
        connection.request("POST", "/", text, headers)
        return emulator_module.Answer(connection.getresponse())


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    if url := os.environ.get("MOTO_URL"):
        server = Server(
            "moto",
            url.rstrip("/"),
            "us-east-1",
            os.environ.get("MOTO_ACCESS_KEY_ID", "test"),
            os.environ.get("MOTO_SECRET_ACCESS_KEY", "test"),
        )
        yield prepared(server)
        return
    lab = pytest.importorskip("lab.moto", reason="neither MOTO_URL nor tests/lab is there")
    with lab.Moto(tmp_path_factory.mktemp("moto"), region="us-east-1").start() as running:
        yield prepared(
            Server("moto", running.url, running.region, running.access_key, running.secret_key)
        )


def prepared(server):
    """With the two aliases that the emulator of conftest.py has."""
    kms = server.client()
    there = {alias["AliasName"] for alias in kms.list_aliases()["Aliases"]}
    for alias in {ALIAS, "alias/other"} - there:
        kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    return server


@pytest.fixture(params=["emulator", pytest.param("moto", marks=pytest.mark.sid)])
def server(request):
    if request.param == "moto":
        return request.getfixturevalue("moto")
    running = request.getfixturevalue("emulator")
    return Server("emulator", running.ready["url"], running.ready["region"],
                  running.ready["access_key_id"], running.ready["secret_access_key"])


@pytest.fixture
def kms(server):
    return server.client()


def test_a_data_key_can_be_decrypted(kms):
    made = kms.generate_data_key(KeyId=ALIAS, KeySpec="AES_256")
    assert len(made["Plaintext"]) == 32
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"])
    assert opened["Plaintext"] == made["Plaintext"]
    assert opened["KeyId"] == made["KeyId"] == kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"]


def test_a_data_key_without_plaintext(kms):
    made = kms.generate_data_key_without_plaintext(KeyId=ALIAS, NumberOfBytes=24)
    assert "Plaintext" not in made
    assert len(kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]) == 24


def test_encrypt_decrypt_by_every_form_of_key_id(kms):
    metadata = kms.describe_key(KeyId=ALIAS)["KeyMetadata"]
    alias_arn = metadata["Arn"].rsplit(":", 1)[0] + ":" + ALIAS
    for key_id in (ALIAS, metadata["Arn"], metadata["KeyId"], alias_arn):
        sealed = kms.encrypt(KeyId=key_id, Plaintext=b"text")
        assert sealed["KeyId"] == metadata["Arn"]
        assert (
            kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], KeyId=key_id)["Plaintext"]
            == b"text"
        )


def test_contexts_are_enforced(kms):
    blob = kms.encrypt(KeyId=ALIAS, Plaintext=b"x", EncryptionContext={"a": "1", "b": "2"})[
        "CiphertextBlob"
    ]
    assert (
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"b": "2", "a": "1"})["Plaintext"]
        == b"x"
    )
    for wrong in ({}, {"a": "1"}, {"a": "1", "b": "3"}):
        code, _, status = code_of(lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext=wrong))
        assert (code, status) == ("InvalidCiphertextException", 400)


def test_re_encrypt(kms):
    blob = kms.encrypt(KeyId=ALIAS, Plaintext=b"x")["CiphertextBlob"]
    moved = kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId="alias/other")
    assert moved["KeyId"] == kms.describe_key(KeyId="alias/other")["KeyMetadata"]["Arn"]
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"x"


@pytest.mark.parametrize("key_id", [
    "alias/unknown", "00000000-0000-4000-8000-000000000000"])
def test_unknown_keys_are_not_found(kms, key_id):
    assert code_of(lambda: kms.describe_key(KeyId=key_id))[0] == "NotFoundException"
    code, _, status = code_of(lambda: kms.generate_data_key(KeyId=key_id, KeySpec="AES_256"))
    assert (code, status) == ("NotFoundException", 400)


@pytest.mark.parametrize("operation,body", [
    ("Encrypt", {"KeyId": ALIAS, "Plaintext": "QUFB" * 1366}),  # 4098 bytes
    ("Encrypt", {"KeyId": ALIAS, "Plaintext": ""}),
    ("GenerateDataKey", {"KeyId": ALIAS}),
    ("GenerateDataKey", {"KeyId": ALIAS, "NumberOfBytes": 1025}),
    ("GenerateDataKey", {"KeyId": ALIAS, "KeySpec": "AES_257"}),
    ("GenerateDataKey", {"KeyId": ALIAS, "KeySpec": "AES_256", "NumberOfBytes": 32}),
    ("GenerateRandom", {"NumberOfBytes": 1025})])
def test_broken_limits(server, operation, body):
    answer = server.send(operation, body)
    assert (answer.status, answer.code()) == (400, "ValidationException")


def test_generate_random(kms):
    assert len(kms.generate_random(NumberOfBytes=99)["Plaintext"]) == 99


def test_rotation_on_demand_keeps_old_ciphertext(server, kms):
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key_id, Plaintext=b"old")["CiphertextBlob"]
    answer = server.send("RotateKeyOnDemand", {"KeyId": key_id})
    if answer.status != 200 and server.is_moto:
        pytest.skip("this moto does not rotate on demand")
    assert answer.status == 200
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"old"


def test_automatic_rotation_is_switched(kms):
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    assert not kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]
    kms.enable_key_rotation(KeyId=key_id)
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]
    kms.disable_key_rotation(KeyId=key_id)
    assert not kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]


def test_aliases(kms):
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/contract", TargetKeyId=key_id)
    try:
        assert (
            code_of(lambda: kms.create_alias(AliasName="alias/contract", TargetKeyId=key_id))[0]
            == "AlreadyExistsException"
        )
        assert "alias/contract" in [
            a["AliasName"] for a in kms.list_aliases(KeyId=key_id)["Aliases"]
        ]
    finally:
        kms.delete_alias(AliasName="alias/contract")


def test_key_states_are_told(kms):
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]

    def state():
        return kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"]
    assert state() == "Enabled"
    kms.disable_key(KeyId=key_id)
    assert state() == "Disabled"
    kms.enable_key(KeyId=key_id)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    assert state() == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=key_id)
    assert state() == "Disabled"


def test_keys_that_are_off_refuse(server, kms):
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key_id)
    if server.is_moto:
        pytest.skip(MOTO_DIFFERS["state"])
    assert code_of(lambda: kms.encrypt(KeyId=key_id, Plaintext=b"x"))[0] == "DisabledException"


def test_decrypt_with_another_key_id(server, kms):
    blob = kms.encrypt(KeyId=ALIAS, Plaintext=b"x")["CiphertextBlob"]
    code = code_of(lambda: kms.decrypt(CiphertextBlob=blob, KeyId="alias/other"))[0]
    expected = "AccessDeniedException" if server.is_moto else "IncorrectKeyException"
    assert code == expected, MOTO_DIFFERS["key_id"]


# Signatures: both must refuse; how they say it differs.

def spoil_body(headers, text):
    return headers, text + " "


def spoil_header(headers, text):
    return {**headers, "Content-Type": "application/x-amz-json-1.0"}, text


def spoil_signature(headers, text):
    value = headers["Authorization"]
    return {**headers, "Authorization": value[:-1] + ("0" if value[-1] != "0" else "1")}, text


@pytest.mark.parametrize("spoil", [spoil_body, spoil_header, spoil_signature])
def test_spoilt_signatures_are_refused(server, spoil):
    body = {"NumberOfBytes": 1}
    assert server.send("GenerateRandom", body).status == 200
    answer = server.send("GenerateRandom", body, spoil)
    if server.is_moto:
        assert answer.status == 403 and b"SignatureDoesNotMatch" in answer.body, MOTO_DIFFERS[
            "auth"
        ]
    else:
        assert (answer.status, answer.code()) == (400, "InvalidSignatureException")


def test_unknown_access_keys_are_refused(server):
    stranger = server.client(botocore.credentials.Credentials("AKIAIOSFODNN7STRANGE", "x" * 40))
    code, _, status = code_of(lambda: stranger.generate_random(NumberOfBytes=1))
    expected = (
        ("InvalidClientTokenId", 403) if server.is_moto else ("UnrecognizedClientException", 400)
    )
    # botocore finds no code in moto's XML, since KMS speaks JSON.
    assert status == expected[1] and (server.is_moto or code == expected[0]), MOTO_DIFFERS["auth"]
