"""Batches of rows, in an order of their own in each epoch: contiguous views, hardly a copy.

To gather the rows of a batch from all over the data costs more than a step's arithmetic, so an
epoch shuffles blocks, and how follows from the size of the data alone:

- Up to 256 MiB, a copy of the rows in an order drawn from all permutations is made every eighth
  epoch; a batch is a view of neighbours in it, and each epoch draws the order of the batches.
- Beyond that, blocks of 512 KiB (what a disk reads well) are put into an order drawn for each
  epoch, from a boundary drawn as well, and the rows of each 32 MiB of them are permuted while
  they are copied into a buffer, of which a batch is a view.
- A batch of over 32 MiB is a view of the data: batches of neighbours, in an order drawn. Where
  rows to validate with are taken out between them it has to be gathered: ask for pieces.

Everything is drawn by (seed, epoch), so a run may resume at any step, on any machine. Each row
comes once in an epoch; the last batch has what is left, and its mean is over its own rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from service.errors import ShapeMismatchError
from service.training.data import Array, Columns, check_batch_size
from service.training.splits import Integers, RowRanges, all_rows

Bounds = Callable[[int], tuple[int, int]]

KEPT_BYTES = 256 * 2**20
KEPT_EPOCHS = 8
WINDOW_BYTES = 32 * 2**20
BLOCK_BYTES = 512 * 2**10


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some rows of a batch, one array for each source; `batch_rows` is the batch's size."""

    arrays: tuple[Array, ...]
    batch_rows: int
    ends_batch: bool


class Batches:
    """The batches of each epoch, of one or more arrays with the same rows.

    A batch is a tuple of arrays, one for each source, with up to `batch_size` rows each. They
    are views, of the data or of a buffer that later batches overwrite: to be read, not kept.
    """

    def __init__(
        self,
        sources: Sequence[Array | Columns],
        batch_size: int,
        *,
        seed: int,
        shuffle: bool = True,
        rows: RowRanges | None = None,
    ) -> None:
        """Batches of these rows, or of all; buffers are made when an epoch needs them.

        Raises:
            ShapeMismatchError: the sources differ in their number of rows.
            DomainError: `batch_size` is not between 1 and the number of rows.
        """
        self._picks = [_pick(s) if isinstance(s, Columns) else None for s in sources]
        given = [s.values if isinstance(s, Columns) else s for s in sources]
        for values in given[1:]:
            if len(values) != len(given[0]):
                raise ShapeMismatchError(
                    f"found {len(values)} rows beside {len(given[0])}, expected the same"
                )
        self._tables: list[Array] = []
        self._table_of: list[int] = []
        for values in given:
            same = [n for n, table in enumerate(self._tables) if table is values]
            self._table_of.append(same[0] if same else len(self._tables))
            if not same:
                self._tables.append(np.ascontiguousarray(values))
        is_apart = self._table_of == list(range(len(sources)))
        self._is_plain = is_apart and all(pick is None for pick in self._picks)
        self.rows = all_rows(len(given[0])) if rows is None else rows
        self.count = self.rows.count
        check_batch_size(batch_size, self.count)
        self.batch_size = batch_size
        self.steps = -(-self.count // batch_size)
        self._seed = seed
        self._is_shuffled = shuffle and self.steps > 1
        self._row_bytes = sum(table[:1].nbytes for table in self._tables)
        self._buffers: list[Array] = []
        self._kept: tuple[int, list[Array]] | None = None

    def epoch(
        self, number: int, step: int = 0, share: Bounds | None = None
    ) -> Iterator[tuple[Array, ...]]:
        """The batches of an epoch, from a step on; both count from 0.

        `share` tells which rows of a batch of so many are read: from, to. Others need not be
        gathered, and then hold whatever was there before.
        """
        if self._is_gathered:
            return self._of_windows(number, step, share)
        if not self._is_shuffled:
            return self._in_place(step)
        if self.count * self._row_bytes <= KEPT_BYTES:
            return self._reordered(self._kept_tables(number // KEPT_EPOCHS), number, step)
        return self._reordered(self._own_tables(), number, step)

    def pieces(self, number: int, step: int = 0) -> Iterator[Piece]:
        """The batches of an epoch, each in pieces of at most 32 MiB (or of one row).

        For sums over a batch that should not be in memory as a whole. The rows of a batch are
        those of `epoch`, perhaps in another order.
        """
        most = max(1, WINDOW_BYTES // self._row_bytes)
        if self.batch_size > most and self._is_gathered:
            yield from self._gathered_pieces(number, step, most)
            return
        for batch in self.epoch(number, step):
            count = len(batch[0])
            for start in range(0, count, most):
                stop = min(start + most, count)
                piece = tuple(array[start:stop] for array in batch)
                yield Piece(piece, count, stop == count)

    def _gathered_pieces(self, number: int, step: int, most: int) -> Iterator[Piece]:
        buffers = self._new_buffers(most)
        order = _BlockOrder(self.count, self._row_bytes, self._rng(number))
        for first in range(step * self.batch_size, self.count, self.batch_size):
            last = min(first + self.batch_size, self.count)
            for start in range(first, last, most):
                positions = np.arange(start, min(start + most, last))
                rows = self.rows.at(order.at(positions) if self._is_shuffled else positions)
                self._gather(rows, buffers)
                ends_batch = start + most >= last
                yield Piece(self._batch(buffers, 0, len(rows)), last - first, ends_batch)

    @property
    def _is_gathered(self) -> bool:
        """Whether batches are copied in each epoch, rather than views of rows side by side."""
        is_kept = self._is_shuffled and self.count * self._row_bytes <= KEPT_BYTES
        is_large = self.batch_size * self._row_bytes > WINDOW_BYTES
        in_order = is_large or not self._is_shuffled
        return not is_kept and not (self.rows.single and in_order)

    def _own_tables(self) -> list[Array]:
        first, last = self.rows.single or (0, 0)
        return [table[first:last] for table in self._tables]

    def _in_place(self, step: int) -> Iterator[tuple[Array, ...]]:
        tables = self._own_tables()
        for start in range(step * self.batch_size, self.count, self.batch_size):
            yield self._batch(tables, start, min(start + self.batch_size, self.count))

    def _reordered(
        self, tables: Sequence[Array], number: int, step: int
    ) -> Iterator[tuple[Array, ...]]:
        """Views of neighbours; the short batch lies between any two others, but comes last."""
        rng = self._rng(number)
        full, short = divmod(self.count, self.batch_size)
        order = rng.permutation(full)
        place = int(rng.integers(full + 1))
        shifts = np.where(order >= place, short, 0)
        starts: list[int] = (order * self.batch_size + shifts).tolist()
        for start in starts[step:]:
            yield self._batch(tables, start, start + self.batch_size)
        if short and step < self.steps:
            start = place * self.batch_size
            yield self._batch(tables, start, start + short)

    def _kept_tables(self, period: int) -> list[Array]:
        if self._kept is None or self._kept[0] != period:
            # The third word keeps this stream apart from those of the epochs.
            order = np.random.Generator(np.random.PCG64([self._seed, period, 1]))
            rows = self.rows.at(order.permutation(self.count))
            buffers = self._kept[1] if self._kept else self._new_buffers(self.count)
            # Not valid while it is half done, should this be interrupted.
            self._kept = None
            self._gather(rows, buffers)
            self._kept = period, buffers
        return self._kept[1]

    def _of_windows(
        self, number: int, step: int, share: Bounds | None
    ) -> Iterator[tuple[Array, ...]]:
        """Views of a buffer of whole batches, filled window by window."""
        batch_bytes = self.batch_size * self._row_bytes
        steps = min(max(1, WINDOW_BYTES // batch_bytes), self.steps)
        if not self._buffers:
            self._buffers = self._new_buffers(min(steps * self.batch_size, self.count))
        order = _BlockOrder(self.count, self._row_bytes, self._rng(number))
        for window in range(step // steps, -(-self.steps // steps)):
            first = window * steps * self.batch_size
            positions = np.arange(first, min(first + steps * self.batch_size, self.count))
            if self._is_shuffled:
                positions = order.at(positions)
            rows = self.rows.at(positions)
            if self._is_shuffled:
                # One more word than an epoch has: a stream for each window, so that a run may
                # resume in the middle.
                np.random.Generator(np.random.PCG64([self._seed, number, 2, window])).shuffle(
                    rows
                )
            if share is None:
                self._gather(rows, self._buffers)
            skipped = max(0, step - window * steps) * self.batch_size
            for start in range(skipped, len(rows), self.batch_size):
                stop = min(start + self.batch_size, len(rows))
                if share is not None:
                    first, last = share(stop - start)
                    some = slice(start + first, start + last)
                    self._gather(rows[some], [buffer[some] for buffer in self._buffers])
                yield self._batch(self._buffers, start, stop)

    def _batch(self, tables: Sequence[Array], start: int, stop: int) -> tuple[Array, ...]:
        views = [table[start:stop] for table in tables]
        if self._is_plain:
            return tuple(views)
        return tuple(
            views[n]
            if pick is None
            else views[n][:, pick]
            if isinstance(pick, slice | int)
            else np.take(views[n], pick, axis=1)
            for n, pick in zip(self._table_of, self._picks, strict=True)
        )

    def _gather(self, rows: Integers, buffers: Sequence[Array]) -> None:
        for table, buffer in zip(self._tables, buffers, strict=True):
            # With mode="raise", NumPy fills a copy first and then copies it into `out`.
            np.take(table, rows, axis=0, out=buffer[: len(rows)], mode="clip")

    def _new_buffers(self, count: int) -> list[Array]:
        return [np.empty((count, *table.shape[1:])) for table in self._tables]

    def _rng(self, epoch: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([self._seed, epoch]))


class _BlockOrder:
    """An order of positions: blocks permuted, counted from a row that is drawn as well.

    The few positions after the last whole block stay last.
    """

    def __init__(self, count: int, row_bytes: int, rng: np.random.Generator) -> None:
        self._count = count
        self._size = max(1, min(BLOCK_BYTES // row_bytes, count))
        self._blocks = rng.permutation(count // self._size)
        self._offset = int(rng.integers(count))

    def at(self, places: Integers) -> Integers:
        """The positions at these places of the order."""
        block, inside = np.divmod(places, self._size)
        last = len(self._blocks)
        start = np.append(self._blocks, last)[block] * self._size
        moved: Integers = (start + inside + self._offset) % self._count
        return moved


def _pick(columns: Columns) -> slice | int | Integers:
    if columns.is_vector:
        return columns.indices[0]
    span = columns.span
    return np.array(columns.indices, np.int64) if span is None else span
