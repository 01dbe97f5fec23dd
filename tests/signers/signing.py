# SPDX-License-Identifier: MIT
"""Our signer as a Python object, and random requests to sign."""

import dataclasses
import json
import pathlib
import random
import string
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIGN_TOOL = ROOT / "build" / "release" / "tests" / "sign_tool"


@dataclasses.dataclass
class Request:
    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str
    region: str
    service: str
    access_key: str
    secret_key: str
    session_token: str
    time: int  # Seconds since 1970.


class Signer:
    """One sign_tool process, asked line by line."""

    def __init__(self):
        assert SIGN_TOOL.exists(), f"{SIGN_TOOL} is missing: run ./dev build"
        self._child = subprocess.Popen(
            [SIGN_TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def sign(self, request: Request) -> list[tuple[str, str]]:
        self._child.stdin.write(json.dumps(dataclasses.asdict(request)) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        assert line, "sign_tool ended"
        answer = json.loads(line)
        assert isinstance(answer, list), answer
        return [tuple(pair) for pair in answer]

    def authorization(self, request: Request) -> str:
        found = [value for name, value in self.sign(request) if name == "Authorization"]
        assert len(found) == 1
        return found[0]

    def close(self):
        self._child.stdin.close()
        self._child.wait(10)


def _text(source: random.Random, alphabet: str, low: int, high: int) -> str:
    return "".join(source.choice(alphabet) for _ in range(source.randint(low, high)))


def random_request(seed: int, *, odd_spaces: bool = True, path: bool = True, query: bool = True,
                   escapes: bool = True, extra_headers: int = 4) -> Request:
    """The same request for the same seed. Paths and queries are in canonical encoding."""
    source = random.Random(seed)
    plain = string.ascii_letters + string.digits
    headers = [
        ("Content-Type", "application/x-amz-json-1.1"),
        (
            "X-Amz-Target",
            f"TrentService.{source.choice(['Encrypt', 'Decrypt', 'GenerateDataKey'])}",
        ),
    ]
    for number in range(source.randint(0, extra_headers)):
        spaces = " " * source.randint(0, 3) if odd_spaces else ""
        words = [_text(source, plain + "/=+;,:%&\"", 1, 8) for _ in range(source.randint(1, 4))]
        glue = " " * source.randint(1, 4) if odd_spaces else " "
        name = (
            f"X-Amz-{_text(source, plain, 1, 6)}-{number}"
            if source.random() < 0.5
            else f"My-{number}"
        )
        headers.append((name, spaces + glue.join(words) + spaces))
    source.shuffle(headers)
    host = source.choice(
        ["kms.eu-west-1.amazonaws.com", "localhost", "127.0.0.1", "vpce-1.kms.example.com"]
    )
    port = source.choice(["", ":8443", ":443", ":80", ":4566"])
    scheme = source.choice(["http", "https"])
    route = "/" + _text(source, plain + "-_.~/", 0, 12).replace("/.", "/") if path else "/"
    pairs = [
        _text(source, plain + "-_~", 1, 6)
        + "="
        + _text(source, plain + "-_.~", 0, 6)
        + source.choice(["", "%20", "%2F", "%3D"] if escapes else [""])
        for _ in range(source.randint(0, 4) if query else 0)
    ]
    return Request(
        method=source.choice(["POST", "POST", "GET", "PUT"]),
        url=f"{scheme}://{host}{port}{route}" + ("?" + "&".join(pairs) if pairs else ""),
        headers=headers,
        body=source.choice(
            ["", '{"KeyId": "alias/x"}', _text(source, plain + " {}\":,\u00e9\u20ac", 0, 3000)]
        ),
        region=source.choice(["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"]),
        service=source.choice(["kms", "sts"]),
        access_key="AKIA" + _text(source, string.ascii_uppercase + string.digits, 12, 16),
        secret_key=_text(source, plain + "/+", 40, 40),
        session_token=source.choice(["", _text(source, plain + "/+=", 100, 900)]),
        time=source.randint(1_400_000_000, 4_000_000_000),
    )
