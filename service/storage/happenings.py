"""What happened: events of a job, numbered from 1, and counters that outlive the jobs.

Statements that run often are made once: making one takes longer than running it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Insert, Row, bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite

from service.jobs.job import Document
from service.storage.database import Transaction
from service.storage.rows import written
from service.storage.schema import counters, events, jobs

KEPT_PROGRESS = 1000
_EVERY = 100  # old progress is looked for once in so many events
_OLD_PROGRESS = delete(events).where(
    events.c.job_id == bindparam("of_job"),
    events.c.number <= bindparam("last"),
    events.c.name == "progress",
)


def one_more() -> ColumnElement[int]:
    """The version of a job that comes with a change; it is the number of the event."""
    return jobs.c.version + 1


def add_event(
    transaction: Transaction,
    job_id: str,
    number: int,
    name: Literal["status", "progress"],
    data: Document,
) -> None:
    """Keep an event under the number that the job's version is now.

    Progress far behind it is forgotten.
    """
    row = {
        "job_id": job_id,
        "number": number,
        "name": name,
        "data": written(data),
        "at": transaction.now,
    }
    transaction.connection.execute(events.insert(), row)
    if number > KEPT_PROGRESS and number % _EVERY == 0:
        transaction.connection.execute(
            _OLD_PROGRESS, {"of_job": job_id, "last": number - KEPT_PROGRESS}
        )


def tell(transaction: Transaction, rows: Sequence[Row[Any]]) -> None:
    """Tell of the new status of jobs, and count those that have ended."""
    happened: dict[tuple[str, str], int] = {}
    for row in rows:
        data = {"status": row.status, "attempt": row.attempt}
        add_event(transaction, row.id, row.version, "status", data)
        if row.status not in ("queued", "running"):
            ended = (row.status, row.kind)
            happened[ended] = happened.get(ended, 0) + 1
    count(transaction, happened)


def count(transaction: Transaction, happened: Mapping[tuple[str, str], int]) -> None:
    """Raise counters; in one order, so that transactions do not wait for each other."""
    raising = _raising(transaction.is_postgresql)
    for (name, label), by in sorted(happened.items()):
        transaction.connection.execute(raising, {"name": name, "label": label, "value": by})


@cache
def _raising(is_postgresql: bool) -> Insert:
    insert = postgresql.insert if is_postgresql else sqlite.insert
    statement = insert(counters)
    return statement.on_conflict_do_update(
        index_elements=["name", "label"],
        set_={"value": counters.c.value + statement.excluded.value},
    )
