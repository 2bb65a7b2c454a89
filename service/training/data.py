"""Tables of numbers: columns with names, some of them as inputs and targets, their checks."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.errors import (
    BadDatasetError,
    DomainError,
    NonFiniteInputError,
    ShapeMismatchError,
    UnknownNameError,
)
from service.language.places import nearest, shown

Array = NDArray[np.float64]

BLOCK_BYTES = 2**20
MAX_COLUMNS = 16_384
MAX_NAME_LENGTH = 200
# Neither UTF-8 nor every database has a place for these.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Column:
    """What is told of a column; `dtype` is the one in the file, the values are float64."""

    name: str
    dtype: str
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Some columns of a row-major array, in the order of `indices`; nothing is copied yet.

    `is_vector`: it is one column, of shape (rows,).
    """

    values: Array
    indices: tuple[int, ...]
    is_vector: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns, or rows alone."""
        rows = len(self.values)
        return (rows,) if self.is_vector else (rows, len(self.indices))

    @property
    def vector(self) -> "Columns":
        """The one column, of shape (rows,)."""
        assert len(self.indices) == 1
        return Columns(self.values, self.indices, is_vector=True)

    @property
    def span(self) -> slice | None:
        """The columns as a slice, if they lie side by side."""
        start, count = min(self.indices, default=0), len(self.indices)
        side_by_side = self.indices == tuple(range(start, start + count))
        return slice(start, start + count) if side_by_side else None

    def array(self) -> Array:
        """All rows, shape (rows, columns): a view if the columns lie side by side, else a copy.

        A row of a view is contiguous, which is what BLAS needs; the whole need not be.
        """
        if self.is_vector:
            return self.values[:, self.indices[0]]
        span = self.span
        return (
            np.take(self.values, self.indices, axis=1) if span is None else self.values[:, span]
        )


def array_of(values: Array | Columns) -> Array:
    """The numbers themselves, a view where they lie side by side."""
    return values.array() if isinstance(values, Columns) else values


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Numbers in rows: `values` is row-major, shape (rows, columns), perhaps a mapped file."""

    values: Array
    columns: tuple[Column, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, from left to right."""
        return tuple(column.name for column in self.columns)

    def select(
        self, inputs: Sequence[str], targets: Sequence[str] = ()
    ) -> tuple[Columns, Columns]:
        """The columns named as inputs and as targets, in the order given.

        Raises:
            UnknownNameError: no column has such a name.
            DomainError: there is no input, or a column is named twice.
        """
        if not inputs:
            raise DomainError(
                "found no input column, expected at least one", pointer="/data/inputs"
            )
        places = {name: place for place, name in enumerate(self.names)}
        taken: dict[str, str] = {}
        found = []
        for role, names in (("inputs", inputs), ("targets", targets)):
            chosen = []
            for number, name in enumerate(names):
                pointer = f"/data/{role}/{number}"
                if name not in places:
                    raise _unknown_column(name, places, pointer)
                if name in taken:
                    raise DomainError(
                        f"found column {shown(name)} in {role}, but {taken[name]} has it "
                        "already, expected each column once",
                        pointer=pointer,
                    )
                taken[name] = role
                chosen.append(places[name])
            found.append(Columns(self.values, tuple(chosen)))
        return found[0], found[1]


def _unknown_column(name: str, places: Mapping[str, int], pointer: str) -> UnknownNameError:
    close = nearest(name, places)
    offer = f"; did you mean {shown(close)}?" if close else ""
    first = ", ".join(shown(known) for known in list(places)[:10])
    more = f" and {len(places) - 10} more" if len(places) > 10 else ""
    return UnknownNameError(
        f"unknown column {shown(name)}{offer}", pointer=pointer, hint=f"columns: {first}{more}"
    )


def dataset_of(values: Array, names: Sequence[str]) -> Dataset:
    """A dataset in memory from an array of shape (rows, columns), checked and described.

    Raises:
        BadDatasetError: there is nothing in it, the names do not fit it, or a number is not
            finite.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    if values.ndim != 2:
        raise BadDatasetError(f"found an array of ndim {values.ndim}, expected rows of columns")
    check_names(names)
    if len(names) != values.shape[1]:
        raise BadDatasetError(
            f"found {len(names)} names for {values.shape[1]} columns, expected one for each"
        )
    description = Description(names, ["float64"] * len(names))
    for block in row_blocks(values):
        description.add(block)
    return Dataset(values, description.columns())


def open_dataset(path: Path, columns: Sequence[Column]) -> Dataset:
    """The dataset in a file that `read_table` wrote, mapped into memory, read-only.

    Raises:
        BadDatasetError: the file is not one that was written with these columns.
    """
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise BadDatasetError("found a file cut short, expected a stored dataset") from error
    if values.ndim != 2 or values.dtype != np.float64 or values.shape[1] != len(columns):
        raise BadDatasetError(
            f"found {values.dtype} of shape {values.shape} in the stored dataset, "
            f"expected float64 with {len(columns)} columns"
        )
    return Dataset(values, tuple(columns))


def row_blocks(values: Array) -> Iterator[Array]:
    """The rows in order, as views of about 1 MiB."""
    rows = max(1, BLOCK_BYTES // max(1, values[:1].nbytes))
    for start in range(0, len(values), rows):
        yield values[start : start + rows]


class Description:
    """Minimum and maximum of each column, gathered block by block while values are checked."""

    def __init__(self, names: Sequence[str], dtypes: Sequence[str]) -> None:
        self.names = tuple(names)
        self.dtypes = tuple(dtypes)
        self.rows = 0
        self._minimum = np.full(len(self.names), math.inf)
        self._maximum = np.full(len(self.names), -math.inf)

    def add(self, block: Array) -> None:
        """Take in the next rows, shape (rows, columns).

        Raises:
            BadDatasetError: a number is not finite; row and column are named.
        """
        if not len(block):
            return
        lowest, highest = block.min(axis=0), block.max(axis=0)
        if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
            row, column = first_non_finite(block)
            raise BadDatasetError(
                f"row {self.rows + row + 1}, {column_place(self.names, column)}: "
                f"found {float(block[row, column])}, expected a finite number"
            )
        np.minimum(self._minimum, lowest, out=self._minimum)
        np.maximum(self._maximum, highest, out=self._maximum)
        self.rows += len(block)

    def columns(self) -> tuple[Column, ...]:
        """The description of each column.

        Raises:
            BadDatasetError: there was no row.
        """
        if not self.rows:
            raise BadDatasetError("found no row of data, expected at least one")
        each = zip(self.names, self.dtypes, self._minimum, self._maximum, strict=True)
        return tuple(Column(n, d, float(low), float(high)) for n, d, low, high in each)


def first_non_finite(values: Array) -> tuple[int, ...]:
    """The position of the first entry, row by row, that is infinite or not a number."""
    return tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])


def column_place(names: Sequence[str], column: int) -> str:
    """A column in a message: `column 'age' (2 of 5)`."""
    return f"column {shown(names[column])} ({column + 1} of {len(names)})"


def check_names(names: Sequence[str]) -> None:
    """Check the names of columns.

    Raises:
        BadDatasetError: there is none or there are too many, one is empty or too long, or two
            are the same.
    """
    if not names:
        raise BadDatasetError("found no column, expected at least one")
    if len(names) > MAX_COLUMNS:
        raise BadDatasetError(f"found {len(names)} columns, expected at most {MAX_COLUMNS}")
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        where = f"column {place + 1} of {len(names)}"
        if not name:
            raise BadDatasetError(f"{where}: found an empty name, expected a name")
        if len(name) > MAX_NAME_LENGTH:
            raise BadDatasetError(
                f"{where}: found a name of {len(name)} characters, "
                f"expected at most {MAX_NAME_LENGTH}"
            )
        if unwritable := _UNWRITABLE.search(name):
            raise BadDatasetError(
                f"{where}: found U+{ord(unwritable[0]):04X} in the name, expected text"
            )
        if name in seen:
            raise BadDatasetError(
                f"{where}: found the name {shown(name)}, which column {seen[name] + 1} has "
                "already, expected each name once"
            )
        seen[name] = place


def check_samples(inputs: Array, targets: Array) -> None:
    """Check that there is one target for each input, and that all are finite numbers.

    Raises:
        BadDatasetError: there is no sample.
        ShapeMismatchError: the numbers of samples differ, or an array has no axis of them.
        NonFiniteInputError: a number is not finite; its position is named.
    """
    for name, array in (("inputs", inputs), ("targets", targets)):
        if not array.ndim:
            raise ShapeMismatchError(
                f"{name} is a number, expected a first axis that counts samples",
                pointer=f"/data/{name}",
            )
    if len(inputs) != len(targets):
        raise ShapeMismatchError(
            f"inputs has {len(inputs)} samples, but targets has {len(targets)}, "
            "expected one target for each input",
            pointer="/data/targets",
        )
    if not len(inputs) or not inputs.size:
        raise BadDatasetError(
            f"found inputs of shape {inputs.shape}, expected at least one number",
            pointer="/data/inputs",
        )
    for name, array in (("inputs", inputs), ("targets", targets)):
        start = 0
        for block in row_blocks(array):
            if not np.isfinite(block).all():
                row, *rest = first_non_finite(block)
                place = f"row {start + row + 1}"
                place += f", column {rest[0] + 1} of {array.shape[1]}" if rest else ""
                raise NonFiniteInputError(
                    f"{name}, {place}: found {float(block[(row, *rest)])}, "
                    "expected a finite number",
                    pointer=f"/data/{name}",
                )
            start += len(block)


def check_batch_size(batch_size: int, rows: int) -> None:
    """Check that a batch can be filled.

    Raises:
        DomainError: the size of a batch is not between 1 and the number of rows.
    """
    if not 1 <= batch_size <= rows:
        raise DomainError(
            f"batch_size: found {batch_size}, expected between 1 and {rows}, "
            "the number of rows to train on",
            pointer="/batch_size",
        )
