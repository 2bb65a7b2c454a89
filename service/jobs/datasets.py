"""Datasets as plain values, and the protocols of where their records and files are kept."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from service.jobs.job import Page
from service.training.data import Column, Dataset
from service.training.reading.tables import FormatName


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDataset:
    """A dataset's record. `sha256` is of the file as it came; `bytes` its length.

    `created_at` is in seconds since 1970 of the store's clock.
    """

    id: str
    tenant: str
    name: str | None
    format: FormatName
    rows: int
    columns: tuple[Column, ...]
    bytes: int
    sha256: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A file that is kept, checked and described, before it has a record."""

    format: FormatName
    rows: int
    columns: tuple[Column, ...]
    bytes: int
    sha256: str


class DatasetRecords(Protocol):
    """Where the records are kept; another tenant's is answered as one that does not exist."""

    def add_dataset(
        self,
        tenant: str,
        name: str | None,
        described: Described,
        *,
        dataset_id: str | None = None,
    ) -> StoredDataset:
        """A new record of a file that is kept.

        With `dataset_id`, which a job that may run twice gives, it is made once: where the
        tenant has a record of this id, that is answered.
        """

    def dataset(self, tenant: str, dataset_id: str) -> StoredDataset:
        """The record. Raises NotFoundError."""

    def datasets(
        self, tenant: str, *, limit: int = 50, after: str | None = None
    ) -> Page[StoredDataset]:
        """The newest first. Raises ValidationError for an `after` that no page gave."""

    def delete_dataset(self, tenant: str, dataset_id: str) -> None:
        """Forget it. Raises NotFoundError; InUseError while a job that goes on uses it."""

    def kept_files(self) -> set[str]:
        """The SHA-256 of every file that a record names, of all tenants."""


class DatasetFiles(Protocol):
    """Where files are kept by their content; what is known of one tells nothing of tenants."""

    async def receive(
        self, chunks: AsyncIterator[bytes], format: FormatName, max_bytes: int
    ) -> Described:
        """Keep what arrives, checked while it does; nothing is left of a bad file.

        Raises:
            BadDatasetError: it is no table of finite numbers; row and column are named.
            OverLimitError, BodyTooLargeError: it is larger than it may be.
            StorageFullError: there is no room.
        """

    def keep(self, path: Path, format: FormatName) -> Described:
        """Keep a file of this machine, which is moved away from its place."""

    def content(self, sha256: str) -> Iterator[bytes]:
        """The file as it came, piece by piece."""

    def open(self, record: StoredDataset) -> Dataset:
        """The numbers, mapped from a file of this machine, which is made if it is not there.

        Raises UnavailableError if the file is gone or not what it was.
        """

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder of this machine that is gone afterwards, or once this process has ended.

        What is mapped from it stays; OSError tells of a disk that is full.
        """

    def clear(self) -> None:
        """Delete what is left of uploads and scratch folders whose processes are gone."""

    def forget_all_but(self, kept: set[str], older_than_seconds: float) -> int:
        """Delete the files that nobody names and that have been there for so long. How many."""
