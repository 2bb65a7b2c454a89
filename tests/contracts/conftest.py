"""Stores on SQLite and on a real PostgreSQL, each with a clock that a test can move."""

from dataclasses import dataclass

import pytest
from sqlalchemy import make_url

from service.settings import Settings
from service.storage.opening import open_postgresql, open_sqlite
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


@pytest.fixture(scope="session")
def postgresql():
    with running_postgresql() as server, new_database(server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request):
    return request.param


@pytest.fixture
def database_url(backend, request):
    """The address of the database that the settings name; None for SQLite in their folder."""
    return request.getfixturevalue("postgresql") if backend == "postgresql" else None


@pytest.fixture
def make_store(tmp_path, database_url):
    """Opens stores with other settings; the tables are empty at the start."""
    opened = []

    def make(clock=None, **settings):
        clock = clock or MovedClock()
        folder = tmp_path / f"data{len(opened)}"
        chosen = Settings(data_directory=folder, database_url=database_url, **settings)
        database = open_empty(chosen, clock)
        opened.append(database)
        return Opened(records_of(database, chosen), clock, chosen)

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def store(make_store):
    return make_store()


def open_empty(settings, clock):
    """A database without rows."""
    if settings.database_url is None:
        return open_sqlite(settings.data_directory / "gradserve.sqlite3", clock)[0]
    database = open_postgresql(make_url(settings.database_url), clock)[0]
    names = ", ".join(table.name for table in metadata.sorted_tables)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {names}")
    return database
