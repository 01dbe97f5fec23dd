# SPDX-License-Identifier: MIT
"""The data files of other makers' KMS keyrings, written and read without our code.

Percona's component_keyring_kms holds the hex of the base64 of what KMS gave, Oracle's
component_keyring_aws the hex of the bytes. Neither has an encryption context. The key's name, owner
and type are in clear.
"""

import base64
import json
import pathlib
import re

from . import aws_client

Key = tuple[str, str, str, bytes]  # owner ("" for the server's own), data id, type, secret


def write(path: pathlib.Path, kms, key_id: str, keys: list[Key]) -> None:
    """Percona's file."""
    _write(path, keys, lambda secret: base64.b64encode(encrypt(kms, key_id, secret)))


def write_oracle(path: pathlib.Path, kms, key_id: str, keys: list[Key]) -> None:
    """Oracle's file."""
    _write(path, keys, lambda secret: encrypt(kms, key_id, secret))


def read(path: pathlib.Path, kms) -> list[Key]:
    """The keys of a file of either maker; AssertionError when it is not one, AwsRefused when KMS
    refuses."""
    return [(element["user"], element["data_id"], element["data_type"],
             aws_client.decrypt(kms, blob_of(element["data"]))) for element in elements(path)]


def elements(path: pathlib.Path) -> list[dict]:
    """What is in the file, undeciphered."""
    document = json.loads(path.read_text())
    assert isinstance(document["version"], str)
    for element in document["elements"]:
        for member in ("user", "data_id", "data_type", "data"):
            assert isinstance(element[member], str), element
        assert isinstance(element["extension"], list), element
    return document["elements"]


def blob_of(data: str) -> bytes:
    """What KMS made, from the member `data` of an element."""
    content = bytes.fromhex(data)
    # A blob of KMS holds bytes that are not text; base64 is text only.
    return base64.b64decode(content, validate=True) if is_percona(data) else content


def is_percona(data: str) -> bool:
    """Whether the member `data` of an element is Percona's, not Oracle's."""
    return re.fullmatch(rb"[A-Za-z0-9+/]+={0,2}", bytes.fromhex(data)) is not None


def encrypt(kms, key_id: str, secret: bytes) -> bytes:
    answer = aws_client.call(
        kms, "Encrypt", KeyId=key_id, Plaintext=base64.b64encode(secret).decode()
    )
    return base64.b64decode(answer["CiphertextBlob"])


def _write(path: pathlib.Path, keys: list[Key], seal) -> None:
    document = {
        "version": "1.0",
        "elements": [
            {
                "user": owner,
                "data_id": data_id,
                "data_type": kind,
                "data": seal(secret).hex().upper(),
                "extension": [],
            }
            for owner, data_id, kind, secret in keys
        ],
    }
    path.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
