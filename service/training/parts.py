"""A training step part by part: what each part of a batch adds to the loss and the gradient.

The rows of a batch are cut into as many parts as there are to be, neighbours together, and the
sums over the parts are the batch's loss and gradient. A part gives the same bits wherever it
is computed, so that any worker can take the place of one that is lost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from service.calculus.terms import ZERO, number
from service.numeric.compile import compile_plan
from service.numeric.program import Program, program
from service.training.batches import Batches
from service.training.passes import split
from service.training.problems import Problem
from service.training.runs import Schedule
from service.training.separable import Reason, Shares, shares
from service.training.splits import RowRanges, all_rows
from service.training.splits import split as split_rows
from service.training.updates import Array

VALIDATION_ROWS = 8192
Partial = tuple[float, Array]


class Team(Protocol):
    """Who computes the steps of a run that is split."""

    def gradient(
        self, epoch: int, step: int, vector: Array, *, is_measured: bool
    ) -> tuple[float, Array]:
        """Loss and gradient of a batch at these parameters; 0 for a loss not measured."""

    def losses(self, vector: Array, count: int) -> Sequence[float]:
        """The sums of the loss over each of so many blocks of the rows to validate with."""


@dataclass(frozen=True, slots=True)
class StepPlace:
    """A batch as a split run knows it; its length is the number of its rows."""

    epoch: int
    step: int
    rows: int

    def __len__(self) -> int:
        return self.rows


def batches_of(problem: Problem, schedule: Schedule) -> tuple[Batches, RowRanges | None]:
    """The batches that are trained on, and the rows to validate with.

    Raises:
        DomainError: the batch is larger than the data, or a fraction leaves no rows.
    """
    rows, validation = all_rows(problem.samples), None
    if schedule.validation_fraction:
        parts = split_rows(problem.samples, schedule.validation_fraction, schedule.seed)
        rows, validation = parts.training, parts.validation
    batches = Batches(
        list(problem.columns.values()),
        rows.count if schedule.batch_size is None else schedule.batch_size,
        seed=schedule.seed,
        shuffle=schedule.shuffle,
        rows=rows,
    )
    return batches, validation


class Validation:
    """The loss of the rows that are not trained on, without penalty, block by block."""

    def __init__(self, problem: Problem, rows: RowRanges) -> None:
        self._problem, self.rows = problem, rows
        size = min(VALIDATION_ROWS, rows.count)
        columns = list(problem.columns.values())
        self._batches = Batches(columns, size, seed=0, shuffle=False, rows=rows)
        self._names = (*problem.columns, *problem.parameters)
        self._programs: dict[int, Program] = {}

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return self._batches.steps

    def losses(self, views: Sequence[Array], start: int, stop: int) -> list[float]:
        """The sum over each block from start to stop, at the parameters in these views."""
        found: list[float] = []
        for batch in self._batches.epoch(0, start):
            if len(found) == stop - start:
                break
            count = len(batch[0])
            run = self._programs.get(count) or self._compiled(count, batch, views)
            (loss,) = run(*batch, *views)
            found.append(float(loss) * count)
        return found

    def _compiled(
        self, count: int, batch: tuple[Array, ...], views: Sequence[Array]
    ) -> Program:
        plan = compile_plan([self._problem.graphs(count).data_loss])
        self._programs[count] = program(plan, self._names, (*batch, *views))
        return self._programs[count]


def bounds_of(rows: int, count: int) -> list[tuple[int, int]]:
    """The rows of each part of a batch: from, to; of fewer rows than parts some are empty."""
    return [(rows * part // count, rows * (part + 1) // count) for part in range(count)]


class Parts:
    """What the parts of each batch add to it, of one problem with one schedule."""

    def __init__(self, problem: Problem, schedule: Schedule, count: int) -> None:
        self._problem, self.count = problem, count
        self._batches, rows = batches_of(problem, schedule)
        self._validation = None if rows is None else Validation(problem, rows)
        self._names = (*problem.columns, *problem.parameters)
        self._shares: dict[int, Shares] = {}
        self._programs: dict[tuple[int, int, bool], Program] = {}
        self._iterator: Iterator[tuple[Array, ...]] = iter(())
        self._next: tuple[int, int] | None = None
        self._current: tuple[tuple[int, int], tuple[Array, ...]] | None = None
        self._share = (0, count)  # the parts whose rows are gathered

    def reason(self) -> str | None:
        """Why the batches cannot be split; None if they can."""
        last = self._batches.count % self._batches.batch_size
        for rows in {self._batches.batch_size, last} - {0}:
            found = self._found(rows)
            if isinstance(found, Reason):
                return found.text
            if found.statistics:
                return "the loss needs numbers of all its rows before the first is computed"
            self._shares[rows] = found
        return None

    def gradients(
        self, epoch: int, step: int, vector: Array, numbers: Sequence[int], *, is_measured: bool
    ) -> list[Partial]:
        """Loss and gradient of the parts of these numbers, each shape (size,).

        Steps are best asked for one after the other. Numbers beyond float64 are the caller's.
        """
        views = tuple(split(vector, self._problem.parameters).values())
        batch = self._batch(epoch, step, min(numbers), max(numbers) + 1)
        rows = len(batch[0])
        bounds = bounds_of(rows, self.count)
        with np.errstate(all="ignore"):
            return [self._partial(batch, bounds[n], views, is_measured) for n in numbers]

    def losses(self, vector: Array, start: int, stop: int) -> list[float]:
        """The sums of the loss over blocks of the rows to validate with."""
        assert self._validation is not None
        views = tuple(split(vector, self._problem.parameters).values())
        with np.errstate(all="ignore"):
            return self._validation.losses(views, start, stop)

    def _partial(
        self,
        batch: tuple[Array, ...],
        bounds: tuple[int, int],
        views: tuple[Array, ...],
        is_measured: bool,
    ) -> Partial:
        start, stop = bounds
        if start == stop:
            return 0.0, np.zeros(sum(view.size for view in views))
        rows, part = len(batch[0]), tuple(array[start:stop] for array in batch)
        key = rows, stop - start, is_measured
        run = self._programs.get(key) or self._compiled(key, part, views)
        loss, *slopes = run(*part, *views)
        return float(loss), np.concatenate([np.reshape(s, -1) for s in slopes])

    def _compiled(
        self, key: tuple[int, int, bool], part: tuple[Array, ...], views: tuple[Array, ...]
    ) -> Program:
        rows, size, is_measured = key
        if rows not in self._shares:
            found = self._found(rows)
            assert isinstance(found, Shares)
            self._shares[rows] = found
        sizes = [b - a for a, b in bounds_of(rows, self.count) if b > a]
        graphs = self._shares[rows].parts[sizes.index(size)]
        slopes = [graphs.gradients[name] for name in self._problem.parameters]
        plan = compile_plan([graphs.total if is_measured else number(ZERO), *slopes])
        self._programs[key] = program(plan, self._names, (*part, *views))
        return self._programs[key]

    def _found(self, rows: int) -> Shares | Reason:
        sizes = [b - a for a, b in bounds_of(rows, self.count) if b > a]
        return shares(self._problem, rows, sizes)

    def _batch(self, epoch: int, step: int, first: int, last: int) -> tuple[Array, ...]:
        """A batch with the rows of these parts; the same step may be asked for again."""
        place = epoch, step
        is_there = self._share[0] <= first and last <= self._share[1]
        if is_there and self._current is not None and self._current[0] == place:
            return self._current[1]
        if self._next != place or self._share != (first, last):
            self._share = first, last
            self._iterator = self._batches.epoch(epoch, step, self._bounds_of_share)
        batch = next(self._iterator)
        self._next = epoch, step + 1
        self._current = place, batch
        return batch

    def _bounds_of_share(self, rows: int) -> tuple[int, int]:
        bounds = bounds_of(rows, self.count)
        return bounds[self._share[0]][0], bounds[self._share[1] - 1][1]
