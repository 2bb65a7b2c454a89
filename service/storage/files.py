"""The files of datasets: kept by their content, their numbers beside them to be mapped."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO, cast

from service.errors import (
    BadDatasetError,
    BodyTooLargeError,
    GradserveError,
    OverLimitError,
    UnavailableError,
)
from service.jobs.datasets import Described, StoredDataset
from service.settings import Settings
from service.storage.arrivals import Arrivals, Recorded
from service.storage.contents import (
    Contents,
    FolderContents,
    RemoteContents,
    removed_if_old,
    sync,
)
from service.storage.failures import disk_errors
from service.storage.feeding import Feed, in_pieces
from service.storage.locks import locked
from service.training.data import Dataset, open_dataset
from service.training.reading.tables import FORMATS, MAX_VALUE_BYTES, FormatName, read_table

FILES, CACHE, UPLOADS = "files", "cache", "uploads"
MOST_UPLOADS = 16  # at once in a process; each has a thread and some MB
MOST_WAITING_SECONDS = 10.0
_LOCKS = 16
_LONGEST_HEADER = 4096
_VALUE_FILE = re.compile(r"([0-9a-f]{64})-[a-z]+\.npy")


class StoredFiles:
    """Keeps files in the data directory, or the originals under the URL of the settings.

    An upload is written to a folder of its own, hashed and checked by one thread while it
    arrives; its numbers and then the original are moved to their places by their hash.
    """

    def __init__(self, settings: Settings) -> None:
        directory = settings.data_directory
        self._contents: Contents
        if settings.files_url is None:
            self._contents = FolderContents(directory / FILES)
        else:
            self._contents = RemoteContents(settings.files_url)
        self._cache = directory / CACHE
        with disk_errors():
            self._cache.mkdir(parents=True, exist_ok=True)
        self._arrivals = Arrivals(directory / UPLOADS)
        self._arrivals.clear()
        self._threads = ThreadPoolExecutor(MOST_UPLOADS, "upload")
        self._uploads = 0

    async def receive(
        self, chunks: AsyncIterator[bytes], format: FormatName, max_bytes: int
    ) -> Described:
        """Keep what arrives, checked while it does; nothing is left of a bad file."""
        async with self._turn():
            loop = asyncio.get_running_loop()
            feed = Feed(loop)
            work = loop.run_in_executor(self._threads, self._taken, feed, format, max_bytes)
            count = 0
            try:
                async for piece in in_pieces(chunks):
                    count += len(piece)
                    _check_size(count, max_bytes)
                    await feed.put(piece)
                    if feed.closed:
                        break
                await feed.finish()
                return await asyncio.shield(work)
            except BaseException as error:
                feed.cut()
                await asyncio.wait([work])
                fault = None if work.cancelled() else work.exception()
                # A row that is bad has come before whatever ended the upload.
                if isinstance(fault, GradserveError) and isinstance(error, Exception):
                    raise fault from None
                raise

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One of the uploads that may go on at once."""
        waited = 0.0
        while self._uploads >= MOST_UPLOADS:
            if waited > MOST_WAITING_SECONDS:
                raise UnavailableError(
                    f"found {MOST_UPLOADS} uploads that go on, expected fewer"
                )
            await asyncio.sleep(0.05)
            waited += 0.05
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    def _taken(self, feed: Feed, format: FormatName, max_bytes: int) -> Described:
        try:
            with self._arrivals.new() as folder:
                return self._kept(feed, folder, format, 8 * max_bytes)
        finally:
            feed.close()

    def keep(self, path: Path, format: FormatName) -> Described:
        """Keep a file of this machine, which is moved away from its place."""
        with self._arrivals.new() as folder:
            moved = folder / "moved"
            shutil.move(path, moved)
            with moved.open("rb") as file:
                return self._kept(file, folder, format, MAX_VALUE_BYTES)

    def _kept(
        self,
        stream: BinaryIO | RawIOBase,
        folder: Path,
        format: FormatName,
        max_value_bytes: int,
    ) -> Described:
        """Record, check and keep what a stream has; CSV and JSON are checked on the way."""
        original, values = folder / "original", folder / "values.npy"
        with Recorded(stream, original) as recorded:
            if FORMATS[format].is_seeking:
                sha256 = recorded.read_to_end()
                dataset = read_table(original, format, into=values, max_bytes=max_value_bytes)
            else:
                dataset = read_table(
                    cast(BinaryIO, recorded), format, into=values, max_bytes=max_value_bytes
                )
                sha256 = recorded.read_to_end()
            count = recorded.count
        self._cache_values(values, sha256, format)
        self._contents.put(original, sha256)
        return Described(
            format=format,
            rows=dataset.rows,
            columns=dataset.columns,
            bytes=count,
            sha256=sha256,
        )

    def content(self, sha256: str) -> Iterator[bytes]:
        """The file as it came, piece by piece."""
        return self._contents.pieces(sha256)

    def open(self, record: StoredDataset) -> Dataset:
        """The numbers, mapped from a file of this machine, which is made if it is not there."""
        with disk_errors():
            found = self._cached(record)
            if found is not None:
                return found
            lock = self._cache / f".lock-{int(record.sha256[:2], 16) % _LOCKS}"
            lock.touch()
            # One makes the file, the others wait for it.
            with locked(lock):
                found = self._cached(record)
                if found is None:
                    self._make(record)
                    found = self._cached(record)
        if found is None:
            raise UnavailableError(f"the file of dataset {record.id} is not what it was")
        return found

    def _make(self, record: StoredDataset) -> None:
        with self._arrivals.new() as folder:
            original = self._contents.fetched(record.sha256, folder)
            values = folder / "values.npy"
            try:
                read_table(original, record.format, into=values)
            except (BadDatasetError, OverLimitError) as error:
                raise UnavailableError(
                    f"the file of dataset {record.id} is not what it was"
                ) from error
            self._cache_values(values, record.sha256, record.format)

    def _cached(self, record: StoredDataset) -> Dataset | None:
        """What is cached, if it is there as a whole."""
        path = self._value_file(record.sha256, record.format)
        size = 8 * record.rows * len(record.columns)
        try:
            found = open_dataset(path, record.columns)
            is_whole = (
                found.rows == record.rows and path.stat().st_size - size < _LONGEST_HEADER
            )
        except (BadDatasetError, EOFError, FileNotFoundError):
            return None
        return found if is_whole else None

    def _cache_values(self, values: Path, sha256: str, format: FormatName) -> None:
        descriptor = os.open(values, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.utime(values)
        with locked(self._cache):
            values.replace(self._value_file(sha256, format))
        sync(self._cache)

    def _value_file(self, sha256: str, format: FormatName) -> Path:
        """Of a content as this format: bytes may be a file of two formats."""
        return self._cache / f"{sha256}-{format}.npy"

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for what a job writes on its way."""
        return self._arrivals.scratch("job-")

    def clear(self) -> None:
        """Delete what is left of uploads and jobs whose processes are gone."""
        with disk_errors():
            self._arrivals.clear()

    def forget_all_but(self, kept: set[str], older_than_seconds: float) -> int:
        """Delete the files that nobody names.

        A file that is put again is as new, so `kept` may be read long before.
        """
        with disk_errors():
            count = self._contents.remove_all_but(kept, older_than_seconds)
            for path in self._cache.iterdir():
                named = _VALUE_FILE.fullmatch(path.name)
                if named and named[1] not in kept:
                    removed_if_old(path, older_than_seconds, self._cache)
        return count


def _check_size(count: int, max_bytes: int) -> None:
    if count > max_bytes:
        raise BodyTooLargeError(
            f"the body has at least {count} bytes, but the limit max_dataset_bytes is "
            f"{max_bytes}"
        )
