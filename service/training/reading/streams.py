"""What every format gives: names of columns, and blocks of rows, read with bounded memory."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO

from service.training.data import Array

CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class RowStream:
    """A table being read: `blocks` are row-major, shape (some rows, columns), from the top.

    `rows` is their number, where the file tells it before they are read.
    """

    names: tuple[str, ...]
    dtypes: tuple[str, ...]
    blocks: Iterator[Array]
    rows: int | None = None


def read_up_to(stream: BinaryIO, count: int) -> bytes:
    """So many bytes, fewer only at the end; whatever the pieces in which a stream hands out."""
    first = stream.read(count) or b""
    if len(first) in (0, count):
        return first
    parts, missing = [first], count - len(first)
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def length_of(stream: BinaryIO) -> int:
    """The bytes from here to the end of a stream that can seek."""
    here = stream.tell()
    end = stream.seek(0, 2)
    stream.seek(here)
    return end - here


def spooled(stream: BinaryIO) -> BinaryIO:
    """A temporary file, gone when it is closed, with what is left of the stream."""
    file = unnamed_file(None)
    copyfileobj(stream, file, CHUNK_BYTES)
    file.seek(0)
    return file


def unnamed_file(folder: Path | None) -> BinaryIO:
    """A file in the folder, or where the system has such files, gone when it is closed."""
    return tempfile.TemporaryFile(dir=folder)
