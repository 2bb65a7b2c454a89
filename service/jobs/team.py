"""The worker that has a job's claim, and those that lend it a hand."""

import logging
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from time import monotonic
from typing import Any, TypeVar, cast

import numpy as np

from service.jobs.crew import Crew, Hand, HandLostError, Order, Reply
from service.jobs.work import Work
from service.training.data import Array
from service.training.parts import Parts

Found = TypeVar("Found")

LOG = logging.getLogger("gradserve.worker")
_LOOK_SECONDS = 1.0  # for further hands
_AGAIN_SECONDS = 30.0  # until one that was lost is asked again
_PATIENCE_SECONDS, _PATIENCE = 10.0, 20.0  # with a hand, and how often one's own time
_REPLY_SECONDS = 0.25


class Hands:
    """The hands that a job has: hired beside the work, given back at the end."""

    def __init__(
        self, crew: Crew, order: Order, most: int, is_stopping: Callable[[], bool]
    ) -> None:
        self._crew, self._order, self._most = crew, order, most
        self._is_stopping = is_stopping
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._ready: list[Hand] = []
        self._asked: dict[str, float] = {}  # until when an address is left alone
        self._thread = threading.Thread(target=self._recruit, name="recruiting", daemon=True)
        self._thread.start()

    def ready(self) -> tuple[Hand, ...]:
        """Those that are ready now."""
        with self._lock:
            return tuple(self._ready)

    def asked(self, hand: Hand, method: str, *arguments: object) -> Reply | None:
        """What a hand was asked; None where it is gone."""
        try:
            return hand.ask(method, *arguments)
        except HandLostError as error:
            self.lose(hand, error)
            return None

    def answer(self, hand: Hand, reply: Reply | None, own_seconds: float) -> object:
        """What it answers; None where it is gone, stands still or the job is to stop.

        `own_seconds` is how long the same took here.
        """
        if reply is None:
            return None
        until = monotonic() + max(_PATIENCE_SECONDS, _PATIENCE * own_seconds)
        while True:
            try:
                return reply.value(_REPLY_SECONDS)
            except TimeoutError as error:
                if monotonic() > until or self._is_stopping():
                    self.lose(hand, error)
                    return None
            except HandLostError as error:
                self.lose(hand, error)
                return None

    def lose(self, hand: Hand, error: Exception) -> None:
        """Go on without a hand; another may come in its place."""
        LOG.warning(
            "hand lost", extra={"job": self._order.job, "reason": f"{hand.name}: {error}"}
        )
        with self._lock:
            self._ready = [each for each in self._ready if each is not hand]
            self._asked[hand.name] = monotonic() + _AGAIN_SECONDS
        hand.leave()

    def close(self) -> None:
        """Give all of them back."""
        self._closing.set()
        with self._lock:
            hands, self._ready = self._ready, []
        for hand in hands:
            hand.leave()

    def _recruit(self) -> None:
        while not self._closing.is_set():
            with self._lock:
                now = monotonic()
                self._asked = {a: until for a, until in self._asked.items() if until > now}
                away = {*self._asked, *(hand.name for hand in self._ready)}
                wanted = self._most - len(self._ready)
            if wanted > 0:
                free = [address for address in self._crew.others() if address not in away]
                for address in free[:wanted]:
                    self._asked[address] = float("inf")
                    threading.Thread(
                        target=self._hire, args=(address,), name="hiring", daemon=True
                    ).start()
            self._closing.wait(_LOOK_SECONDS)

    def _hire(self, address: str) -> None:
        again = _LOOK_SECONDS
        try:
            hand = self._crew.hire(address, self._order)
        except HandLostError as error:
            LOG.warning("not hired", extra={"job": self._order.job, "reason": str(error)})
            hand, again = None, _AGAIN_SECONDS
        with self._lock:
            self._asked[address] = monotonic() + again
            is_wanted = not self._closing.is_set() and len(self._ready) < self._most
            if hand is not None and is_wanted:
                self._ready.append(hand)
                LOG.info("hired", extra={"job": self._order.job, "reason": address})
        if hand is not None and not is_wanted:
            hand.leave()


def hands_of(work: Work, parts: int) -> Hands | None:
    """The hands for a job in so many parts; None where it is not split, or there is no crew."""
    if parts == 1 or work.crew is None:
        return None
    job = work.claim.job
    used = work.claim.environment or {}
    order = Order(job.id, job.tenant, job.kind, work.claim.request, parts, used)
    return Hands(work.crew, order, parts - 1, work.is_stopping)


def together(
    hands: Hands | None,
    method: str,
    tasks: Sequence[tuple[Any, ...]],
    own: Callable[..., Found],
) -> list[Found]:
    """What `own` answers to each task: to the first here, to the others by the hands.

    What no hand answers is computed here as well.
    """
    there = hands.ready() if hands is not None else ()
    replies = {
        place: (hand, hands.asked(hand, method, *task))
        for place, (hand, task) in enumerate(zip(there, tasks[1:], strict=False), 1)
        if hands is not None
    }
    found: list[Found] = []
    seconds = 0.0
    for place, task in enumerate(tasks):
        answer: Found | None = None
        if hands is not None and place in replies:
            hand, reply = replies[place]
            answer = cast("Found | None", hands.answer(hand, reply, seconds))
        if answer is None:
            began = monotonic()
            answer = own(*task)
            seconds = monotonic() - began
        found.append(answer)
    return found


class TrainingTeam:
    """Computes steps: the parts of a batch are shared out, and summed in their order.

    A part that a lost hand does not answer is computed here, with the same bits.
    """

    def __init__(self, parts: Parts, hands: Hands | None) -> None:
        self._parts, self._hands = parts, hands

    def gradient(
        self, epoch: int, step: int, vector: Array, *, is_measured: bool
    ) -> tuple[float, Array]:
        """Loss and gradient of a batch at these parameters; 0 for a loss not measured."""

        def own(numbers: Sequence[int]) -> list[tuple[float, Array]]:
            return self._parts.gradients(epoch, step, vector, numbers, is_measured=is_measured)

        asked = (epoch, step, vector, is_measured)
        found = self._shared(self._parts.count, own, "gradients", *asked)
        total, gradient = found[0]
        gradient = np.array(gradient)
        for loss, slopes in found[1:]:
            total += loss
            gradient += slopes
        return total, gradient

    def losses(self, vector: Array, count: int) -> Sequence[float]:
        """The sums of the loss over blocks of the rows to validate with."""

        def own(numbers: Sequence[int]) -> list[float]:
            return self._parts.losses(vector, numbers[0], numbers[-1] + 1)

        return self._shared(count, own, "losses", vector)

    def _shared(
        self,
        count: int,
        own: Callable[[Sequence[int]], list[Any]],
        method: str,
        *arguments: object,
    ) -> list[Any]:
        """What `own` finds for each number up to the count, some of it by the hands."""
        members = 1 + (len(self._hands.ready()) if self._hands is not None else 0)
        edges = [count * k // members for k in range(members + 1)]
        shares = [(range(a, b), *arguments) for a, b in pairwise(edges) if a < b]
        found = together(self._hands, method, shares, lambda numbers, *_: own(numbers))
        return [each for some in found for each in some]


class TrainingShare:
    """What a lent worker has of a training."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def gradients(
        self,
        numbers: Sequence[int],
        epoch: int,
        step: int,
        vector: Array,
        is_measured: bool,  # by position, as it comes over the network
    ) -> list[tuple[float, Array]]:
        """Loss and gradient of the parts of these numbers."""
        return self._parts.gradients(
            epoch, step, _aligned(vector), numbers, is_measured=is_measured
        )

    def losses(self, numbers: Sequence[int], vector: Array) -> list[float]:
        """The sums of the loss over these blocks of the rows to validate with."""
        return self._parts.losses(_aligned(vector), numbers[0], numbers[-1] + 1)


def _aligned(vector: Array) -> Array:
    """An array from the network, copied where BLAS could not take it as it lies in memory."""
    return np.require(vector, requirements=["A", "C"])
