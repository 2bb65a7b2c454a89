"""Records of datasets in the database; DatasetRecords says what each method does."""

from sqlalchemy import select

from service.errors import InUseError
from service.jobs.datasets import Described, StoredDataset
from service.jobs.job import Page, new_id
from service.storage.database import Database, Transaction
from service.storage.rows import dataset_of, written
from service.storage.schema import datasets, job_datasets, jobs
from service.storage.tenancy import TenantRows


class SqlDatasetRecords:
    """Keeps what is known of datasets, each tenant's own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_dataset(
        self,
        tenant: str,
        name: str | None,
        described: Described,
        *,
        dataset_id: str | None = None,
    ) -> StoredDataset:
        """A new record of a file that is kept, or the one that there is of this id."""
        chosen_id = dataset_id or new_id("ds")
        columns = [
            (each.name, each.dtype, each.minimum, each.maximum) for each in described.columns
        ]

        def step(transaction: Transaction) -> StoredDataset:
            rows = TenantRows(transaction, tenant)
            rows.add_if_new(
                datasets,
                id=chosen_id,
                name=None if name is None else written(name),
                format=described.format,
                rows=described.rows,
                columns=written(columns),
                bytes=described.bytes,
                sha256=described.sha256,
                created_at=transaction.now,
            )
            return dataset_of(rows.dataset(chosen_id))

        return self._database.write(step, may_repeat=True)

    def dataset(self, tenant: str, dataset_id: str) -> StoredDataset:
        """The record."""
        return self._database.read(
            lambda transaction: dataset_of(TenantRows(transaction, tenant).dataset(dataset_id))
        )

    def datasets(
        self, tenant: str, *, limit: int = 50, after: str | None = None
    ) -> Page[StoredDataset]:
        """The newest first."""

        def step(transaction: Transaction) -> Page[StoredDataset]:
            rows = TenantRows(transaction, tenant)
            found, following = rows.page(rows.select(datasets), datasets, limit, after)
            return Page(tuple(dataset_of(row) for row in found), following)

        return self._database.read(step)

    def delete_dataset(self, tenant: str, dataset_id: str) -> None:
        """Forget it."""

        def step(transaction: Transaction) -> None:
            rows = TenantRows(transaction, tenant)
            rows.dataset(dataset_id, to_change=True)
            uses = (
                rows.select(jobs, jobs.c.id)
                .join(job_datasets, job_datasets.c.job_id == jobs.c.id)
                .where(job_datasets.c.dataset_id == dataset_id, jobs.c.finished_at.is_(None))
                .limit(1)
            )
            if transaction.connection.execute(uses).first() is not None:
                raise InUseError("found a job that uses the dataset and has not ended")
            transaction.connection.execute(
                rows.delete(datasets).where(datasets.c.id == dataset_id)
            )

        self._database.write(step)

    def kept_files(self) -> set[str]:
        """The SHA-256 of every file that a record names."""
        query = select(datasets.c.sha256).distinct()
        return self._database.read(
            lambda transaction: {row.sha256 for row in transaction.connection.execute(query)}
        )
