"""Rows in ranges; the split of data into rows to train on and rows to validate with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.errors import DomainError

Integers = NDArray[np.int64]

_MOST_BLOCKS = 4096
# Apart from the streams of the epochs, which have two and three words after the seed.
_SPLIT_STREAM = (0, 0, 0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class RowRanges:
    """Rows of an array, as ascending ranges: range i is starts[i] to starts[i] + sizes[i].

    A position counts the rows that are meant: position 0 is the first row of the first range.
    """

    starts: Integers
    sizes: Integers

    @property
    def count(self) -> int:
        """How many rows are meant."""
        return int(self.sizes.sum())

    @property
    def single(self) -> tuple[int, int] | None:
        """Start and stop, if this is one range."""
        if len(self.starts) != 1:
            return None
        return int(self.starts[0]), int(self.starts[0] + self.sizes[0])

    def at(self, positions: Integers) -> Integers:
        """The rows at these positions, of the same shape."""
        ends = np.cumsum(self.sizes)
        place = np.searchsorted(ends, positions, side="right")
        shifts = self.starts - (ends - self.sizes)
        return positions + shifts[place]


@dataclass(frozen=True, slots=True)
class Split:
    """The rows to train on and the rows to validate with; each row is in one of the two."""

    training: RowRanges
    validation: RowRanges


def all_rows(count: int) -> RowRanges:
    """One range, of all rows."""
    return RowRanges(np.zeros(1, np.int64), np.array([count], np.int64))


def split(count: int, fraction: float, seed: int) -> Split:
    """`fraction` of the rows, drawn by the seed, to validate with; the others to train on.

    The rows are cut into at most 8,192 blocks of the same size, and blocks are drawn, so that
    either part stays a list of ranges: up to 8,191 rows a block is one row. The number of rows
    to validate with is that of the nearest number of blocks. Neighbours share a block: where
    rows that follow each other are alike, as in a series, that makes the validation easier.

    Raises:
        DomainError: the fraction is not between 0 and 1, or leaves one part without a row.
    """
    if not 0 < fraction < 1:
        raise DomainError(
            f"validation_fraction: found {fraction:g}, expected more than 0 and less than 1",
            pointer="/validation_fraction",
        )
    size = max(1, count // _MOST_BLOCKS)
    blocks = -(-count // size)
    drawn = round(fraction * blocks)
    if not 0 < drawn < blocks:
        part = "validate with" if drawn <= 0 else "train on"
        raise DomainError(
            f"validation_fraction: found {fraction:g}, which leaves none of the {count} rows "
            f"to {part}, expected between {1 / max(blocks, 2):.2g} "
            f"and {1 - 1 / max(blocks, 2):.2g}",
            pointer="/validation_fraction",
        )
    rng = np.random.Generator(np.random.PCG64([seed, *_SPLIT_STREAM]))
    is_drawn = np.zeros(blocks, bool)
    is_drawn[rng.permutation(blocks)[:drawn]] = True
    return Split(_ranges(~is_drawn, size, count), _ranges(is_drawn, size, count))


def _ranges(is_meant: NDArray[np.bool_], size: int, count: int) -> RowRanges:
    """The blocks that are meant, those side by side joined."""
    edges = np.diff(np.concatenate(([False], is_meant, [False])).astype(np.int8))
    starts = np.flatnonzero(edges == 1) * size
    stops = np.minimum(np.flatnonzero(edges == -1) * size, count)
    return RowRanges(starts, stops - starts)
