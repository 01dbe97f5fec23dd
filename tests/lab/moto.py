# SPDX-License-Identifier: MIT
"""moto, an independent KMS that checks signatures. From Debian sid (lab.packages).

It is not AWS: see the notes in tests/README.md before trusting an error of it.
"""

import json
import os
import pathlib
import urllib.parse
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from . import packages, process
from .patience import seconds
from .service import Service

_FREE_CALLS = 3  # CreateUser, CreateAccessKey, PutUserPolicy come before signatures are checked.


class Moto(Service):
    """One moto server. `access_key`/`secret_key` may do what `actions` says, nothing else."""

    name = "moto"

    def __init__(
        self,
        directory: pathlib.Path,
        *,
        region: str = "eu-central-1",
        check_signatures: bool = True,
        actions=("kms:*",)
    ):
        super().__init__(directory)
        self.region = region
        self.actions = list(actions)
        self.check_signatures = check_signatures
        self.port = process.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.directory / "moto.log"
        self.access_key = self.secret_key = ""

    def start(self) -> "Moto":
        root = packages.fetch("moto")
        environment = process.bare_environment(self.directory, {
            "PYTHONHOME": str(root / "usr"),
            "PYTHONPATH": str(root / "usr/lib/python3/dist-packages"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_ACCESS_KEY_ID": "unused", "AWS_SECRET_ACCESS_KEY": "unused",
        })
        if self.check_signatures:
            environment["INITIAL_NO_AUTH_ACTION_COUNT"] = str(_FREE_CALLS)
        self.process = process.Process(
            [
                *packages.loader(root),
                os.path.realpath(root / "usr/bin/python3"),
                "-m",
                "moto.server",
                "-H",
                "127.0.0.1",
                "-p",
                str(self.port),
            ],
            self.log,
            environment,
            cwd=self.directory,
        )
        self.wait_for(self._answers, "to answer", 60)
        self._create_user()
        return self

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/moto-api/data.json", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _create_user(self) -> None:
        self.access_key, self.secret_key = "AKIAFIRST", "first"  # Not checked yet.
        self._iam("CreateUser", UserName="openkeyring")
        text = self._iam("CreateAccessKey", UserName="openkeyring")
        policy = {"Version": "2012-10-17",
                  "Statement": [{"Effect": "Allow", "Action": self.actions, "Resource": "*"}]}
        self._iam("PutUserPolicy", UserName="openkeyring", PolicyName="kms",
                  PolicyDocument=json.dumps(policy))
        self.access_key = text.split("<AccessKeyId>")[1].split("<")[0]
        self.secret_key = text.split("<SecretAccessKey>")[1].split("<")[0]

    def _iam(self, action: str, **parameters: str) -> str:
        body = urllib.parse.urlencode({"Action": action, "Version": "2010-05-08", **parameters})
        return self._send("iam", body.encode(), {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}).decode()

    def kms(self, action: str, **parameters):
        """One KMS call, signed by botocore; the parsed answer. urllib.error.HTTPError on refusal.
        """
        answer = self._send("kms", json.dumps(parameters).encode(), {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"TrentService.{action}"})
        return json.loads(answer) if answer else {}

    def _send(self, service: str, body: bytes, headers: dict[str, str]) -> bytes:
        request = botocore.awsrequest.AWSRequest("POST", self.url + "/", headers=headers, data=body)
        credentials = botocore.credentials.Credentials(self.access_key, self.secret_key)
        region = "us-east-1" if service == "iam" else self.region
        botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
        plain = urllib.request.Request(self.url + "/", body, dict(request.headers.items()))
        with urllib.request.urlopen(plain, timeout=seconds(20)) as answer:
            return answer.read()

    def create_key(self, alias: str) -> str:
        """A symmetric key with an alias ("alias/..."); its ARN."""
        arn = self.kms("CreateKey")["KeyMetadata"]["Arn"]
        self.kms("CreateAlias", AliasName=alias, TargetKeyId=arn)
        return arn

    def environment(self) -> dict[str, str]:
        """What a client of this KMS needs in its environment."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key,
                "AWS_REGION": self.region}
