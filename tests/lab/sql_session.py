# SPDX-License-Identifier: MIT
"""One connection that stays open: a command line client fed through a pipe."""

import os
import re
import select
import subprocess
import time

from .mariadb import SqlError

_ERROR = re.compile(r"ERROR (\d+) \(\w{5}\)(?: at line \d+)?: .*")
_LOST = re.compile(rb"^ERROR (2006|2013|2055) ", re.M)  # The client goes on, and no mark will come.


class Session:
    """Statements on one connection, about a hundred times as fast as a client for each.

    One thread at a time. A connection that broke stays broken: make a new session.
    """

    def __init__(self, command: list[str], environment: dict[str, str]):
        self._client = subprocess.Popen(
            [
                *command,
                "--batch",
                "--skip-column-names",
                "--unbuffered",
                "--force",
                "--skip-reconnect",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        os.set_blocking(self._client.stdout.fileno(), False)
        self._count = 0
        self.sql("DO 0")

    def sql(self, text: str, seconds: float = 60.0) -> list[tuple[str, ...]]:
        """Rows of all statements (NULL is "NULL"). SqlError is the first error; the statements
        after it ran too."""
        self._count += 1
        mark = f"end of {self._count} in {id(self)}"
        question = f"{text.rstrip().rstrip(';')}\n;SELECT '{mark}';\n"
        try:
            self._client.stdin.write(question.encode())
            self._client.stdin.flush()
        except (OSError, ValueError) as error:  # ValueError: closed.
            raise SqlError(f"ERROR 2006: the client is gone: {error}") from None
        lines = self._read(mark, seconds)
        for line in lines:
            if _ERROR.fullmatch(line):
                raise SqlError(line)
        return [tuple(line.split("\t")) for line in lines]

    def value(self, text: str) -> str:
        """The first column of the only row."""
        rows = self.sql(text)
        assert len(rows) == 1, f"{text}: {rows}"
        return rows[0][0]

    def _read(self, mark: str, seconds: float) -> list[str]:
        text, end = b"", time.monotonic() + seconds
        stop = f"{mark}\n".encode()
        while not text.endswith(stop):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._client.stdout], [], [], left)[0]:
                self.close()
                raise TimeoutError(f"no answer within {seconds:g} s; until then: {text[-500:]!r}")
            chunk = self._client.stdout.read()
            text += chunk or b""
            if chunk == b"" or _LOST.search(text):
                self.close()
                raise SqlError(text.decode(errors="replace") or "ERROR 2013: the client ended")
        return text[:-len(stop)].decode(errors="replace").splitlines()

    def close(self) -> None:
        self._client.kill()
        self._client.wait()
        self._client.stdout.close()
        try:
            self._client.stdin.close()
        except OSError:
            pass  # What was left to write.

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.close()
