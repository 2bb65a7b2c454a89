"""A claimed job while it is run: what it reads, tells and keeps, and whether it is to stop."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from math import isfinite
from time import monotonic, sleep
from typing import Literal, TypeVar

from service.deadline import deadline_in
from service.errors import GradserveError, StorageFullError, UnavailableError
from service.jobs.crew import Crew
from service.jobs.datasets import DatasetFiles, DatasetRecords, StoredDataset
from service.jobs.job import Claim, Document, Outcome
from service.jobs.patience import insist
from service.jobs.store import WorkStore
from service.settings import Settings
from service.training.data import Dataset
from service.training.runs import Epoch, Progress

StopReason = Literal["cancel", "shutdown", "lost"]
Found = TypeVar("Found")

_SECONDS_BETWEEN_REPORTS = 0.2
_SECONDS_BETWEEN_TRIES = 0.5
_TRIES_OF_FILES = 10
_log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The job is to stop, and nothing is done yet that is worth keeping."""


class Work:
    """A claim with the stores around it."""

    def __init__(
        self,
        claim: Claim,
        store: WorkStore,
        records: DatasetRecords,
        files: DatasetFiles,
        settings: Settings,
        is_stopping: Callable[[], StopReason | None],
        crew: Crew | None = None,
    ) -> None:
        self.crew = crew
        self.claim, self.records, self.files, self.settings = claim, records, files, settings
        self._store, self._is_stopping = store, is_stopping
        self._reason: StopReason | None = None
        self._waiting: list[Epoch] = []
        self._progress: Document | None = None
        self._reported = monotonic()  # what ends at once is told with its end alone
        self._saved = monotonic()

    def stop_reason(self) -> StopReason | None:
        """Why the job is to stop, if it is; the first reason stays, but a loss is stronger."""
        asked = self._is_stopping()
        if self._reason is None or asked == "lost":
            self._reason = asked
        return self._reason

    def is_stopping(self) -> bool:
        """Whether the job is to stop."""
        return self.stop_reason() is not None

    def check(self) -> None:
        """Raise StoppedError where the job is to stop."""
        if self.is_stopping():
            raise StoppedError

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Within this context StoppedError comes wherever a deadline is looked at."""

        def clock() -> float:
            self.check()
            return 0.0

        with deadline_in(1.0, clock):
            yield

    def report(
        self, progress: Document, history: Sequence[Epoch] = (), *, is_due: bool = False
    ) -> None:
        """Tell of progress, at most five times a second, and of epochs that are done.

        What a store that is busy does not take is told the next time.

        Raises:
            LostClaimError: the job is another's by now.
        """
        self._progress = progress
        self._waiting += history
        now = monotonic()
        if not is_due and now - self._reported < _SECONDS_BETWEEN_REPORTS:
            return
        self._reported = now
        try:
            is_cancelled = self._store.report(self.claim, progress, tuple(self._waiting))
        except (UnavailableError, StorageFullError) as error:
            _log.warning("job %s: progress waits: %s", self.claim.job.id, error.message)
            return
        self._waiting.clear()
        if is_cancelled and self._reason is None:
            self._reason = "cancel"

    def note(self, history: Sequence[Epoch]) -> None:
        """Take epochs that are done, to be told with the end of the job."""
        self._waiting += history

    def is_checkpoint_due(self) -> bool:
        """Whether so much work has been done that it is to be kept."""
        return monotonic() - self._saved >= self.settings.checkpoint_seconds

    def save_checkpoint(self, checkpoint: bytes) -> None:
        """Keep where to go on from; a store that is busy is tried again when it is due."""
        try:
            self._store.save_checkpoint(self.claim, checkpoint)
        except (UnavailableError, StorageFullError) as error:
            _log.warning("job %s: checkpoint not kept: %s", self.claim.job.id, error.message)
        self._saved = monotonic()

    def stopped(self, checkpoint: bytes | None) -> Outcome | None:
        """What a run returns that was asked to stop, with all that it keeps."""
        reason = self.stop_reason()
        if reason == "cancel":
            return self.outcome("cancelled", checkpoint=checkpoint)
        if reason == "shutdown":
            insist(lambda: self._store.release(self.claim, checkpoint), self._is_lost)
        return None

    def _is_lost(self) -> bool:
        return self._is_stopping() == "lost"

    def outcome(
        self,
        status: Literal["succeeded", "failed", "cancelled"],
        *,
        result: bytes | None = None,
        error: Document | None = None,
        checkpoint: bytes | None = None,
    ) -> Outcome:
        """How the job ends, with what was not told yet."""
        return Outcome(
            status,
            result=result,
            error=error,
            checkpoint=checkpoint,
            progress=self._progress,
            history=tuple(self._waiting),
        )

    def record_environment(self, environment: Document) -> None:
        """Keep what the job is computed with."""
        self.tried(lambda: self._store.record_environment(self.claim, environment))

    def dataset(self, dataset_id: str) -> tuple[StoredDataset, Dataset]:
        """A dataset of the job's tenant, mapped.

        Raises:
            StoppedError: the job is to stop.
            NotFoundError, UnavailableError: it is gone.
        """
        record = self.tried(lambda: self.records.dataset(self.claim.job.tenant, dataset_id))
        return record, self.tried(lambda: self.files.open(record), _TRIES_OF_FILES)

    def tried(self, ask: Callable[[], Found], tries: int | None = None) -> Found:
        """What a store answers, asked again while it is busy; None: until the job stops.

        Raises:
            StoppedError: the job is to stop.
        """
        tried = 0
        while True:
            self.check()
            try:
                return ask()
            except GradserveError as error:
                tried += 1
                if error.kind != "busy" or tried == tries:
                    raise
                _log.warning("job %s: asked again: %s", self.claim.job.id, error.message)
            sleep(_SECONDS_BETWEEN_TRIES)


def progress_document(progress: Progress, loss: float | None) -> dict[str, object]:
    """The progress of a training as values of JSON, its loss in own units."""
    return {**asdict(progress), "loss": finite(loss)}


def finite(value: float | None) -> float | None:
    """The number, or None for one that JSON has no place for."""
    return value if value is not None and isfinite(value) else None
