"""The options of `gradserve train` as a training task: texts read, nothing computed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.commands.errors import CommandError
from service.language.places import shown
from service.training.clipping import Clip
from service.training.runs import EarlyStopping, Schedule
from service.training.tasks import (
    ExpressionTask,
    ModelTask,
    Start,
    TrainingTask,
    default_batch_rows,
)

ALL, NONE = "all", "none"
_DEFAULT_HIDDEN = (32,)
# What only a model takes, by the name of its option.
_OF_MODELS = (
    "target",
    "inputs",
    "hidden",
    "hidden_activation",
    "activation",
    "loss",
    "initializer",
    "l1",
    "l2",
    "standardize",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """The options as they are given; None or empty where they are not."""

    data: Path
    target: tuple[str, ...]
    inputs: tuple[str, ...]
    model: Literal["neuron", "network", "expression"] | None
    hidden: str | None
    hidden_activation: str | None
    activation: str | None
    loss: str | None
    expression: str | None
    parameter: tuple[str, ...]
    column: tuple[str, ...]
    optimizer: str
    learning_rate: float | None
    optimizer_option: tuple[str, ...]
    schedule: str | None
    epochs: int
    batch_size: str | None
    seed: int
    shuffle: bool
    validation_fraction: float
    patience: int | None
    l1: float | None
    l2: float | None
    clip_norm: float | None
    clip_value: float | None
    standardize: bool | None
    initializer: str | None
    out: Path | None
    history: Path | None
    checkpoint: Path | None
    resume: bool
    quiet: bool


def read_task(options: TrainOptions, rows: int) -> TrainingTask:
    """The task of the options, for data of so many rows.

    Raises:
        CommandError: a text is not in its form, or options do not go together.
    """
    return TrainingTask(
        model=_model(options),
        optimizer=_optimizer(options),
        schedule=Schedule(
            epochs=options.epochs,
            batch_size=_batch_size(options, rows),
            shuffle=options.shuffle,
            seed=options.seed,
            validation_fraction=options.validation_fraction,
            early_stopping=EarlyStopping(patience=options.patience)
            if options.patience
            else None,
            clip=Clip(value=options.clip_value, norm=options.clip_norm),
        ),
    )


def _model(options: TrainOptions) -> ModelTask | ExpressionTask:
    if options.expression is not None or options.model == "expression":
        return _expression(options)
    for name in ("parameter", "column"):
        if getattr(options, name):
            raise CommandError(
                f"--{name}: found no --expression, expected it where there is a {name}"
            )
    targets = _names(options.target, "--target")
    if not targets:
        raise CommandError("--target: found none, expected the name of a column")
    kind: Literal["neuron", "network"] = "network" if options.model == "network" else "neuron"
    return ModelTask(
        targets=targets,
        inputs=_names(options.inputs, "--inputs"),
        kind=kind,
        hidden=_hidden(options),
        hidden_activation=_choice(options.hidden_activation or "relu", "--hidden-activation"),
        activation=options.activation and _choice(options.activation, "--activation"),
        loss=_choice(options.loss or "mse", "--loss"),
        initializer=_choice(options.initializer, "--initializer")
        if options.initializer
        else None,
        l1=options.l1 or 0.0,
        l2=options.l2 or 0.0,
        standardize=options.standardize is not False,
    )


def _expression(options: TrainOptions) -> ExpressionTask:
    if options.expression is None:
        raise CommandError("--model expression: found no --expression, expected one")
    if options.model in ("neuron", "network"):
        raise CommandError(
            f"--expression: found --model {options.model} beside it, expected one of the two"
        )
    for name in _OF_MODELS:
        if getattr(options, name) not in (None, (), False):
            raise CommandError(
                f"--{name.replace('_', '-')}: found an expression, expected a neuron or a "
                "network; an expression names its columns and its loss itself"
            )
    columns: dict[str, tuple[str, ...] | str] = {}
    for name, text in _pairs(options.column, "--column", "NAME=COLUMN or NAME=COLUMN,COLUMN"):
        names = _names((text,), f"--column {name}")
        columns[name] = names[0] if "," not in text else names
    starts = {
        name: _start(name, text)
        for name, text in _pairs(options.parameter, "--parameter", "NAME=zeros:SIZES")
    }
    if not starts:
        raise CommandError("--parameter: found none, expected at least one, such as w=zeros:3")
    return ExpressionTask(expression=options.expression, parameters=starts, columns=columns)


def _start(name: str, text: str) -> Start:
    """First values: `zeros:3`, `normal:3x2`, a kind alone for a scalar, or JSON numbers."""
    if text[:1] in "[-.0123456789" and text:
        try:
            return Start(values=json.loads(text))
        except (ValueError, RecursionError) as error:
            raise CommandError(
                f"--parameter {name}: found {shown(text)}, expected numbers as JSON"
            ) from error
    kind, colon, sizes = text.partition(":")
    parts = sizes.split("x") if colon else []
    if not all(part.strip().isdecimal() and len(part) < 10 for part in parts):
        raise CommandError(
            f"--parameter {name}: found the sizes {shown(sizes)}, expected such as 3 or 3x2"
        )
    return Start(kind=kind.strip(), shape=tuple(int(part) for part in parts))


def _optimizer(options: TrainOptions) -> dict[str, object]:
    given: dict[str, object] = {"kind": options.optimizer}
    pairs = _pairs(options.optimizer_option, "--optimizer-option", "NAME=NUMBER")
    given |= {name: _number(text, f"--optimizer-option {name}") for name, text in pairs}
    if options.learning_rate is not None:
        given["learning_rate"] = options.learning_rate
    if options.schedule is not None:
        given["schedule"] = _schedule(options.schedule, options.epochs)
    return given


def _schedule(text: str, epochs: int) -> Mapping[str, object]:
    """`cosine`, `step:every=10,gamma=0.5`, `warmup:steps=100+cosine`: the next after a plus."""
    first, plus, rest = text.partition("+")
    schedule = dict(_choice(first, "--schedule"))
    if schedule["kind"] == "cosine":
        schedule.setdefault("epochs", epochs)
    if plus:
        schedule["then"] = _schedule(rest, epochs)
    return schedule


def _choice(text: str, option: str) -> Mapping[str, object]:
    """`name` or `name:option=number,…` as an object of its kind and options."""
    kind, colon, rest = text.partition(":")
    found: dict[str, object] = {"kind": kind.strip()}
    if colon:
        for name, number in _pairs(rest.split(","), option, "KIND:NAME=NUMBER"):
            found[name] = _number(number, f"{option} {name}")
    return found


def _batch_size(options: TrainOptions, rows: int) -> int | None:
    text = options.batch_size
    if text is None:
        return default_batch_rows(rows, options.validation_fraction, options.seed)
    if text == ALL:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise CommandError(
            f"--batch-size: found {shown(text)}, expected a number of rows, or {ALL}"
        ) from error


def _hidden(options: TrainOptions) -> tuple[int, ...]:
    if options.hidden is None:
        return _DEFAULT_HIDDEN if options.model == "network" else ()
    if options.hidden == NONE:
        return ()
    try:
        return tuple(int(part) for part in options.hidden.split(","))
    except ValueError as error:
        raise CommandError(
            f"--hidden: found {shown(options.hidden)}, expected sizes such as 32,16, or {NONE}"
        ) from error


def _names(texts: Sequence[str], option: str) -> tuple[str, ...]:
    names = [name.strip() for text in texts for name in text.removesuffix(",").split(",")]
    if not all(names):
        raise CommandError(f"{option}: found an empty name, expected names of columns")
    return tuple(names)


def _pairs(texts: Sequence[str], option: str, form: str) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name or not value.strip():
            raise CommandError(f"{option}: found {shown(text)}, expected {form}")
        if name in found:
            raise CommandError(f"{option}: found {shown(name)} twice, expected each name once")
        found[name] = value.strip()
    return list(found.items())


def _number(text: str, place: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise CommandError(f"{place}: found {shown(text)}, expected a number") from error
