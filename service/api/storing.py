"""Where the store is asked: in threads of its own, which no computation keeps busy."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request

THREADS = 16
Result = TypeVar("Result")


class Storing:
    """The threads that wait for the store."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(THREADS)

    async def __call__(self, work: Callable[[], Result]) -> Result:
        """What the work returns, done in a thread when one is free."""
        return await to_thread.run_sync(work, limiter=self._limiter)


def storing_of(request: Request) -> Storing:
    """The threads of the app that serves this request."""
    found = request.app.state.storing
    assert isinstance(found, Storing)
    return found
