"""What every process does beside its work: leases that are over are taken back, old rows go."""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Protocol

from service.errors import GradserveError

LOG = logging.getLogger("gradserve.upkeep")
LEASES_PER_LOOK = 6.0
LONGEST_SECONDS = 5.0
SWEEP_SECONDS = 60.0
SWEEPS_PER_LOOK_AT_FILES = 30  # all of them are listed, perhaps at a store far away
# Far more than there may be between a file that is kept and its record: a job that cannot
# record its result gives up when its lease is over.
UNNAMED_SECONDS = 3600.0
LEASES_UNNAMED = 10.0


class Kept(Protocol):
    """The part of a `WorkStore` that upkeep needs."""

    def reclaim(self) -> int:
        """Take back the jobs whose leases are over. How many."""

    def sweep(self) -> int:
        """Forget what is kept no longer. How many."""


class Named(Protocol):
    """The part of `DatasetRecords` that upkeep needs."""

    def kept_files(self) -> set[str]:
        """The SHA-256 of every file that a record names."""


class Cleared(Protocol):
    """The part of `DatasetFiles` that upkeep needs."""

    def clear(self) -> None:
        """Delete what processes that are gone have left on their way."""

    def forget_all_but(self, kept: set[str], older_than_seconds: float) -> int:
        """Delete the files that nobody names and that have been there for so long. How many."""


class Upkeep:
    """A thread that looks after the store, and the files, until it is closed."""

    def __init__(
        self,
        store: Kept,
        records: Named,
        files: Cleared,
        lease_seconds: float,
        sweep_seconds: float = SWEEP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._records, self._files = store, records, files
        self._clock = clock
        self._unnamed_seconds = max(UNNAMED_SECONDS, LEASES_UNNAMED * lease_seconds)
        self._pause = min(lease_seconds / LEASES_PER_LOOK, LONGEST_SECONDS)
        self._sweep_seconds = sweep_seconds
        # Processes that start together do not sweep together.
        self._sweep_at = clock() + sweep_seconds * random.random()
        self._sweeps = random.randrange(SWEEPS_PER_LOOK_AT_FILES)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, seconds: float = 1.0) -> None:
        """End, and wait a moment for what is on its way."""
        self._is_closed.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._is_closed.wait(self._pause):
            try:
                self.look()
            except GradserveError as error:
                LOG.warning("no upkeep", extra={"reason": error.message})
            except Exception:
                # The edge of a thread: what fails now is tried again, and the log tells of it.
                LOG.exception("unforeseen")

    def look(self) -> None:
        """Take back what is due, and forget what is due if it is time."""
        if taken := self._store.reclaim():
            LOG.warning("leases over", extra={"count": taken})
        if self._clock() >= self._sweep_at:
            self._sweep_at = self._clock() + self._sweep_seconds
            if forgotten := self._store.sweep():
                LOG.info("swept", extra={"count": forgotten})
            self._files.clear()
            self._sweeps += 1
            if self._sweeps % SWEEPS_PER_LOOK_AT_FILES == 0:
                self._forget_files()

    def _forget_files(self) -> None:
        """Delete the files of datasets that were forgotten, and those that never came to be."""
        kept = self._records.kept_files()
        if forgotten := self._files.forget_all_but(kept, self._unnamed_seconds):
            LOG.info("files forgotten", extra={"count": forgotten})
