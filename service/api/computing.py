"""Where a request is computed: quick work on the event loop, the rest in worker threads."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response

from service.api.batches import answered
from service.api.binary import SAFETENSORS, encode_binary
from service.api.derivations import derivation_document, judgement_document
from service.api.learning import LearningRequest, learned
from service.api.negotiation import JSON, prefers
from service.api.wire import Json, analysis_document, document, encode
from service.computation.analysis import AnalysisRequest, analysed
from service.computation.answers import Answer
from service.computation.compute import Computer
from service.computation.requests import Request as Asked
from service.derivation.claims import Claim, judged
from service.derivation.derive import DeriveRequest, derived
from service.settings import Limits

MOST_ENCODED_AT_ONCE = 256 * 2**10
Result = TypeVar("Result")


class Computing:
    """The computer, and the threads it may use."""

    def __init__(self, computer: Computer, threads: int) -> None:
        self._computer = computer
        self._limiter = CapacityLimiter(threads)

    async def answer(self, request: Request, asked: Asked) -> Response:
        """The answer to an operation as an HTTP response, as JSON or safetensors.

        Raises:
            GradserveError: the expression, its variables or its cost are refused.
        """
        run = partial(self._computer.answer, asked)
        found = run() if self._computer.is_quick(asked) else await self.in_thread(run)
        media_type = _media_type(request)
        write = partial(_written, found, media_type)
        large = found.cost.answer_bytes > MOST_ENCODED_AT_ONCE
        content = await self.in_thread(write) if large else write()
        return Response(content, media_type=media_type)

    async def learning(
        self, request: Request, asked: LearningRequest, limits: Limits
    ) -> Response:
        """The answer of a neuron, a network or a step, as JSON or safetensors.

        Raises:
            GradserveError: a field, a size, a number or the cost is refused.
        """
        media_type = _media_type(request)
        encoded = encode_binary if media_type == SAFETENSORS else encode
        content = await self.in_thread(lambda: encoded(learned(asked, self._computer, limits)))
        return Response(content, media_type=media_type)

    async def analysis(self, asked: AnalysisRequest, limits: Limits) -> Response:
        """The analysis of an expression as an HTTP response.

        Raises:
            GradserveError: the expression is refused.
        """
        found = await self.in_thread(partial(analysed, asked, limits))
        return Response(encode(analysis_document(found)), media_type=JSON)

    async def derivation(self, asked: DeriveRequest, limits: Limits) -> Response:
        """The closed forms of derivatives as an HTTP response.

        Raises:
            GradserveError: the expression is refused.
        """
        found = await self.in_thread(partial(derived, asked, limits))
        return Response(encode(derivation_document(found)), media_type=JSON)

    async def judgement(self, asked: Claim, limits: Limits) -> Response:
        """What became of a claimed derivative as an HTTP response.

        Raises:
            GradserveError: the expression, the claim or their values are refused.
        """
        found = await self.in_thread(partial(judged, asked, self._computer, limits))
        return Response(encode(judgement_document(found, asked.wrt)), media_type=JSON)

    async def answers(self, items: Sequence[Json], limits: Limits, request_id: str) -> Response:
        """The answers to many requests, each its own answer or problem."""
        work = partial(answered, self._computer, items, limits, request_id)
        return Response(await self.in_thread(work), media_type=JSON)

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """What the work returns, done in a thread when one is free."""
        return await to_thread.run_sync(work, limiter=self._limiter)


def _media_type(request: Request) -> str:
    return SAFETENSORS if prefers(request.headers, SAFETENSORS, JSON) else JSON


def _written(answer: Answer, media_type: str) -> bytes:
    write = encode_binary if media_type == SAFETENSORS else encode
    return write(document(answer))


def computing_of(request: Request) -> Computing:
    """The computing of the app that serves this request."""
    found = request.app.state.computing
    assert isinstance(found, Computing)
    return found
