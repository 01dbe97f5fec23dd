# SPDX-License-Identifier: MIT
"""Our signatures equal those of libkms_message, the signer of MongoDB's drivers (C, on OpenSSL)."""

import pathlib
import shlex
import subprocess
import urllib.parse

import pytest

from signing import random_request


@pytest.fixture(scope="module")
def other_signer(tmp_path_factory):
    program = tmp_path_factory.mktemp("kms_message") / "signer"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libkms_message"], text=True,
                           capture_output=True, check=True).stdout
    source = pathlib.Path(__file__).parent / "kms_message_signer.c"
    subprocess.run(["cc", "-o", program, source, *shlex.split(flags)], check=True)
    return program


@pytest.mark.parametrize("seed", range(100))
def test_random_requests(seed, signer, other_signer):
    # It has no notion of session tokens, leaves spaces as they are, and takes queries undecoded.
    request = random_request(seed, odd_spaces=False, escapes=False)
    request.session_token = ""
    url = urllib.parse.urlsplit(request.url)
    host = url.netloc.removesuffix(":443" if url.scheme == "https" else ":80")
    target = url.path + ("?" + url.query if url.query else "")
    pairs = [word for name, value in [("Host", host), *request.headers] for word in (name, value)]
    done = subprocess.run(
        [other_signer, request.method, target, str(request.time), request.region, request.service,
         request.access_key, request.secret_key, request.body, *pairs],
        text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    head = done.stdout.split("\r\n\r\n" if "\r\n\r\n" in done.stdout else "\n\n")[0]
    sent = [tuple(line.split(":", 1)) for line in head.splitlines()[1:]]
    theirs = dict(sent)["Authorization"].strip()
    # It adds Content-Length and signs it: sign the same set.
    request.headers = [(name, value) for name, value in sent
                       if name not in ("Host", "X-Amz-Date", "Authorization")]
    assert signer.authorization(request) == theirs
