"""A neuron or a network on named columns, as a problem to train; its weights in own units."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from service.calculus.numbers import from_float
from service.errors import DomainError
from service.training.data import Array, Columns, Dataset
from service.training.functions import ChosenFunction, chosen_activation, chosen_loss
from service.training.layer_tasks import LayerTask, first_weights, shapes_of
from service.training.models import BIAS, WEIGHTS, LayerShape, Model, Penalty
from service.training.options import Option, checked
from service.training.preparing import (
    Prepared,
    Store,
    checked_targets,
    class_count,
    class_rows,
    of_one_scale,
    standardized_by,
)
from service.training.problems import model_problem
from service.training.runs import Schedule
from service.training.splits import RowRanges, all_rows, split
from service.training.standardizing import (
    Standardization,
    to_own_units,
    to_standardized_units,
)

# Where the loss has no natural linear prediction: what brings any number into its range.
DEFAULT_ACTIVATIONS = {
    "binary_cross_entropy": "sigmoid",
    "cross_entropy": "softmax",
    "kl_divergence": "softmax",
    "poisson": "exp",
}
# ℓ(s p, s t) = s^degree ℓ(p, t): such a loss may be minimised on standardized targets. The
# threshold of huber is a difference of targets, so it is scaled with them.
_DEGREES = {"mse": 2, "mae": 1, "quantile": 1, "huber": 2}
_SCALED_OPTIONS = {"huber": "delta"}
_NOT_NEGATIVE = [
    Option(name=name, symbol=name, summary="the penalty's weight", lower=0, default=0.0)
    for name in ("l1", "l2")
]
# Apart from the streams of the epochs and of the split.
_START_STREAM = (0, 0, 0, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTask:
    """A neuron or a network on named columns; without inputs all but the targets.

    A function is a name, or an object of its kind and options; None takes what suits the loss
    or the activation. One target column of a loss of distributions holds class numbers.
    With `layers`, they say all of the model's layers, and `hidden` and the activations nothing.
    """

    targets: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    kind: Literal["neuron", "network"] = "neuron"
    layers: tuple[LayerTask, ...] = ()
    hidden: tuple[int, ...] = ()
    hidden_activation: object = "relu"
    activation: object = None
    loss: object = "mse"
    initializer: Mapping[str, object] | None = None
    l1: float = 0.0
    l2: float = 0.0
    standardize: bool = True


def prepared_model(
    model: ModelTask, schedule: Schedule, dataset: Dataset, store: Store
) -> Prepared:
    """The problem of a model.

    Raises:
        GradserveError: a name is unknown, an option out of range, or the data do not fit.
    """
    if not model.targets:
        raise DomainError(
            "found no target column, expected at least one", pointer="/data/targets"
        )
    names = model.inputs or tuple(n for n in dataset.names if n not in model.targets)
    inputs, targets = dataset.select(names, model.targets)
    loss = chosen_loss(model.loss)
    classes = _classes(model, loss, targets)
    outputs = None if model.kind == "neuron" else classes or len(model.targets)
    layers = layers_of(model, len(names), outputs, loss, is_numbered=bool(classes))
    penalty = checked("model", _NOT_NEGATIVE, {"l1": model.l1, "l2": model.l2}, pointer="")
    by_inputs = by_targets = None
    if model.standardize:
        rows = _training_rows(schedule, dataset.rows)
        by_inputs = standardized_by(inputs, names, rows)
        if _is_scalable(layers, loss):
            by_targets = of_one_scale(standardized_by(targets, model.targets, rows))
    scale = 1.0 if by_targets is None else float(by_targets.scale[0])
    x = store.gathered("inputs", inputs, by_inputs)
    t: Array | Columns
    if classes:
        t = class_rows(store, targets, layers[-1].outputs or classes)
    else:
        t = store.gathered("targets", targets, by_targets, is_vector=outputs is None)
    made = Model(
        layers,
        _scaled(loss, scale),
        1,
        Penalty(from_float(penalty["l1"]), from_float(penalty["l2"])),
    )
    note = by_inputs.note if by_inputs else None
    started = _started(made, model, schedule.seed)
    if by_inputs is not None:
        given = [k for k, layer in enumerate(model.layers) if layer.weights is not None]
        started = _changed(started, given, by_inputs, by_targets, to_standardized_units)
    return Prepared(
        model_problem(made, started, x, t),
        _about(model, names, layers, loss),
        inputs=names,
        notes=(note,) if note else (),
        loss_scale=scale ** _DEGREES.get(loss.record.name, 0),
        own=lambda found: _own(found, by_inputs, by_targets),
    )


def _classes(model: ModelTask, loss: ChosenFunction, targets: Columns) -> int:
    """How many classes one column of class numbers has, 0 of other targets; both checked."""
    is_of_rows = loss.record.targets.adds_up
    if model.kind == "neuron" and (len(model.targets) > 1 or is_of_rows):
        found = f"the loss {loss.record.name}" if is_of_rows else "several targets"
        raise DomainError(
            f"model neuron: found {found}, expected one target of one number",
            pointer="/model",
            hint="a network has several outputs",
        )
    if is_of_rows and len(model.targets) == 1:
        return class_count(targets, model.targets[0])
    checked_targets(loss.record, targets, model.targets)
    return 0


def _training_rows(schedule: Schedule, rows: int) -> RowRanges:
    if not schedule.validation_fraction:
        return all_rows(rows)
    return split(rows, schedule.validation_fraction, schedule.seed).training


def _is_scalable(layers: tuple[LayerShape, ...], loss: ChosenFunction) -> bool:
    """Whether the output is linear, and the loss only changes by a factor with the targets."""
    return layers[-1].activation.record.name == "identity" and loss.record.name in _DEGREES


def _scaled(loss: ChosenFunction, scale: float) -> ChosenFunction:
    """The loss of targets that are divided by the scale."""
    option = _SCALED_OPTIONS.get(loss.record.name)
    if option is None or scale == 1.0:
        return loss
    told = _told(loss)
    assert isinstance(told, dict)
    return chosen_loss({**told, option: told[option] / scale})


def layers_of(
    model: ModelTask,
    inputs: int,
    outputs: int | None,
    loss: ChosenFunction,
    *,
    is_numbered: bool,
) -> tuple[LayerShape, ...]:
    """The layers of a model of so many inputs and outputs; outputs None: a neuron.

    `is_numbered`: the outputs are how many classes are found, and told layers may have more.

    Raises:
        GradserveError: a layer or an activation is not one that fits.
    """
    if model.layers:
        return shapes_of(model.layers, inputs, outputs, most_classes=is_numbered)
    last = model.activation or DEFAULT_ACTIVATIONS.get(loss.record.name, "identity")
    activation = chosen_activation(last)
    if outputs is None and activation.is_along_rows:
        raise DomainError(
            f"activation {activation.record.name}: found a neuron, expected a network, which "
            "has a row of outputs",
            pointer="/activation",
        )
    if outputs is None and model.hidden:
        raise DomainError(
            "model neuron: found hidden layers, expected none",
            pointer="/model",
            hint="a network has them",
        )
    between = chosen_activation(model.hidden_activation, pointer="/hidden_activation")
    if any(size < 1 for size in model.hidden):
        raise DomainError(
            f"hidden: found a layer of {min(model.hidden)} units, expected at least 1",
            pointer="/hidden",
        )
    sizes = (inputs, *model.hidden)
    hidden = [LayerShape(a, b, between) for a, b in pairwise(sizes)]
    return (*hidden, LayerShape(sizes[-1], outputs, activation))


def _started(made: Model, model: ModelTask, seed: int) -> dict[str, Array]:
    rng = np.random.Generator(np.random.PCG64([seed, *_START_STREAM]))
    found: dict[str, Array] = {}
    given = model.layers or (None,) * len(made.layers)
    for shape, layer, weights, bias in zip(
        made.layers, given, made.parameters[::2], made.parameters[1::2], strict=True
    ):
        found[weights.name], found[bias.name] = first_weights(
            shape, layer, model.initializer, rng
        )
    return found


def _own(
    found: Mapping[str, Array], inputs: Standardization | None, targets: Standardization | None
) -> dict[str, Array]:
    """The first layer takes inputs in own units, the last gives targets in theirs."""
    if inputs is None:
        return dict(found)
    layers = range(1 if WEIGHTS in found else len(found) // 2)
    return _changed(found, layers, inputs, targets, to_own_units)


def _changed(
    found: Mapping[str, Array],
    layers: Sequence[int],
    inputs: Standardization,
    targets: Standardization | None,
    change: Callable[..., tuple[Array, Array]],
) -> dict[str, Array]:
    """The parameters with these layers in other units, where they have any."""
    own = dict(found)
    last = 0 if WEIGHTS in found else len(found) // 2 - 1
    for k in sorted({0, last}.intersection(layers)):
        end = "" if WEIGHTS in found else f"_{k}"
        weights, bias = f"{WEIGHTS}{end}", f"{BIAS}{end}"
        size = len(own[weights])
        before = inputs if k == 0 else Standardization(np.zeros(size), np.ones(size), ())
        after = targets if k == last else None
        own[weights], own[bias] = change(own[weights], own[bias], before, after)
    return own


def _about(
    model: ModelTask,
    inputs: tuple[str, ...],
    layers: tuple[LayerShape, ...],
    loss: ChosenFunction,
) -> dict[str, object]:
    return {
        "kind": model.kind,
        "inputs": list(inputs),
        "targets": list(model.targets),
        "layers": [
            {
                "inputs": layer.inputs,
                "outputs": layer.outputs or 1,
                "activation": _told(layer.activation),
            }
            for layer in layers
        ],
        "loss": _told(loss),
        "l1": model.l1,
        "l2": model.l2,
        "standardize": model.standardize,
    }


def _told(function: ChosenFunction) -> object:
    """A function as a request names it."""
    names = [p.name for p in function.record.parameters if p.kind == "number"]
    if not names:
        return function.record.name
    options = dict(zip(names, map(float, function.options), strict=True))  # type: ignore[arg-type] # of kind number
    return {"kind": function.record.name, **options}
