"""A body that arrives, as a file that a thread reads: one piece ahead, no more."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator

PIECE_BYTES = 512 * 2**10


class UploadEndedError(Exception):
    """The body ended before it was whole; whoever reads it clears up and stops."""


class Feed(io.RawIOBase):
    """What is put in by the event loop and read by one thread, which waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._changed = threading.Condition()
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._piece = memoryview(b"")
        self._is_complete = False
        self._is_cut = False

    async def put(self, piece: bytes) -> None:
        """Hand a piece on, once the one before has been taken or the reader has left."""
        await self._wanted.wait()
        if self.closed or not piece:
            return
        self._wanted.clear()
        with self._changed:
            self._piece = memoryview(piece)
            self._changed.notify()

    async def finish(self) -> None:
        """Tell that everything has been put in."""
        await self._wanted.wait()
        with self._changed:
            self._is_complete = True
            self._changed.notify()

    def cut(self) -> None:
        """Tell that nothing comes any more though something is missing."""
        with self._changed:
            self._is_cut = True
            self._changed.notify()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """What has been read is gone."""
        return False

    def read(self, count: int = -1) -> bytes:
        """At most so many bytes of those that are there; none at the end.

        Raises:
            UploadEndedError: the body was cut.
        """
        with self._changed:
            while not (self._piece or self._is_complete or self._is_cut):
                self._changed.wait()
            if self._is_cut:
                raise UploadEndedError
            taken = self._piece if count < 0 else self._piece[:count]
            self._piece = self._piece[len(taken) :]
            is_empty = not self._piece
        if is_empty and taken:
            self._want()
        return bytes(taken)

    def close(self) -> None:
        """Take nothing any more; whoever puts something in goes on at once."""
        if not self.closed:
            super().close()
            self._want()

    def _want(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wanted.set)


async def in_pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of about 512 KiB: each costs a change of threads."""
    waiting: list[bytes] = []
    size = 0
    async for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if size:
        yield b"".join(waiting)
