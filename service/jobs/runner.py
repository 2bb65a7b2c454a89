"""Run a claimed job to its end, or to where it is asked to stop."""

import logging
from collections.abc import Callable
from errno import EDQUOT, EFBIG, ENOSPC

from service.errors import GradserveError, StorageFullError, UnavailableError
from service.jobs.crew import Crew, Order
from service.jobs.datasets import DatasetFiles, DatasetRecords
from service.jobs.environment import differences, settled
from service.jobs.job import Claim, Outcome
from service.jobs.kinds import JOB_KINDS
from service.jobs.store import LostClaimError, WorkStore
from service.jobs.stored_errors import stored_error
from service.jobs.work import StoppedError, Work
from service.jobs.work import StopReason as StopReason
from service.jobs.worker import Tools
from service.settings import Settings

LOG = logging.getLogger("gradserve.worker")
_NO_ROOM = (ENOSPC, EDQUOT, EFBIG)


def run(
    claim: Claim,
    store: WorkStore,
    records: DatasetRecords,
    files: DatasetFiles,
    settings: Settings,
    is_stopping: Callable[[], StopReason | None],
    crew: Crew | None = None,
) -> Outcome | None:
    """How the job ends; None where it has not, since it was released or lost.

    It looks at `is_stopping` between any two steps: "cancel" ends it with what it has,
    "shutdown" gives it back to the queue, "lost" drops it. Progress is told at least twice a
    second, where no step takes longer, and what it goes on from is kept every
    `checkpoint_seconds`. A `crew` may share the work. An error that is an answer ends it, a
    MemoryError is the caller's.
    """
    work = Work(claim, store, records, files, settings, is_stopping, crew)
    try:
        return _run(work)
    except LostClaimError:
        LOG.warning("claim lost", extra={"reason": f"{claim.job.id}: a write was refused"})
        return None


def share_of(tools: Tools, order: Order) -> object:
    """What a worker that is lent to a job has of it.

    Raises:
        UnavailableError: this worker would not give the job's bits.
    """
    found = differences(order.environment)
    if found:
        raise UnavailableError(f"other bits than the job's: {'; '.join(found)}")
    return JOB_KINDS[order.kind].share(order, tools.records, tools.files, tools.settings)


def _run(work: Work) -> Outcome | None:
    try:
        with settled(work):
            return JOB_KINDS[work.claim.job.kind].run(work)
    except StoppedError:
        return work.stopped(None)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        full = StorageFullError("the disk of the worker has no room for the job's files")
        return work.outcome("failed", error=stored_error(full))
    except GradserveError as error:
        return work.outcome("failed", error=stored_error(error))
