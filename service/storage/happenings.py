"""What happened: events of a job, numbered from 1, and counters that outlive the jobs."""

from collections.abc import Mapping
from typing import Literal

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite

from service.jobs.job import Document
from service.storage.database import Transaction
from service.storage.rows import written
from service.storage.schema import counters, events, jobs

KEPT_PROGRESS = 1000
_EVERY = 100  # old progress is looked for once in so many events


def add_event(
    transaction: Transaction, job_id: str, name: Literal["status", "progress"], data: Document
) -> int:
    """Number and keep an event; the number. Progress far behind it is forgotten."""
    connection = transaction.connection
    number = connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id)
        .values(version=jobs.c.version + 1)
        .returning(jobs.c.version)
    ).scalar_one()
    connection.execute(
        events.insert().values(
            job_id=job_id, number=number, name=name, data=written(data), at=transaction.now
        )
    )
    if number > KEPT_PROGRESS and number % _EVERY == 0:
        connection.execute(
            delete(events).where(
                events.c.job_id == job_id,
                events.c.number <= number - KEPT_PROGRESS,
                events.c.name == "progress",
            )
        )
    return int(number)


def count(transaction: Transaction, happened: Mapping[tuple[str, str], int]) -> None:
    """Raise counters; in one order, so that transactions do not wait for each other."""
    insert = postgresql.insert if transaction.is_postgresql else sqlite.insert
    for (name, label), by in sorted(happened.items()):
        statement = insert(counters).values(name=name, label=label, value=by)
        transaction.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name", "label"],
                set_={"value": counters.c.value + statement.excluded.value},
            )
        )
