"""Opening the database that the settings name, brought up to what the code expects."""

import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from service.errors import UnavailableError
from service.settings import Settings
from service.storage.clock import Clock, ServerClock, machine_clock
from service.storage.database import WRITES, Database
from service.storage.failures import disk_errors, error_of
from service.storage.migrating import Migrated, StoreError, migrate
from service.storage.turns import Turns

FILE_NAME = "gradserve.sqlite3"
BUSY_SECONDS = 5.0
_POSTGRESQL = "postgresql+psycopg"
_CACHE_KIBIBYTES = 16 * 1024


def open_database(settings: Settings) -> Database:
    """The database of these settings, migrated.

    Raises:
        StoreError: the address is none, or the database is newer than the code.
        UnavailableError, StorageFullError: it cannot be reached or written.
    """
    return open_and_migrate(settings)[0]


def is_missing(settings: Settings) -> bool:
    """Whether the database is a file of the data directory, and nobody has made it."""
    if settings.database_url is not None:
        return False
    return not (settings.data_directory / FILE_NAME).exists()


def open_and_migrate(settings: Settings) -> tuple[Database, Migrated]:
    """The database of these settings, and what was done to bring it up to the code."""
    if settings.database_url is None:
        return open_sqlite(settings.data_directory / FILE_NAME)
    url = _url_of(settings.database_url)
    if url.drivername.startswith("sqlite"):
        if not url.database or url.database == ":memory:":
            raise StoreError("GRADSERVE_DATABASE_URL: found SQLite without a file")
        return open_sqlite(Path(url.database))
    return open_postgresql(url)


def open_sqlite(path: Path, clock: Clock | None = None) -> tuple[Database, Migrated]:
    """A SQLite database in this file, which is made if it is not there."""
    with disk_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        pool_size=8,
        max_overflow=120,
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    turns = Turns(path.with_name(path.name + "-turns"), BUSY_SECONDS)
    try:
        with turns.turn(), engine.execution_options(**{WRITES: True}).connect() as connection:
            _keep_a_write_ahead_log(connection)
            with connection.begin():
                migrated = migrate(connection)
                machine = machine_clock(connection)
    except BaseException as error:
        engine.dispose()
        turns.close()
        if isinstance(error, DBAPIError):
            raise _failure_of(error) from error
        raise
    return Database(engine, clock or machine, turns), migrated


def open_postgresql(url: URL, clock: Clock | None = None) -> tuple[Database, Migrated]:
    """A PostgreSQL database at this address."""
    engine = create_engine(
        url,
        connect_args={
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,
            "application_name": "gradserve",
            "options": "-c statement_timeout=10000 -c lock_timeout=5000 "
            "-c idle_in_transaction_session_timeout=15000",
        },
        pool_size=5,
        max_overflow=20,
        pool_timeout=BUSY_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    try:
        with engine.connect() as connection, connection.begin():
            migrated = migrate(connection)
    except BaseException as error:
        engine.dispose()
        if isinstance(error, DBAPIError):
            raise _failure_of(error) from error
        raise
    return Database(engine, clock or ServerClock()), migrated


def _url_of(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StoreError(
            f"GRADSERVE_DATABASE_URL: found no address of a database, expected "
            f"{_POSTGRESQL}://user:password@host/name"
        ) from error
    if url.drivername not in (_POSTGRESQL, "sqlite", "sqlite+pysqlite"):
        raise StoreError(
            f"GRADSERVE_DATABASE_URL: found {url.drivername!r}, expected {_POSTGRESQL}"
        )
    return url


def _failure_of(error: DBAPIError) -> Exception:
    return error_of(error) or UnavailableError("the database cannot be opened")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin in `_begin_sqlite` alone
    for pragma in ("synchronous=FULL", f"cache_size=-{_CACHE_KIBIBYTES}", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}").close()


def _keep_a_write_ahead_log(connection: Connection) -> None:
    """Set the journal's mode, which the file keeps, and which no transaction may set."""
    driver = connection.connection.driver_connection
    assert driver is not None
    (mode,) = driver.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise StoreError(f"the database's file system: found no write-ahead log, but {mode!r}")


def _begin_sqlite(connection: Connection) -> None:
    """A reader that turns writer fails at once, however long it may wait: writers say so."""
    is_writer = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
