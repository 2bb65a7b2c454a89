"""Bodies while they arrive: size, pauses, rate, and answers that overtake them."""

import asyncio
import json

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from service.api.bodies import TimedBodies
from service.settings import Settings

pytestmark = pytest.mark.anyio
SETTINGS = Settings(
    max_body_bytes=100,
    body_pause_seconds=0.05,
    body_grace_seconds=1.0,
    body_bytes_per_second=10,
)


class Connection:
    """A client that sends parts of a body, then nothing, and keeps what it is answered."""

    def __init__(self, *parts, headers=(), is_whole=True, is_slow=False):
        self.is_slow = is_slow
        self.waiting = [
            {"type": "http.request", "body": part, "more_body": True} for part in parts
        ]
        if is_whole:
            self.waiting[-1]["more_body"] = False
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "headers": [*headers],
            "gradserve.request_id": "id",
        }
        self.sent = []

    async def receive(self):
        if self.is_slow:
            await asyncio.sleep(0)
        if self.waiting:
            return self.waiting.pop(0)
        return await asyncio.Event().wait()

    async def send(self, message):
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def is_closed(self):
        return (b"connection", b"close") in self.sent[0]["headers"]

    @property
    def problem(self):
        return json.loads(b"".join(message.get("body", b"") for message in self.sent[1:]))


async def reads(scope, receive, send):
    """Answers with the size of the body."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


async def ignores(scope, receive, send):
    """Answers without reading the body."""
    await PlainTextResponse("early")(scope, receive, send)


def announced(size):
    return [(b"content-length", str(size).encode())]


CHUNKED = [(b"transfer-encoding", b"chunked")]


async def test_a_body_within_the_limits_arrives():
    connection = Connection(b"x" * 50, b"y" * 50, headers=announced(100))

    await TimedBodies(reads, SETTINGS)(connection.scope, connection.receive, connection.send)

    assert (connection.status, connection.sent[1]["body"]) == (200, b"100")
    assert not connection.is_closed


async def test_a_body_announced_too_large_is_refused_before_it_arrives():
    connection = Connection(b"x", headers=announced(99_999_999_999), is_whole=False)

    await TimedBodies(reads, SETTINGS)(connection.scope, connection.receive, connection.send)

    assert connection.status == 413
    assert connection.is_closed
    assert connection.problem["code"] == "body_too_large"
    assert connection.problem["detail"] == (
        "the body has 99999999999 bytes announced, but the limit max_body_bytes is 100"
    )


async def test_a_body_that_grows_too_large_is_refused():
    connection = Connection(b"x" * 60, b"x" * 41, b"x", headers=CHUNKED)

    await TimedBodies(reads, SETTINGS)(connection.scope, connection.receive, connection.send)

    assert connection.status == 413
    assert "at least 101 bytes" in connection.problem["detail"]


async def test_a_body_that_pauses_is_given_up():
    connection = Connection(b"{}", headers=CHUNKED, is_whole=False)

    await TimedBodies(reads, SETTINGS)(connection.scope, connection.receive, connection.send)

    assert connection.status == 408
    assert connection.is_closed
    assert "stopped after 2 bytes" in connection.problem["detail"]
    assert "0.05 s (body_pause_seconds)" in connection.problem["detail"]


async def test_a_body_that_trickles_is_given_up():
    connection = Connection(*[b"x"] * 100, headers=announced(100), is_slow=True)
    seconds = iter(range(200))

    await TimedBodies(reads, SETTINGS, clock=lambda: next(seconds))(
        connection.scope, connection.receive, connection.send
    )

    assert connection.status == 408
    assert "10 bytes/s (body_bytes_per_second)" in connection.problem["detail"]


async def test_an_answer_that_overtakes_an_arrived_body_keeps_the_connection():
    connection = Connection(b"x" * 50, b"y" * 50, headers=announced(100))

    await TimedBodies(ignores, SETTINGS)(connection.scope, connection.receive, connection.send)

    assert connection.status == 200
    assert not connection.is_closed


async def test_an_answer_that_overtakes_a_coming_body_closes_the_connection_after_it():
    connection = Connection(b"x" * 10, headers=announced(100), is_whole=False)

    await TimedBodies(ignores, SETTINGS)(connection.scope, connection.receive, connection.send)

    assert connection.is_closed
    assert [message.get("more_body", False) for message in connection.sent[1:]] == [True, False]


async def test_a_client_that_waits_to_be_asked_is_not_asked_for_what_is_refused():
    headers = [*announced(1000), (b"expect", b"100-continue")]
    connection = Connection(b"x" * 1000, headers=headers)

    await TimedBodies(reads, SETTINGS)(connection.scope, connection.receive, connection.send)

    assert connection.status == 413
    assert len(connection.waiting) == 1
