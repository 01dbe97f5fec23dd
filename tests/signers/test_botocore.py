# SPDX-License-Identifier: MIT
"""Our signatures equal those of botocore, the signer of AWS's own Python SDK."""

import datetime
import types

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from signing import random_request


def botocore_authorization(request, monkeypatch) -> str:
    moment = datetime.datetime.fromtimestamp(request.time, datetime.timezone.utc).replace(
        tzinfo=None
    )

    class Frozen(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return moment

        @classmethod
        def now(cls, tz=None):
            return moment.replace(tzinfo=tz)

    monkeypatch.setattr(botocore.auth, "datetime", types.SimpleNamespace(
        datetime=Frozen, timezone=datetime.timezone, timedelta=datetime.timedelta))
    signed = botocore.awsrequest.AWSRequest(request.method, request.url, data=request.body.encode())
    for name, value in request.headers:
        signed.headers.add_header(name, value)
    credentials = botocore.credentials.Credentials(request.access_key, request.secret_key,
                                                   request.session_token or None)
    botocore.auth.SigV4Auth(credentials, request.service, request.region).add_auth(signed)
    return signed.headers["Authorization"]


@pytest.mark.parametrize("seed", range(300))
def test_random_requests(seed, signer, monkeypatch):
    request = random_request(seed)
    assert signer.authorization(request) == botocore_authorization(request, monkeypatch)


def test_the_comparison_can_fail(signer, monkeypatch):
    request = random_request(1)
    theirs = botocore_authorization(request, monkeypatch)
    request.secret_key = request.secret_key[:-1] + ("a" if request.secret_key[-1] != "a" else "b")
    assert signer.authorization(request) != theirs
