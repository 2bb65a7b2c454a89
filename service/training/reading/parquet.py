"""Parquet, by Arrow: flat columns of numbers, decoded a batch of rows at a time."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow
import pyarrow.parquet

from service.errors import BadDatasetError
from service.language.places import shown
from service.training.data import BLOCK_BYTES, MAX_COLUMNS, Array, check_names, column_place
from service.training.reading.parquet_pages import check_footer, check_pages
from service.training.reading.streams import RowStream, length_of

# Arrow holds this, a page and a dictionary (about 3 MB together) of each column at once.
_BUFFER_BYTES = 64 * 2**10
_ALWAYS_INFLATED = 256 * 2**20
_MAX_INFLATION = 1000  # a table of few distinct numbers, most of them 0, stays below it


def read_parquet(stream: BinaryIO) -> RowStream:
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
    check_pages(stream, file.metadata)
    return RowStream(names, dtypes, _blocks(file, names))


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


def _blocks(file: pyarrow.parquet.ParquetFile, names: tuple[str, ...]) -> Iterator[Array]:
    count = max(1, BLOCK_BYTES // (8 * len(names)))
    row = 0
    try:
        for batch in file.iter_batches(batch_size=count, use_threads=False):
            block = np.empty((len(batch), len(names)))
            for place, column in enumerate(batch.columns):
                if column.null_count:
                    empty = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0]
                    raise BadDatasetError(
                        f"row {row + int(empty) + 1}, {column_place(names, place)}: "
                        "found an empty cell, expected a number"
                    )
                block[:, place] = column.to_numpy(zero_copy_only=False)
            yield block
            row += len(batch)
            if row > file.metadata.num_rows:
                raise BadDatasetError(
                    f"found over {file.metadata.num_rows:,} rows, expected as many as the file "
                    "says it has"
                )
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> BadDatasetError:
    reason = shown(str(error).split("\n", 1)[0][:200])
    return BadDatasetError(f"the Parquet file cannot be read: {reason}")
