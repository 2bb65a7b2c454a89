"""The moment when the service begins to stop: a flag, and a wait for it."""

import asyncio


class Draining:
    """Whether the service is stopping. `begin` may be called from any thread or handler."""

    def __init__(self) -> None:
        self._is_draining = False
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def is_draining(self) -> bool:
        """Whether nothing new is taken any more."""
        return self._is_draining

    def begin(self) -> None:
        """Take nothing new from now on; whoever waits is woken in the loop he waits in."""
        self._is_draining = True
        for future in tuple(self._waiting):
            future.get_loop().call_soon_threadsafe(_wake, future)

    async def begun(self) -> None:
        """Return once it has begun."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            if not self._is_draining:
                await future
        finally:
            self._waiting.discard(future)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
