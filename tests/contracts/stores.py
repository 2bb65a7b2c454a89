"""Stores on SQLite and on a real PostgreSQL, each with a clock that a test can move."""

import shutil
from dataclasses import dataclass

import pytest
from sqlalchemy import make_url

from service.settings import Settings
from service.storage.database import Database
from service.storage.opening import FILE_NAME, open_postgresql, open_sqlite
from service.storage.schema import metadata
from service.storage.stores import Records, records_of
from tests.postgres import new_database, running_postgresql


class MovedClock:
    """A clock that stands, but for a microsecond at each look."""

    def __init__(self, start=1_700_000_000.0):
        self._now = int(start * 1_000_000)

    def now(self, connection):
        self._now += 1
        return self._now

    def move(self, seconds):
        self._now += int(seconds * 1_000_000)


@dataclass
class Opened:
    """The stores of a database, their clock and settings."""

    records: Records
    clock: MovedClock
    settings: Settings

    @property
    def jobs(self):
        return self.records.jobs

    @property
    def work(self):
        return self.records.work

    @property
    def folder(self):
        return self.settings.data_directory

    def files(self):
        return sorted(path.name for path in (self.folder / "files" / "blobs").iterdir())


@pytest.fixture(scope="session")
def postgresql():
    """The address of a database, which is dropped at the end."""
    with running_postgresql() as server, new_database(server) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_engine(postgresql):
    """Connections to it, its tables made."""
    database, _ = open_postgresql(make_url(postgresql))
    yield database.engine
    database.close()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory):
    """A SQLite database with empty tables, to be copied."""
    path = tmp_path_factory.mktemp("empty") / FILE_NAME
    open_sqlite(path)[0].close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request):
    return request.param


@pytest.fixture
def database_url(backend, request):
    """The address of the database that the settings name; None for SQLite in their folder."""
    return request.getfixturevalue("postgresql") if backend == "postgresql" else None


@pytest.fixture
def make_store(tmp_path, backend, database_url, request, empty_file):
    """Opens stores with other settings; the tables are empty at the start."""
    opened = []

    def make(**settings):
        clock = MovedClock()
        folder = tmp_path / f"data{len(opened)}"
        folder.mkdir()
        chosen = Settings(data_directory=folder, database_url=database_url, **settings)
        if backend == "postgresql":
            database = emptied(Database(request.getfixturevalue("postgresql_engine"), clock))
        else:
            shutil.copy(empty_file, folder / FILE_NAME)
            database = open_sqlite(folder / FILE_NAME, clock)[0]
            opened.append(database)
        return Opened(records_of(database, chosen), clock, chosen)

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def store(make_store):
    return make_store()


def emptied(database):
    """The database without its rows."""
    with database.engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    return database
