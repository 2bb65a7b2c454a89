"""Which job is next: tenants in turn, in each by priority, then by age."""

from typing import Any

from sqlalchemy import Row, ScalarSelect, Select, Update, func, select, update

from service.storage.database import Transaction
from service.storage.schema import QUEUED, RUNNING, jobs, tenants

_LOCK = "gradserve claim"


def is_any_waiting(transaction: Transaction) -> bool:
    """Whether any job waits; asked first, as idle workers ask often and must disturb nobody."""
    return transaction.connection.execute(_next_job_if_any()).first() is not None


def claim_next(
    transaction: Transaction, owner: str, lease: int, most_running: int
) -> Row[Any] | None:
    """The row of the next job, now run by `owner` until its lease is over; None if none is."""
    # Who claims waits for who claims: the cap and the turns are counted over all of them.
    transaction.lock(_LOCK)
    statement = _claim(owner, transaction.now, transaction.now + lease, most_running)
    row = transaction.connection.execute(statement).one_or_none()
    if row is None:
        return None
    latest = select(func.max(tenants.c.turn)).scalar_subquery()
    transaction.connection.execute(
        update(tenants).where(tenants.c.tenant == row.tenant).values(turn=latest + 1)
    )
    return row


def _claim(owner: str, now: int, lease_until: int, most_running: int) -> Update:
    return (
        update(jobs)
        .where(jobs.c.id == _next_job(most_running).scalar_subquery(), jobs.c.status == QUEUED)
        .values(
            status="running",
            owner=owner,
            attempt=jobs.c.attempt + 1,
            lease_until=lease_until,
            started_at=func.coalesce(jobs.c.started_at, now),
        )
        .returning(jobs)
    )


def _next_job(most_running: int) -> Select[Any]:
    job = jobs.alias("next")
    return (
        select(job.c.id)
        .where(job.c.status == QUEUED, job.c.tenant == _next_tenant(most_running))
        .order_by(job.c.priority.desc(), job.c.created_at, job.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _next_tenant(most_running: int) -> ScalarSelect[Any]:
    """The tenant with jobs that wait, and room to run one, that was served longest ago.

    The tenants that wait are found by jumps along the index of the jobs that wait, one for
    each tenant, however many jobs it has.
    """
    first, later, going = jobs.alias("first"), jobs.alias("later"), jobs.alias("going")
    waiting = (
        select(func.min(first.c.tenant).label("tenant"))
        .where(first.c.status == QUEUED)
        .cte("waiting", recursive=True)
    )
    following = (
        select(func.min(later.c.tenant))
        .where(later.c.status == QUEUED, later.c.tenant > waiting.c.tenant)
        .scalar_subquery()
    )
    waiting = waiting.union_all(select(following).where(waiting.c.tenant.is_not(None)))
    running = (
        select(func.count())
        .where(going.c.status == RUNNING, going.c.tenant == waiting.c.tenant)
        .scalar_subquery()
    )
    return (
        select(tenants.c.tenant)
        .join(waiting, waiting.c.tenant == tenants.c.tenant)
        .where(running < most_running)
        .order_by(tenants.c.turn, tenants.c.tenant)
        .limit(1)
        .scalar_subquery()
    )


def _next_job_if_any() -> Select[Any]:
    return select(jobs.c.id).where(jobs.c.status == QUEUED).limit(1)
