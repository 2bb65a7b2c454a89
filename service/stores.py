"""The stores that the settings name: all that a worker needs, and a part of an application."""

from dataclasses import dataclass

from service.access import KeyStore
from service.jobs.datasets import DatasetFiles, DatasetRecords
from service.jobs.store import JobStore, WorkStore
from service.settings import Settings
from service.storage.files import StoredFiles
from service.storage.stores import open_records


@dataclass(frozen=True, slots=True)
class Stores:
    """Where everything is kept: what submitters, workers and the gate of the keys need."""

    jobs: JobStore
    work: WorkStore
    records: DatasetRecords
    files: DatasetFiles
    keys: KeyStore


def build_stores(settings: Settings) -> Stores:
    """The stores that the settings name, their database migrated.

    Raises:
        StoreError: the address of the database is none, or it is newer than the code.
        UnavailableError, StorageFullError: it cannot be reached or written.
    """
    records = open_records(settings)
    return Stores(
        records.jobs, records.work, records.datasets, StoredFiles(settings), records.keys
    )
