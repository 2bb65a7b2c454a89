"""The stores for a command: what keeps them from opening ends it with a clear text."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.commands.errors import CommandError, reason_of
from service.errors import GradserveError
from service.settings import Settings
from service.storage.migrating import StoreError
from service.storage.opening import is_missing
from service.storage.stores import Records, open_records


def prepare_data_directory(directory: Path) -> None:
    """Make the data directory. Raises CommandError unless it can be written to."""
    try:
        # What is in it is the tenants': nobody else on this machine is to read it.
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"data directory {str(directory)!r}: {reason_of(error)}") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise CommandError(f"data directory {str(directory)!r}: not writable")


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what the store refuses into the end of the command."""
    try:
        yield
    except (StoreError, GradserveError) as error:
        raise CommandError(str(error)) from error


@contextmanager
def known_records(settings: Settings) -> Iterator[Records]:
    """The stores of a database that is there: a folder that is mistyped is not made one."""
    if is_missing(settings):
        raise CommandError(
            f"data directory {str(settings.data_directory)!r}: found no database, expected the "
            "folder of a service; gradserve keys create makes the first key"
        )
    with opened_records(settings) as records:
        yield records


@contextmanager
def opened_records(settings: Settings) -> Iterator[Records]:
    """The stores of the database that the settings name, closed afterwards."""
    prepare_data_directory(settings.data_directory)
    with store_errors():
        records = open_records(settings)
        try:
            yield records
        finally:
            records.database.close()
