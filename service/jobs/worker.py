"""The loop of one worker: claim a job, run it under a watch, tell how it ended; again.

A worker owes nothing to whoever started it: it asks the store for work, and whatever becomes of
it, the store gives its job to another when the lease is over.
"""

import logging
import os
import random
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Protocol

from service.errors import GradserveError, InternalError
from service.jobs.crew import Crew
from service.jobs.datasets import DatasetFiles, DatasetRecords
from service.jobs.environment import environment
from service.jobs.job import Claim, Outcome
from service.jobs.patience import insist
from service.jobs.store import LostClaimError, WorkStore
from service.jobs.stored_errors import stored_error
from service.jobs.watch import Watch
from service.jobs.work import StopReason
from service.settings import Settings

LOG = logging.getLogger("gradserve.worker")
POLL_SECONDS = 0.1  # and up to as much again, so that workers do not ask all at once
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 3.0
SLICE_SECONDS = 0.1
OUT_OF_MEMORY, DID_NOT_YIELD = 71, 72  # exit codes
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Run(Protocol):
    """What runs a claimed job: `service.jobs.runner.run`."""

    def __call__(
        self,
        claim: Claim,
        store: WorkStore,
        records: DatasetRecords,
        files: DatasetFiles,
        settings: Settings,
        is_stopping: Callable[[], StopReason | None],
        crew: Crew | None,
    ) -> Outcome | None:
        """How the job ends; None if it does not end here."""


@dataclass(slots=True)
class Tools:
    """What a worker works with.

    Whoever has the `desk` has the worker: a job of its own, or one that it lends a hand to.
    `crew` is of a cluster: other workers, for as long as one job runs.
    """

    store: WorkStore
    records: DatasetRecords
    files: DatasetFiles
    settings: Settings
    run: Run
    desk: Lock = field(default_factory=Lock)
    crew: Callable[[], AbstractContextManager[Crew | None]] = nullcontext


def owner_of(pid: int, token: str) -> str:
    """The name of a worker in the store: of this boot, this process, this life of it."""
    return f"{_BOOT_ID.read_text()[:8]}-{pid}-{token}"


def new_token() -> str:
    """The random part of an owner's name."""
    return secrets.token_hex(6)


class Worker:
    """One worker; `is_stopping` is asked often, also while a job runs."""

    def __init__(
        self,
        owner: str,
        tools: Tools,
        is_stopping: Callable[[], bool],
        end_process: Callable[[int], None] = os._exit,
    ) -> None:
        self._owner, self._tools = owner, tools
        self._is_stopping, self._end_process = is_stopping, end_process
        self._pause = 0.0
        self._seen_at: float | None = None

    def run_until_stopped(self) -> None:
        """Work until it is to stop: then take no more jobs, and give back the one that runs."""
        LOG.info("worker starts", extra={"owner": self._owner})
        while not self._is_stopping():
            if not self._tools.desk.acquire(timeout=SLICE_SECONDS):
                self._still_there()
                continue
            try:
                claim = self._next_claim()
                if claim is not None:
                    self._work(claim)
            finally:
                self._tools.desk.release()
            if claim is None:
                self._sleep(self._pause or POLL_SECONDS * (1.0 + random.random()))
        try:
            self._tools.store.worker_gone(self._owner)
        except GradserveError as error:
            LOG.warning("cannot say goodbye", extra={"reason": error.message})
        LOG.info("worker ends", extra={"owner": self._owner})

    def _next_claim(self) -> Claim | None:
        """A claim, or None; `_pause` is how long to wait where the store cannot be asked."""
        lease = self._tools.settings.lease_seconds
        try:
            self._tell_alive()
            claim = self._tools.store.claim(self._owner, lease, environment())
        except GradserveError as error:
            self._pause = min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
            LOG.warning("no store", extra={"reason": error.message})
            return None
        self._pause = 0.0
        return claim

    def _still_there(self) -> None:
        """Tell the store of a worker that is lent."""
        try:
            self._tell_alive()
        except GradserveError as error:
            LOG.warning("no store", extra={"reason": error.message})

    def _tell_alive(self) -> None:
        """Tell the store, now and then; called by one thread at a time."""
        lease, now = self._tools.settings.lease_seconds, time.monotonic()
        if self._seen_at is None or now - self._seen_at >= lease / 3:
            self._tools.store.worker_seen(self._owner, lease)
            self._seen_at = now

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._is_stopping() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_SECONDS))

    def _work(self, claim: Claim) -> None:
        names = {"job": claim.job.id, "attempt": claim.attempt, "owner": self._owner}
        LOG.info("job starts", extra=names)
        lease = self._tools.settings.lease_seconds
        watch = Watch(claim, self._tools.store, lease, self._end, self._tell_alive)
        store = self._tools.store
        watch.start()
        try:
            outcome, status = self._outcome(claim, watch), "left"
            if outcome is not None:
                status = insist(lambda: store.finish(claim, outcome), watch.is_lost).status
        except LostClaimError:
            status = "lost"
        finally:
            watch.close()
        LOG.info("job ends here", extra=names | {"status": status})

    def _outcome(self, claim: Claim, watch: Watch) -> Outcome | None:
        tools = self._tools

        def reason() -> StopReason | None:
            return watch.reason or ("shutdown" if self._is_stopping() else None)

        try:
            with tools.crew() as crew:
                return tools.run(
                    claim, tools.store, tools.records, tools.files, tools.settings, reason, crew
                )
        except LostClaimError:
            raise
        except MemoryError:
            LOG.exception("out of memory", extra={"job": claim.job.id})
            self._end_process(OUT_OF_MEMORY)
            raise
        except Exception:
            # The outermost edge of a job: what nobody foresaw would happen again.
            LOG.exception("unforeseen", extra={"job": claim.job.id})
            error = InternalError("the service failed; the log of its worker has this job's id")
            return Outcome(status="failed", error=stored_error(error))

    def _end(self, why: str) -> None:
        LOG.error("worker ends itself", extra={"reason": why, "owner": self._owner})
        self._end_process(DID_NOT_YIELD)
