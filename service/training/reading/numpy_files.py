"""NPY and NPZ: headers checked before anything is allocated, no pickles, bounded inflation."""

import ast
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from os import SEEK_END
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO

import numpy as np

from service.errors import BadDatasetError
from service.language.places import shown
from service.training.data import BLOCK_BYTES, MAX_COLUMNS, Array, check_names
from service.training.reading.streams import (
    CHUNK_BYTES,
    RowStream,
    length_of,
    read_up_to,
    unnamed_file,
)

_MAGIC = b"\x93NUMPY"
MAX_HEADER = 2**20
_MAX_DIRECTORY = 8 * 2**20
# Deflate reaches 1032:1 on zeros. A table of few distinct numbers stays below 200:1.
_MAX_INFLATION = 200
_ALWAYS_INFLATED = 64 * 2**20
_MOST_INFLATED_AT_ONCE = 256  # each takes about 50 kB; of more, all go through the file
# What zipfile raises on a damaged archive; NotImplementedError: an unknown compression.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class _Header:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    is_by_columns: bool
    offset: int

    @property
    def rows(self) -> int:
        return self.shape[0]

    @property
    def width(self) -> int:
        """Numbers in a row."""
        fields = self.dtype.names
        if fields is not None:
            return len(fields)
        return self.shape[1] if len(self.shape) == 2 else 1

    @property
    def dtypes(self) -> tuple[str, ...]:
        fields = self.dtype.names
        if fields is None:
            return (self.dtype.name,) * self.width
        return tuple(self.dtype[name].name for name in fields)

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * prod(self.shape[1:])


def read_npy(stream: BinaryIO) -> RowStream:
    """A 2-d array of rows, a 1-d array as one column, or a 1-d structured array.

    The columns are named c0, c1, …, or by the fields.

    Raises:
        BadDatasetError: the header is not that of such an array, or does not fit the length of
            the file.
    """
    header = _header(stream, length_of(stream), "the file")
    names = header.dtype.names or tuple(f"c{place}" for place in range(header.width))
    check_names(names)
    blocks = _array_blocks(stream, header, _rows_at_once(header.row_bytes), "the file")
    return RowStream(names, header.dtypes, blocks, header.rows)


def read_npz(stream: BinaryIO, folder: Path | None = None) -> RowStream:
    """The arrays of an archive side by side: the columns of `X` are X[0], X[1], …; `y` is y.

    Those that are stored by columns, or are many, are inflated into a file in the folder.

    Raises:
        BadDatasetError: it is no archive of arrays with the same number of rows, or it inflates
            to far more than it holds.
    """
    try:
        _check_directory(stream)
        archive = zipfile.ZipFile(stream)
        members = archive.infolist()
        _check_members(members, length_of(stream) + stream.tell())
        return _side_by_side(archive, members, folder)
    except _ZIP_ERRORS as error:
        raise BadDatasetError(f"the archive cannot be read: {_reason(error)}") from error


def _side_by_side(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path | None
) -> RowStream:
    names: list[str] = []
    dtypes: list[str] = []
    parts = []
    rows: dict[str, int] = {}
    for member in members:
        name = member.filename.removesuffix(".npy")
        label = f"array {shown(name)}"
        with archive.open(member) as opened:
            header = _header(opened, member.file_size, label)  # type: ignore[arg-type]  # reads
        if rows and header.rows not in rows.values():
            other, count = next(iter(rows.items()))
            raise BadDatasetError(
                f"{label}: found {header.rows} rows, but array {shown(other)} has {count}, "
                "expected the same"
            )
        rows[name] = header.rows
        is_one = len(header.shape) == 1 and header.dtype.names is None
        inner = header.dtype.names or range(header.width)
        names.extend([name] if is_one else [f"{name}[{each}]" for each in inner])
        dtypes.extend(header.dtypes)
        parts.append((member, header, label))
        if len(names) > MAX_COLUMNS:
            break
    check_names(names)
    blocks = _member_blocks(archive, parts, folder)
    return RowStream(tuple(names), tuple(dtypes), blocks, next(iter(rows.values())))


def _member_blocks(
    archive: zipfile.ZipFile,
    parts: list[tuple[zipfile.ZipInfo, _Header, str]],
    folder: Path | None,
) -> Iterator[Array]:
    count = _rows_at_once(sum(header.row_bytes for _, header, _ in parts))
    with ExitStack() as stack:
        each = []
        inflated = stack.enter_context(unnamed_file(folder))
        try:
            for member, header, label in parts:
                if header.is_by_columns or len(parts) > _MOST_INFLATED_AT_ONCE:
                    start = inflated.seek(0, SEEK_END)
                    with archive.open(member) as source:
                        copyfileobj(source, inflated, CHUNK_BYTES)
                    opened: Any = _Part(inflated, start, inflated.tell())
                else:
                    opened = stack.enter_context(archive.open(member))
                opened.read(header.offset)
                each.append(_array_blocks(opened, header, count, label))
            for blocks in zip(*each, strict=True):
                yield np.hstack(blocks)
        except _ZIP_ERRORS as error:
            raise BadDatasetError(f"the archive cannot be read: {_reason(error)}") from error


class _Part:
    """A part of a file as a file of its own; others may be read from between its reads."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._start, self._end, self._place = file, start, end, start

    def seek(self, place: int) -> None:
        self._place = self._start + place

    def read(self, count: int) -> bytes:
        self._file.seek(self._place)
        found = self._file.read(min(count, self._end - self._place))
        self._place += len(found)
        return found


def _check_directory(stream: BinaryIO) -> None:
    """Refuse a directory that `zipfile`, which reads it whole, would need much memory for.

    `zipfile` believes the ZIP64 record wherever there is one, so that is looked at as well.
    """
    end = length_of(stream)
    stream.seek(max(0, end - 2**16 - 200))
    tail = stream.read()
    stream.seek(0)
    sizes = []
    place = tail.rfind(b"PK\x05\x06")
    if place >= 0 and len(tail) >= place + 16:
        sizes.append(struct.unpack_from("<L", tail, place + 12)[0])
        record = place - 20 - 56
        if record >= 0 and tail[place - 20 : place - 16] == b"PK\x06\x07":
            sizes.append(struct.unpack_from("<Q", tail, record + 40)[0])
    if not sizes:
        raise zipfile.BadZipFile("found no directory at the end, expected one")
    if max(sizes) > _MAX_DIRECTORY:
        raise zipfile.BadZipFile(
            f"found a directory of {max(sizes):,} bytes, expected at most {_MAX_DIRECTORY:,}"
        )


def _check_members(members: list[zipfile.ZipInfo], length: int) -> None:
    if not members:
        raise BadDatasetError("found an empty archive, expected .npy arrays")
    if len(members) > MAX_COLUMNS:
        raise BadDatasetError(f"found {len(members)} arrays, expected at most {MAX_COLUMNS}")
    for member in members:
        if not member.filename.endswith(".npy"):
            raise BadDatasetError(
                f"found {shown(member.filename)} in the archive, expected .npy arrays only"
            )
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadDatasetError(
                f"{shown(member.filename)}: found compression method {member.compress_type}, "
                "expected stored or deflated"
            )
    inflated = sum(member.file_size for member in members)
    allowed = max(_ALWAYS_INFLATED, _MAX_INFLATION * length)
    if inflated > allowed:
        raise BadDatasetError(
            f"found an archive of {length:,} bytes that inflates to {inflated:,}, "
            f"expected at most {allowed:,}",
            hint="send Parquet, or NPZ without compression",
        )


def _reason(error: Exception) -> str:
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "found an encrypted array, expected none"
    return str(error)[:200] or "found the end of the file, expected more"


def _header(stream: BinaryIO, length: int, label: str) -> _Header:
    """The header of an array, the stream left at its first number."""
    start = read_up_to(stream, 8)
    if not start.startswith(_MAGIC) or len(start) < 8:
        raise BadDatasetError(
            f"{label}: found {start[:6]!r}, expected the NPY header {_MAGIC!r}"
        )
    version = start[6]
    if version not in (1, 2, 3):
        raise BadDatasetError(f"{label}: found NPY version {version}, expected 1, 2 or 3")
    width = 2 if version == 1 else 4
    size = int.from_bytes(read_up_to(stream, width), "little")
    if size > MAX_HEADER:
        raise BadDatasetError(
            f"{label}: found a header of {size:,} bytes, expected at most {MAX_HEADER:,}"
        )
    text = read_up_to(stream, size)
    if len(text) < size:
        raise BadDatasetError(
            f"{label}: found the end inside the header, expected {size:,} bytes of it"
        )
    header = _parsed_header(text, version, 8 + width + size, label)
    expected = header.rows * header.row_bytes
    if length - header.offset != expected:
        raise BadDatasetError(
            f"{label}: found {length - header.offset:,} bytes of numbers, "
            f"expected {expected:,} for shape {header.shape} of {str(header.dtype)[:40]}"
        )
    return header


def _parsed_header(text: bytes, version: int, offset: int, label: str) -> _Header:
    try:
        fields = ast.literal_eval(text.decode("utf-8" if version == 3 else "latin-1"))
        dtype = np.lib.format.descr_to_dtype(fields["descr"])
        shape, is_by_columns = fields["shape"], fields["fortran_order"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise BadDatasetError(
            f"{label}: found a header that cannot be read, "
            "expected descr, fortran_order and shape"
        ) from error
    if not (
        isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
    ):
        raise BadDatasetError(f"{label}: found the shape {shape!r:.80}, expected sizes")
    for place, kind in enumerate([dtype[n] for n in dtype.names] if dtype.names else [dtype]):
        if kind.kind not in "fiub" or kind.itemsize > 8:
            where = f"{label}, field {shown(dtype.names[place])}" if dtype.names else label
            found = "pickled objects" if kind.hasobject else f"dtype {str(kind)[:40]}"
            raise BadDatasetError(
                f"{where}: found {found}, expected float, integer or bool of at most 64 bits"
            )
    if len(shape) != 1 and (len(shape) != 2 or dtype.names):
        raise BadDatasetError(
            f"{label}: found the shape {shape!r:.80}, expected "
            + ("(rows,) of a structured array" if dtype.names else "(rows, columns) or (rows,)")
        )
    if 0 in shape:
        raise BadDatasetError(f"{label}: found the shape {shape}, expected at least one number")
    header = _Header(dtype, shape, bool(is_by_columns) and len(shape) == 2, offset)
    if header.width > MAX_COLUMNS or dtype.itemsize > 64 * MAX_COLUMNS:
        raise BadDatasetError(
            f"{label}: found {header.width} columns, {header.row_bytes:,} bytes a row, "
            f"expected at most {MAX_COLUMNS} columns"
        )
    return header


def _rows_at_once(row_bytes: int) -> int:
    return max(1, BLOCK_BYTES // row_bytes)


def _array_blocks(stream: BinaryIO, header: _Header, count: int, label: str) -> Iterator[Array]:
    """The rows from where the stream is, or by columns from the header's offset on."""
    for start in range(0, header.rows, count):
        rows = min(count, header.rows - start)
        block = np.empty((rows, header.width))
        if header.is_by_columns:
            for column in range(header.width):
                place = (column * header.rows + start) * header.dtype.itemsize
                stream.seek(header.offset + place)
                block[:, column] = _numbers(stream, header, rows, label)
        elif header.dtype.names:
            numbers = _numbers(stream, header, rows, label)
            for column, name in enumerate(header.dtype.names):
                block[:, column] = numbers[name]
        else:
            numbers = _numbers(stream, header, rows * header.width, label)
            block[...] = numbers.reshape(block.shape)
        yield block
    if not header.is_by_columns and stream.read(1):
        raise BadDatasetError(
            f"{label}: found more bytes than the shape {header.shape} has, expected none"
        )


def _numbers(stream: BinaryIO, header: _Header, count: int, label: str) -> np.ndarray[Any, Any]:
    size = count * header.dtype.itemsize
    found = read_up_to(stream, size)
    if len(found) < size:
        raise BadDatasetError(
            f"{label}: found the end inside the numbers, "
            f"expected {header.rows * header.row_bytes:,} bytes for shape {header.shape}"
        )
    return np.frombuffer(found, header.dtype)
