# SPDX-License-Identifier: MIT
"""A kept connection to a MariaDB server, through libmariadb: a query costs some 50 microseconds,
not a process."""

import ctypes

_lib = ctypes.CDLL("libmariadb.so.3")
_lib.mysql_init.restype = ctypes.c_void_p
_lib.mysql_init.argtypes = [ctypes.c_void_p]
_lib.mysql_real_connect.restype = ctypes.c_void_p
_lib.mysql_real_connect.argtypes = [ctypes.c_void_p] + [ctypes.c_char_p] * 4 + [
    ctypes.c_uint, ctypes.c_char_p, ctypes.c_ulong]
_lib.mysql_real_query.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong]
_lib.mysql_store_result.restype = ctypes.c_void_p
_lib.mysql_store_result.argtypes = [ctypes.c_void_p]
_lib.mysql_free_result.argtypes = [ctypes.c_void_p]
_lib.mysql_fetch_row.restype = ctypes.POINTER(ctypes.c_char_p)
_lib.mysql_fetch_row.argtypes = [ctypes.c_void_p]
_lib.mysql_num_fields.argtypes = [ctypes.c_void_p]
_lib.mysql_error.restype = ctypes.c_char_p
_lib.mysql_error.argtypes = [ctypes.c_void_p]
_lib.mysql_close.argtypes = [ctypes.c_void_p]


class QueryError(RuntimeError):
    """The server's text."""


class Connection:
    """Threads: one at a time. Waiting for the server lets other Python threads run."""

    def __init__(self, server):
        self._handle = _lib.mysql_init(None)
        if not _lib.mysql_real_connect(
            self._handle, None, b"root", None, None, 0, bytes(server.socket), 0
        ):
            raise QueryError(_lib.mysql_error(self._handle).decode())

    def rows(self, statement: str) -> list[list[str | None]]:
        text = statement.encode()
        if _lib.mysql_real_query(self._handle, text, len(text)):
            raise QueryError(_lib.mysql_error(self._handle).decode())
        result = _lib.mysql_store_result(self._handle)
        if not result:
            return []
        width, found = _lib.mysql_num_fields(result), []
        while row := _lib.mysql_fetch_row(result):
            found.append([row[i].decode() if row[i] is not None else None for i in range(width)])
        _lib.mysql_free_result(result)
        return found

    def close(self) -> None:
        _lib.mysql_close(self._handle)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_) -> None:
        self.close()
