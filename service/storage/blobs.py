"""Requests, checkpoints and results: small ones in the database, large ones as files."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from sqlalchemy import Delete, Row, Select, bindparam, select

from service.errors import StorageFullError, UnavailableError
from service.storage.blob_files import BlobFiles
from service.storage.database import Database, Transaction
from service.storage.schema import blobs

BlobName = Literal["request", "checkpoint", "result"]
MOST_BYTES_OF_ROW = 256 * 2**10
_FILE = select(blobs.c.file).where(
    blobs.c.job_id == bindparam("of_job"), blobs.c.name == bindparam("named")
)
_READS = 5  # a file may be replaced between the row and it


@dataclass(frozen=True, slots=True)
class Kept:
    """A content that a row can name."""

    content: bytes | None
    file: str | None


@dataclass(frozen=True, slots=True)
class Blobs:
    """Contents of jobs."""

    files: BlobFiles

    def keep(self, content: bytes) -> Kept:
        """Make a content ready for `put`; to be discarded if no row comes to name it."""
        if len(content) <= MOST_BYTES_OF_ROW:
            return Kept(content, None)
        return Kept(None, self.files.write(content))

    def discard(self, kept: Kept | None) -> None:
        """Forget what no row names."""
        if kept is not None and kept.file is not None:
            self._let_go(kept.file)

    def put(self, transaction: Transaction, job_id: str, name: BlobName, kept: Kept) -> None:
        """Let the row name it; the file of what it named before goes after the commit."""
        old = transaction.connection.execute(_FILE, {"of_job": job_id, "named": name}).scalar()
        if old is not None and old != kept.file:
            transaction.after_commit.append(partial(self._let_go, old))
        transaction.put(
            blobs,
            {"job_id": job_id, "name": name, "content": kept.content, "file": kept.file},
        )

    def forget(self, transaction: Transaction, query: Select[Any], delete: Delete) -> None:
        """Delete rows, and their files after the commit; `query` is for these rows."""
        for row in transaction.connection.execute(query.with_only_columns(blobs.c.file)):
            if row.file is not None:
                transaction.after_commit.append(partial(self._let_go, row.file))
        transaction.connection.execute(delete)

    def content_of(self, row: Row[Any]) -> bytes | None:
        """The content that a row names; None if its file is gone."""
        if row.file is None:
            return bytes(row.content)
        return self.files.read(row.file)

    def read(
        self, database: Database, query: Callable[[Transaction], Row[Any] | None]
    ) -> bytes | None:
        """The content of the row that `query` finds; None if there is no row.

        Raises:
            UnavailableError: the row names a file that is gone.
        """
        for _ in range(_READS):
            row = database.read(query)
            if row is None:
                return None
            content = self.content_of(row)
            if content is not None:
                return content
        raise UnavailableError("found a content of the job gone from the storage")

    def _let_go(self, name: str) -> None:
        """Remove a file that no row names; if that fails, a sweep does it later."""
        with suppress(UnavailableError, StorageFullError):
            self.files.remove(name)
