"""Claims that ended without a word: their jobs wait again, or fail after too many."""

from sqlalchemy import ColumnElement, bindparam, case, or_, select, update

from service.errors import WorkerLostError
from service.jobs.stored_errors import stored_error
from service.storage.database import Transaction
from service.storage.happenings import one_more, tell
from service.storage.rows import written
from service.storage.schema import RUNNING, jobs

_ANY_OVER = (
    select(jobs.c.id)
    .where(jobs.c.status == RUNNING, jobs.c.lease_until <= bindparam("now"))
    .limit(1)
)


def is_over(transaction: Transaction) -> ColumnElement[bool]:
    """Leases that are over."""
    return jobs.c.lease_until <= transaction.now


def is_any_over(transaction: Transaction) -> bool:
    """Whether any lease is over; asked first, as every process asks often."""
    return (
        transaction.connection.execute(_ANY_OVER, {"now": transaction.now}).first() is not None
    )


def take_back(
    transaction: Transaction, which: ColumnElement[bool], most_lost_claims: int
) -> int:
    """Take running jobs from their owners; each has lost a claim. How many."""
    chosen = (
        select(jobs.c.id)
        .where(jobs.c.status == RUNNING, which)
        .with_for_update(skip_locked=True)
    )
    is_spent = jobs.c.lost_claims + 1 >= most_lost_claims
    ends = or_(jobs.c.cancel_requested, is_spent)
    fails = ~jobs.c.cancel_requested & is_spent
    error = WorkerLostError(
        f"found {most_lost_claims} workers that ended without a word while they ran the job, "
        "expected one that ends it"
    )
    rows = transaction.connection.execute(
        update(jobs)
        .where(jobs.c.status == RUNNING, jobs.c.id.in_(chosen))
        .values(
            status=case(
                (jobs.c.cancel_requested, "cancelled"), (is_spent, "failed"), else_="queued"
            ),
            lost_claims=jobs.c.lost_claims + 1,
            lease_until=None,
            finished_at=case((ends, transaction.now), else_=None),
            error=case((fails, written(stored_error(error))), else_=None),
            version=one_more(),
        )
        .returning(jobs.c.id, jobs.c.kind, jobs.c.status, jobs.c.attempt, jobs.c.version)
    ).all()
    tell(transaction, rows)
    return len(rows)
