"""All that is kept in a database, opened together."""

from dataclasses import dataclass

from service.settings import Settings
from service.storage.blob_files import FOLDER, FolderBlobs, RemoteBlobs
from service.storage.blobs import Blobs
from service.storage.database import Database
from service.storage.datasets import SqlDatasetRecords
from service.storage.jobs import SqlJobStore
from service.storage.keys import SqlKeyStore
from service.storage.opening import open_database
from service.storage.work import SqlWorkStore

FILES = "files"


@dataclass(frozen=True, slots=True)
class Records:
    """The stores of one database."""

    database: Database
    jobs: SqlJobStore
    work: SqlWorkStore
    datasets: SqlDatasetRecords
    keys: SqlKeyStore


def open_records(settings: Settings) -> Records:
    """The stores of the database that the settings name, which is migrated.

    Raises:
        StoreError: the address is none, or the database is newer than the code.
        UnavailableError, StorageFullError: it cannot be reached or written.
    """
    return records_of(open_database(settings), settings)


def records_of(database: Database, settings: Settings) -> Records:
    """The stores of an open database."""
    if settings.files_url is None:
        contents = Blobs(FolderBlobs(settings.data_directory / FILES / FOLDER))
    else:
        contents = Blobs(RemoteBlobs(settings.files_url))
    return Records(
        database,
        SqlJobStore(database, contents, settings),
        SqlWorkStore(database, contents, settings),
        SqlDatasetRecords(database),
        SqlKeyStore(database),
    )
