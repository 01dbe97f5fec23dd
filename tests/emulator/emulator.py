# SPDX-License-Identifier: MIT
"""Starts the kms-emulator program and talks to it.

botocore signs and parses, so that nothing here repeats the emulator's own
ideas of the protocol. Its model may be older than an operation: call() sends
any operation, signed by botocore's signer.
"""
import base64
import http.client
import json
import os
import pathlib
import signal
import ssl
import subprocess
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session
import pytest

from lab.patience import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 15

# What the shared program of conftest.py is started with.
ALIAS = "alias/test"
MRK = "mrk-" + "0123456789abcdef" * 2


def program():
    return os.environ.get("KMS_EMULATOR", str(ROOT / "build/products/kms-emulator"))


class Answer:
    """An HTTP answer: status, headers (lower-case names), body."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def code(self):
        return self.json()["__type"]


class Emulator:
    """One running program. Keys: see `ready`, the content of its ready file."""

    def __init__(self, directory, *options):
        self.directory = pathlib.Path(directory)
        self.options = list(options)
        self.process = None
        self.ready = None

    def start(self):
        ready_file = self.directory / "ready.json"
        ready_file.unlink(missing_ok=True)
        self.log = open(self.directory / "log.txt", "ab")
        self.process = subprocess.Popen(
            [program(), "--ready-file", str(ready_file), "--parent-pid",
             str(os.getpid()), *self.options],
            stdout=self.log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError((self.directory / "log.txt").read_text())
            time.sleep(0.01)
        self.ready = json.loads(ready_file.read_text())
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(timeout=seconds(10)) if self.process else None
        self.log.close()
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # The control API.

    def control(self, method, path, body=None, expect=200):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.ready["control_port"], timeout=seconds(10))
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text)
        answer = Answer(connection.getresponse())
        connection.close()
        assert answer.status == expect, answer.body
        return answer.json()

    def counters(self):
        return self.control("GET", "/counters")

    def fault(self, kind, operation="*", **more):
        return self.control("POST", "/faults", {"kind": kind, "operation": operation, **more})

    def reset(self):
        """Back to good behaviour; keys and identities stay."""
        self.control("DELETE", "/faults")
        self.control("POST", "/latency", {"ms": 0})
        nothing = {"quota": {}, "errors": {}, "outage": {"for_s": 0}}
        self.control("POST", "/availability", nothing)
        self.control("POST", "/clock", {"offset_s": 0})
        self.control("POST", "/sts", {"lifetime_s": None})
        self.control("POST", "/counters/reset")

    # The services.

    def credentials(self):
        return botocore.credentials.Credentials(
            self.ready["access_key_id"], self.ready["secret_access_key"])

    def client(self, service="kms", credentials=None, region=None, **config):
        credentials = credentials or self.credentials()
        config.setdefault("retries", {"total_max_attempts": 1})
        config.setdefault("read_timeout", 10)
        return botocore.session.get_session().create_client(
            service, region_name=region or self.ready["region"],
            endpoint_url=self.ready["url"],
            verify=self.ready.get("ca") or True,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
            config=botocore.config.Config(**config))

    def connect(self, timeout=seconds(10)):
        url = urllib.parse.urlsplit(self.ready["url"])
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=self.ready.get("ca"))
            return http.client.HTTPSConnection(
                url.hostname, url.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)

    def send(self, method, path, body=None, headers=None, timeout=seconds(10)):
        connection = self.connect(timeout)
        connection.request(method, path, body, headers or {})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def signed_headers(self, operation, body, credentials=None, region=None,
                       service="kms", content_type="application/x-amz-json-1.1", extra=None):
        """The headers of a signed request, for tests that spoil them."""
        headers = {"Content-Type": content_type}
        if operation:
            headers["X-Amz-Target"] = "TrentService." + operation
        headers.update(extra or {})
        request = botocore.awsrequest.AWSRequest(
            "POST", self.ready["url"] + "/", headers=headers, data=body)
        botocore.auth.SigV4Auth(credentials or self.credentials(), service,
                                region or self.ready["region"]).add_auth(request)
        prepared = {k: v for k, v in request.headers.items()}
        prepared["Host"] = urllib.parse.urlsplit(self.ready["url"]).netloc
        return prepared

    def call(self, operation, body, credentials=None, region=None):
        """Any operation, whether botocore knows it or not."""
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        headers = self.signed_headers(operation, text, credentials, region)
        return self.send("POST", "/", text, headers)


def b64(data):
    return base64.b64encode(data).decode()


def code_of(call):
    """(code, message, HTTP status) of the refusal that `call` ends with."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    response = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"], \
        response["ResponseMetadata"]["HTTPStatusCode"]
