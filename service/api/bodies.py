"""Limits on request bodies while they arrive: their size, their pauses, their rate."""

import asyncio
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.draining import Draining
from service.api.edge import request_id_of
from service.api.problems import problem_response
from service.errors import (
    BodyTooLargeError,
    DrainingError,
    GradserveError,
    RequestTimeoutError,
)
from service.settings import Settings

PATIENCE_SECONDS = 0.25
DATASETS = "/v1/datasets"  # whose bodies have a limit of their own
SLICE_SECONDS = 0.5  # how long a body that does not come is waited for between two looks
DRAIN_SECONDS = 1.0
DRAIN_BYTES = 64 * 2**20


class TimedBodies:
    """Ends bodies that are too large (413) or too slow (408); leaves no body half read.

    An answer that overtakes its request waits for it a moment, then goes out and closes the
    connection; what still arrives is read for a while, so that the client sees the answer and
    not a reset.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        draining: Draining | None = None,
    ) -> None:
        self._app = app
        self._settings = settings
        self._clock = clock
        self._draining = draining or Draining()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive, send, self._settings, self._clock, self._draining)
        try:
            body.refuse_announced_size()
            await self._app(scope, body.receive, body.send)
        except (BodyTooLargeError, RequestTimeoutError, DrainingError) as error:
            response = problem_response(error, request_id_of(scope))
            await response(scope, body.receive, body.send)


class _Body:
    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        settings: Settings,
        clock: Callable[[], float],
        draining: Draining,
    ) -> None:
        self._draining = draining
        headers = Headers(scope=scope)
        length = headers.get("content-length")
        self._announced = int(length) if length and length.isdecimal() else None
        self._is_complete = self._announced in (None, 0) and "transfer-encoding" not in headers
        self._waits_to_be_asked = "expect" in headers
        self._is_refused = False
        self._is_closing = False
        self._receive, self._send = receive, send
        self._settings, self._clock = settings, clock
        self._limit = _limit_of(scope)
        self._most: int = getattr(settings, self._limit)
        self._waited = 0.0
        self._count = 0

    def refuse_announced_size(self) -> None:
        """Raises BodyTooLargeError if Content-Length says more than the limit."""
        if self._announced is not None and self._announced > self._most:
            raise self._too_large(f"{self._announced} bytes announced")

    async def receive(self) -> Message:
        """The next part of the body, while there is one, within the limits."""
        if self._is_complete:
            return await self._receive()
        # Only the time spent here is the client's: what else there is, is spent on its data.
        now = self._clock()
        settings = self._settings
        due = settings.body_grace_seconds + self._count / settings.body_bytes_per_second
        seconds = min(settings.body_pause_seconds, due - self._waited)
        message = await self._part_within(max(seconds, 0.0))
        self._waited += self._clock() - now
        self._count_part(message)
        if self._count > self._most:
            raise self._too_large(f"at least {self._count} bytes")
        return message

    async def _part_within(self, seconds: float) -> Message:
        """What comes next; the service's end does not wait for it."""
        while not self._draining.is_draining:
            slice_seconds = min(seconds, SLICE_SECONDS)
            try:
                async with asyncio.timeout(slice_seconds):
                    return await self._receive()
            except TimeoutError:
                seconds -= slice_seconds
                if seconds <= 0:
                    raise self._too_slow() from None
        raise self._too_late()

    async def send(self, message: Message) -> None:
        """Passes the answer on; one that overtakes its request ends the connection."""
        if message["type"] == "http.response.start" and not self._is_complete:
            if not self._is_refused:
                await self._drain(PATIENCE_SECONDS, is_answered=False)
            if not self._is_complete:
                self._is_closing = True
                MutableHeaders(scope=message)["Connection"] = "close"
        is_last = message["type"] == "http.response.body" and not message.get("more_body")
        if self._is_closing and is_last:
            await self._send({**message, "more_body": True})
            await self._drain(DRAIN_SECONDS, is_answered=True)
            message = {"type": "http.response.body"}
        await self._send(message)

    async def _drain(self, seconds: float, *, is_answered: bool) -> None:
        """Read and forget what arrives within this time."""
        if self._waits_to_be_asked and self._count == 0:
            return
        most = self._count + (DRAIN_BYTES if is_answered else self._settings.max_body_bytes)
        try:
            async with asyncio.timeout(seconds):
                while not self._is_complete and self._count < most:
                    self._count_part(await self._receive())
        except TimeoutError:
            return

    def _count_part(self, message: Message) -> None:
        self._count += len(message.get("body", b""))
        self._is_complete = message["type"] != "http.request" or not message.get("more_body")

    def _too_large(self, found: str) -> GradserveError:
        self._is_refused = True
        return BodyTooLargeError(
            f"the body has {found}, but the limit {self._limit} is {self._most}"
        )

    def _too_late(self) -> GradserveError:
        self._is_refused = True
        return DrainingError(f"the service is stopping, after {self._count} bytes of the body")

    def _too_slow(self) -> GradserveError:
        self._is_refused = True
        settings = self._settings
        return RequestTimeoutError(
            f"the body stopped after {self._count} bytes, but it may pause "
            f"{settings.body_pause_seconds:g} s (body_pause_seconds) and must average "
            f"{settings.body_bytes_per_second} bytes/s (body_bytes_per_second) after its first "
            f"{settings.body_grace_seconds:g} s"
        )


def _limit_of(scope: Scope) -> str:
    """The setting that says how long the body may be."""
    is_upload = (scope["method"], scope["path"]) == ("POST", DATASETS)
    return "max_dataset_bytes" if is_upload else "max_body_bytes"
