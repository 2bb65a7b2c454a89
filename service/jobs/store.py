"""The protocol of the store of jobs: the truth about every job, whoever runs it.

Methods with a tenant see that tenant's rows only: another's job is answered exactly as one that
does not exist. Every method is one transaction, durable when it returns, and may be called from
any thread of any process. Beside the errors named, each raises UnavailableError where the store
cannot be reached or is busy for too long, and StorageFullError where it has no room.
"""

from collections.abc import Sequence
from typing import Protocol

from service.jobs.job import (
    Claim,
    Document,
    Event,
    Idempotency,
    Job,
    Kind,
    Outcome,
    Page,
    Status,
    Submission,
)
from service.training.runs import Epoch


class LostClaimError(Exception):
    """The job is another's by now, or has ended: whoever holds the claim stops at once."""


class JobStore(Protocol):
    """Where jobs are kept, for those who submit and look."""

    def submit(
        self, tenant: str, submission: Submission, idempotency: Idempotency | None = None
    ) -> tuple[Job, bool]:
        """A new job as it is at its start, or that of an earlier request with the same key.

        The second is whether it is of an earlier request; then the job is told as it was when
        it was submitted, also if it is deleted by now.

        Raises:
            IdempotencyKeyReusedError: the key was used for a request with another body.
            QueueFullError: too many jobs wait, of all tenants or of this one.
            NotFoundError: one of its datasets is gone; the pointer is /data/dataset.
        """

    def submitted(self, tenant: str, idempotency: Idempotency) -> Job | None:
        """The job of an earlier request with this key as `submit` tells it; None if none.

        Raises:
            IdempotencyKeyReusedError: the key was used for a request with another body.
        """

    def job(self, tenant: str, job_id: str) -> Job:
        """The job. Raises NotFoundError."""

    def jobs(
        self,
        tenant: str,
        *,
        status: Status | None = None,
        kind: Kind | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Job]:
        """The newest jobs first. Raises ValidationError for an `after` that no page gave."""

    def cancel(self, tenant: str, job_id: str) -> Job:
        """The job, cancelled if it waits, asked to end if it runs.

        Raises:
            NotFoundError: there is no such job.
            AlreadyFinishedError: it has ended.
        """

    def delete(self, tenant: str, job_id: str) -> None:
        """Forget a job with all it has. Raises NotFoundError; InUseError while it runs."""

    def request(self, tenant: str, job_id: str) -> bytes:
        """The request as it was submitted. Raises NotFoundError."""

    def result(self, tenant: str, job_id: str) -> bytes:
        """The result. Raises NotFoundError; NotFinishedError unless the job has succeeded."""

    def checkpoint(self, tenant: str, job_id: str) -> bytes | None:
        """The last checkpoint, if there is one. Raises NotFoundError."""

    def history(
        self, tenant: str, job_id: str, *, after: int = 0, limit: int = 1000
    ) -> list[Epoch]:
        """The epochs after this one, in order. Raises NotFoundError."""

    def events(
        self, tenant: str, job_id: str, *, after: int = 0, limit: int = 1000
    ) -> list[Event]:
        """The events after this number, in order; of old ones progress may be gone.

        Raises NotFoundError.
        """

    def versions(self, job_ids: Sequence[str]) -> dict[str, int]:
        """The numbers of the last events of these jobs, of any tenant, without the deleted."""

    def depth(self) -> dict[str, float]:
        """`queued`, `running` and `oldest_queued_seconds`, of all tenants."""

    def counters(self) -> dict[tuple[str, str], int]:
        """How often what happened, ever: ("succeeded", kind), …, ("worker_restarts", "")."""

    def live_workers(self) -> int:
        """How many workers have been heard of within a lease."""

    def ping(self) -> None:
        """Return if the store can be written to; else raise what its methods raise."""


class WorkStore(Protocol):
    """Where jobs are kept, for those who run them. A claim's writes raise LostClaimError."""

    def claim(
        self, owner: str, lease_seconds: float, environment: Document | None = None
    ) -> Claim | None:
        """The next job to run, or None: tenants in turn, by priority, then by age.

        A job whose cancellation is asked for is never handed out. `environment` is recorded
        with a job that has none yet.
        """

    def beat(self, claim: Claim, lease_seconds: float) -> bool:
        """Extend the lease; whether the job is to be cancelled."""

    def record_environment(self, claim: Claim, environment: Document) -> None:
        """Keep what the first attempt computes with."""

    def report(self, claim: Claim, progress: Document, history: Sequence[Epoch]) -> bool:
        """Tell of progress, and of epochs that are done; whether the job is to be cancelled.

        An epoch told before is not told twice.
        """

    def save_checkpoint(self, claim: Claim, checkpoint: bytes) -> None:
        """Keep where to go on from, in the place of the one before."""

    def finish(self, claim: Claim, outcome: Outcome) -> Job:
        """End the job."""

    def release(self, claim: Claim, checkpoint: bytes | None = None) -> None:
        """Give the job back to the queue; it does not count as a claim that was lost."""

    def release_of(self, owner: str) -> int:
        """Take back the jobs of a worker that is dead; each has lost a claim. How many."""

    def reclaim(self) -> int:
        """Take back the jobs whose leases are over; each has lost a claim. How many.

        A job taken back goes to the queue, or fails with `worker_lost` after as many lost
        claims as the settings allow; one whose cancellation is asked for is cancelled.
        """

    def sweep(self) -> int:
        """Forget what is kept no longer: idempotency keys, old jobs, blobs. How many."""

    def worker_seen(self, owner: str, lease_seconds: float) -> None:
        """A worker is alive."""

    def worker_gone(self, owner: str) -> None:
        """A worker has left."""

    def count(self, name: str, label: str = "", by: int = 1) -> None:
        """Count something that happened."""
