"""Where files lie by the SHA-256 of their content: a local folder, or an fsspec URL."""

import os
import re
import time
from collections.abc import Iterator
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import BinaryIO, Protocol

import fsspec

from service.errors import UnavailableError
from service.storage.failures import disk_errors
from service.storage.locks import locked

PIECE_BYTES = 256 * 2**10
_SHA256 = re.compile("[0-9a-f]{64}")


class Contents(Protocol):
    """Where files are kept by their content."""

    def put(self, path: Path, sha256: str) -> None:
        """Keep the file, which is moved or may be removed afterwards."""

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """The content; raises UnavailableError where it is gone or not what it was."""

    def fetched(self, sha256: str, folder: Path) -> Path:
        """A file of this machine with the content, verified; perhaps a copy in the folder."""

    def remove_all_but(self, kept: set[str], older_than_seconds: float) -> int:
        """Delete what is not named and has been there for so long; how many."""


class FolderContents:
    """Files in folders by the first two digits; each is there as a whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with disk_errors():
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, path: Path, sha256: str) -> None:
        """Move the file, which is on the disk, to its place."""
        place = self._place(sha256)
        place.parent.mkdir(exist_ok=True)
        os.utime(path)
        # A sweep that has found an older file of this content must not delete this one.
        with locked(self._folder):
            path.replace(place)
        sync(place.parent)
        sync(self._folder)

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """The content, piece by piece."""
        with disk_errors(), opened(self._place(sha256)) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def fetched(self, sha256: str, folder: Path) -> Path:
        """The file itself."""
        digest = new_sha256()
        for piece in self.pieces(sha256):
            digest.update(piece)
        _verify(digest.hexdigest(), sha256)
        return self._place(sha256)

    def remove_all_but(self, kept: set[str], older_than_seconds: float) -> int:
        """Delete, each file while nobody can put one into its place."""
        count = 0
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            if path.name not in kept and _SHA256.fullmatch(path.name):
                count += removed_if_old(path, older_than_seconds, self._folder)
        return count

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


class RemoteContents:
    """Objects under an fsspec URL; what is read is verified."""

    def __init__(self, url: str) -> None:
        with disk_errors():
            self._system, self._folder = fsspec.url_to_fs(url.rstrip("/"))
            self._system.makedirs(self._folder, exist_ok=True)

    def put(self, path: Path, sha256: str) -> None:
        """Copy the file to a name of its own, and then to its place."""
        place = self._place(sha256)
        beside = f"{self._folder}/incoming/{path.parent.name}"
        for folder in (place, beside):
            self._system.makedirs(folder.rpartition("/")[0], exist_ok=True)
        try:
            self._system.put_file(str(path), beside)
            self._system.mv(beside, place)
        except BaseException:
            if self._system.exists(beside):
                self._system.rm_file(beside)
            raise
        path.unlink()

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """The content; the last piece comes only if all of it is what it was."""
        digest = new_sha256()
        before = b""
        with disk_errors():
            try:
                file = self._system.open(self._place(sha256), "rb")
            except FileNotFoundError as error:
                raise _gone() from error
            with file:
                while piece := file.read(PIECE_BYTES):
                    digest.update(piece)
                    if before:
                        yield before
                    before = piece
        _verify(digest.hexdigest(), sha256)
        if before:
            yield before

    def fetched(self, sha256: str, folder: Path) -> Path:
        """A copy in the folder."""
        path = folder / "fetched"
        with disk_errors(), path.open("xb") as file:
            for piece in self.pieces(sha256):
                file.write(piece)
        return path

    def remove_all_but(self, kept: set[str], older_than_seconds: float) -> int:
        """Delete the objects, and what uploads that were cut have left beside them."""
        count = 0
        self._system.invalidate_cache()
        for path in map(str, self._system.find(self._folder)):
            *_, folder, name = path.split("/")
            is_content = bool(_SHA256.fullmatch(name)) and folder == name[:2]
            if not (is_content and name not in kept) and folder != "incoming":
                continue
            try:
                if time.time() - self._system.modified(path).timestamp() > older_than_seconds:
                    self._system.rm_file(path)
                    count += is_content
            except FileNotFoundError:
                continue
        return count

    def _place(self, sha256: str) -> str:
        return f"{self._folder}/{sha256[:2]}/{sha256}"


def opened(path: Path) -> BinaryIO:
    """The file; raises UnavailableError where it is gone."""
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise _gone() from error


def removed_if_old(path: Path, older_than_seconds: float, lock: Path) -> bool:
    """Delete a file that was written so long ago; whether it was."""
    try:
        if time.time() - path.stat().st_mtime <= older_than_seconds:
            return False
        with locked(lock):
            if time.time() - path.stat().st_mtime <= older_than_seconds:
                return False
            path.unlink()
    except FileNotFoundError:
        return False
    return True


def sync(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _verify(found: str, expected: str) -> None:
    if found != expected:
        raise UnavailableError("the stored file of the dataset is not what it was")


def _gone() -> UnavailableError:
    return UnavailableError("the stored file of the dataset is gone")
