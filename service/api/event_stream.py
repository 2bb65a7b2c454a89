"""Server-sent events on their way: bounded in number, dropped where nobody reads them.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.6.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress

import orjson
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from service.api.draining import Draining
from service.errors import UnavailableError
from service.jobs.job import Event

MEDIA_TYPE = "text/event-stream"
WRITE_SECONDS = 10.0  # that a client may take to read what fills its buffers
CLOSING_SECONDS = 2.0  # that it may take while the service stops
RETRY = b"retry: 1000\n\n"
HEARTBEAT = b": \n\n"
_HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # a proxy that holds events back makes them useless
}
Parts = AsyncGenerator[bytes, None]


def written(event: Event, data: object) -> bytes:
    """An event as it is sent; its data are one line of JSON."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (
        event.number,
        event.name.encode(),
        orjson.dumps(data),
    )


class EventStreams:
    """How many streams are open, and how many may be."""

    def __init__(self, most: int, draining: Draining) -> None:
        self._most, self._draining = most, draining
        self._open = 0

    def response(self, parts: Callable[[], Parts]) -> Response:
        """An answer that streams these parts until they end, or nobody reads them."""
        return _EventStream(self, parts, self._draining)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Within this context one more is open.

        Raises:
            UnavailableError: as many are open as may be.
        """
        if self._open >= self._most:
            raise UnavailableError(
                f"{self._open} event streams are open, and max_event_streams is {self._most}"
            )
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


class _EventStream(Response):
    """Sends each part when the one before is on its way, so that nothing piles up."""

    def __init__(
        self, streams: EventStreams, parts: Callable[[], Parts], draining: Draining
    ) -> None:
        super().__init__(status_code=200, headers=_HEADERS, media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._streams, self._parts, self._draining = streams, parts, draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the parts; a client that does not read is cut off."""
        with self._streams.one():
            await send(
                {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            )
            if scope.get("gradserve.is_head"):
                await send({"type": "http.response.body"})
                return
            abort = scope.get("gradserve.abort", _nothing)
            pump = asyncio.create_task(self._pump(send))
            left = asyncio.create_task(_left(receive))
            begun = asyncio.create_task(self._draining.begun())
            try:
                await self._supervise(pump, left, begun, abort)
            finally:
                for task in (pump, left, begun):
                    task.cancel()
                await asyncio.gather(pump, left, begun, return_exceptions=True)

    async def _supervise(
        self,
        pump: asyncio.Task[bool],
        left: asyncio.Task[None],
        begun: asyncio.Task[None],
        abort: Callable[[], None],
    ) -> None:
        await asyncio.wait({pump, left, begun}, return_when=asyncio.FIRST_COMPLETED)
        if not pump.done() and not left.done():
            await asyncio.wait(
                {pump, left}, timeout=CLOSING_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        is_sent = pump.done() and pump.result()
        if is_sent and self._draining.is_draining:
            # What is in the buffers has a moment to go out; then the connection has to end.
            asyncio.get_running_loop().call_later(CLOSING_SECONDS, abort)
        elif not is_sent and not left.done():
            abort()
            await asyncio.wait({left}, timeout=CLOSING_SECONDS)

    async def _pump(self, send: Send) -> bool:
        """Whether all was sent, the end too; not if the client takes too long to read."""
        async with aclosing(self._parts()) as parts:
            async for part in parts:
                message = {"type": "http.response.body", "body": part, "more_body": True}
                if not await _sent(send, message):
                    return False
        return await _sent(send, {"type": "http.response.body"})


async def _sent(send: Send, message: Message) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(WRITE_SECONDS):
            await send(message)
            return True
    return False


async def _left(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _nothing() -> None:
    """No connection to cut off: there is none in a test without a server."""
