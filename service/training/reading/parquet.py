"""Parquet, by Arrow: flat columns of numbers, decoded a batch of rows at a time."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow
import pyarrow.parquet

from service.errors import BadDatasetError
from service.language.places import shown
from service.training.data import BLOCK_BYTES, MAX_COLUMNS, Array, check_names, column_place
from service.training.reading.streams import RowStream

# Arrow holds this, a page and a dictionary (about 3 MB together) of each column at once.
_BUFFER_BYTES = 64 * 2**10


def read_parquet(stream: BinaryIO) -> RowStream:
    """Columns of floats, integers (beyond 2⁵³ rounded to float64) or truth values.

    Raises:
        BadDatasetError: the file cannot be read, or a column holds something else; the blocks
            raise it at an empty cell.
    """
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
    return RowStream(names, dtypes, _blocks(file, names))


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
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> BadDatasetError:
    reason = shown(str(error).split("\n", 1)[0][:200])
    return BadDatasetError(f"the Parquet file cannot be read: {reason}")
