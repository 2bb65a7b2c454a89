"""Parquet, by Arrow: flat columns of numbers, decoded a batch of rows at a time.

Arrow holds a page and a dictionary (often 1 MB each) of every column that it reads at once. Of
a row group with many columns only some are read at a time, into a file, and joined from there.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow
import pyarrow.parquet

from service.errors import BadDatasetError
from service.language.places import shown
from service.training.data import BLOCK_BYTES, MAX_COLUMNS, Array, check_names, column_place
from service.training.reading.parquet_pages import check_footer, sizes_of_pages
from service.training.reading.streams import RowStream, length_of, unnamed_file

_BUFFER_BYTES = 64 * 2**10  # of each column that is read
_BYTES_AT_ONCE = 64 * 2**20  # of the pages, dictionaries and buffers of columns read together
_ALWAYS_INFLATED = 256 * 2**20
_MAX_INFLATION = 1000  # a table of few distinct numbers, most of them 0, stays below it


def read_parquet(stream: BinaryIO, folder: Path | None = None) -> RowStream:
    """Columns of floats, integers (beyond 2⁵³ rounded to float64) or truth values.

    Raises:
        BadDatasetError: the file cannot be read, or a column holds something else; the blocks
            raise it at an empty cell.
    """
    length = length_of(stream)
    check_footer(stream, length)
    try:
        file = pyarrow.parquet.ParquetFile(
            stream, buffer_size=_BUFFER_BYTES, pre_buffer=False, arrow_extensions_enabled=False
        )
        schema = file.schema_arrow
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise _unreadable(error) from error
    if len(schema) > MAX_COLUMNS:
        raise BadDatasetError(f"found {len(schema)} columns, expected at most {MAX_COLUMNS}")
    names = tuple(schema.names)
    check_names(names)
    for place, field in enumerate(schema):
        if not _is_number(field.type):
            raise BadDatasetError(
                f"{column_place(names, place)}: found {str(field.type)[:80]}, "
                "expected float, integer or bool"
            )
    dtypes = tuple(np.dtype(field.type.to_pandas_dtype()).name for field in schema)
    _check_inflation(file.metadata.num_rows, len(names), length)
    sizes = sizes_of_pages(stream, file.metadata)
    blocks = _blocks(file, names, sizes, folder)
    return RowStream(names, dtypes, blocks, file.metadata.num_rows)


def _check_inflation(rows: int, columns: int, length: int) -> None:
    """Refuse a small file of very many rows, which repetition makes as small as one likes."""
    inflated = 8 * rows * columns
    allowed = max(_ALWAYS_INFLATED, _MAX_INFLATION * length)
    if inflated > allowed:
        raise BadDatasetError(
            f"found {length:,} bytes with {rows:,} rows of {columns} columns, which are "
            f"{inflated:,} bytes of numbers, expected at most {allowed:,}"
        )


def _is_number(kind: pyarrow.DataType) -> bool:
    types = pyarrow.types
    return bool(types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind))


def _blocks(
    file: pyarrow.parquet.ParquetFile,
    names: tuple[str, ...],
    sizes: list[list[int]],
    folder: Path | None,
) -> Iterator[Array]:
    table = _Table(file, names)
    parts = [_parts(group) for group in sizes]
    if all(len(each) == 1 for each in parts):
        yield from table.blocks(range(len(sizes)), range(len(names)))
        return
    for group, each in enumerate(parts):
        yield from table.joined(group, each, folder)


def _parts(sizes: list[int]) -> list[range]:
    """The columns of a row group, one after the other, as many as may be read together."""
    starts, together = [0], 0
    for place, size in enumerate(sizes):
        together += size + _BUFFER_BYTES
        if together > _BYTES_AT_ONCE and place > starts[-1]:
            starts.append(place)
            together = size + _BUFFER_BYTES
    ends = [*starts[1:], len(sizes)]
    return [range(start, end) for start, end in zip(starts, ends, strict=True)]


class _Table:
    """The file as blocks of rows."""

    def __init__(self, file: pyarrow.parquet.ParquetFile, names: tuple[str, ...]) -> None:
        self._file, self._names = file, names
        metadata = file.metadata
        self._rows = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]

    def blocks(self, groups: Sequence[int], columns: range) -> Iterator[Array]:
        """These columns of these row groups, which follow one another."""
        row = sum(self._rows[: groups[0]]) if groups else 0
        expected = row + sum(self._rows[group] for group in groups)
        batches = self._file.reader.iter_batches(
            _rows_at_once(len(columns)), list(groups), list(columns), use_threads=False
        )
        try:
            for batch in batches:
                yield self._block(batch, row, columns)
                row += len(batch)
                if row > expected:
                    break
        except (pyarrow.ArrowException, OSError) as error:
            raise _unreadable(error) from error
        if row != expected:
            amount = "over" if row > expected else "only"
            raise BadDatasetError(
                f"found {amount} {min(row, expected):,} rows, expected {expected:,}, "
                "as many as the file says it has"
            )

    def _block(self, batch: pyarrow.RecordBatch, row: int, columns: range) -> Array:
        block = np.empty((len(batch), len(columns)))
        for place, column in enumerate(batch.columns):
            if column.null_count:
                empty = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0]
                where = column_place(self._names, columns[place])
                raise BadDatasetError(
                    f"row {row + int(empty) + 1}, {where}: "
                    "found an empty cell, expected a number"
                )
            block[:, place] = column.to_numpy(zero_copy_only=False)
        return block

    def joined(self, group: int, parts: list[range], folder: Path | None) -> Iterator[Array]:
        """A row group, of which each part is read for itself, into a file in the folder."""
        rows, width = self._rows[group], len(self._names)
        with unnamed_file(folder) as file:
            for part in parts:
                for block in self.blocks([group], part):
                    file.write(block.data)
            count = _rows_at_once(width)
            for start in range(0, rows, count):
                joined = np.empty((min(count, rows - start), width))
                for part in parts:
                    place = part.start * rows + start * len(part)
                    file.seek(8 * place)
                    numbers = file.read(8 * len(joined) * len(part))
                    joined[:, part.start : part.stop] = np.frombuffer(numbers).reshape(
                        len(joined), len(part)
                    )
                yield joined


def _rows_at_once(columns: int) -> int:
    return max(1, BLOCK_BYTES // (8 * columns))


def _unreadable(error: Exception) -> BadDatasetError:
    reason = shown(str(error).split("\n", 1)[0][:200])
    return BadDatasetError(f"the Parquet file cannot be read: {reason}")
