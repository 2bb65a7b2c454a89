"""What a database or a disk refuses, as an error of the service: full, or unavailable.

The texts say nothing of statements, addresses or paths; the cause is chained for the log.
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.errors import StorageFullError, UnavailableError

_FULL_ERRNO = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_SQLITE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
}
_LOCKED_SQLITE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FULL_POSTGRESQL = {"53100"}
_ROLLED_BACK_POSTGRESQL = {"40001", "40P01"}  # serialization failure, deadlock
_BUSY_POSTGRESQL = {"55P03", "57014", "25P03", "53200", "53300"}
_LOST_POSTGRESQL = {"57P01", "57P02", "57P03", "57P05"}


def error_of(error: BaseException) -> Exception | None:
    """The service's error for one of a database or a disk; None if it is neither's refusal."""
    if isinstance(error, PoolTimeoutError):
        return UnavailableError("the database is busy: found no free connection in time")
    if isinstance(error, OSError):
        if error.errno in _FULL_ERRNO:
            return StorageFullError("found no room on the disk")
        return UnavailableError("the storage cannot be read or written now")
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    return _of_postgresql(error)


def is_broken(error: DBAPIError) -> bool:
    """Whether the connection, or its transaction, is lost through no fault of its own."""
    state = _state(error)
    return not isinstance(error.orig, sqlite3.Error) and (
        error.connection_invalidated
        or state in _LOST_POSTGRESQL | _ROLLED_BACK_POSTGRESQL
        or state.startswith("08")
    )


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn errors of files into the service's."""
    try:
        yield
    except OSError as error:
        known = error_of(error)
        assert known is not None
        raise known from error


def _of_sqlite(error: sqlite3.Error) -> Exception | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code in _FULL_SQLITE:
        return StorageFullError("found no room for the database")
    if code & 0xFF in _LOCKED_SQLITE:
        return UnavailableError("the database is busy: found it locked for too long")
    if isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR:
        return UnavailableError("the database cannot be read or written now")
    return None


def _of_postgresql(error: DBAPIError) -> Exception | None:
    state = _state(error)
    if state in _FULL_POSTGRESQL:
        return StorageFullError("found no room for the database")
    if state in _BUSY_POSTGRESQL:
        return UnavailableError("the database is busy")
    if is_broken(error) or (not state and isinstance(error, OperationalError | InterfaceError)):
        return UnavailableError("the database cannot be reached")
    if state.startswith(("53", "57", "58")):
        return UnavailableError("the database cannot answer now")
    return None


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
