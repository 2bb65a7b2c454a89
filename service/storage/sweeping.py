"""What is kept no longer: forgotten piece by piece, so that nobody waits long for it."""

from collections.abc import Callable

from sqlalchemy import delete, select

from service.settings import Settings
from service.storage.blobs import Blobs
from service.storage.database import Database, Transaction
from service.storage.rows import microseconds
from service.storage.schema import (
    blobs,
    events,
    history,
    job_datasets,
    jobs,
    leftovers,
    workers,
)
from service.storage.submitting import forget_keys

ORPHAN_SECONDS = 3600.0  # the longest that a file may be on its way to its row
_DAY = 86_400.0
_JOBS_AT_ONCE, _ROWS_AT_ONCE, _PIECES = 50, 2000, 200


class Sweeper:
    """Forgets old jobs, idempotency keys, leftovers of deleted jobs, and orphan files."""

    def __init__(self, database: Database, contents: Blobs, settings: Settings) -> None:
        self._database, self._blobs, self._settings = database, contents, settings

    def sweep(self) -> int:
        """Forget what is kept no longer; a bounded part of it. How many things."""
        forgotten = self._database.write(forget_keys)
        forgotten += self._database.write(_forget_workers)
        if self._settings.job_retention_days is not None:
            forgotten += self._pieces(self._forget_old_jobs, _JOBS_AT_ONCE)
        self._pieces(_forget_leftovers, 1)
        return forgotten + self._forget_orphans()

    def _pieces(self, step: Callable[[Transaction], int], most: int) -> int:
        forgotten = 0
        for _ in range(_PIECES):
            found = self._database.write(step)
            forgotten += found
            if found < most:
                break
        return forgotten

    def _forget_old_jobs(self, transaction: Transaction) -> int:
        assert self._settings.job_retention_days is not None
        oldest = transaction.now - microseconds(self._settings.job_retention_days * _DAY)
        query = (
            select(jobs.c.id)
            .where(jobs.c.finished_at.is_not(None), jobs.c.finished_at < oldest)
            .order_by(jobs.c.finished_at)
            .limit(_JOBS_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        found = transaction.connection.execute(query).scalars().all()
        if found:
            of_jobs = blobs.c.job_id.in_(found)
            self._blobs.forget(
                transaction, select(blobs).where(of_jobs), delete(blobs).where(of_jobs)
            )
            for place in (job_datasets.c.job_id, jobs.c.id):
                transaction.connection.execute(delete(place.table).where(place.in_(found)))
            transaction.add_if_new(leftovers, [{"job_id": job_id} for job_id in found])
        return len(found)

    def _forget_orphans(self) -> int:
        old = list(self._blobs.files.older_than(ORPHAN_SECONDS))
        if not old:
            return 0
        # The rows are read after the files, so that a file is not missed that came between.
        named = self._database.read(_named_files)
        orphans = [name for name in old if name not in named]
        for name in orphans:
            self._blobs.files.remove(name)
        return len(orphans)


def _forget_workers(transaction: Transaction) -> int:
    old = workers.c.seen_until < transaction.now - microseconds(_DAY)
    return transaction.connection.execute(delete(workers).where(old)).rowcount


def _forget_leftovers(transaction: Transaction) -> int:
    """Delete some events and history of a job that is deleted; 1 if there may be more."""
    connection = transaction.connection
    job_id = connection.execute(
        select(leftovers.c.job_id).order_by(leftovers.c.job_id).limit(1)
    ).scalar()
    if job_id is None:
        return 0
    for table, place in ((history, history.c.epoch), (events, events.c.number)):
        last = connection.execute(
            select(place)
            .where(table.c.job_id == job_id)
            .order_by(place)
            .offset(_ROWS_AT_ONCE - 1)
            .limit(1)
        ).scalar()
        rows = delete(table).where(table.c.job_id == job_id)
        if last is not None:
            connection.execute(rows.where(place <= last))
            return 1
        connection.execute(rows)
    connection.execute(delete(leftovers).where(leftovers.c.job_id == job_id))
    return 1


def _named_files(transaction: Transaction) -> set[str]:
    query = select(blobs.c.file).where(blobs.c.file.is_not(None))
    return {row.file for row in transaction.connection.execute(query)}
