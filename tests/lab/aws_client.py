# SPDX-License-Identifier: MIT
"""The other side's view of a KMS of the lab: botocore as its client, and key files as documents."""

import base64
import dataclasses
import hashlib
import http.client
import json
import pathlib
import ssl
import struct
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from .patience import seconds

MAGIC = b"\x89OKRK\r\n\x1a"


class AwsRefused(RuntimeError):
    """An error of KMS; its text holds the code."""


def call(kms, operation: str, **members) -> dict:
    """One operation at an emulator. Bytes go and come as base64 text."""
    request = botocore.awsrequest.AWSRequest(
        "POST",
        kms.url + "/",
        data=json.dumps(members).encode(),
        headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"TrentService.{operation}",
        },
    )
    keys = kms.environment()
    botocore.auth.SigV4Auth(
        botocore.credentials.Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]),
        "kms", kms.region).add_auth(request)
    url = urllib.parse.urlsplit(kms.url)
    connection = (
        http.client.HTTPSConnection(
            url.netloc, timeout=seconds(10), context=ssl._create_unverified_context()
        )
        if url.scheme == "https"
        else http.client.HTTPConnection(url.netloc, timeout=seconds(10))
    )
    try:
        connection.request("POST", "/", request.body, dict(request.headers))
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise AwsRefused(text)
    return json.loads(text)


def new_blob(kms, key_id: str | None = None, spec: str = "AES_128") -> bytes:
    """What MariaDB's own plugin stores: a data key without an encryption context."""
    answer = call(kms, "GenerateDataKeyWithoutPlaintext", KeyId=key_id or kms.alias, KeySpec=spec)
    return base64.b64decode(answer["CiphertextBlob"])


def decrypt(kms, blob: bytes, context: dict | None = None) -> bytes:
    members = {"EncryptionContext": context} if context else {}
    answer = call(kms, "Decrypt", CiphertextBlob=base64.b64encode(blob).decode(), **members)
    return base64.b64decode(answer["Plaintext"])


def stock_file(
    kms, directory: pathlib.Path, key_id: int, version: int = 1, mode: int = 0o444
) -> pathlib.Path:
    """A key file as MariaDB's own plugin makes it."""
    path = directory / f"aws-kms-key.{key_id}.{version}"
    path.write_bytes(new_blob(kms))
    path.chmod(mode)
    return path


@dataclasses.dataclass
class BoundFile:
    pairs: dict[str, str]
    key_arn: str
    blob: bytes


def read_bound(content: bytes) -> BoundFile:
    """A bound file by docs/file_formats.md; AssertionError for anything else."""
    assert content[:8] == MAGIC
    version, count = struct.unpack(">HH", content[8:12])
    assert version in (1, 2)
    assert hashlib.sha256(content[:-32]).digest() == content[-32:]
    at = 12

    def field() -> bytes:
        nonlocal at
        size, = struct.unpack(">H", content[at:at + 2])
        at += 2 + size
        return content[at - size:at]
    pairs = [(field().decode(), field().decode()) for _ in range(count)]
    arn, blob = field().decode(), field()
    assert at == len(content) - 32, "nothing else in the file"
    assert len(dict(pairs)) == count
    assert (version == 2) == ("openkeyring:installation" in dict(pairs))
    return BoundFile(dict(pairs), arn, blob)


def installation(directory: pathlib.Path) -> str:
    """The id in aws-kms-key-installation, by docs/file_formats.md."""
    text = (directory / "aws-kms-key-installation").read_text()
    head, identity, digest = text.split("\n")[:3]
    assert head == "OpenKeyring installation 1" and text == f"{head}\n{identity}\n{digest}\n"
    assert digest == hashlib.sha256(f"{head}\n{identity}\n".encode()).hexdigest()
    return identity


def context_of(key_id: int, version: int, directory: pathlib.Path) -> dict[str, str]:
    return {
        "openkeyring:product": "aws_key_management",
        "openkeyring:key-id": str(key_id),
        "openkeyring:key-version": str(version),
        "openkeyring:installation": installation(directory),
    }
