"""What holds a job: every write with a claim names its owner and attempt, or is refused."""

from functools import cache
from typing import Any

from sqlalchemy import Row, Update, bindparam, select, update

from service.jobs.job import Claim
from service.jobs.store import LostClaimError
from service.storage.database import Transaction
from service.storage.schema import RUNNING, jobs

_IS_HELD = (
    (jobs.c.id == bindparam("held_id"))
    & (jobs.c.status == RUNNING)
    & (jobs.c.owner == bindparam("held_owner"))
    & (jobs.c.attempt == bindparam("held_attempt"))
)
_HELD = select(jobs).where(_IS_HELD).with_for_update()
_ENDED = select(jobs).where(
    jobs.c.id == bindparam("held_id"),
    jobs.c.owner == bindparam("held_owner"),
    jobs.c.attempt == bindparam("held_attempt"),
    jobs.c.finished_at.is_not(None),
)


def check(transaction: Transaction, claim: Claim) -> Row[Any]:
    """The job's row, locked. Raises LostClaimError unless the claim holds it."""
    row = transaction.connection.execute(_HELD, _names(claim)).one_or_none()
    if row is None:
        raise LostClaimError
    return row


def change(
    transaction: Transaction, claim: Claim, values: dict[str, Any], *, events: int = 0
) -> Row[Any]:
    """Change the job's row, and make room for so many events; the row as it is then.

    Raises LostClaimError unless the claim holds the job.
    """
    statement = _changing(tuple(sorted(values)), events)
    given = {f"to_{name}": value for name, value in values.items()}
    row = transaction.connection.execute(statement, _names(claim) | given).one_or_none()
    if row is None:
        raise LostClaimError
    return row


def ended_by(transaction: Transaction, claim: Claim) -> Row[Any] | None:
    """The row of the job if this claim has ended it; None if not."""
    return transaction.connection.execute(_ENDED, _names(claim)).one_or_none()


@cache
def _changing(names: tuple[str, ...], events: int) -> Update:
    values: dict[str, Any] = {name: bindparam(f"to_{name}") for name in names}
    if events:
        values["version"] = jobs.c.version + events
    return update(jobs).where(_IS_HELD).values(values).returning(jobs)


def _names(claim: Claim) -> dict[str, Any]:
    return {
        "held_id": claim.job.id,
        "held_owner": claim.owner,
        "held_attempt": claim.attempt,
    }
