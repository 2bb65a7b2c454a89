"""What a training would be, known without its rows: its model, its steps, what it costs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

import numpy as np

from service.calculus.graph import Node
from service.errors import BudgetExceededError, DomainError
from service.jobs.datasets import StoredDataset
from service.language.places import shown
from service.numeric.compile import compile_plan
from service.numeric.plan import Estimate
from service.settings import Limits, Settings
from service.training.data import Array, Column, Columns, Dataset, check_batch_size
from service.training.expression_tasks import ExpressionTask, Start, prepared_expression
from service.training.functions import chosen_loss
from service.training.initializers import chosen_initializer
from service.training.model_tasks import ModelTask, prepared_model
from service.training.preparing import Store
from service.training.problems import Problem
from service.training.runs import Schedule
from service.training.splits import split
from service.training.standardizing import Standardization
from service.training.tasks import TrainingTask

_KEPT_ESTIMATES = 128


@dataclass(frozen=True, slots=True)
class _NoStore(Store):
    """Arrays of the right shape that take no memory."""

    def gathered(
        self,
        name: str,
        columns: Columns,
        change: Standardization | None = None,
        *,
        is_vector: bool = False,
    ) -> Array | Columns:
        shape = columns.shape[:1] if is_vector else columns.shape
        return np.broadcast_to(np.zeros(()), shape)


def undrawn(task: TrainingTask) -> TrainingTask:
    """The task with zeros where first values would be drawn, which takes time; all checked.

    Raises:
        GradserveError: there is no such initializer, or it draws no array of the shape.
    """
    zeros = {"kind": "zeros"}
    if isinstance(task.model, ExpressionTask):
        starts = dict(task.model.parameters)
        for name, start in starts.items():
            if start.values is None:
                pointer = f"/parameters/{name}"
                given = {"kind": start.kind, **start.options}
                chosen = chosen_initializer(given, pointer=f"{pointer}/initializer")
                chosen.weights((1,) * max(1, len(start.shape)), np.random.default_rng(0))
                starts[name] = Start(kind="zeros", shape=start.shape)
        return replace(task, model=replace(task.model, parameters=starts))
    layers = []
    for k, layer in enumerate(task.model.layers):
        if layer.weights is None and layer.initializer is not None:
            place = "" if task.model.kind == "neuron" else f"/layers/{k}"
            chosen_initializer(layer.initializer, pointer=f"{place}/initializer")
        layers.append(replace(layer, initializer=zeros) if layer.weights is None else layer)
    return replace(task, model=replace(task.model, layers=tuple(layers)))


def check_without_rows(task: TrainingTask, record: StoredDataset, limits: Limits) -> Problem:
    """The problem of a task over a dataset of which only the description is looked at.

    Raises:
        GradserveError: the task would fail over this dataset, whatever its rows are.
    """
    if isinstance(task.model, ExpressionTask):
        rows = np.broadcast_to(np.zeros(()), (record.rows, len(record.columns)))
        dataset = Dataset(rows, record.columns)
        seed = task.schedule.seed
        return prepared_expression(task.model, seed, dataset, limits, _NoStore()).problem
    model = replace(task.model, standardize=False)
    _check_target_columns(model, record.columns)
    schedule = replace(task.schedule, validation_fraction=0.0, batch_size=None)
    return prepared_model(model, schedule, _extremes(model, record), Store()).problem


def _check_target_columns(model: ModelTask, columns: Iterable[Column]) -> None:
    """Refuse target columns whose smallest or largest number the loss is not for."""
    record = chosen_loss(model.loss).record
    by_name = {column.name: column for column in columns}
    is_numbered = record.targets.adds_up and len(model.targets) == 1 and model.kind != "neuron"
    for name in model.targets:
        if name not in by_name:
            continue  # which is told by the problem, with the nearest name
        for value in (by_name[name].minimum, by_name[name].maximum):
            if is_numbered:
                is_allowed, expected = (
                    value >= 0 and value == int(value),
                    "class numbers from 0",
                )
            else:
                allowed = record.targets
                is_allowed = allowed.lowest <= value <= allowed.highest
                if allowed.is_edge:
                    is_allowed = value in (allowed.lowest, allowed.highest)
                expected = f"what the loss {record.name} takes: {allowed.text}"
            if not is_allowed:
                raise DomainError(
                    f"targets: column {shown(name)} holds {value:.17g}, expected {expected}",
                    pointer="/data/targets",
                )


def _extremes(model: ModelTask, record: StoredDataset) -> Dataset:
    """Two rows that stand for all: the smallest numbers and the largest."""
    rows = np.array([[c.minimum for c in record.columns], [c.maximum for c in record.columns]])
    if chosen_loss(model.loss).record.targets.adds_up and len(model.targets) > 1:
        places = {column.name: place for place, column in enumerate(record.columns)}
        targets = [places[name] for name in model.targets if name in places]
        rows[:, targets] = 0.0
        rows[:, targets[:1]] = 1.0
    return Dataset(rows, record.columns)


def training_rows(schedule: Schedule, rows: int) -> int:
    """How many of the rows are trained on; the batch is checked against them.

    Raises:
        DomainError: a fraction leaves nothing, or a batch has more rows than there are.
    """
    if schedule.validation_fraction:
        rows = split(rows, schedule.validation_fraction, schedule.seed).training.count
    if schedule.batch_size is not None:
        check_batch_size(schedule.batch_size, rows)
    return rows


@lru_cache(_KEPT_ESTIMATES)
def estimate_of(outputs: tuple[Node, ...]) -> Estimate:
    """What it takes to compute these nodes, kept for requests that differ in numbers alone.

    Equal graphs are one object: a request of another model or of other sizes has other nodes.
    """
    return compile_plan(outputs).estimate


def check_cost(problem: Problem, schedule: Schedule, rows: int, settings: Settings) -> None:
    """Refuse what takes too many steps, too long, or more memory than a worker has.

    `rows` are those that are trained on.

    Raises:
        BudgetExceededError: with the limit and the figure.
    """
    limits = settings.limits
    batch = schedule.batch_size or rows
    steps = ceil(rows / batch)
    total = schedule.epochs * steps
    if total > limits.max_job_steps:
        raise BudgetExceededError(
            f"epochs: found {schedule.epochs:,} epochs of {steps:,} steps, {total:,} in all, "
            f"over the epochs*steps limit max_job_steps of {limits.max_job_steps:,}",
            pointer="/epochs",
        )
    if schedule.epochs > limits.max_job_epochs:
        raise BudgetExceededError(
            f"epochs: found {schedule.epochs:,}, over the limit max_job_epochs of "
            f"{limits.max_job_epochs:,}",
            pointer="/epochs",
        )
    for size in {batch, rows % batch} - {0}:
        graphs = problem.graphs(size)
        estimate = estimate_of((graphs.total, *graphs.gradients.values()))
        if size == batch and estimate.flops * total > limits.max_job_flops:
            raise BudgetExceededError(
                f"the job is estimated to take {estimate.flops * total:.1e} flops "
                f"({total:,} steps of {estimate.flops:.1e}), over the limit max_job_flops of "
                f"{limits.max_job_flops:.1e}",
                pointer="/epochs",
            )
        if estimate.peak_bytes > settings.worker_memory_bytes:
            raise BudgetExceededError(
                f"batch_size: a step of {size:,} rows is estimated to need "
                f"{estimate.peak_bytes:,} bytes of memory, over the limit worker_memory_bytes "
                f"of {settings.worker_memory_bytes:,}",
                pointer="/batch_size",
                hint="take a smaller batch_size",
            )
