"""Where a request is computed: quick work on the event loop, the rest in worker threads."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response

from service.api.negotiation import JSON
from service.api.wire import Json, encode
from service.computation.answers import Answer, Array, Representation
from service.computation.compute import Computer

Operation = Literal["evaluate", "gradient", "jacobian"]
MOST_ENCODED_AT_ONCE = 256 * 2**10
Result = TypeVar("Result")


class Computing:
    """The computer, and the threads it may use."""

    def __init__(self, computer: Computer, threads: int) -> None:
        self._computer = computer
        self._limiter = CapacityLimiter(threads)

    async def answer(
        self,
        document: Callable[[Answer], Json],
        operation: Operation,
        expression: str,
        variables: Mapping[str, Array],
        wrt: Sequence[str] | None = None,
        representation: Representation = "auto",
    ) -> Response:
        """The answer to an operation as an HTTP response.

        Raises:
            GradserveError: the expression, its variables or its cost are refused.
        """
        question = (operation, expression, variables, wrt, representation)
        run = partial(self._computer.run, *question)
        found = run() if self._computer.is_quick(*question) else await self.in_thread(run)
        write = partial(_written, document, found)
        large = found.cost.answer_bytes > MOST_ENCODED_AT_ONCE
        return Response(await self.in_thread(write) if large else write(), media_type=JSON)

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """What the work returns, done in a thread when one is free."""
        return await to_thread.run_sync(work, limiter=self._limiter)


def _written(document: Callable[[Answer], Json], answer: Answer) -> bytes:
    return encode(document(answer))


def computing_of(request: Request) -> Computing:
    """The computing of the app that serves this request."""
    found = request.app.state.computing
    assert isinstance(found, Computing)
    return found
