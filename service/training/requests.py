"""What a request says of a neuron or a network, checked: the model, its numbers, its data.

Each error has the pointer of the field that it is about, and names both sizes that differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from service.calculus.dimensions import shown as shown_shape
from service.calculus.graph import variable
from service.calculus.numbers import from_float
from service.errors import (
    DomainError,
    GradserveError,
    OverLimitError,
    ShapeMismatchError,
    ValidationError,
)
from service.training.functions import ChosenFunction, chosen_activation, chosen_loss
from service.training.models import (
    BIAS,
    INPUTS,
    SAMPLE_WEIGHTS,
    TARGETS,
    WEIGHTS,
    LayerShape,
    Model,
    Penalty,
)
from service.training.options import Option, checked
from service.training.passes import with_ones
from service.training.targets import as_rows, check_targets
from service.training.updates import Array

MOST_LAYERS = 100
PENALTIES = (
    Option(name="l1", symbol="λ_1", summary="times Σ |w|", lower=0, default=0.0),
    Option(name="l2", symbol="λ_2", summary="times ½ Σ w²", lower=0, default=0.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """What the predictions are judged by."""

    targets: Array
    loss: object = "mse"
    regularization: Mapping[str, object] = field(default_factory=dict)
    sample_weights: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronRequest:
    """A neuron and its inputs; `learning` where the loss matters."""

    weights: Array
    activation: object
    inputs: Array
    bias: Array | None = None
    is_augmented: bool = False
    learning: Learning | None = None

    def prepared(self) -> "Prepared":
        """The neuron's model, numbers and data.

        Raises:
            ValidationError: a field is missing, not known, or has another number of axes.
            ShapeMismatchError: two sizes differ.
            DomainError: a number is outside its range.
        """
        _check_axes("weights", self.weights, ("inputs",))
        _check_axes("inputs", self.inputs, ("samples", "inputs"))
        _check_bias(self.bias, is_augmented=self.is_augmented)
        size, width = len(self.weights), self.inputs.shape[1]
        if size - self.is_augmented != width:
            counted = " and the bias" if self.is_augmented else ""
            raise ShapeMismatchError(
                f"weights {size}, inputs {width}: a weight for each input{counted}",
                pointer="/inputs",
            )
        activation = _activation(self.activation)
        if activation.is_along_rows:
            raise ValidationError(
                f"activation: found {activation.record.name!r}, which is of several outputs, "
                "but a neuron has one",
                pointer=_kind_of(self.activation, "/activation"),
                hint="take sigmoid, or a layer of /v1/network",
            )
        layer = LayerShape(width, None, activation)
        parameters = {WEIGHTS: self.weights}
        if self.bias is not None:
            parameters[BIAS] = self.bias
        inputs = with_ones(self.inputs) if self.is_augmented else self.inputs
        return _prepared(
            (layer,), parameters, inputs, self.learning, is_augmented=self.is_augmented
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRequest:
    """A layer of a network: weights [in, out], bias [out]."""

    weights: Array
    bias: Array
    activation: object


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRequest:
    """Layers and the inputs of the first; `learning` where the loss matters."""

    layers: Sequence[LayerRequest]
    inputs: Array
    learning: Learning | None = None

    def prepared(self) -> "Prepared":
        """The network's model, numbers and data.

        Raises:
            ValidationError: a field is missing, not known, or has another number of axes.
            ShapeMismatchError: two sizes differ.
            DomainError: a number is outside its range.
            OverLimitError: there are too many layers.
        """
        if not self.layers:
            raise ValidationError("found no layers, expected at least 1", pointer="/layers")
        if len(self.layers) > MOST_LAYERS:
            raise OverLimitError(
                f"found {len(self.layers)} layers, but at most {MOST_LAYERS} are allowed",
                pointer="/layers",
            )
        _check_axes("inputs", self.inputs, ("samples", "inputs"))
        before, width = "inputs", self.inputs.shape[1]
        shapes: list[LayerShape] = []
        parameters: dict[str, Array] = {}
        for k, layer in enumerate(self.layers):
            shape = _layer_shape(k, layer, before, width)
            shapes.append(shape)
            parameters |= {f"{WEIGHTS}_{k}": layer.weights, f"{BIAS}_{k}": layer.bias}
            before, width = f"outputs of layer {k}", layer.weights.shape[1]
        return _prepared(tuple(shapes), parameters, self.inputs, self.learning)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model with the values of its parameters and its data, all of them checked."""

    model: Model
    parameters: Mapping[str, Array]
    data: Mapping[str, Array]

    @property
    def loss_factor(self) -> str:
        """What the losses of the samples are multiplied by before they are added up."""
        return "1/Σs" if self.model.is_weighted else "1/N"


def _layer_shape(k: int, layer: LayerRequest, before: str, width: int) -> LayerShape:
    """The shape of a layer, which takes `width` numbers from what is before it."""
    place, pointer = f"layer {k}", f"/layers/{k}"
    _check_axes("weights", layer.weights, ("inputs", "outputs"), f"{place}: ", pointer)
    _check_axes("bias", layer.bias, ("outputs",), f"{place}: ", pointer)
    taken, given = layer.weights.shape
    if taken != width:
        raise ShapeMismatchError(
            f"the {before} give {width}, {place} takes {taken}: its weights are of shape "
            f"({shown_shape(layer.weights.shape)}), inputs by outputs",
            pointer=f"{pointer}/weights",
        )
    if len(layer.bias) != given:
        raise ShapeMismatchError(
            f"{place}: weights give {given}, bias {len(layer.bias)}: a bias for each output",
            pointer=f"{pointer}/bias",
        )
    return LayerShape(taken, given, _activation(layer.activation, f"{pointer}/activation"))


def _activation(given: object, pointer: str = "/activation") -> ChosenFunction:
    """The activation, tried on one number: some options have a range."""
    activation = chosen_activation(given, pointer=pointer)
    with _placed(pointer):
        activation.of(variable("z", (1,)))
    return activation


def _prepared(
    layers: tuple[LayerShape, ...],
    parameters: Mapping[str, Array],
    inputs: Array,
    learning: Learning | None,
    *,
    is_augmented: bool = False,
) -> Prepared:
    if learning is None:
        model = Model(layers, chosen_loss("mse"), len(inputs), is_augmented=is_augmented)
        return Prepared(model, parameters, {INPUTS: inputs})
    loss = _loss(learning.loss)
    targets = _targets(learning, loss, layers[-1].outputs, len(inputs))
    given = {n: v for n, v in learning.regularization.items() if v is not None}
    values = checked("regularization", PENALTIES, given, pointer="/regularization")
    data = {INPUTS: inputs, TARGETS: targets}
    if learning.sample_weights is not None:
        data[SAMPLE_WEIGHTS] = _sample_weights(learning.sample_weights, len(inputs))
    model = Model(
        layers,
        loss,
        len(inputs),
        penalty=Penalty(from_float(values["l1"]), from_float(values["l2"])),
        is_augmented=is_augmented,
        is_weighted=learning.sample_weights is not None,
    )
    return Prepared(model, parameters, data)


def _loss(given: object) -> ChosenFunction:
    """The loss, tried on one number: some options have a range."""
    loss = chosen_loss(given)
    with _placed("/loss"):
        loss.of(variable("p", (1,)), variable("t", (1,)))
    return loss


def _targets(learning: Learning, loss: ChosenFunction, outputs: int | None, rows: int) -> Array:
    """The targets in the shape of the predictions, within the range of the loss."""
    targets, record = learning.targets, loss.record
    if outputs is None and record.targets.adds_up:
        raise ValidationError(
            f"loss: found {record.name!r}, which compares the probabilities of classes, but a "
            "neuron has one output",
            pointer=_kind_of(learning.loss, "/loss"),
            hint="take binary_cross_entropy, or /v1/network",
        )
    is_numbered = outputs is not None and record.targets.adds_up and targets.ndim == 1
    is_flat = outputs is None or outputs == 1 or is_numbered
    axes = ("samples",) if is_flat and targets.ndim < 2 else ("samples", "outputs")
    if outputs is None:
        axes = ("samples",)
    _check_axes("targets", targets, axes)
    if len(targets) != rows:
        raise ShapeMismatchError(
            f"inputs {rows} samples, targets {len(targets)}: a sample has a target",
            pointer="/targets",
        )
    if is_numbered and outputs is not None:
        return as_rows(targets, outputs)
    if targets.ndim == 2 and targets.shape[1] != outputs:
        raise ShapeMismatchError(
            f"the last layer gives {outputs}, targets {targets.shape[1]}: a target for each "
            "output",
            pointer="/targets",
        )
    check_targets(record, targets)
    return targets if outputs is None else targets.reshape(rows, outputs)


def _sample_weights(weights: Array, rows: int) -> Array:
    _check_axes("sample_weights", weights, ("samples",))
    if len(weights) != rows:
        raise ShapeMismatchError(
            f"inputs {rows} samples, sample_weights {len(weights)}: a sample has a weight",
            pointer="/sample_weights",
        )
    if np.any(weights < 0):
        row = int(np.flatnonzero(weights < 0)[0])
        raise DomainError(
            f"sample_weights: row {row} is {weights[row]:.17g}, expected a number from 0 on",
            pointer="/sample_weights",
        )
    largest = np.max(weights)
    if largest == 0:
        raise DomainError(
            "sample_weights: all are 0, expected one above 0", pointer="/sample_weights"
        )
    with np.errstate(over="ignore"):
        total = float(np.sum(weights))
    # Only their ratios matter, and their sum has to be a float.
    return weights if np.isfinite(total) else weights / largest


def _check_axes(
    name: str, array: Array, axes: tuple[str, ...], where: str = "", pointer: str = ""
) -> None:
    if array.ndim == len(axes):
        return
    count = "1 axis" if len(axes) == 1 else f"{len(axes)} axes"
    raise ValidationError(
        f"{where}{name}: found shape ({shown_shape(array.shape)}), expected {count}: "
        f"{' by '.join(axes)}",
        pointer=f"{pointer}/{name}",
        hint="one sample is [[…]], a row of its own" if "samples" in axes[:-1] else None,
    )


def _check_bias(bias: Array | None, *, is_augmented: bool) -> None:
    if is_augmented and bias is not None:
        raise ValidationError(
            "found bias with augmented, expected one of them: augmented, the last weight is "
            "the bias",
            pointer="/bias",
        )
    if not is_augmented and bias is None:
        raise ValidationError(
            "found no field 'bias', but it is required",
            pointer="",
            hint='send 0 for none, or "augmented": true where the last weight is the bias',
        )
    if bias is not None and bias.ndim:
        raise ValidationError(
            f"bias: found shape ({shown_shape(bias.shape)}), expected a scalar, the bias of "
            "one neuron",
            pointer="/bias",
        )


def _kind_of(given: object, pointer: str) -> str:
    """Where a name, or an object with its kind, says which function is chosen."""
    return f"{pointer}/kind" if isinstance(given, Mapping) else pointer


@contextmanager
def _placed(pointer: str) -> Iterator[None]:
    """Errors of building a graph get the pointer of what it is built for."""
    try:
        yield
    except GradserveError as error:
        error.faults = tuple(
            replace(f, pointer=pointer) if f.pointer is None else f for f in error.faults
        )
        raise
