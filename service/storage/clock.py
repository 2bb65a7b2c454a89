"""The store's time, in whole microseconds since 1970: one for all processes that share it.

PostgreSQL's own clock; for SQLite the machine's time since its start, with an offset that the
database keeps, so that a clock of a process or of the machine that jumps ends no lease. After
a restart of the machine the offset is made anew, and every lease is over.
"""

import time
from pathlib import Path
from typing import Protocol

from sqlalchemy import BigInteger, Connection, cast, extract, func, select, update

from service.storage.schema import RUNNING, facts, jobs

MICROSECONDS = 1_000_000
_BOOT, _OFFSET = "clock_boot", "clock_offset"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Tells the store's time."""

    def now(self, connection: Connection) -> int:
        """Microseconds since 1970, asked for within a transaction."""


class ServerClock:
    """The time of a PostgreSQL server, as it goes on within a transaction."""

    def now(self, connection: Connection) -> int:
        """The server's time."""
        seconds = extract("epoch", func.clock_timestamp())
        return connection.execute(select(cast(seconds * MICROSECONDS, BigInteger))).scalar_one()


class MachineClock:
    """The time since the machine's start, with the offset that the database keeps."""

    def __init__(self, offset: int) -> None:
        self._offset = offset

    def now(self, connection: Connection) -> int:
        """The machine's time; the database is not asked."""
        return since_start() + self._offset


def machine_clock(connection: Connection) -> MachineClock:
    """The clock of a SQLite database on this machine; within a transaction that writes."""
    rows = connection.execute(select(facts.c.name, facts.c.value)).all()
    known = {row.name: row.value for row in rows}
    boot = boot_id()
    if known.get(_BOOT) == boot:
        return MachineClock(int(known[_OFFSET]))
    offset = max(time.time_ns() // 1000, _latest(connection)) - since_start()
    for name, value in ((_BOOT, boot), (_OFFSET, str(offset))):
        if name in known:
            connection.execute(update(facts).where(facts.c.name == name).values(value=value))
        else:
            connection.execute(facts.insert().values(name=name, value=value))
    connection.execute(update(jobs).where(jobs.c.status == RUNNING).values(lease_until=0))
    return MachineClock(offset)


def boot_id() -> str:
    """What tells this start of the machine from others; empty where nothing does."""
    try:
        return _BOOT_ID.read_text().strip()
    except FileNotFoundError:  # not Linux
        return ""


def since_start() -> int:
    """Microseconds since the machine's start, time asleep included."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    return time.time_ns() // 1000


def _latest(connection: Connection) -> int:
    """The latest time in the database, behind which its clock must not fall."""
    columns = (jobs.c.created_at, jobs.c.started_at, jobs.c.finished_at)
    latest = connection.execute(select(*(func.max(column) for column in columns))).one()
    return max((moment for moment in latest if moment is not None), default=0)
