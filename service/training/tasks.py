"""A training task in plain terms, made ready to run; what it finds, in the data's own units.

A task is a model or an expression, an optimizer and a schedule; with a dataset it becomes a
problem for `fit`. Columns are brought to mean 0 and standard deviation 1 by the rows that are
trained on, and the weights found are brought back. So the penalties and the gradient's norm are
those of standardized columns, while every loss that is told is in the targets' own units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from service.settings import Limits
from service.training.data import Array, Dataset
from service.training.expression_tasks import ExpressionTask as ExpressionTask
from service.training.expression_tasks import Start as Start
from service.training.expression_tasks import prepared_expression
from service.training.fit import Trainer
from service.training.layer_tasks import LayerTask as LayerTask
from service.training.model_tasks import ModelTask as ModelTask
from service.training.model_tasks import prepared_model
from service.training.parts import Parts as Parts
from service.training.parts import Team as Team
from service.training.preparing import Prepared, Store, checksum
from service.training.runs import Checkpoint, Epoch, Result, Schedule
from service.training.splits import split
from service.training.updater import ChosenOptimizer, chosen_optimizer

DEFAULT_BATCH_ROWS = 32
DEFAULT_RATES = {
    "sgd": 0.01,
    "momentum": 0.01,
    "nesterov": 0.01,
    "rmsprop": 0.01,
    "adagrad": 0.1,
    "adadelta": 1.0,
    "adam": 0.01,
    "adamw": 0.01,
    "nadam": 0.01,
    "lion": 0.001,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTask:
    """What to train, by which optimizer (its kind and options), for how long."""

    model: ModelTask | ExpressionTask
    optimizer: Mapping[str, object]
    schedule: Schedule


@dataclass(frozen=True, slots=True, eq=False)
class PreparedTask:
    """A task with its data, ready to run."""

    task: TrainingTask
    data: Prepared
    optimizer: ChosenOptimizer

    @property
    def parameter_count(self) -> int:
        """How many numbers are trained."""
        return sum(array.size for array in self.data.problem.parameters.values())

    def trainer(
        self, checkpoint: Checkpoint | None = None, team: Team | None = None
    ) -> Trainer:
        """A run from its start or from a checkpoint; see `Trainer` for what it raises."""
        schedule, scale = self.task.schedule, self.data.loss_scale
        stop, early = schedule.stop_when, schedule.early_stopping
        if stop.loss is not None:
            stop = replace(stop, loss=stop.loss / scale)
        if early is not None:
            early = replace(early, min_delta=early.min_delta / scale)
        schedule = replace(schedule, stop_when=stop, early_stopping=early)
        return Trainer(self.data.problem, self.optimizer, schedule, checkpoint, scale, team)

    def parts(self, count: int) -> Parts:
        """The steps of this task in so many parts."""
        return Parts(self.data.problem, self.task.schedule, count)

    def first_vector(self) -> Array:
        """The parameters at the start, all in one vector."""
        started = [np.ravel(array) for array in self.data.problem.parameters.values()]
        return np.concatenate(started, dtype=np.float64)

    def run_identity(self) -> dict[str, object]:
        """What makes a run this one, for its checkpoints: all but the number of epochs."""
        schedule = asdict(self.task.schedule)
        schedule.pop("epochs")
        return {
            "model": dict(self.data.about),
            "rows": self.data.problem.samples,
            "data": checksum(self.data.problem.columns),
            "start": checksum(
                {n: np.ravel(a) for n, a in self.data.problem.parameters.items()}
            ),
            "optimizer": self.optimizer.optimizer.kind,
            "optimizer_options": dict(self.optimizer.options),
            "learning_rate_schedule": self.task.optimizer.get("schedule"),
            **schedule,
        }

    def own_loss(self, loss: float | None) -> float | None:
        """A loss of the run in the targets' own units."""
        return None if loss is None else loss * self.data.loss_scale

    def own_history(self, lines: Sequence[Epoch]) -> tuple[Epoch, ...]:
        """Lines of the history with losses in the targets' own units."""
        return tuple(
            replace(
                line,
                loss=line.loss * self.data.loss_scale,
                validation_loss=self.own_loss(line.validation_loss),
            )
            for line in lines
        )

    def result(self, found: Result) -> Result:
        """What a run found, in the data's own units.

        Raises:
            DomainError: a weight is beyond the range of float64 in them.
        """
        history = self.own_history(found.history)
        return replace(
            found,
            parameters=self.data.own(found.parameters),
            loss=self.own_loss(found.loss),
            validation_loss=self.own_loss(found.validation_loss),
            history=history,
        )


def default_batch_rows(rows: int, validation_fraction: float, seed: int) -> int:
    """The rows of a batch where nothing is said: 32, or all that there are to train on."""
    if validation_fraction:
        rows = split(rows, validation_fraction, seed).training.count
    return min(rows, DEFAULT_BATCH_ROWS)


def prepared(
    task: TrainingTask, dataset: Dataset, limits: Limits, folder: Path | None = None
) -> PreparedTask:
    """The task with its data; large arrays are kept in files of the folder, if there is one.

    Raises:
        GradserveError: a name is unknown, an option out of range, or the data do not fit.
    """
    given = dict(task.optimizer)
    if "learning_rate" not in given and given.get("kind") in DEFAULT_RATES:
        given["learning_rate"] = DEFAULT_RATES[str(given["kind"])]
    optimizer = chosen_optimizer(given)
    if isinstance(task.model, ExpressionTask):
        seed = task.schedule.seed
        data = prepared_expression(task.model, seed, dataset, limits, Store(folder))
    else:
        data = prepared_model(task.model, task.schedule, dataset, Store(folder))
    return PreparedTask(task, data, optimizer)
