# SPDX-License-Identifier: MIT
"""What is signed, by whom and when: everything that is not right is refused."""
import json

import botocore.credentials
import pytest

from emulator import ALIAS, code_of

BODY = json.dumps({"KeyId": ALIAS, "KeySpec": "AES_256"})


def send(emulator, headers, body=BODY, method="POST", path="/"):
    return emulator.send(method, path, body, headers)


def good(emulator, **more):
    return emulator.signed_headers("GenerateDataKey", BODY, **more)


def refused(answer, code, text=""):
    assert (answer.status, answer.code()) == (400, code)
    assert text in answer.json().get("message", "")


def test_a_good_signature_passes(emulator):
    assert send(emulator, good(emulator)).status == 200


def test_signed_bytes_cannot_be_changed(emulator):
    text = "does not match the signature you provided"
    refused(
        send(emulator, good(emulator), BODY.replace("256", "128")),
        "InvalidSignatureException",
        text,
    )
    refused(send(emulator, good(emulator), path="/?a=b"), "InvalidSignatureException", text)
    for name, value in (("Host", "kms.us-east-1.amazonaws.com"),
                        ("X-Amz-Target", "TrentService.GenerateDataKeyWithoutPlaintext"),
                        ("Content-Type", "application/x-amz-json-1.1; charset=x")):
        headers = good(emulator)
        assert name.lower() in headers["Authorization"]
        headers[name] = value
        refused(send(emulator, headers), "InvalidSignatureException", text)


def test_the_refusal_shows_what_should_have_been_signed(emulator):
    message = send(emulator, good(emulator), BODY + " ").json()["message"]
    assert "The Canonical String for this request should have been\n'POST\n/\n\n" in message
    assert "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n" in message


def test_a_spoilt_signature_is_refused(emulator):
    for spoil in (lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
                  lambda text: text[:-1], lambda text: text[:-64] + text[-64:].upper()):
        headers = good(emulator)
        headers["Authorization"] = spoil(headers["Authorization"])
        refused(send(emulator, headers), "InvalidSignatureException")


def test_another_secret_is_refused(emulator):
    other = botocore.credentials.Credentials(emulator.ready["access_key_id"], "x" * 40)
    refused(send(emulator, good(emulator, credentials=other)), "InvalidSignatureException")


def test_an_unknown_access_key_is_refused(emulator):
    other = botocore.credentials.Credentials("AKIAUNKNOWN", "x" * 40)
    refused(send(emulator, good(emulator, credentials=other)), "UnrecognizedClientException",
            "The security token included in the request is invalid")


def test_no_authorization_is_refused(emulator):
    headers = good(emulator)
    del headers["Authorization"]
    refused(send(emulator, headers), "MissingAuthenticationTokenException")


@pytest.mark.parametrize("header,text", [
    ("AWS4-HMAC-SHA256 Signature=0, SignedHeaders=host", "requires 'Credential' parameter"),
    ("AWS4-HMAC-SHA256 Credential=a/20261122/us-east-1/kms/aws4_request, SignedHeaders=host",
     "requires 'Signature' parameter"),
    ("AWS4-HMAC-SHA256 Credential=a/20261122/us-east-1/kms/aws4_request, Signature=0",
     "requires 'SignedHeaders' parameter"),
    ("AWS4-HMAC-SHA256 Credential=a/b, Signature=0, SignedHeaders=host", "exactly 5"),
    ("AWS4-ECDSA-P256-SHA256 Credential=a", "Unsupported AWS 'algorithm'"),
    ("Bearer abc", "Unsupported")])
def test_half_an_authorization_is_incomplete(emulator, header, text):
    headers = good(emulator)
    headers["Authorization"] = header
    refused(send(emulator, headers), "IncompleteSignatureException", text)


def test_dates_must_be_there_and_well_formed(emulator):
    headers = good(emulator)
    del headers["X-Amz-Date"]
    refused(send(emulator, headers), "IncompleteSignatureException", "X-Amz-Date")
    headers = good(emulator)
    headers["X-Amz-Date"] = "2026-11-22T00:00:00Z"
    refused(send(emulator, headers), "IncompleteSignatureException", "ISO-8601")


def unsign(headers, name):
    """Takes a name out of SignedHeaders (the signature is then wrong as well)."""
    headers["Authorization"] = headers["Authorization"].replace(name + ";", "")
    return headers


def test_what_matters_must_be_signed(emulator):
    refused(send(emulator, unsign(good(emulator), "host")), "InvalidSignatureException",
            "'Host' or ':authority' must be a 'SignedHeader'")
    headers = good(emulator)
    headers["Authorization"] = headers["Authorization"].replace("x-amz-date;", "")
    refused(send(emulator, headers), "InvalidSignatureException", "'x-amz-date' must be")


def test_signed_headers_must_be_sorted_and_present(emulator):
    headers = good(emulator)
    headers["Authorization"] = headers["Authorization"].replace(
        "host;x-amz-date", "x-amz-date;host"
    )
    refused(send(emulator, headers), "InvalidSignatureException")
    headers = good(emulator, extra={"X-Amz-Extra": "1"})
    del headers["X-Amz-Extra"]
    refused(send(emulator, headers), "InvalidSignatureException")


def test_the_scope_must_fit(emulator):
    refused(send(emulator, good(emulator, region="mars-north-1")), "InvalidSignatureException",
            "Credential should be scoped to a valid region")
    refused(send(emulator, good(emulator, service="s3")), "InvalidSignatureException",
            "Credential should be scoped to correct service: 'kms'")
    headers = good(emulator)
    day = headers["X-Amz-Date"][:8]
    headers["Authorization"] = headers["Authorization"].replace(day, "20200101")
    refused(
        send(emulator, headers),
        "InvalidSignatureException",
        "Date in Credential scope does not match",
    )
    headers = good(emulator)
    headers["Authorization"] = headers["Authorization"].replace("aws4_request", "aws5_request")
    refused(send(emulator, headers), "InvalidSignatureException", "valid terminator")


@pytest.mark.parametrize("offset,passes,text", [
    (290, True, ""), (-290, True, ""), (310, False, "Signature expired: "),
    (-310, False, "Signature not yet current: ")])
def test_a_clock_may_be_five_minutes_off(emulator, offset, passes, text):
    emulator.control("POST", "/clock", {"offset_s": offset})
    answer = send(emulator, good(emulator))
    if passes:
        assert answer.status == 200
        return
    refused(answer, "InvalidSignatureException", text)
    phrase = "is now earlier than" if offset > 0 else "is still later than"
    assert phrase in answer.json()["message"]


def test_the_date_header_follows_the_emulators_clock(emulator):
    emulator.control("POST", "/clock", {"offset_s": -40 * 365 * 86400})
    answer = send(emulator, good(emulator))
    assert " 1986 " in answer.headers["date"]


# Temporary credentials and permissions.

def add_key(emulator, **more):
    key = {"id": "AKIATESTIDENTITY", "secret": "s" * 40, **more}
    emulator.control("POST", "/identities", {"access_keys": [key]})
    return botocore.credentials.Credentials(key["id"], key["secret"], key.get("session_token"))


def test_a_session_token_must_be_the_right_one_and_signed(emulator):
    credentials = add_key(emulator, id="ASIATEMPORARY", session_token="right+/=")
    assert send(emulator, good(emulator, credentials=credentials)).status == 200
    for token in (None, "wrong"):
        wrong = botocore.credentials.Credentials(
            credentials.access_key, credentials.secret_key, token
        )
        refused(send(emulator, good(emulator, credentials=wrong)), "UnrecognizedClientException")
    headers = good(emulator, credentials=credentials)
    assert "x-amz-security-token" in headers["Authorization"]
    headers["Authorization"] = headers["Authorization"].replace("x-amz-security-token;", "")
    refused(send(emulator, headers), "InvalidSignatureException", "x-amz-security-token")


def test_a_token_with_a_long_lived_key_is_refused(emulator):
    key = emulator.credentials()
    key.token = "something"
    refused(send(emulator, good(emulator, credentials=key)), "UnrecognizedClientException")


def test_expired_credentials_are_refused(emulator):
    credentials = add_key(emulator, id="ASIAEXPIRED", session_token="t", expires_in_s=-1)
    refused(send(emulator, good(emulator, credentials=credentials)), "ExpiredTokenException",
            "The security token included in the request is expired")


def test_denied_operations_name_principal_action_and_resource(emulator, kms):
    credentials = add_key(
        emulator,
        id="AKIALIMITED",
        principal="arn:aws:iam::111122223333:user/limited",
        policy={"allow_operations": ["Encrypt", "Decrypt"], "deny_operations": ["Decrypt"]},
    )
    limited = emulator.client(credentials=credentials)
    blob = limited.encrypt(KeyId=ALIAS, Plaintext=b"x")["CiphertextBlob"]
    arn = kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"]
    code, message, status = code_of(
        lambda: limited.generate_data_key(KeyId=ALIAS, KeySpec="AES_256")
    )
    assert (code, status) == ("AccessDeniedException", 400)
    assert message == ("User: arn:aws:iam::111122223333:user/limited is not authorized to perform: "
                       f"kms:GenerateDataKey on resource: {arn} because no identity-based policy "
                       "allows the kms:GenerateDataKey action")
    _, message, _ = code_of(lambda: limited.decrypt(CiphertextBlob=blob))
    assert "with an explicit deny in an identity-based policy" in message


def test_denied_keys(emulator, kms):
    test_key = kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    only = emulator.client(credentials=add_key(
        emulator, id="AKIAONLY", policy={"allow_keys": [test_key]}))
    assert only.encrypt(KeyId=ALIAS, Plaintext=b"x")
    assert (
        code_of(lambda: only.encrypt(KeyId="alias/other", Plaintext=b"x"))[0]
        == "AccessDeniedException"
    )
    but = emulator.client(
        credentials=add_key(emulator, id="AKIABUT", policy={"deny_keys": [test_key]})
    )
    assert code_of(lambda: but.encrypt(KeyId=ALIAS, Plaintext=b"x"))[0] == "AccessDeniedException"
    assert but.encrypt(KeyId="alias/other", Plaintext=b"x")


def test_re_encrypt_wants_both_of_its_permissions(emulator, kms):
    blob = kms.encrypt(KeyId=ALIAS, Plaintext=b"x")["CiphertextBlob"]
    for denied in ("ReEncryptFrom", "ReEncryptTo"):
        limited = emulator.client(credentials=add_key(
            emulator, id="AKIA" + denied.upper(), policy={"deny_operations": [denied]}))
        code, message, _ = code_of(
            lambda: limited.re_encrypt(CiphertextBlob=blob, DestinationKeyId=ALIAS)
        )
        assert code == "AccessDeniedException" and "kms:" + denied in message


def test_a_removed_identity_is_unknown(emulator):
    credentials = add_key(emulator, id="AKIAGONE")
    assert send(emulator, good(emulator, credentials=credentials)).status == 200
    emulator.control("DELETE", "/identities/AKIAGONE")
    refused(send(emulator, good(emulator, credentials=credentials)), "UnrecognizedClientException")
