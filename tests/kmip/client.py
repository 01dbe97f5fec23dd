# SPDX-License-Identifier: MIT
"""Our KMIP client (kmip_tool) as a Python object."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
KMIP_TOOL = pathlib.Path(os.environ.get("KMIP_TOOL", ROOT / "build/release/tests/kmip_tool"))

SYMMETRIC_KEY, SECRET_DATA, OPAQUE = 2, 7, 8
PRE_ACTIVE, ACTIVE, DEACTIVATED, COMPROMISED = 1, 2, 3, 4
RAW, OPAQUE_FORMAT = 1, 2
ENCRYPT_DECRYPT, DERIVE_EXPORT = 0x0C, 0x240


class Refused(Exception):
    """The client's error: code is "NotFound", "Denied" ..."""

    def __init__(self, answer: dict):
        super().__init__(f"{answer['code']}: {answer['message']}")
        self.code = answer["code"]
        self.message = answer["message"]
        self.lost = answer["lost"]


class Tool:
    """One kmip_tool process, asked line by line."""

    def __init__(self):
        assert KMIP_TOOL.exists(), f"{KMIP_TOOL} is missing: run ./dev build"
        self._child = subprocess.Popen([KMIP_TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._sessions = 0

    def ask(self, **request) -> dict:
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        assert line, f"kmip_tool ended over {request}"
        answer = json.loads(line)
        if not answer["ok"]:
            raise Refused(answer)
        return answer

    def open(self, ports, files: dict, host: str = "127.0.0.1", **options) -> "Client":
        self._sessions += 1
        name = f"s{self._sessions}"
        self.ask(do="open", session=name, servers=[[host, port] for port in ports], **files, **options)
        return Client(self, name)

    def close(self) -> None:
        self._child.stdin.close()
        self._child.wait(20)


class Client:
    def __init__(self, tool: Tool, session: str):
        self._tool = tool
        self._session = session

    def _ask(self, do: str, **request) -> dict:
        return self._tool.ask(do=do, session=self._session, **request)

    def register(self, value: bytes, *, type: int = SYMMETRIC_KEY, format: int = RAW, activate: bool = False,
                 usage_mask: int | None = ENCRYPT_DECRYPT, bits: int | None = None, **attributes) -> str:
        bits = 8 * len(value) if bits is None else bits
        if type == SYMMETRIC_KEY:
            attributes |= {"algorithm": 3, "length": bits}
        if usage_mask is not None:
            attributes["usage_mask"] = usage_mask
        answer = self._ask("register", value=value.hex(), bits=bits, type=type, format=format, activate=activate,
                           attributes=attributes)
        if activate:
            assert answer["activated"] == "OK", answer
        return answer["id"]

    def secret(self, value: bytes, **attributes) -> str:
        return self.register(value, type=SECRET_DATA, format=OPAQUE_FORMAT, usage_mask=DERIVE_EXPORT, **attributes)

    def create(self, bits: int = 256, **attributes) -> str:
        return self._ask("create", attributes={"algorithm": 3, "length": bits, "usage_mask": ENCRYPT_DECRYPT,
                                               **attributes})["id"]

    def get(self, id: str) -> dict:
        return self._ask("get", id=id)

    def value(self, id: str) -> bytes:
        return bytes.fromhex(self.get(id)["value"])

    def get_many(self, ids: list[str]) -> list[dict]:
        return self._ask("get_many", ids=ids)["objects"]

    def attributes(self, id: str, *wanted: str) -> dict:
        return self._ask("attributes", id=id, wanted=list(wanted))["attributes"]

    def add_attribute(self, id: str, **attribute) -> None:
        self._ask("add_attribute", id=id, attributes=attribute)

    def locate(self, **attributes) -> list[str]:
        return self._ask("locate", attributes=attributes)["ids"]

    def activate(self, id: str) -> None:
        self._ask("activate", id=id)

    def revoke(self, id: str, reason: int = 1, message: str = "Deleting the key") -> None:
        self._ask("revoke", id=id, reason=reason, message=message)

    def destroy(self, id: str) -> None:
        self._ask("destroy", id=id)

    def query(self) -> dict:
        return self._ask("query")

    def status(self) -> dict:
        return self._ask("status")
