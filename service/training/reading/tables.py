"""A file or a stream of numbers → a dataset; one table of formats."""

import os
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Protocol, Self

import numpy as np

from service.errors import BadDatasetError, OverLimitError
from service.training.data import Array, Column, Dataset, Description, open_dataset
from service.training.reading.comma_separated import read_csv
from service.training.reading.json_table import read_json
from service.training.reading.numpy_files import read_npy, read_npz
from service.training.reading.parquet import read_parquet
from service.training.reading.streams import RowStream, spooled

FormatName = Literal["csv", "npy", "npz", "parquet", "json"]

MAX_VALUE_BYTES = 64 * 2**30


@dataclass(frozen=True, slots=True)
class Format:
    """How files of a format begin, and what reads them; some formats have to be seeked in.

    A reader may write as much as the numbers of the table into the folder that it is given.
    """

    media_type: str
    start: re.Pattern[bytes] | None
    read: Callable[[BinaryIO, Path | None], RowStream]
    is_seeking: bool


def _alone(
    read: Callable[[BinaryIO], RowStream],
) -> Callable[[BinaryIO, Path | None], RowStream]:
    """The reader as one that needs no folder."""
    return lambda stream, _: read(stream)


FORMATS: dict[FormatName, Format] = {
    "npy": Format("application/x-npy", re.compile(rb"\x93NUMPY"), _alone(read_npy), True),
    "npz": Format("application/zip", re.compile(b"PK"), read_npz, True),
    "parquet": Format(
        "application/vnd.apache.parquet", re.compile(b"PAR1"), read_parquet, True
    ),
    "json": Format(
        "application/json", re.compile(rb"\s*+(?:\{|\[\s*+[\[{\]])"), _alone(read_json), False
    ),
    "csv": Format("text/csv", None, _alone(read_csv), False),
}
_FOREIGN = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\x89HDF": "HDF5",
    b"ARROW1": "Arrow",
    b"\x80\x04\x95": "a pickle",
    b"\x80\x05\x95": "a pickle",
}
LONGEST_START = 64


def read_table(
    source: str | os.PathLike[str] | BinaryIO,
    format: FormatName | None = None,
    *,
    into: Path | None = None,
    max_bytes: int = MAX_VALUE_BYTES,
) -> Dataset:
    """The table in a file, checked and described; its values are float64, row-major.

    Blocks of about 1 MiB are read, checked and written to the file `into` (an NPY file, mapped
    afterwards; gone again if the table is bad), so that memory does not grow with the table;
    without `into` the values are kept in memory. Without a format the first bytes tell it. A
    stream is read from its start; one that cannot seek is copied to a temporary file first,
    unless it is said to be CSV or JSON.

    Raises:
        BadDatasetError: the file is not a table of finite numbers; row and column are named.
        OverLimitError: the values take more than `max_bytes`.
    """
    with ExitStack() as stack:
        if isinstance(source, str | os.PathLike):
            stream: BinaryIO = stack.enter_context(Path(source).open("rb"))
        else:
            stream = source
        is_seeking = format is None or FORMATS[format].is_seeking
        if stream.seekable():
            stream.seek(0)
        elif is_seeking:
            stream = stack.enter_context(spooled(stream))
        folder = None if into is None else into.parent
        table = FORMATS[format or _format_of(stream)].read(stream, folder)
        sink: _Sink = _Memory() if into is None else _File(into)
        stack.enter_context(sink)
        return _written(table, sink, max_bytes)


def _format_of(stream: BinaryIO) -> FormatName:
    start = stream.read(LONGEST_START)
    stream.seek(-len(start), os.SEEK_CUR)
    return format_of_start(start)


def format_of_start(start: bytes) -> FormatName:
    """The format of a file that starts so; CSV where nothing speaks for another.

    Raises:
        BadDatasetError: these are the first bytes of something that is no table.
    """
    for magic, name in _FOREIGN.items():
        if start.startswith(magic):
            raise BadDatasetError(f"found {name}, expected CSV, NPY, NPZ, Parquet or JSON")
    known = [n for n, f in FORMATS.items() if f.start is not None and f.start.match(start)]
    return known[0] if known else "csv"


def _written(table: RowStream, sink: "_Sink", max_bytes: int) -> Dataset:
    description = Description(table.names, table.dtypes)
    _check_size(table.rows or 0, len(table.names), max_bytes)
    for block in table.blocks:
        description.add(block)
        _check_size(description.rows, len(table.names), max_bytes)
        sink.add(block)
    return sink.dataset(description.columns())


def _check_size(rows: int, columns: int, max_bytes: int) -> None:
    if 8 * rows * columns > max_bytes:
        raise OverLimitError(
            f"found over {max_bytes // (8 * columns):,} rows of {columns} columns, "
            f"whose values would take over the limit of {max_bytes:,} bytes"
        )


class _Sink(Protocol):
    """Where blocks of rows go."""

    def add(self, block: Array) -> None: ...

    def dataset(self, columns: tuple[Column, ...]) -> Dataset: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class _Memory:
    """Rows in one growing buffer: a bytearray is enlarged in place where the system can."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, block: Array) -> None:
        self._bytes += block.data.cast("B")

    def dataset(self, columns: tuple[Column, ...]) -> Dataset:
        values = np.frombuffer(self._bytes, np.float64).reshape(-1, len(columns))
        return Dataset(values, columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _File:
    """Rows in an NPY file, whose header is written once more when their number is known."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._start = 0

    def add(self, block: Array) -> None:
        if not self._start:
            self._start = self._write_header((0, block.shape[1]))
        self._file.write(block.data)

    def dataset(self, columns: tuple[Column, ...]) -> Dataset:
        rows = (self._file.tell() - self._start) // (8 * len(columns))
        self._file.seek(0)
        start = self._write_header((rows, len(columns)))
        assert start == self._start  # NumPy leaves room for the number of rows to grow
        self._file.close()
        return open_dataset(self._path, columns)

    def _write_header(self, shape: tuple[int, int]) -> int:
        fields = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, fields)
        return self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._file.close()  # which fails as well where the disk is full
        finally:
            if error is not None:
                self._path.unlink(missing_ok=True)
