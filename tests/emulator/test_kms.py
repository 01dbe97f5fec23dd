# SPDX-License-Identifier: MIT
"""KMS operations through botocore: results, limits, ids, states, contexts."""
import base64
import re
import uuid

import pytest

from emulator import ALIAS, MRK, b64, code_of

CONTEXT = {"purpose": "keyring", "server": "a"}


def test_a_data_key_decrypts_to_the_same_bytes(kms):
    made = kms.generate_data_key(KeyId=ALIAS, KeySpec="AES_256", EncryptionContext=CONTEXT)
    assert len(made["Plaintext"]) == 32
    assert made["CiphertextBlob"][0] == 1
    assert len(made["CiphertextBlob"]) <= 6144
    assert re.fullmatch(r"arn:aws:kms:us-east-1:111122223333:key/[0-9a-f-]{36}", made["KeyId"])
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == made["Plaintext"]
    assert opened["KeyId"] == made["KeyId"]


@pytest.mark.parametrize("arguments,size", [
    ({"KeySpec": "AES_128"}, 16), ({"KeySpec": "AES_256"}, 32),
    ({"NumberOfBytes": 1}, 1), ({"NumberOfBytes": 1024}, 1024)])
def test_data_key_sizes(kms, arguments, size):
    assert len(kms.generate_data_key(KeyId=ALIAS, **arguments)["Plaintext"]) == size
    without = kms.generate_data_key_without_plaintext(KeyId=ALIAS, **arguments)
    assert "Plaintext" not in without
    opened = kms.decrypt(CiphertextBlob=without["CiphertextBlob"])
    assert len(opened["Plaintext"]) == size


@pytest.mark.parametrize("size", [1, 32, 4096])
def test_encrypt_and_decrypt(kms, size):
    sealed = kms.encrypt(KeyId=ALIAS, Plaintext=b"x" * size)
    assert sealed["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert (
        kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], KeyId=ALIAS)["Plaintext"]
        == b"x" * size
    )


@pytest.mark.parametrize("operation,body,text", [
    ("Encrypt", {"KeyId": ALIAS, "Plaintext": b64(b"x" * 4097)}, "length less than or equal to "
                                                                 "4096"),
    ("Encrypt", {"KeyId": ALIAS, "Plaintext": ""}, "length greater than or equal to 1"),
    ("Encrypt", {"Plaintext": b64(b"x")}, "'keyId' failed to satisfy constraint: Member must not "
                                          "be null"),
    ("Encrypt", {}, "2 validation errors detected"),
    ("Encrypt", {"KeyId": "a" * 2049, "Plaintext": b64(b"x")}, "length less than or equal to 2048"),
    ("Encrypt", {"KeyId": ALIAS, "Plaintext": b64(b"x"), "EncryptionAlgorithm": "ROT13"},
     "enum value set"),
    ("Decrypt", {"CiphertextBlob": b64(b"\1" * 6145)}, "length less than or equal to 6144"),
    ("Decrypt", {}, "must not be null"),
    ("GenerateDataKey", {"KeyId": ALIAS}, "either number of bytes or key spec"),
    ("GenerateDataKey", {"KeyId": ALIAS, "KeySpec": "AES_256", "NumberOfBytes": 32},
     "either number of bytes or key spec"),
    ("GenerateDataKey", {"KeyId": ALIAS, "NumberOfBytes": 0}, "greater than or equal to 1"),
    ("GenerateDataKey", {"KeyId": ALIAS, "NumberOfBytes": 1025}, "less than or equal to 1024"),
    ("GenerateDataKey", {"KeyId": ALIAS, "KeySpec": "AES_192"}, "enum value set"),
    ("GenerateDataKey", {"KeyId": ALIAS, "KeySpec": "AES_256", "GrantTokens": ["t"] * 11},
     "length less than or equal to 10"),
    ("GenerateRandom", {"NumberOfBytes": 1025}, "less than or equal to 1024"),
    ("GenerateRandom", {}, "must not be null"),
    ("EnableKeyRotation", {"KeyId": ALIAS, "RotationPeriodInDays": 89}, "greater than or equal to "
                                                                        "90"),
    ("ScheduleKeyDeletion", {"KeyId": ALIAS, "PendingWindowInDays": 31}, "less than or equal to "
                                                                         "30"),
    ("CreateAlias", {"AliasName": "name", "TargetKeyId": ALIAS}, "prefix"),
])
def test_broken_limits_are_validation_exceptions(emulator, operation, body, text):
    answer = emulator.call(operation, body)
    assert answer.status == 400
    assert answer.code() == "ValidationException"
    assert text in answer.json()["message"]


@pytest.mark.parametrize("body", [
    "{", "[]", "7", '{"KeyId": 7, "Plaintext": "eA=="}',
    '{"KeyId": "alias/test", "Plaintext": "not base64!"}',
    '{"KeyId": "alias/test", "Plaintext": "eA==", "EncryptionContext": {"a": 1}}',
    '{"KeyId": "alias/test", "Plaintext": "eA==", "EncryptionContext": []}'])
def test_bodies_of_the_wrong_shape_are_serialization_exceptions(emulator, body):
    answer = emulator.call("Encrypt", body)
    assert (answer.status, answer.code()) == (400, "SerializationException")


def test_generate_random(kms):
    assert len(kms.generate_random(NumberOfBytes=1024)["Plaintext"]) == 1024


# Encryption contexts.

@pytest.mark.parametrize("wrong", [
    {}, {"purpose": "keyring"}, {**CONTEXT, "more": "x"}, {"purpose": "Keyring", "server": "a"},
    {"Purpose": "keyring", "server": "a"}, {"purpose": "keyringserver", "": "a"}])
def test_another_context_does_not_decrypt(kms, wrong):
    made = kms.encrypt(KeyId=ALIAS, Plaintext=b"x", EncryptionContext=CONTEXT)
    code, message, status = code_of(
        lambda: kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=wrong))
    assert (code, status) == ("InvalidCiphertextException", 400)
    assert not message  # AWS gives no text here.


def test_the_order_of_a_context_does_not_matter(kms):
    made = kms.encrypt(KeyId=ALIAS, Plaintext=b"x", EncryptionContext={"b": "2", "a": "1"})
    opened = kms.decrypt(
        CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "1", "b": "2"}
    )
    assert opened["Plaintext"] == b"x"


@pytest.mark.parametrize("spoil", [
    lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]),
    lambda blob: blob[:-1],
    lambda blob: b"\2" + blob[1:],
    lambda blob: blob[:60] + bytes([blob[60] ^ 1]) + blob[61:],
    lambda blob: b"\1",
    lambda blob: b"nothing of ours"])
def test_a_spoilt_blob_is_refused(kms, spoil):
    blob = kms.encrypt(KeyId=ALIAS, Plaintext=b"x" * 32)["CiphertextBlob"]
    assert code_of(lambda: kms.decrypt(CiphertextBlob=spoil(blob), KeyId=ALIAS))[0] == \
        "InvalidCiphertextException"


# Key ids.

def test_all_forms_of_key_id_name_the_same_key(kms):
    arn = kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"]
    forms = [ALIAS, arn, arn.split("/")[1], "arn:aws:kms:us-east-1:111122223333:" + ALIAS]
    for form in forms:
        assert kms.describe_key(KeyId=form)["KeyMetadata"]["Arn"] == arn
        assert kms.generate_data_key(KeyId=form, KeySpec="AES_256")["KeyId"] == arn


@pytest.mark.parametrize("key_id,code", [
    ("alias/unknown", "NotFoundException"),
    ("not-a-uuid", "NotFoundException"),
    (str(uuid.UUID(int=1)), "NotFoundException"),
    ("mrk-" + "f" * 32, "NotFoundException"),
    ("arn:aws:kms:us-east-1:111122223333:alias/unknown", "NotFoundException"),
    ("arn:aws:kms:eu-west-1:111122223333:alias/test", "NotFoundException"),
    ("arn:aws:kms:us-east-1:999999999999:alias/test", "AccessDeniedException"),
    ("arn:aws:s3:us-east-1:111122223333:alias/test", "InvalidArnException"),
    ("arn:aws:kms", "InvalidArnException"),
    ("arn:aws:kms:us-east-1:111122223333:other/x", "InvalidArnException")])
def test_key_ids_that_name_nothing(kms, key_id, code):
    for call in (lambda: kms.describe_key(KeyId=key_id),
                 lambda: kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")):
        assert code_of(call)[0] == code


def test_decrypt_with_another_key_is_incorrect_key(kms):
    blob = kms.encrypt(KeyId=ALIAS, Plaintext=b"x")["CiphertextBlob"]
    code, _, status = code_of(lambda: kms.decrypt(CiphertextBlob=blob, KeyId="alias/other"))
    assert (code, status) == ("IncorrectKeyException", 400)


def test_another_region_has_other_keys(emulator, kms):
    blob = kms.encrypt(KeyId=ALIAS, Plaintext=b"x")["CiphertextBlob"]
    ireland = emulator.client("kms", region="eu-west-1")
    assert code_of(lambda: ireland.describe_key(KeyId=ALIAS))[0] == "NotFoundException"
    code, message, _ = code_of(lambda: ireland.decrypt(CiphertextBlob=blob))
    assert code == "AccessDeniedException"
    assert "does not exist in this region" in message


def test_a_multi_region_key_decrypts_by_its_replica(emulator, kms):
    ireland = emulator.client("kms", region="eu-west-1")
    blob = kms.encrypt(KeyId="alias/mrk", Plaintext=b"x")["CiphertextBlob"]
    opened = ireland.decrypt(CiphertextBlob=blob, KeyId=MRK)
    assert opened["Plaintext"] == b"x"
    assert opened["KeyId"] == "arn:aws:kms:eu-west-1:111122223333:key/" + MRK
    assert ireland.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    here = kms.describe_key(KeyId=MRK)["KeyMetadata"]
    there = ireland.describe_key(KeyId=MRK)["KeyMetadata"]
    assert (
        here["MultiRegion"] and here["MultiRegionConfiguration"]["MultiRegionKeyType"] == "PRIMARY"
    )
    assert there["MultiRegionConfiguration"]["MultiRegionKeyType"] == "REPLICA"
    assert here["MultiRegionConfiguration"]["ReplicaKeys"][0]["Region"] == "eu-west-1"
    assert emulator.call("RotateKeyOnDemand", {"KeyId": MRK}, region="eu-west-1").code() == \
        "UnsupportedOperationException"


def test_re_encrypt_changes_key_and_context(kms):
    blob = kms.encrypt(KeyId=ALIAS, Plaintext=b"x", EncryptionContext={"a": "1"})["CiphertextBlob"]
    again = kms.re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext={"a": "1"}, SourceKeyId=ALIAS,
        DestinationKeyId="alias/other", DestinationEncryptionContext={"b": "2"})
    assert again["SourceKeyId"] == kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"]
    assert again["KeyId"] == kms.describe_key(KeyId="alias/other")["KeyMetadata"]["Arn"]
    opened = kms.decrypt(CiphertextBlob=again["CiphertextBlob"], EncryptionContext={"b": "2"})
    assert opened["Plaintext"] == b"x"
    for wrong, code in (({"SourceEncryptionContext": {}}, "InvalidCiphertextException"),
                        ({"SourceEncryptionContext": {"a": "1"}, "SourceKeyId": "alias/other"},
                         "IncorrectKeyException")):
        assert code_of(lambda: kms.re_encrypt(
            CiphertextBlob=blob, DestinationKeyId=ALIAS, **wrong))[0] == code


# States.

def test_a_disabled_key_refuses_and_comes_back(kms, fresh_key):
    blob = kms.encrypt(KeyId=fresh_key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=fresh_key)
    metadata = kms.describe_key(KeyId=fresh_key)["KeyMetadata"]
    assert (metadata["KeyState"], metadata["Enabled"]) == ("Disabled", False)
    code, message, status = code_of(lambda: kms.decrypt(CiphertextBlob=blob))
    assert (code, status) == ("DisabledException", 400)
    assert message.endswith(fresh_key + " is disabled.")
    assert code_of(lambda: kms.generate_data_key(KeyId=fresh_key, KeySpec="AES_256"))[0] == code
    kms.enable_key(KeyId=fresh_key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_key_pending_deletion_refuses_until_cancelled(kms, fresh_key):
    blob = kms.encrypt(KeyId=fresh_key, Plaintext=b"x")["CiphertextBlob"]
    scheduled = kms.schedule_key_deletion(KeyId=fresh_key, PendingWindowInDays=7)
    assert scheduled["KeyState"] == "PendingDeletion"
    assert (
        kms.describe_key(KeyId=fresh_key)["KeyMetadata"]["DeletionDate"]
        == scheduled["DeletionDate"]
    )
    code, message, status = code_of(lambda: kms.decrypt(CiphertextBlob=blob))
    assert (code, status) == ("KMSInvalidStateException", 400)
    assert message.endswith(" is pending deletion.")
    assert code_of(lambda: kms.enable_key(KeyId=fresh_key))[0] == code
    kms.cancel_key_deletion(KeyId=fresh_key)
    assert kms.describe_key(KeyId=fresh_key)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.enable_key(KeyId=fresh_key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert (
        code_of(lambda: kms.cancel_key_deletion(KeyId=fresh_key))[0] == "KMSInvalidStateException"
    )


def test_the_control_api_sets_any_state(emulator, kms, fresh_key):
    emulator.control("POST", f"/keys/{fresh_key}/state", {"state": "Unavailable"})
    assert (
        code_of(lambda: kms.encrypt(KeyId=fresh_key, Plaintext=b"x"))[0]
        == "KMSInvalidStateException"
    )


def test_a_mac_key_is_of_the_wrong_usage(kms):
    key = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    assert code_of(lambda: kms.encrypt(KeyId=key, Plaintext=b"x"))[0] == "InvalidKeyUsageException"


def test_a_key_that_is_gone_is_not_found(emulator, kms, fresh_key):
    blob = kms.encrypt(KeyId=fresh_key, Plaintext=b"x")["CiphertextBlob"]
    emulator.control("DELETE", f"/keys/{fresh_key}")
    assert code_of(lambda: kms.describe_key(KeyId=fresh_key))[0] == "NotFoundException"
    assert code_of(lambda: kms.decrypt(CiphertextBlob=blob))[0] == "AccessDeniedException"


# Rotation.

def test_rotation_keeps_old_ciphertext_readable(emulator, kms, fresh_key):
    before = emulator.call("Encrypt", {"KeyId": fresh_key, "Plaintext": b64(b"old")}).json()
    first = emulator.call("Decrypt", {"CiphertextBlob": before["CiphertextBlob"]}).json()
    assert emulator.call("RotateKeyOnDemand", {"KeyId": fresh_key}).status == 200
    after = emulator.call("GenerateDataKey", {"KeyId": fresh_key, "KeySpec": "AES_256"}).json()
    again = emulator.call("Decrypt", {"CiphertextBlob": before["CiphertextBlob"]}).json()
    assert base64.b64decode(again["Plaintext"]) == b"old"
    assert again["KeyMaterialId"] == first["KeyMaterialId"] != after["KeyMaterialId"]
    moved = emulator.call("ReEncrypt", {"CiphertextBlob": before["CiphertextBlob"],
                                        "DestinationKeyId": fresh_key}).json()
    assert moved["SourceKeyMaterialId"] == first["KeyMaterialId"]
    assert moved["DestinationKeyMaterialId"] == after["KeyMaterialId"]


def test_25_rotations_on_demand_are_the_limit(emulator, fresh_key):
    for _ in range(25):
        assert emulator.call("RotateKeyOnDemand", {"KeyId": fresh_key}).status == 200
    answer = emulator.call("RotateKeyOnDemand", {"KeyId": fresh_key})
    assert (answer.status, answer.code()) == (400, "LimitExceededException")
    listed = emulator.call("ListKeyRotations", {"KeyId": fresh_key, "Limit": 20}).json()
    assert len(listed["Rotations"]) == 20 and listed["Truncated"]
    rest = emulator.call("ListKeyRotations", {"KeyId": fresh_key, "Limit": 20,
                                              "Marker": listed["NextMarker"]}).json()
    assert len(rest["Rotations"]) == 5 and not rest["Truncated"]
    assert {r["RotationType"] for r in rest["Rotations"]} == {"ON_DEMAND"}


def test_automatic_rotation_happens_when_it_is_due(emulator, fresh_key):
    assert (
        emulator.call("EnableKeyRotation", {"KeyId": fresh_key, "RotationPeriodInDays": 90}).status
        == 200
    )
    status = emulator.call("GetKeyRotationStatus", {"KeyId": fresh_key}).json()
    assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 90
    before = emulator.call("GenerateDataKey", {"KeyId": fresh_key, "KeySpec": "AES_256"}).json()
    emulator.control("POST", "/clock", {"offset_s": 91 * 86400})
    emulator.fault("clock_offset", "GenerateDataKey", offset_s=-91 * 86400)
    after = emulator.call("GenerateDataKey", {"KeyId": fresh_key, "KeySpec": "AES_256"}).json()
    assert after["KeyMaterialId"] != before["KeyMaterialId"]
    emulator.control("POST", "/clock", {"offset_s": 0})
    listed = emulator.call("ListKeyRotations", {"KeyId": fresh_key}).json()["Rotations"]
    assert [r["RotationType"] for r in listed] == ["AUTOMATIC"]
    assert emulator.call("DisableKeyRotation", {"KeyId": fresh_key}).status == 200
    assert not emulator.call("GetKeyRotationStatus", {"KeyId": fresh_key}).json()[
        "KeyRotationEnabled"
    ]


# Keys and aliases.

def test_aliases_are_made_moved_listed_and_deleted(kms, fresh_key):
    kms.create_alias(AliasName="alias/mine", TargetKeyId=fresh_key)
    assert code_of(lambda: kms.create_alias(AliasName="alias/mine", TargetKeyId=fresh_key))[0] == \
        "AlreadyExistsException"
    assert kms.describe_key(KeyId="alias/mine")["KeyMetadata"]["KeyId"] == fresh_key
    other = kms.create_key(Description="another")["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName="alias/mine", TargetKeyId=other)
    listed = kms.list_aliases(KeyId=other)["Aliases"]
    assert [(a["AliasName"], a["TargetKeyId"]) for a in listed] == [("alias/mine", other)]
    kms.delete_alias(AliasName="alias/mine")
    assert code_of(lambda: kms.delete_alias(AliasName="alias/mine"))[0] == "NotFoundException"
    assert code_of(lambda: kms.describe_key(KeyId="alias/mine"))[0] == "NotFoundException"


def test_management_operations_take_no_alias(kms):
    assert code_of(lambda: kms.disable_key(KeyId=ALIAS))[0] == "NotFoundException"
    alias_arn = "arn:aws:kms:us-east-1:111122223333:" + ALIAS
    assert code_of(lambda: kms.disable_key(KeyId=alias_arn))[0] == "InvalidArnException"


def test_listing_goes_by_pages_and_region(kms, fresh_key):
    first = kms.list_keys(Limit=2)
    assert len(first["Keys"]) == 2 and first["Truncated"]
    every = [
        k["KeyId"]
        for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
        for k in page["Keys"]
    ]
    assert fresh_key in every and len(set(every)) == len(every)
    assert code_of(lambda: kms.list_keys(Marker="nonsense"))[0] == "InvalidMarkerException"


def test_create_key_describes_what_it_made(kms):
    metadata = kms.create_key(Description="d", MultiRegion=True)["KeyMetadata"]
    assert metadata["KeyId"].startswith("mrk-") and metadata["Description"] == "d"
    assert metadata["KeySpec"] == "SYMMETRIC_DEFAULT" and metadata["KeyState"] == "Enabled"
    assert code_of(lambda: kms.create_key(KeySpec="RSA_2048"))[0] == "UnsupportedOperationException"


def test_dry_run_does_nothing(emulator):
    answer = emulator.call(
        "GenerateDataKey", {"KeyId": ALIAS, "KeySpec": "AES_256", "DryRun": True}
    )
    assert answer.code() == "DryRunOperationException"


def test_unknown_operations_are_refused(emulator):
    assert emulator.call("Sign", {}).code() == "UnknownOperationException"


def test_answers_look_like_those_of_kms(emulator):
    answer = emulator.call("GenerateRandom", {"NumberOfBytes": 1})
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert re.fullmatch(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["x-amzn-requestid"]
    )
    assert answer.headers["date"].endswith(" GMT")
