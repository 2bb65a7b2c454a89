"""The time that a computation may take: set once around it, looked at wherever work is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import NamedTuple

from service.errors import DeadlineExceededError


class _Deadline(NamedTuple):
    clock: Callable[[], float]
    end: float


_current: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline_in(seconds: float, clock: Callable[[], float] = monotonic) -> Iterator[None]:
    """Within this context, check_deadline raises once so many seconds have passed.

    Inside another context with the same clock, the earlier end holds.
    """
    end = clock() + seconds
    outer = _current.get()
    if outer is not None and outer.clock is clock:
        end = min(end, outer.end)
    token = _current.set(_Deadline(clock, end))
    try:
        yield
    finally:
        _current.reset(token)


def check_deadline() -> None:
    """Stop where the time of the context is over.

    Raises:
        DeadlineExceededError: the clock is past the end of the context's time.
    """
    deadline = _current.get()
    if deadline is not None and deadline.clock() > deadline.end:
        raise DeadlineExceededError(
            "the computation did not finish in its time limit",
            hint="ask for fewer derivatives or a factored one, or split the data",
        )
