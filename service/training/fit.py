"""The training loop: batches, steps, validation, stops, checkpoints.

A plan is compiled once for each number of rows and run as one function; parameters are one
vector, updated in place. A run that goes on from a checkpoint takes the same steps with the
same bits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf, isfinite
from typing import Any

import numpy as np

from service.calculus.terms import ZERO, number
from service.errors import DivergedError, DomainError
from service.numeric.compile import compile_plan
from service.numeric.program import Program, program
from service.training.clipping import Clip, norm_of
from service.training.parts import StepPlace, Team, Validation, batches_of
from service.training.passes import split
from service.training.problems import BatchGraphs, Problem
from service.training.runs import (
    Checkpoint,
    Clock,
    Epoch,
    Progress,
    Result,
    Schedule,
)
from service.training.updater import ChosenOptimizer
from service.training.updates import Array

_ROWS_BETWEEN_LOOKS = 512  # at the clock
_MEASURED_EACH, _MANY, _SMALL = 4, 512, 256


class Trainer:
    """One training run, which can be stopped between any two steps and gone on with.

    Args:
        problem: what is trained.
        optimizer: how a step is taken.
        schedule: how many epochs, in which batches, until when.
        checkpoint: where to go on from; None starts from the problem's parameters.
        loss_scale: what a loss is multiplied by where an error tells it.
        team: who computes the steps where they are split; None: this run alone.

    Raises:
        DomainError: the batch is larger than the data, or a fraction leaves no rows.
        ValidationError: the checkpoint is of another optimizer or of other parameters.
    """

    def __init__(
        self,
        problem: Problem,
        optimizer: ChosenOptimizer,
        schedule: Schedule,
        checkpoint: Checkpoint | None = None,
        loss_scale: float = 1.0,
        team: Team | None = None,
    ) -> None:
        self._problem, self._optimizer, self._schedule = problem, optimizer, schedule
        self._loss_scale, self._team = loss_scale, team
        if schedule.epochs < 1:
            raise DomainError(
                f"epochs: found {schedule.epochs}, expected at least 1", pointer="/epochs"
            )
        self._names = (*problem.columns, *problem.parameters)
        self._batches, rows = batches_of(problem, schedule)
        self._validation = None if rows is None else Validation(problem, rows)
        self._graphs: dict[int, BatchGraphs] = {}
        self._programs: dict[tuple[int, bool], Program] = {}
        started = [np.ravel(p) for p in problem.parameters.values()]
        self._vector = np.concatenate(started, dtype=np.float64)
        self._before = self._vector.copy()
        self._slopes = np.empty_like(self._vector)
        self._updater = optimizer.updater(
            self._vector.size, checkpoint.state if checkpoint else None
        )
        self._views = tuple(split(self._vector, problem.parameters).values())
        self._epoch = self._step = 0
        self._loss_sum, self._norm, self._loss, self._measured = 0.0, 0.0, inf, 0
        # Of many small steps the loss takes a third of the time: it is measured in some.
        is_many = self._batches.steps >= _MANY and self._batches.batch_size < _SMALL
        self._measured_each = _MEASURED_EACH if is_many else 1
        self._history: list[Epoch] = []
        self._best: tuple[float, Array | None] = (inf, None)
        self._idle = 0
        self.stopped_by = "epochs"
        self._clock = Clock(self._batches.count, self._done)
        if checkpoint is not None:
            self._go_on_from(checkpoint)

    def _go_on_from(self, checkpoint: Checkpoint) -> None:
        self._vector[:] = checkpoint.parameters
        self._epoch, self._step = checkpoint.epoch, checkpoint.step
        self._loss_sum, self._norm = checkpoint.loss_sum, checkpoint.gradient_norm
        self._measured = checkpoint.measured_rows
        self._history = list(checkpoint.history)
        self._best = checkpoint.best_loss, checkpoint.best_parameters
        self._idle = checkpoint.epochs_without_gain

    @property
    def _done(self) -> float:
        """How many epochs are done, with their fraction."""
        return self._epoch + self._step / self._batches.steps

    def history_after(self, epoch: int) -> tuple[Epoch, ...]:
        """The epochs that are done, without the first so many."""
        return tuple(self._history[epoch:])

    def checkpoint(self) -> Checkpoint:
        """All that a run goes on from, as it is between two steps."""
        best, parameters = self._best
        return Checkpoint(
            parameters=self._vector.copy(),
            state=self._updater.state(),
            epoch=self._epoch,
            step=self._step,
            loss_sum=self._loss_sum,
            measured_rows=self._measured,
            gradient_norm=self._norm,
            history=tuple(self._history),
            best_loss=best,
            best_parameters=None if parameters is None else parameters.copy(),
            epochs_without_gain=self._idle,
        )

    def run(self, is_cancelled: Callable[[], bool] = lambda: False) -> Iterator[Progress]:
        """Train; tells of progress at least four times a second, and after each epoch.

        `is_cancelled` is asked before every step; `result` holds what was found by then.

        Raises:
            DivergedError: a loss or parameter is not finite; the last good ones are kept.
        """
        self._clock = Clock(self._batches.count, self._done)
        self.stopped_by = "epochs" if self._step else self._reason_to_stop
        if self.stopped_by != "epochs":
            return
        with np.errstate(all="ignore"):
            while self._epoch < self._schedule.epochs:
                yield from self._steps(is_cancelled)
                if self.stopped_by == "cancelled":
                    return
                self._end_epoch()
                yield self._progress()
                if self.stopped_by != "epochs":
                    return

    def _steps(self, is_cancelled: Callable[[], bool]) -> Iterator[Progress]:
        """What is left of an epoch; no more in the loop than a step needs."""
        constant, clip = self._optimizer.constant_rate, self._schedule.clip
        is_clipped = clip != Clip()
        vector, before, views = self._vector, self._before, self._views
        is_one_vector = self._team is not None or (len(views) == 1 and views[0].ndim == 1)
        update, programs = self._updater.step, self._programs
        step, loss_sum, value = self._step, self._loss_sum, self._loss
        measured, measured_each = self._measured, self._measured_each
        last = self._batches.steps - 1
        told_each = max(1, _ROWS_BETWEEN_LOOKS // self._batches.batch_size)
        try:
            for batch in self._steps_from(step):
                if is_cancelled():
                    self.stopped_by = "cancelled"
                    return
                rows = len(batch[0])
                is_measured = not step % measured_each
                key = rows, is_measured
                run = programs.get(key) or self._compiled(rows, batch, is_measured)
                loss, *slopes = run(*batch, *views)
                if is_measured:
                    if not isfinite(loss):
                        raise self._diverged("the loss is not finite", step, value)
                    before[:] = vector
                    value = float(loss)
                    loss_sum += value * rows
                    measured += rows
                gradient = slopes[0] if is_one_vector else self._joined(slopes)
                if step == last:
                    self._norm = norm_of(gradient)
                if is_clipped:
                    gradient = self._clipped(gradient, clip)
                rate = constant
                if rate is None:
                    rate = self._optimizer.rate(self._updater.steps, self._epoch)
                update(vector, gradient, rate)
                step += 1
                if not step % told_each and self._clock.is_due():
                    self._step, self._loss_sum, self._loss = step, loss_sum, value
                    self._measured = measured
                    yield self._progress()
        finally:
            self._step, self._loss_sum, self._loss = step, loss_sum, value
            self._measured = measured

    def _steps_from(self, step: int) -> Iterable[tuple[Any, ...]]:
        """The batches of the epoch, or of a split run their places."""
        if self._team is None:
            return self._batches.epoch(self._epoch, step)
        size, count = self._batches.batch_size, self._batches.count
        return (
            (StepPlace(self._epoch, k, min(size, count - k * size)),)
            for k in range(step, self._batches.steps)
        )

    def _joined(self, slopes: list[Array]) -> Array:
        return np.concatenate([np.reshape(s, -1) for s in slopes], out=self._slopes)

    def _clipped(self, gradient: Array, clip: Clip) -> Array:
        if gradient is not self._slopes:
            self._slopes[:] = gradient
        clip.apply(self._slopes)
        return self._slopes

    def _diverged(self, what: str, step: int, loss: float) -> DivergedError:
        """The error of a run that left the range of float64; keeps the parameters before it."""
        self._vector[:] = self._before
        loss *= self._loss_scale
        last = f"{loss:.6g}" if isfinite(loss) else "none"
        error = DivergedError(
            f"{what} in epoch {self._epoch + 1}, step {step + 1}; the last finite loss "
            f"is {last}, the parameters before it are kept",
            hint="take a smaller learning rate, scale the inputs, or clip the gradient",
        )
        error.details = {
            "epoch": self._epoch + 1,
            "step": step + 1,
            "loss": loss if isfinite(loss) else None,
        }
        return error

    def _end_epoch(self) -> None:
        if not np.all(np.isfinite(self._vector)):
            raise self._diverged("a parameter is not finite", self._step - 1, self._loss)
        if not isfinite(self._norm):
            raise self._diverged("the gradient is not finite", self._step - 1, self._loss)
        loss = self._loss_sum / self._measured
        validated = None if self._validation is None else self._validated(self._validation)
        if not (isfinite(loss) and (validated is None or isfinite(validated))):
            raise self._diverged(
                "the mean loss or that of validation is not finite", self._step - 1, self._loss
            )
        rate = self._optimizer.rate(max(self._updater.steps - 1, 0), self._epoch)
        self._history.append(Epoch(self._epoch + 1, loss, validated, self._norm, rate))
        self._epoch, self._step = self._epoch + 1, 0
        self._loss_sum, self._measured = 0.0, 0
        self._keep_best(loss if validated is None else validated)
        self.stopped_by = self._reason_to_stop

    def _keep_best(self, watched: float) -> None:
        early = self._schedule.early_stopping
        if early is None:
            return
        self._idle += 1
        if watched < self._best[0] - early.min_delta:
            self._best, self._idle = (watched, self._vector.copy()), 0

    @property
    def _reason_to_stop(self) -> str:
        """Why the run ends with the epoch that is done; `epochs` where it does not yet.

        It follows from what a checkpoint has, so that a run resumed at its end stays there.
        """
        stop, early = self._schedule.stop_when, self._schedule.early_stopping
        if not self._history:
            return "epochs"
        if early is not None and self._idle >= early.patience:
            return "early_stopping"
        is_low = stop.loss is not None and self._history[-1].loss <= stop.loss
        is_flat = stop.gradient_norm is not None and self._norm <= stop.gradient_norm
        return "stop_when" if is_low or is_flat else "epochs"

    def _validated(self, validation: Validation) -> float:
        """The mean loss, without penalty, of the rows that are not trained on."""
        if self._team is None:
            losses: Sequence[float] = validation.losses(self._views, 0, validation.blocks)
        else:
            losses = self._team.losses(self._vector, validation.blocks)
        return sum(losses) / validation.rows.count

    def _graphs_of(self, rows: int) -> BatchGraphs:
        if rows not in self._graphs:
            self._graphs[rows] = self._problem.graphs(rows)
        return self._graphs[rows]

    def _compiled(self, rows: int, batch: tuple[Any, ...], is_measured: bool) -> Program:
        """The loss and the gradients of a batch; 0 for a loss that is not measured."""
        if self._team is not None:
            self._programs[rows, is_measured] = self._asked(self._team, is_measured)
            return self._programs[rows, is_measured]
        graphs = self._graphs_of(rows)
        slopes = [graphs.gradients[name] for name in self._problem.parameters]
        loss = graphs.total if is_measured else number(ZERO)
        plan = compile_plan([loss, *slopes])
        made = program(plan, self._names, (*batch, *self._views))
        self._programs[rows, is_measured] = made
        return made

    def _asked(self, team: Team, is_measured: bool) -> Program:
        """The same of a team, which knows a batch by its place."""

        def asked(place: StepPlace, *_: Array) -> tuple[Array, ...]:
            loss, gradient = team.gradient(
                place.epoch, place.step, self._vector, is_measured=is_measured
            )
            return np.array(loss), gradient

        return asked

    def _progress(self) -> Progress:
        speed, left = self._clock.speed(self._done, self._schedule.epochs)
        return Progress(
            epoch=self._epoch,
            epochs=self._schedule.epochs,
            step=self._step,
            steps=self._batches.steps,
            loss=self._loss if isfinite(self._loss) else None,
            gradient_norm=self._norm if self._history else None,
            samples_per_second=speed,
            seconds_left=left,
        )

    def result(self) -> Result:
        """What the run has found so far; the best parameters where it stops early."""
        vector = self._vector
        if self._schedule.early_stopping is not None and self._best[1] is not None:
            vector = self._best[1]
        last = self._history[-1] if self._history else None
        return Result(
            parameters=self._problem.own(split(vector, self._problem.parameters)),
            loss=last.loss if last else None,
            validation_loss=last.validation_loss if last else None,
            gradient_norm=last.gradient_norm if last else None,
            epochs=len(self._history),
            steps=self._updater.steps,
            stopped_by=self.stopped_by,
            history=tuple(self._history),
        )
