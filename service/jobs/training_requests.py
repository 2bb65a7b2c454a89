"""The request of a `train` job as a training task, with the data that it has in itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.calculus.dimensions import shown as shown_shape
from service.errors import ShapeMismatchError, ValidationError
from service.jobs.job import Document
from service.language.places import shown
from service.training.clipping import chosen_clip
from service.training.data import Array, Dataset, check_samples, dataset_of
from service.training.expression_tasks import ExpressionTask, Start
from service.training.layer_tasks import LayerTask
from service.training.model_tasks import ModelTask
from service.training.runs import EarlyStopping, Schedule, StopWhen
from service.training.tasks import TrainingTask

ALL = "all"


def task_of(request: Document) -> TrainingTask:
    """The task that a request asks for, its batch already chosen."""
    fields: Mapping[str, Any] = request
    return TrainingTask(
        model=_expression(fields) if is_expression(request) else _model(fields),
        optimizer=fields["optimizer"],
        schedule=schedule_of(request),
    )


def is_expression(request: Document) -> bool:
    """Whether an expression is minimised."""
    fields: Mapping[str, Any] = request
    return bool(fields["model"]["kind"] == "expression")


def schedule_of(request: Document) -> Schedule:
    """How long, in which batches, until when."""
    fields: Mapping[str, Any] = request
    early, stop = fields.get("early_stopping"), fields.get("stop_when")
    batch_size = fields.get("batch_size")
    return Schedule(
        epochs=fields["epochs"],
        batch_size=None if batch_size == ALL else batch_size,
        shuffle=fields.get("shuffle", True),
        seed=fields.get("seed", 0),
        validation_fraction=fields.get("validation_fraction", 0.0),
        early_stopping=EarlyStopping(**early) if early else None,
        stop_when=StopWhen(**stop) if stop else StopWhen(),
        clip=chosen_clip(fields.get("gradient_clip")),
    )


def dataset_id_of(request: Document) -> str | None:
    """The dataset that a request reads, if its data are not in itself."""
    fields: Mapping[str, Any] = request
    found = fields["data"].get("dataset")
    return found if isinstance(found, str) else None


def inline_dataset(request: Document) -> Dataset:
    """The data that a request has in itself, as a table.

    Raises:
        GradserveError: there is no sample, or their numbers differ.
    """
    fields: Mapping[str, Any] = request
    data = fields["data"]
    if is_expression(request):
        return Dataset(np.empty((_rows(data["columns"]), 0)), ())
    inputs, targets = np.asarray(data["inputs"]), np.asarray(data["targets"])
    for name, array, most in (("inputs", inputs, 2), ("targets", targets, 1)):
        if array.ndim not in (most, 2):
            axes = "samples by inputs" if most == 2 else "samples, or samples by outputs"
            raise ValidationError(
                f"{name}: found shape ({shown_shape(array.shape)}), expected axes: {axes}",
                pointer=f"/data/{name}",
                hint="one sample is [[…]], a row of its own" if most == 2 else None,
            )
    check_samples(inputs, targets)
    names = (*_names("inputs", inputs), *_names("targets", targets))
    return dataset_of(np.column_stack([inputs, targets]), names)


def _rows(arrays: Mapping[str, Array]) -> int:
    """How many rows the variables of an expression have, all the same."""
    first, rows = "", 0
    for name, array in arrays.items():
        if not array.ndim:
            raise ShapeMismatchError(
                f"{shown(name)} is a scalar, expected a first axis that counts samples",
                pointer=f"/data/columns/{name}",
            )
        if first and len(array) != rows:
            raise ShapeMismatchError(
                f"{shown(name)} has {len(array)} samples, but {shown(first)} has {rows}",
                pointer=f"/data/columns/{name}",
            )
        first, rows = name, len(array)
    if not rows:
        raise ValidationError(
            "found no columns, expected at least one", pointer="/data/columns"
        )
    return rows


def _names(role: str, values: Array) -> tuple[str, ...]:
    """A name for each column of an array that is given in a request."""
    return (
        (role,) if values.ndim == 1 else tuple(f"{role}[{k}]" for k in range(values.shape[1]))
    )


def _model(fields: Mapping[str, Any]) -> ModelTask:
    model, data = fields["model"], fields["data"]
    penalty = fields.get("regularization") or {}
    if "dataset" in data:
        inputs, targets = tuple(data.get("inputs") or ()), tuple(data["targets"])
    else:
        inputs, targets = (_names(r, np.asarray(data[r])) for r in ("inputs", "targets"))
    given = [model] if model["kind"] == "neuron" else model["layers"]
    return ModelTask(
        targets=targets,
        inputs=inputs,
        kind=model["kind"],
        layers=tuple(_layer(layer) for layer in given),
        loss="mse" if fields.get("loss") is None else fields["loss"],
        l1=penalty.get("l1", 0.0),
        l2=penalty.get("l2", 0.0),
        standardize=fields.get("standardize", False),
    )


def _layer(layer: Mapping[str, Any]) -> LayerTask:
    return LayerTask(
        activation=layer["activation"],
        units=layer.get("size"),
        weights=layer.get("weights"),
        bias=layer.get("bias"),
        initializer=layer.get("initializer"),
    )


def _expression(fields: Mapping[str, Any]) -> ExpressionTask:
    model, data = fields["model"], fields["data"]
    columns = model.get("columns") or {}
    return ExpressionTask(
        expression=model["expression"],
        parameters={name: _start(given) for name, given in model["parameters"].items()},
        columns={n: c if isinstance(c, str) else tuple(c) for n, c in columns.items()},
        arrays=data.get("columns") or {},
    )


def _start(given: object) -> Start:
    if not isinstance(given, Mapping):
        return Start(values=given)
    initializer: Mapping[str, Any] = given.get("initializer") or {"kind": "zeros"}
    options = {name: value for name, value in initializer.items() if name != "kind"}
    return Start(kind=initializer["kind"], options=options, shape=tuple(given["shape"]))
