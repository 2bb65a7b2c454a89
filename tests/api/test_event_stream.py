"""A stream to a client that does not read: it is cut off, and nothing is left of it."""

import asyncio

import pytest

from service.api import event_stream
from service.api.draining import Draining
from service.api.event_stream import EventStreams

pytestmark = pytest.mark.anyio


class Connection:
    """A client that takes a few parts, and no more until it is cut off."""

    def __init__(self, takes):
        self.takes, self.messages, self.gone = takes, [], asyncio.Event()
        self.scope = {"type": "http", "gradserve.abort": self.gone.set}

    async def send(self, message):
        if len(self.messages) >= self.takes:
            await asyncio.Event().wait()
        self.messages.append(message)

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def endless():
    while True:
        yield b"x"


async def served(connection, streams, parts=endless):
    response = streams.response(parts)
    await asyncio.wait_for(response(connection.scope, connection.receive, connection.send), 5)


async def test_a_client_that_does_not_read_is_cut_off(monkeypatch):
    monkeypatch.setattr(event_stream, "WRITE_SECONDS", 0.1)
    streams = EventStreams(1, Draining())

    for _ in range(2):
        connection = Connection(takes=5)
        await served(connection, streams)
        assert connection.gone.is_set()
        assert len(connection.messages) == 5


async def test_it_is_cut_off_sooner_when_the_service_stops(monkeypatch):
    monkeypatch.setattr(event_stream, "CLOSING_SECONDS", 0.1)
    draining = Draining()
    connection = Connection(takes=5)
    serving = asyncio.create_task(served(connection, EventStreams(1, draining)))
    await asyncio.sleep(0.1)
    draining.begin()
    await asyncio.wait_for(serving, 2)

    assert connection.gone.is_set()


async def test_a_client_that_leaves_ends_what_makes_its_parts():
    ended = []

    async def parts():
        try:
            yield b"x"
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    connection = Connection(takes=5)
    serving = asyncio.create_task(served(connection, EventStreams(1, Draining()), parts))
    await asyncio.sleep(0.05)
    connection.gone.set()
    await serving

    assert ended == [True]
