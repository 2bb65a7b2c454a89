"""How a job comes to be: once for each idempotency key, and only if the queue has room."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Integer,
    Row,
    ScalarSelect,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    true,
)

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
_ONE: ColumnClause[int] = literal_column("1")


def _counted(which: ColumnElement[bool], most: str) -> ScalarSelect[int]:
    # No column is asked for, so that the index alone is read.
    some = select(_ONE).where(jobs.c.status == QUEUED, which)
    bounded = some.limit(bindparam(most, type_=Integer)).subquery()
    return select(func.count()).select_from(bounded).scalar_subquery()


_WAITING = select(
    _counted(jobs.c.tenant == bindparam("of_tenant"), "most_of_tenant"),
    _counted(true(), "most_of_all"),
)


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
        key_hash = _hash_of(key)
        lasts = microseconds(self.settings.idempotency_hours * _HOUR)
        values = {
            "request_hash": key.request_hash,
            "job": written_job(job),
            "expires_at": transaction.now + lasts,
        }
        if rows.add_if_new(idempotency, key_hash=key_hash, **values):
            return None
        mine = idempotency.c.key_hash == key_hash
        query = rows.select(idempotency).where(mine).with_for_update()
        earlier = transaction.connection.execute(query).one()
        if earlier.expires_at <= transaction.now:
            changing = rows.update(idempotency).where(mine).values(values)
            transaction.connection.execute(changing)
            return None
        return _job_of_key(earlier, key)

    def _check_room(self, transaction: Transaction) -> None:
        most = self.settings.max_queued_jobs_of_tenant, self.settings.max_queued_jobs
        waiting = self._waiting(transaction, most)
        if any(now + _ROOM_WITHOUT_LOCK >= top for now, top in zip(waiting, most, strict=True)):
            transaction.lock("gradserve queue")
            waiting = self._waiting(transaction, most)
        whose = "of this tenant", "of all tenants"
        for now, top, who in zip(waiting, most, whose, strict=True):
            if now >= top:
                raise QueueFullError(
                    f"found {now} jobs {who} waiting, expected fewer than {top}"
                )

    def _waiting(self, transaction: Transaction, most: tuple[int, int]) -> tuple[int, int]:
        """How many jobs of the tenant and of all wait, each counted up to a bound."""
        names = {"of_tenant": self.tenant, "most_of_tenant": most[0], "most_of_all": most[1]}
        of_tenant, of_all = transaction.connection.execute(_WAITING, names).one()
        return of_tenant, of_all

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
            attempt=job.attempt,
            lost_claims=0,
            created_at=transaction.now,
            metadata=written(job.metadata),
            version=job.version,
        )
        self.blobs.put(transaction, job.id, "request", self.request)
        data = {"status": job.status, "attempt": job.attempt}
        add_event(transaction, job.id, job.version, "status", data)
        for dataset_id in set(self.submission.datasets):
            transaction.connection.execute(
                job_datasets.insert().values(job_id=job.id, dataset_id=dataset_id)
            )


def submitted_with(
    transaction: Transaction, tenant: str, idempotency_key: Idempotency
) -> Job | None:
    """The job of an earlier request with this key, as it was when it was submitted.

    Raises:
        IdempotencyKeyReusedError: that request had another body.
    """
    rows = TenantRows(transaction, tenant)
    query = rows.select(idempotency).where(
        idempotency.c.key_hash == _hash_of(idempotency_key),
        idempotency.c.expires_at > transaction.now,
    )
    earlier = transaction.connection.execute(query).one_or_none()
    return None if earlier is None else _job_of_key(earlier, idempotency_key)


def forget_keys(transaction: Transaction) -> int:
    """Delete the idempotency keys whose time is over. How many."""
    over = delete(idempotency).where(idempotency.c.expires_at <= transaction.now)
    return transaction.connection.execute(over).rowcount


def _hash_of(key: Idempotency) -> str:
    return sha256(key.key.encode("utf-8", "surrogatepass")).hexdigest()


def _job_of_key(earlier: Row[Any], key: Idempotency) -> Job:
    if bytes(earlier.request_hash) != key.request_hash:
        raise IdempotencyKeyReusedError(
            "Idempotency-Key: found it used for a request with another body, expected a new key"
        )
    return submitted_job(earlier.job)
