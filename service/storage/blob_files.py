"""Large contents as files beside the database: written to the disk before a row names them.

What a crash leaves between the two is a file that no row names, which a sweep removes.
"""

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import fsspec

from service.storage.failures import disk_errors

FOLDER = "blobs"


class BlobFiles(Protocol):
    """Where large contents are kept, each under a name of its own."""

    def write(self, content: bytes) -> str:
        """Keep it; the name under which it is."""

    def read(self, name: str) -> bytes | None:
        """The content; None if it is gone."""

    def remove(self, name: str) -> None:
        """Forget it; nothing happens if it is gone."""

    def older_than(self, seconds: float) -> Iterator[str]:
        """The names of what has been there for so long."""


class FolderBlobs:
    """Files in a folder of this machine, or one that its machines share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with disk_errors():
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, content: bytes) -> str:
        """Keep it, on the disk when it returns."""
        name = secrets.token_hex(16)
        path = self._folder / name
        with disk_errors():
            try:
                with path.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                _sync_folder(self._folder)
            except OSError:
                path.unlink(missing_ok=True)
                raise
        return name

    def read(self, name: str) -> bytes | None:
        """The content; None if it is gone."""
        with disk_errors():
            try:
                return (self._folder / name).read_bytes()
            except FileNotFoundError:
                return None

    def remove(self, name: str) -> None:
        """Delete the file."""
        with disk_errors():
            (self._folder / name).unlink(missing_ok=True)

    def older_than(self, seconds: float) -> Iterator[str]:
        """The names of files that were written so long ago."""
        with disk_errors():
            entries = list(os.scandir(self._folder))
        for entry in entries:
            try:
                written_at = entry.stat().st_mtime
            except FileNotFoundError:
                continue
            if time.time() - written_at > seconds:
                yield entry.name


class RemoteBlobs:
    """Objects under an fsspec URL; they are there when a write returns."""

    def __init__(self, url: str) -> None:
        with disk_errors():
            self._system, self._folder = fsspec.url_to_fs(f"{url.rstrip('/')}/{FOLDER}")
            self._system.makedirs(self._folder, exist_ok=True)

    def write(self, content: bytes) -> str:
        """Keep it as an object of its own."""
        name = secrets.token_hex(16)
        with disk_errors():
            self._system.pipe_file(self._path(name), content)
        return name

    def read(self, name: str) -> bytes | None:
        """The content; None if it is gone."""
        with disk_errors():
            try:
                content = self._system.cat_file(self._path(name))
            except FileNotFoundError:
                return None
        assert isinstance(content, bytes)
        return content

    def remove(self, name: str) -> None:
        """Delete the object."""
        with disk_errors():
            try:
                self._system.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def older_than(self, seconds: float) -> Iterator[str]:
        """The names of objects that were written so long ago."""
        with disk_errors():
            self._system.invalidate_cache()
            names = [
                str(path).rpartition("/")[2] for path in self._system.ls(self._folder, False)
            ]
        for name in names:
            try:
                written_at = self._system.modified(self._path(name)).timestamp()
            except (FileNotFoundError, NotImplementedError):
                continue  # gone, or a storage that tells no times: then nothing is deleted
            if time.time() - written_at > seconds:
                yield name

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
