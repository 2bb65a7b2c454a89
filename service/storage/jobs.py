"""The jobs, for those who submit and look: each tenant's own."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Row, func, select

from service.errors import AlreadyFinishedError, InUseError, NotFinishedError
from service.jobs.job import (
    JOB_ID,
    TERMINAL,
    Event,
    Idempotency,
    Job,
    Kind,
    Page,
    Status,
    Submission,
    new_id,
)
from service.settings import Settings
from service.storage.blobs import BlobName, Blobs
from service.storage.database import Database, Transaction
from service.storage.happenings import count, one_more, tell
from service.storage.rows import epoch_of, event_of, job_of, seconds
from service.storage.schema import (
    QUEUED,
    RUNNING,
    blobs,
    counters,
    events,
    facts,
    history,
    job_datasets,
    jobs,
    leftovers,
    workers,
)
from service.storage.submitting import Submitting, submitted_with
from service.storage.tenancy import TenantRows
from service.training.runs import Epoch

_IDS_AT_ONCE = 500
_PING, _PING_BYTES = "ping", 16 * 2**10


class SqlJobStore:
    """Keeps jobs in a database; the protocol JobStore says what each method does."""

    def __init__(self, database: Database, contents: Blobs, settings: Settings) -> None:
        self._database, self._blobs, self._settings = database, contents, settings

    def submit(
        self, tenant: str, submission: Submission, idempotency: Idempotency | None = None
    ) -> tuple[Job, bool]:
        """A new job, or that of an earlier request with the same key."""
        request = self._blobs.keep(submission.request)
        submitting = Submitting(
            self._blobs,
            self._settings,
            tenant,
            new_id("job"),
            submission,
            request,
            idempotency,
        )
        is_kept = False
        try:
            job, is_earlier = self._database.write(submitting, may_repeat=True)
            is_kept = not is_earlier
        finally:
            if not is_kept:
                self._blobs.discard(request)
        return job, is_earlier

    def submitted(self, tenant: str, idempotency: Idempotency) -> Job | None:
        """The job of an earlier request with this key."""
        return self._database.read(lambda now: submitted_with(now, tenant, idempotency))

    def job(self, tenant: str, job_id: str) -> Job:
        """The job."""
        return self._database.read(lambda now: job_of(TenantRows(now, tenant).job(job_id)))

    def jobs(
        self,
        tenant: str,
        *,
        status: Status | None = None,
        kind: Kind | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Job]:
        """The newest jobs first."""

        def step(transaction: Transaction) -> Page[Job]:
            rows = TenantRows(transaction, tenant)
            query = rows.select(jobs)
            if status is not None:
                query = query.where(jobs.c.status == status)
            if kind is not None:
                query = query.where(jobs.c.kind == kind)
            found, following = rows.page(query, jobs, limit, after)
            return Page(tuple(job_of(row) for row in found), following)

        return self._database.read(step)

    def cancel(self, tenant: str, job_id: str) -> Job:
        """The job, cancelled or asked to end."""

        def step(transaction: Transaction) -> Job:
            rows = TenantRows(transaction, tenant)
            row = rows.job(job_id, to_change=True)
            if row.status in TERMINAL and not (transaction.is_again and row.cancel_requested):
                raise AlreadyFinishedError(
                    f"found the job {row.status}, expected one that has not ended"
                )
            if not row.cancel_requested:
                values: dict[str, object] = {"cancel_requested": True}
                if row.status == "queued":
                    values |= {"status": "cancelled", "finished_at": transaction.now}
                    values["version"] = one_more()
                changing = rows.update(jobs).where(jobs.c.id == job_id).values(values)
                changed = transaction.connection.execute(changing.returning(jobs)).all()
                if row.status == "queued":
                    tell(transaction, changed)
            return job_of(rows.job(job_id))

        return self._database.write(step, may_repeat=True)

    def delete(self, tenant: str, job_id: str) -> None:
        """Forget a job; its events and history are seen no more, and left to a sweep."""

        def step(transaction: Transaction) -> None:
            rows = TenantRows(transaction, tenant)
            row = rows.job(job_id, to_change=True)
            if row.status == "running":
                raise InUseError("found the job running, expected one that is not")
            forget_job(rows, self._blobs, job_id)
            if row.status == "queued":
                count(transaction, {("cancelled", row.kind): 1})

        self._database.write(step)

    def request(self, tenant: str, job_id: str) -> bytes:
        """The request as it was submitted."""
        content = self._content(tenant, job_id, "request")
        assert content is not None
        return content

    def result(self, tenant: str, job_id: str) -> bytes:
        """The result."""
        content = self._content(tenant, job_id, "result")
        if content is None:
            status = self.job(tenant, job_id).status
            raise NotFinishedError(f"found the job {status}, expected one that has succeeded")
        return content

    def checkpoint(self, tenant: str, job_id: str) -> bytes | None:
        """The last checkpoint, if there is one."""
        return self._content(tenant, job_id, "checkpoint")

    def history(
        self, tenant: str, job_id: str, *, after: int = 0, limit: int = 1000
    ) -> list[Epoch]:
        """The epochs after this one."""

        def step(transaction: Transaction) -> list[Epoch]:
            rows = TenantRows(transaction, tenant)
            rows.job(job_id)
            query = (
                rows.select(history)
                .where(history.c.job_id == job_id, history.c.epoch > _bounded(after))
                .order_by(history.c.epoch)
                .limit(limit)
            )
            return [epoch_of(row) for row in transaction.connection.execute(query)]

        return self._database.read(step)

    def events(
        self, tenant: str, job_id: str, *, after: int = 0, limit: int = 1000
    ) -> list[Event]:
        """The events after this number."""

        def step(transaction: Transaction) -> list[Event]:
            rows = TenantRows(transaction, tenant)
            rows.job(job_id)
            query = (
                rows.select(events)
                .where(events.c.job_id == job_id, events.c.number > _bounded(after))
                .order_by(events.c.number)
                .limit(limit)
            )
            return [event_of(row) for row in transaction.connection.execute(query)]

        return self._database.read(step)

    def versions(self, job_ids: Sequence[str]) -> dict[str, int]:
        """The numbers of the last events."""
        known = sorted({each for each in job_ids if JOB_ID.fullmatch(each)})

        def step(transaction: Transaction) -> dict[str, int]:
            found: dict[str, int] = {}
            for start in range(0, len(known), _IDS_AT_ONCE):
                some = known[start : start + _IDS_AT_ONCE]
                query = select(jobs.c.id, jobs.c.version).where(jobs.c.id.in_(some))
                rows = transaction.connection.execute(query)
                found.update({row.id: row.version for row in rows})
            return found

        return self._database.read(step) if known else {}

    def depth(self) -> dict[str, float]:
        """How many jobs wait and run, and for how long the oldest has waited."""

        def step(transaction: Transaction) -> dict[str, float]:
            waiting = select(func.count(), func.min(jobs.c.created_at)).where(
                jobs.c.status == QUEUED
            )
            queued, oldest = transaction.connection.execute(waiting).one()
            going = select(func.count()).select_from(jobs).where(jobs.c.status == RUNNING)
            running = transaction.connection.execute(going).scalar_one()
            age = 0.0 if oldest is None else seconds(transaction.now - oldest)
            return {"queued": queued, "running": running, "oldest_queued_seconds": age}

        return self._database.read(step)

    def counters(self) -> dict[tuple[str, str], int]:
        """How often what happened."""

        def step(transaction: Transaction) -> dict[tuple[str, str], int]:
            rows = transaction.connection.execute(select(counters))
            return {(row.name, row.label): row.value for row in rows}

        return self._database.read(step)

    def live_workers(self) -> int:
        """How many workers have been heard of."""

        def step(transaction: Transaction) -> int:
            live = select(func.count()).where(workers.c.seen_until > transaction.now)
            return int(transaction.connection.execute(live).scalar_one())

        return self._database.read(step)

    def ping(self) -> None:
        """Return if the store can be written to."""

        def step(transaction: Transaction) -> None:
            # Pages are taken and given back, so that a database that cannot grow is noticed.
            transaction.put(facts, {"name": _PING, "value": "0" * _PING_BYTES})
            transaction.put(facts, {"name": _PING, "value": str(transaction.now)})

        self._database.write(step, may_repeat=True)

    def _content(self, tenant: str, job_id: str, name: BlobName) -> bytes | None:
        return self._blobs.read(
            self._database, partial(_blob_row, tenant=tenant, job_id=job_id, name=name)
        )


def forget_job(rows: TenantRows, contents: Blobs, job_id: str) -> None:
    """Delete a job with its contents; its events and history are left to a sweep."""
    transaction = rows.transaction
    of_job = blobs.c.job_id == job_id
    contents.forget(
        transaction, rows.select(blobs).where(of_job), rows.delete(blobs).where(of_job)
    )
    links = rows.delete(job_datasets).where(job_datasets.c.job_id == job_id)
    transaction.connection.execute(links)
    transaction.connection.execute(rows.delete(jobs).where(jobs.c.id == job_id))
    transaction.add_if_new(leftovers, {"job_id": job_id})


def _blob_row(
    transaction: Transaction, *, tenant: str, job_id: str, name: str
) -> Row[Any] | None:
    rows = TenantRows(transaction, tenant)
    rows.job(job_id)
    query = rows.select(blobs).where(blobs.c.job_id == job_id, blobs.c.name == name)
    return transaction.connection.execute(query).one_or_none()


def _bounded(number: int) -> int:
    return max(-1, min(number, 2**31 - 1))
