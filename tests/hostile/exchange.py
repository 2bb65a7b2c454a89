"""One request on a connection of its own, byte for byte, and what came back."""

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import BadStatusLine, HTTPResponse
from time import monotonic
from typing import Any


@dataclass(frozen=True, slots=True)
class Exchange:
    """An answer; status 0 when the connection closed without one."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    seconds_to_close: float

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def exchange(
    host: str, port: int, request: bytes, *, timeout: float, reads: bool = True
) -> Exchange:
    """Send, read the answer, and wait until the server closes; or close at once.

    Raises:
        TimeoutError: neither an answer nor the end came within the time.
    """
    started = monotonic()
    with socket.create_connection((host, port), timeout) as connection:
        # A server may refuse before it has read everything; what it says is read below.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        if not reads:
            return Exchange(0, {}, b"", 0.0, 0.0)
        status, headers, body = _answer(connection)
        seconds = monotonic() - started
        _read_to_end(connection)
        return Exchange(status, headers, body, seconds, monotonic() - started)


def _answer(connection: socket.socket) -> tuple[int, Mapping[str, str], bytes]:
    response = HTTPResponse(connection)
    try:
        response.begin()
        body = response.read()
    except (BadStatusLine, ConnectionResetError):
        return 0, {}, b""
    return response.status, {k.lower(): v for k, v in response.getheaders()}, body


def _read_to_end(connection: socket.socket) -> None:
    with suppress(ConnectionResetError):
        while connection.recv(65536):
            pass
