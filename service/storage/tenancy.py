"""A tenant's rows: the one way by which those who submit and look reach what tenants own.

Every statement made here is of one tenant, so that a query which forgets the tenant cannot be
written; what is another's is not there.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Row,
    Select,
    Table,
    Update,
    delete,
    select,
    tuple_,
    update,
)

from service.errors import NotFoundError
from service.jobs.job import DATASET_ID, JOB_ID
from service.storage import cursors
from service.storage.database import Transaction
from service.storage.schema import datasets, jobs


@dataclass(frozen=True, slots=True)
class TenantRows:
    """The rows of one tenant, in one transaction."""

    transaction: Transaction
    tenant: str

    def select(self, table: Table, *columns: ColumnElement[Any]) -> Select[Any]:
        """A query for columns of the tenant's rows; for all if none is named."""
        return select(*(columns or table.c)).where(self._owned(table))

    def update(self, table: Table) -> Update:
        """A change of the tenant's rows."""
        return update(table).where(self._owned(table))

    def delete(self, table: Table) -> Delete:
        """The end of the tenant's rows."""
        return delete(table).where(self._owned(table))

    def add(self, table: Table, **values: object) -> None:
        """A new row of the tenant's."""
        row = {"tenant": self.tenant, **values}
        self.transaction.connection.execute(table.insert(), row)

    def add_if_new(self, table: Table, **values: object) -> bool:
        """A new row of the tenant's, unless there is one with its key; whether it is new."""
        return self.transaction.add_if_new(table, {"tenant": self.tenant, **values}) == 1

    def job(self, job_id: str, *, to_change: bool = False) -> Row[Any]:
        """The row of a job. Raises NotFoundError."""
        if not JOB_ID.fullmatch(job_id):
            raise no_job()
        query = self.select(jobs).where(jobs.c.id == job_id)
        row = self._one(query.with_for_update() if to_change else query)
        if row is None:
            raise no_job()
        return row

    def dataset(self, dataset_id: str, *, to_change: bool = False) -> Row[Any]:
        """The row of a dataset. Raises NotFoundError."""
        if not DATASET_ID.fullmatch(dataset_id):
            raise no_dataset()
        query = self.select(datasets).where(datasets.c.id == dataset_id)
        row = self._one(query.with_for_update() if to_change else query)
        if row is None:
            raise no_dataset()
        return row

    def has_dataset(self, dataset_id: str) -> bool:
        """Whether there is such a dataset; until the transaction ends, it is not deleted."""
        if not DATASET_ID.fullmatch(dataset_id):
            return False
        query = self.select(datasets, datasets.c.id).where(datasets.c.id == dataset_id)
        return self._one(query.with_for_update(key_share=True, read=True)) is not None

    def page(
        self, query: Select[Any], table: Table, limit: int, after: str | None
    ) -> tuple[list[Row[Any]], str | None]:
        """The newest rows of a query, and where the next page starts."""
        place = tuple_(table.c.created_at, table.c.id)
        if after is not None:
            query = query.where(place < cursors.read(after))
        query = query.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit + 1)
        rows = list(self.transaction.connection.execute(query))
        if len(rows) <= limit:
            return rows, None
        rows = rows[:limit]
        return rows, cursors.written(rows[-1].created_at, rows[-1].id)

    def _one(self, query: Select[Any]) -> Row[Any] | None:
        return self.transaction.connection.execute(query).one_or_none()

    def _owned(self, table: Table) -> ColumnElement[bool]:
        if "tenant" in table.c:
            return table.c.tenant == self.tenant
        owner = select(jobs.c.id).where(
            jobs.c.id == table.c.job_id, jobs.c.tenant == self.tenant
        )
        return owner.exists()


def no_job() -> NotFoundError:
    """What is said of a job that does not exist, or is another's."""
    return NotFoundError("found no such job")


def no_dataset() -> NotFoundError:
    """What is said of a dataset that does not exist, or is another's."""
    return NotFoundError("found no such dataset")
