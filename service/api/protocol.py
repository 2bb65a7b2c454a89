"""HTTP/1.1 on a socket: headers complete in time and within a size, refusals as problems."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from service.api.edge import SECURITY_HEADERS
from service.api.problems import MEDIA_TYPE, problem_bytes, status_of
from service.errors import (
    GradserveError,
    HeaderTooLargeError,
    MalformedRequestError,
    RequestTimeoutError,
)

REQUESTS = logging.getLogger("gradserve.requests")
LINGER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class HeaderLimits:
    """How long a request's header may take to arrive, and how large it may be."""

    seconds: float
    max_bytes: int


class TimedHeaders(HttpToolsProtocol):
    """A connection that is closed when a header does not end, in time or in size.

    The time runs from the first byte of a request, on a new connection from its start; the
    keep-alive time is uvicorn's.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: HeaderLimits,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._in_header = True
        self._header_bytes = 0
        self._refusal: GradserveError | None = None
        self._is_refused = False
        self._answered: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Start the header's time."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the header's time; no request that came here writes any more."""
        self._stop_timer()
        for cycle in (self._answered, *(queued for queued, _ in self.pipeline)):
            if cycle is not None:
                self._disconnect(cycle)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse what does not parse or grows without end."""
        while data and not self._is_refused:
            data = self._parse(data)

    def _parse(self, data: bytes) -> bytes:
        """Feed the parser; what is left is for the next one."""
        began_in_header = self._in_header
        if began_in_header:
            self._start_timer()
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade()
            return data[upgrade.args[0] :]
        except httptools.HttpParserError:
            malformed = MalformedRequestError("the request is not valid HTTP/1.1")
            self._refuse(self._refusal or malformed)
            return b""
        if began_in_header and self._in_header:
            self._count_header(len(data))
            if self._refusal:
                self._refuse(self._refusal)
        return b""

    def _ignore_upgrade(self) -> None:
        """Read the body of a request that wishes for another protocol, as if it did not.

        The parser takes such a request for complete, and what follows for the other protocol;
        so a new parser is told the header again, without the wish. Java's client asks for h2c
        by default.
        """
        self.cycle.more_body = True
        self.cycle.message_event.clear()
        self.parser = httptools.HttpRequestParser(_Replayed(self))
        kept = [
            name + b": " + value + b"\r\n"
            for name, value in self.headers
            if name not in (b"connection", b"upgrade", b"http2-settings")
        ]
        start = self.scope["method"].encode() + b" / HTTP/1.1\r\n"
        self._in_header = False
        self.parser.feed_data(start + b"".join(kept) + b"\r\n")

    def on_message_begin(self) -> None:
        """A new request: its header begins."""
        super().on_message_begin()
        self.scope["gradserve.abort"] = self.transport.abort  # type: ignore[typeddict-unknown-key]  # ours
        self._header_bytes = 0
        self._start_timer()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        super().on_url(url)
        self._count_complete(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the header."""
        super().on_header(name, value)
        self._count_complete(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        """The header's end: its time stops."""
        self._in_header = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request's end: the next one begins with a header."""
        super().on_message_complete()
        self._in_header = True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Of several requests sent at once, the one whose turn it is."""
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _count_complete(self, size: int) -> None:
        self._count_header(size)
        if self._refusal:
            raise self._refusal

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._limits.max_bytes:
            self._refusal = HeaderTooLargeError(
                f"the header has at least {self._header_bytes} bytes, but the limit "
                f"max_header_bytes is {self._limits.max_bytes}"
            )

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._limits.seconds, self._end_time)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_time(self) -> None:
        self._timer = None
        if self._answering() is not None:
            self._start_timer()
            return
        self._refuse(
            RequestTimeoutError(
                "the header did not end within the limit header_seconds, "
                f"{self._limits.seconds:g}"
            )
        )

    def _answering(self) -> RequestResponseCycle | None:
        cycle = self._answered
        return None if cycle is None or cycle.response_complete else cycle

    def _disconnect(self, cycle: RequestResponseCycle) -> None:
        cycle.disconnected = True
        cycle.message_event.set()

    def _refuse(self, error: GradserveError) -> None:
        """Answer with a problem and close; after an answer that is on its way, only close."""
        self._is_refused = True
        self._stop_timer()
        if self.transport.is_closing():
            return
        cycle = self._answering()
        if cycle is not None:
            if cycle is not self.cycle or not cycle.more_body:
                cycle.keep_alive = False
                self.flow.pause_reading()
                return
            self._disconnect(cycle)
            if cycle.response_started:
                self.transport.close()
                return
        request_id = uuid4().hex
        self.transport.write(_response(error, request_id))
        line = {"request_id": request_id, "status": status_of(error), "reason": error.message}
        REQUESTS.info("refused before it was a request", extra=line)
        self._close_after_a_moment()

    def _close_after_a_moment(self) -> None:
        """Close when the client does, or soon: closing on unread data resets the answer."""
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


def _response(error: GradserveError, request_id: str) -> bytes:
    body = problem_bytes(error, request_id)
    headers = (
        *SECURITY_HEADERS,
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    )
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return STATUS_LINE[status_of(error)] + lines + b"\r\n" + body


class _Replayed:
    """The callbacks of a parser that is told a header again: nothing until the body."""

    def __init__(self, protocol: TimedHeaders) -> None:
        self._protocol = protocol
        self._is_replaying = True

    def on_message_begin(self) -> None:
        if not self._is_replaying:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_replaying:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_replaying:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._is_replaying:
            self._protocol.on_headers_complete()
        self._is_replaying = False

    def on_body(self, body: bytes) -> None:
        self._protocol.on_body(body)

    def on_message_complete(self) -> None:
        self._protocol.on_message_complete()
