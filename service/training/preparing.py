"""Columns of a dataset as arrays to train on: gathered, standardized, as rows of classes."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from service.calculus.rules.records import Function
from service.deadline import check_deadline
from service.errors import DomainError, OverLimitError
from service.language.places import shown
from service.training.data import BLOCK_BYTES, Array, Columns, row_blocks
from service.training.problems import Problem
from service.training.splits import RowRanges, all_rows
from service.training.standardizing import Standardization, standardization
from service.training.targets import as_rows, check_targets

MOST_CLASSES = 10_000
# What is larger is kept in a file that is mapped, where there is a folder for it.
KEPT_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A problem, and the way from what is found back to the data's own units.

    `about` tells of the model as values of JSON; `inputs` are the columns that the weights are
    of, none of an expression. `loss_scale` times a loss of the run is that in own units.
    """

    problem: Problem
    about: Mapping[str, object]
    inputs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    loss_scale: float = 1.0
    own: Callable[[Mapping[str, Array]], dict[str, Array]] = dict


@dataclass(frozen=True, slots=True)
class Store:
    """Where arrays are kept: in memory, or where they are large in files of the folder."""

    folder: Path | None = None

    def filled(self, name: str, shape: tuple[int, ...], blocks: Iterator[Array]) -> Array:
        """An array of the shape, from its rows block by block."""
        size = 8 * int(np.prod(shape))
        out: Array
        if self.folder is None or size <= KEPT_BYTES:
            out = np.empty(shape)
        else:
            path = self.folder / f"{name}.npy"
            out = np.lib.format.open_memmap(path, "w+", np.dtype(np.float64), shape)
            # A full disk is told here; at a write into the mapping it ends the process.
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        start = 0
        for block in blocks:
            out[start : start + len(block)] = block
            start += len(block)
        return out

    def gathered(
        self,
        name: str,
        columns: Columns,
        change: Standardization | None = None,
        *,
        is_vector: bool = False,
    ) -> Array | Columns:
        """The columns as one array, shape (N, columns) or (N,), standardized if so asked.

        Large ones that are not changed stay where they are, unless most of the table is others,
        which each epoch would read as well.
        """
        rows, width = columns.shape
        is_large = 8 * rows * width > KEPT_BYTES
        if change is None and is_large and 2 * width >= columns.values.shape[1]:
            return columns.vector if is_vector else columns
        blocks = blocks_of(columns, all_rows(rows))
        changed = blocks if change is None else (change.apply(block) for block in blocks)
        if is_vector:
            return self.filled(name, (rows,), (block[:, 0] for block in changed))
        return self.filled(name, (rows, width), changed)


def blocks_of(columns: Columns, rows: RowRanges) -> Iterator[Array]:
    """These rows of the columns, in order, as copies of about 1 MiB."""
    size = max(1, BLOCK_BYTES // (8 * max(1, columns.values.shape[1])))
    for start in range(0, rows.count, size):
        check_deadline()
        places = rows.at(np.arange(start, min(start + size, rows.count)))
        first, last = int(places[0]), int(places[-1]) + 1
        is_together = last - first == len(places)
        values = columns.values[first:last] if is_together else columns.values[places]
        yield np.take(values, columns.indices, axis=1)


def standardized_by(
    columns: Columns, names: tuple[str, ...], rows: RowRanges
) -> Standardization:
    """Mean and standard deviation of these rows: those that are trained on, no others."""
    return standardization(blocks_of(columns, rows), names)


def of_one_scale(found: Standardization) -> Standardization:
    """The same means, and for all columns the root mean square of their scales.

    So a loss of several targets weighs them against each other as it does in their own units.
    """
    varies = found.scale[[n for n, s in enumerate(found.scale) if s != 1.0]]
    scale = float(np.sqrt(np.mean(np.square(varies)))) if varies.size else 1.0
    return Standardization(found.mean, np.full_like(found.scale, scale), found.constant)


def checked_targets(loss: Function, columns: Columns, names: Sequence[str]) -> None:
    """Refuse targets, of columns of these names, that the loss is not for.

    Raises:
        DomainError: with the row, counted from 1 as in the file, and the column.
    """
    rows = 0
    for block in blocks_of(columns, all_rows(columns.shape[0])):
        check_targets(loss, block, first_row=rows + 1, names=names)
        rows += len(block)


def class_count(columns: Columns, name: str) -> int:
    """How many classes there are where the column of this name holds their numbers, from 0 on.

    Raises:
        DomainError: one is no such number, with its row and its column.
        OverLimitError: there would be too many.
    """
    rows, highest = 0, 1.0
    for block in blocks_of(columns, all_rows(columns.shape[0])):
        numbers = block[:, 0]
        wrong = np.flatnonzero((numbers < 0) | (numbers != np.floor(numbers)))
        if wrong.size:
            place = int(wrong[0])
            raise DomainError(
                f"targets: row {rows + place + 1}, column {shown(name)}, is "
                f"{numbers[place]:.17g}, expected a class number 0, 1, 2, …",
                pointer=f"/targets/{rows + place}",
            )
        highest = max(highest, float(numbers.max()))
        rows += len(block)
    if highest >= MOST_CLASSES:
        raise OverLimitError(
            f"targets: column {shown(name)}: found the class {highest:.17g}, "
            f"expected at most {MOST_CLASSES} classes",
            pointer="/targets",
        )
    return int(highest) + 1


def class_rows(store: Store, columns: Columns, classes: int) -> Array:
    """Class numbers as rows with one 1; shape (N, classes)."""
    blocks = blocks_of(columns, all_rows(columns.shape[0]))
    rows = (as_rows(block[:, 0], classes) for block in blocks)
    return store.filled("targets", (columns.shape[0], classes), rows)


def checksum(arrays: Mapping[str, Array | Columns]) -> str:
    """CRC-32 of the numbers, to tell data from other data of the same shape."""
    found = 0
    for values in arrays.values():
        if isinstance(values, Columns):
            blocks = blocks_of(values, all_rows(values.shape[0]))
        else:
            blocks = row_blocks(values)
        for block in blocks:
            found = crc32(np.ascontiguousarray(block).data, found)
    return f"{found:08x}"
