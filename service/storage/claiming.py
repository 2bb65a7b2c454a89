"""Which job is next: tenants in turn, in each by priority, then by age."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, ScalarSelect, Select, Text, Update, bindparam, func, select, update

from service.storage.database import Transaction
from service.storage.happenings import one_more
from service.storage.schema import QUEUED, RUNNING, jobs, tenants

_LOCK = "gradserve claim"


def is_any_waiting(transaction: Transaction) -> bool:
    """Whether any job waits; asked first, as idle workers ask often and must disturb nobody."""
    return transaction.connection.execute(_ANY_WAITING).first() is not None


@dataclass(frozen=True, slots=True)
class Claiming:
    """Who asks for a job, for how long (microseconds), and within which cap of a tenant."""

    owner: str
    lease: int
    most_running: int
    environment: str | None = None  # recorded where none is


def claim_next(transaction: Transaction, asked: Claiming) -> Row[Any] | None:
    """The row of the next job, now run by who asks until its lease is over; None if none is."""
    # Who claims waits for who claims: the cap and the turns are counted over all of them.
    transaction.lock(_LOCK)
    now = transaction.now
    row = transaction.connection.execute(
        _CLAIM,
        {
            "new_owner": asked.owner,
            "now": now,
            "until": now + asked.lease,
            "most_running": asked.most_running,
            "used": asked.environment,
        },
    ).one_or_none()
    if row is not None:
        transaction.connection.execute(_SERVED, {"served": row.tenant})
    return row


def _claim() -> Update:
    return (
        update(jobs)
        .where(jobs.c.id == _next_job().scalar_subquery(), jobs.c.status == QUEUED)
        .values(
            status=RUNNING,
            owner=bindparam("new_owner"),
            attempt=jobs.c.attempt + 1,
            lease_until=bindparam("until"),
            started_at=func.coalesce(jobs.c.started_at, bindparam("now")),
            environment=func.coalesce(jobs.c.environment, bindparam("used", type_=Text)),
            version=one_more(),
        )
        .returning(jobs)
    )


def _next_job() -> Select[Any]:
    job = jobs.alias("next")
    return (
        select(job.c.id)
        .where(job.c.status == QUEUED, job.c.tenant == _next_tenant())
        .order_by(job.c.priority.desc(), job.c.created_at, job.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _next_tenant() -> ScalarSelect[Any]:
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
        .where(running < bindparam("most_running"))
        .order_by(tenants.c.turn, tenants.c.tenant)
        .limit(1)
        .scalar_subquery()
    )


_ANY_WAITING = select(jobs.c.id).where(jobs.c.status == QUEUED).limit(1)
_CLAIM = _claim()
_SERVED = (
    update(tenants)
    .where(tenants.c.tenant == bindparam("served"))
    .values(turn=select(func.max(tenants.c.turn)).scalar_subquery() + 1)
)
