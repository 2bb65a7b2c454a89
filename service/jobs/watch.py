"""The watch over one claim: beats that keep its lease, and the reasons to stop the work."""

import logging
import threading
import time
from collections.abc import Callable

from service.errors import GradserveError
from service.jobs.job import Claim, Outcome
from service.jobs.store import LostClaimError, WorkStore
from service.jobs.work import StopReason

LOG = logging.getLogger("gradserve.worker")
LOOK_SECONDS = 0.4  # a cancellation is seen within this
YIELD_SECONDS = 5.0  # after that, work that does not stop is ended with its process
LEASES_PER_BEAT = 3.0


class Watch:
    """Beats for a claim, from a thread of its own, until it is closed.

    `reason` is why the work has to stop, or None; the working thread reads it. A claim is given
    up when the store says so, and when its lease is over without a beat that succeeded: then
    another may have the job, whatever became of the store.
    """

    def __init__(
        self,
        claim: Claim,
        store: WorkStore,
        lease_seconds: float,
        end_process: Callable[[str], None],
        tell_alive: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reason: StopReason | None = None
        self._claim, self._store, self._lease = claim, store, lease_seconds
        self._end_process, self._tell_alive, self._clock = end_process, tell_alive, clock
        self._asked_at: float | None = None
        self._sure_until = clock() + lease_seconds
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beats", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def close(self) -> None:
        """End the beats; when this returns, none is on its way."""
        self._is_closed.set()
        self._thread.join()

    def is_lost(self) -> bool:
        """Whether the job may be another's by now."""
        return self.reason == "lost"

    def _run(self) -> None:
        pause = min(self._lease / LEASES_PER_BEAT, LOOK_SECONDS)
        while not self._is_closed.wait(pause):
            if self.reason != "lost":
                self._beat()
            self._end_if_it_does_not_yield()

    def _beat(self) -> None:
        began = self._clock()
        try:
            if self._store.beat(self._claim, self._lease):
                self._stop("cancel")
            self._sure_until = began + self._lease
            self._tell_alive()
        except LostClaimError:
            self._lose("another has the job")
        except GradserveError as error:
            LOG.warning("no beat", extra={"reason": error.message})
            if self._clock() >= self._sure_until:
                self._lose("the lease is over and the store cannot be asked")

    def _lose(self, why: str) -> None:
        LOG.warning("claim lost", extra={"reason": f"{self._claim.job.id}: {why}"})
        self._stop("lost")

    def _stop(self, reason: StopReason) -> None:
        if self.reason is None:
            self._asked_at = self._clock()
        self.reason = reason

    def _end_if_it_does_not_yield(self) -> None:
        if self._asked_at is None or self._clock() - self._asked_at < YIELD_SECONDS:
            return
        if self.reason == "cancel":
            try:
                self._store.finish(self._claim, Outcome(status="cancelled"))
            except (LostClaimError, GradserveError) as error:
                # The lease then ends by itself, and the job is cancelled when it is taken back.
                LOG.warning("not marked as cancelled", extra={"reason": str(error)})
        self._end_process(f"{self._claim.job.id} does not yield")
