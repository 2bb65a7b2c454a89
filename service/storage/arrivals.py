"""Where files are while they arrive: a folder for each, which goes with whoever fills it."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256 as new_sha256
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO

from service.storage.failures import disk_errors
from service.storage.locks import locked, locked_at_once

YOUNG_SECONDS = 60.0  # a folder may be there for a moment before it is locked
_PIECE_BYTES = 2**20


class Arrivals:
    """Folders of uploads; those of processes that are gone are deleted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with disk_errors():
            folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def new(self) -> Iterator[Path]:
        """A folder for a file on its way; nothing of it is left afterwards."""
        with disk_errors(), self.scratch() as folder:
            yield folder

    @contextmanager
    def scratch(self, prefix: str = "") -> Iterator[Path]:
        """The same, where errors of the disk are for whoever fills the folder."""
        folder = self._folder / f"{prefix}{secrets.token_hex(16)}"
        folder.mkdir()
        try:
            with locked(folder):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clear(self, older_than_seconds: float = YOUNG_SECONDS) -> None:
        """Delete the folders that nobody fills any more."""
        for folder in self._folder.iterdir():
            try:
                if time.time() - folder.stat().st_mtime <= older_than_seconds:
                    continue
                with locked_at_once(folder) as is_nobodys:
                    if is_nobodys:
                        shutil.rmtree(folder, ignore_errors=True)
            except (FileNotFoundError, NotADirectoryError):
                continue


class Recorded(RawIOBase):
    """A stream whose bytes go to a file, and into their SHA-256, as they are read."""

    def __init__(self, stream: BinaryIO | RawIOBase, path: Path) -> None:
        super().__init__()
        self._stream = stream
        self._file = path.open("xb")
        self._digest = new_sha256()
        self.count = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, count: int = -1) -> bytes:
        """At most so many of the next bytes."""
        piece = self._stream.read(count) or b""
        self._file.write(piece)
        self._digest.update(piece)
        self.count += len(piece)
        return piece

    def read_to_end(self) -> str:
        """The SHA-256 of everything, which is on the disk then."""
        while self.read(_PIECE_BYTES):
            pass
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            super().close()
            self._file.close()
