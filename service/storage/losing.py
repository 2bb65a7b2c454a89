"""Claims that ended without a word: their jobs wait again, or fail after too many."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, case, or_, select, update

from service.errors import WorkerLostError
from service.storage.database import Transaction
from service.storage.happenings import add_event, count
from service.storage.rows import written
from service.storage.schema import RUNNING, jobs


def is_over(transaction: Transaction) -> ColumnElement[bool]:
    """Leases that are over."""
    return jobs.c.lease_until <= transaction.now


def is_any_over(transaction: Transaction) -> bool:
    """Whether any lease is over; asked first, as every process asks often."""
    query = select(jobs.c.id).where(jobs.c.status == RUNNING, is_over(transaction)).limit(1)
    return transaction.connection.execute(query).first() is not None


def take_back(
    transaction: Transaction, which: ColumnElement[bool], most_lost_claims: int
) -> int:
    """Take running jobs from their owners; each has lost a claim. How many."""
    chosen = (
        select(jobs.c.id)
        .where(jobs.c.status == RUNNING, which)
        .order_by(jobs.c.id)
        .with_for_update(skip_locked=True)
    )
    is_spent = jobs.c.lost_claims + 1 >= most_lost_claims
    ends = or_(jobs.c.cancel_requested, is_spent)
    fails = ~jobs.c.cancel_requested & is_spent
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
            error=case((fails, written(_error(most_lost_claims))), else_=None),
        )
        .returning(jobs.c.id, jobs.c.kind, jobs.c.status, jobs.c.attempt)
    ).all()
    tell(transaction, rows)
    return len(rows)


def tell(transaction: Transaction, rows: Sequence[Row[Any]]) -> None:
    """Tell of the new status of jobs, and count those that have ended."""
    happened: dict[tuple[str, str], int] = {}
    for row in rows:
        add_event(transaction, row.id, "status", {"status": row.status, "attempt": row.attempt})
        if row.status not in ("queued", "running"):
            ended = (row.status, row.kind)
            happened[ended] = happened.get(ended, 0) + 1
    count(transaction, happened)


def _error(lost_claims: int) -> dict[str, object]:
    """The error of a job that lost so many claims, as it is stored with the job."""
    error = WorkerLostError(
        f"found {lost_claims} workers that ended without a word while they ran the job"
    )
    fault = {
        "message": error.message,
        "pointer": None,
        "start": None,
        "end": None,
        "hint": None,
    }
    return {"code": error.code, "message": error.message, "faults": [fault], "details": {}}
