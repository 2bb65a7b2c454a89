"""A database, SQLite or PostgreSQL, and its transactions: whole, bounded in time, told apart.

A transaction whose connection is lost is run once more on a fresh one, unless it was being
committed and must not be run twice.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TypeVar

from sqlalchemy import Connection, Engine, Insert, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.storage.clock import Clock
from service.storage.failures import error_of, is_broken
from service.storage.turns import Turns

WRITES = "writes"  # the execution option of connections that will write
Answer = TypeVar("Answer")
Values = Mapping[str, object]


@dataclass
class Transaction:
    """A transaction that goes on. `is_again`: it is run a second time, perhaps in vain."""

    connection: Connection
    clock: Clock
    is_again: bool = False
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    @cached_property
    def now(self) -> int:
        """The store's time, one for all that the transaction does."""
        return self.clock.now(self.connection)

    @property
    def is_postgresql(self) -> bool:
        """Whether others may write at the same time."""
        return self.connection.dialect.name == "postgresql"

    def lock(self, name: str) -> None:
        """Wait until no other transaction holds this name; SQLite has one writer anyway."""
        if self.is_postgresql:
            self.connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))

    def add_if_new(self, table: Table, values: Values | Sequence[Values]) -> int:
        """Insert the rows whose primary key is not there. How many were."""
        statement = _inserting_new(table, self.is_postgresql)
        options = {"preserve_rowcount": True}
        return self.connection.execute(statement, values, execution_options=options).rowcount

    def put(self, table: Table, values: Values) -> None:
        """Insert the row, which is whole, or write over the one with its primary key."""
        self.connection.execute(_inserting_over(table, self.is_postgresql), values)


class Database:
    """Runs transactions. `turns`: who writes waits for its turn (SQLite)."""

    def __init__(self, engine: Engine, clock: Clock, turns: Turns | None = None) -> None:
        self.engine, self.clock, self._turns = engine, clock, turns
        self._writer = engine.execution_options(**{WRITES: True})

    def read(self, step: Callable[[Transaction], Answer]) -> Answer:
        """Run a transaction that only reads, of one moment's state (SQLite)."""
        return self._run(self.engine, step, may_repeat=True)

    def write(
        self, step: Callable[[Transaction], Answer], *, may_repeat: bool = False
    ) -> Answer:
        """Run a transaction that writes; durable when it returns.

        `may_repeat`: it does no harm if it is run again after it was committed.
        """
        with self._turn():
            answer, transaction = self._attempts(self._writer, step, may_repeat=may_repeat)
        for follow in transaction.after_commit:
            follow()
        return answer

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        if self._turns is not None:
            self._turns.close()

    def _turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._turns is None else self._turns.turn()

    def _run(
        self, engine: Engine, step: Callable[[Transaction], Answer], *, may_repeat: bool
    ) -> Answer:
        return self._attempts(engine, step, may_repeat=may_repeat)[0]

    def _attempts(
        self, engine: Engine, step: Callable[[Transaction], Answer], *, may_repeat: bool
    ) -> tuple[Answer, Transaction]:
        is_again = False
        while True:
            is_committing = False
            try:
                with engine.connect() as connection, connection.begin():
                    transaction = Transaction(connection, self.clock, is_again)
                    answer = step(transaction)
                    is_committing = True
            except (DBAPIError, PoolTimeoutError) as error:
                if (
                    not is_again
                    and isinstance(error, DBAPIError)
                    and is_broken(error)
                    and (may_repeat or not is_committing)
                ):
                    is_again = True
                    continue
                known = error_of(error)
                if known is None:
                    raise
                raise known from error
            else:
                return answer, transaction


@cache
def _inserting_new(table: Table, is_postgresql: bool) -> Insert:
    insert = postgresql.insert if is_postgresql else sqlite.insert
    return insert(table).on_conflict_do_nothing()


@cache
def _inserting_over(table: Table, is_postgresql: bool) -> Insert:
    insert = postgresql.insert if is_postgresql else sqlite.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {each.name: each for each in statement.excluded if each.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)
