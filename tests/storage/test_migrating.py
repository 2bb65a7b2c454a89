"""Migrations: they make the tables that the code speaks of, once, whoever starts first."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import make_url

from service.errors import UnavailableError
from service.settings import Settings
from service.storage.migrating import StoreError
from service.storage.opening import open_and_migrate, open_postgresql, open_sqlite
from service.storage.schema import metadata
from tests.postgres import new_database, running_postgresql


@pytest.fixture
def address(backend, tmp_path):
    """The address of a database that is empty."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path}/own.sqlite3"
        return
    with running_postgresql() as server, new_database(server) as url:
        yield url


def opened(address):
    database, migrated = open_and_migrate(Settings(database_url=address))
    database.close()
    return migrated


def test_the_tables_are_what_the_code_speaks_of(address):
    database, _ = open_and_migrate(Settings(database_url=address))

    with database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)

    database.close()
    assert found == []


def test_of_starters_at_one_moment_one_migrates(address):
    with ThreadPoolExecutor(4) as pool:
        migrated = list(pool.map(opened, [address] * 4))

    assert [each.before for each in migrated].count(None) == 1
    assert {each.after for each in migrated} == {"0001"}


def test_a_database_newer_than_the_code_is_refused(address):
    database, _ = open_and_migrate(Settings(database_url=address))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()

    with pytest.raises(StoreError, match="is newer than this gradserve: found revision '9999'"):
        opened(address)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "found no address of a database"),
        ("mysql://host/name", "found 'mysql', expected postgresql"),
        ("sqlite://", "found SQLite without a file"),
    ],
)
def test_an_address_that_is_none_is_refused(url, message):
    with pytest.raises(StoreError, match=message):
        opened(url)


def test_a_server_that_does_not_answer_is_unavailable_without_its_address():
    url = make_url("postgresql+psycopg://me:secret@127.0.0.1:1/name")

    with pytest.raises(UnavailableError, match=r"^the database cannot be reached$"):
        open_postgresql(url)


def test_a_file_that_is_no_database_is_unavailable(tmp_path):
    path = tmp_path / "gradserve.sqlite3"
    path.write_bytes(b"no database at all" * 1000)

    with pytest.raises(UnavailableError, match=r"^the database cannot be opened$"):
        open_sqlite(path)
