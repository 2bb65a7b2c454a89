"""How a job comes to be: once for each idempotency key, and only if the queue has room."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select

from service.errors import IdempotencyKeyReusedError, NotFoundError, QueueFullError
from service.jobs.job import Idempotency, Job, Submission
from service.settings import Settings
from service.storage.blobs import Blobs, Kept
from service.storage.database import Transaction
from service.storage.happenings import add_event
from service.storage.rows import (
    job_of,
    microseconds,
    seconds,
    submitted_job,
    written,
    written_job,
)
from service.storage.schema import (
    QUEUED,
    idempotency,
    job_datasets,
    jobs,
    tenants,
)
from service.storage.tenancy import TenantRows

_ROOM_WITHOUT_LOCK = 100  # more than transactions that submit at the same moment
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Submitting:
    """One submission, as a step of a transaction; answers the job, and if it is an earlier."""

    blobs: Blobs
    settings: Settings
    tenant: str
    job_id: str
    submission: Submission
    request: Kept
    idempotency: Idempotency | None

    def __call__(self, transaction: Transaction) -> tuple[Job, bool]:
        """Insert the job, or find the earlier one."""
        rows = TenantRows(transaction, self.tenant)
        if transaction.is_again:
            found = select(jobs).where(jobs.c.id == self.job_id, jobs.c.tenant == self.tenant)
            row = transaction.connection.execute(found).one_or_none()
            if row is not None:
                return job_of(row), False
        job = self._job(transaction)
        if self.idempotency is not None:
            earlier = self._earlier(rows, self.idempotency, job)
            if earlier is not None:
                return earlier, True
        self._check_room(transaction)
        self._check_datasets(rows)
        self._insert(rows, job)
        return job, False

    def _job(self, transaction: Transaction) -> Job:
        return Job(
            id=self.job_id,
            tenant=self.tenant,
            kind=self.submission.kind,
            name=self.submission.name,
            status="queued",
            priority=self.submission.priority,
            cancel_requested=False,
            attempt=0,
            progress=None,
            created_at=seconds(transaction.now),
            started_at=None,
            finished_at=None,
            error=None,
            metadata=dict(self.submission.metadata),
            version=1,
        )

    def _earlier(self, rows: TenantRows, key: Idempotency, job: Job) -> Job | None:
        transaction = rows.transaction
        key_hash = sha256(key.key.encode("utf-8", "surrogatepass")).hexdigest()
        mine = idempotency.c.key_hash == key_hash
        transaction.connection.execute(
            rows.delete(idempotency).where(mine, idempotency.c.expires_at <= transaction.now)
        )
        lasts = microseconds(self.settings.idempotency_hours * _HOUR)
        if rows.add_if_new(
            idempotency,
            key_hash=key_hash,
            request_hash=key.request_hash,
            job=written_job(job),
            expires_at=transaction.now + lasts,
        ):
            return None
        earlier = transaction.connection.execute(rows.select(idempotency).where(mine)).one()
        if bytes(earlier.request_hash) != key.request_hash:
            raise IdempotencyKeyReusedError(
                "Idempotency-Key: found it used for a request with another body, "
                "expected a new key"
            )
        return submitted_job(earlier.job)

    def _check_room(self, transaction: Transaction) -> None:
        of_all = self.settings.max_queued_jobs
        of_tenant = self.settings.max_queued_jobs_of_tenant
        for most, which, whose in (
            (of_tenant, jobs.c.tenant == self.tenant, "of this tenant"),
            (of_all, jobs.c.id.is_not(None), "in all"),
        ):
            waiting = _waiting(transaction, which, most)
            if waiting + _ROOM_WITHOUT_LOCK >= most:
                transaction.lock("gradserve queue")
                waiting = _waiting(transaction, which, most)
            if waiting >= most:
                raise QueueFullError(
                    f"found {most} jobs {whose} waiting, expected fewer than that"
                )

    def _check_datasets(self, rows: TenantRows) -> None:
        for dataset_id in self.submission.datasets:
            if not rows.has_dataset(dataset_id):
                raise NotFoundError("found no such dataset", pointer="/data/dataset")

    def _insert(self, rows: TenantRows, job: Job) -> None:
        transaction = rows.transaction
        rows.add_if_new(tenants, turn=0)
        rows.add(
            jobs,
            id=job.id,
            kind=job.kind,
            name=None if job.name is None else written(job.name),
            status=job.status,
            priority=job.priority,
            cancel_requested=False,
            attempt=0,
            lost_claims=0,
            created_at=transaction.now,
            metadata=written(job.metadata),
            version=0,
        )
        self.blobs.put(transaction, job.id, "request", self.request)
        add_event(transaction, job.id, "status", {"status": "queued", "attempt": 0})
        for dataset_id in set(self.submission.datasets):
            transaction.connection.execute(
                job_datasets.insert().values(job_id=job.id, dataset_id=dataset_id)
            )


def forget_keys(transaction: Transaction) -> int:
    """Delete the idempotency keys whose time is over. How many."""
    over = delete(idempotency).where(idempotency.c.expires_at <= transaction.now)
    return transaction.connection.execute(over).rowcount


def _waiting(transaction: Transaction, which: ColumnElement[bool], most: int) -> int:
    """How many jobs wait, counted up to a bound."""
    some = select(jobs.c.id).where(jobs.c.status == QUEUED, which).limit(most).subquery()
    counted: Any = transaction.connection.execute(select(func.count()).select_from(some))
    return int(counted.scalar_one())
