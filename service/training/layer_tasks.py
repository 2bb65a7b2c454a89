"""Layers told one by one: their sizes and activations, their first weights given or drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from service.calculus.dimensions import shown as shown_shape
from service.calculus.graph import variable
from service.errors import GradserveError, OverLimitError, ShapeMismatchError, ValidationError
from service.training.functions import ChosenFunction, chosen_activation
from service.training.initializers import chosen_initializer
from service.training.models import LayerShape
from service.training.requests import MOST_LAYERS
from service.training.updates import Array

MOST_UNITS = 2**24
MOST_PARAMETERS = 20_000_000
_RECTIFIERS = ("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerTask:
    """A layer; the weights [in, out] of a network, [in] of a neuron, in the data's own units.

    `units` is how many outputs it has where no weights are given; None of a neuron. Without
    weights they are drawn by the initializer, or by one that suits the activation.
    """

    activation: object
    units: int | None = None
    weights: Array | None = None
    bias: Array | None = None
    initializer: Mapping[str, object] | None = None


def shapes_of(
    layers: Sequence[LayerTask], inputs: int, outputs: int | None, *, most_classes: bool = False
) -> tuple[LayerShape, ...]:
    """The layers of a model of so many inputs and outputs; outputs None: a neuron.

    `most_classes`: the outputs are how many classes are found, and the model may have more.

    Raises:
        ShapeMismatchError: a layer does not fit what is before it, or the outputs.
        ValidationError: weights or bias have another number of axes.
        OverLimitError: there are too many layers.
    """
    if len(layers) > MOST_LAYERS:
        raise OverLimitError(
            f"found {len(layers)} layers, but at most {MOST_LAYERS} are allowed",
            pointer="/layers",
        )
    before, width = "inputs", inputs
    found: list[LayerShape] = []
    for k, layer in enumerate(layers):
        place = "" if outputs is None else f"layer {k}: "
        pointer = "" if outputs is None else f"/layers/{k}"
        units = None if outputs is None else _units(layer, place, pointer)
        shape = LayerShape(width, units, activation_of(layer.activation, pointer))
        if units is None and shape.activation.is_along_rows:
            raise ValidationError(
                f"activation: found {shape.activation.record.name!r}, which is of several "
                "outputs, but a neuron has one",
                pointer=f"{pointer}/activation",
            )
        _check(layer, shape, before, place, pointer)
        found.append(shape)
        if units is not None:
            before, width = f"outputs of layer {k}", units
    count = sum(prod(shape.weights) + prod(shape.bias) for shape in found)
    if count > MOST_PARAMETERS:
        raise OverLimitError(
            f"the layers have {count:,} weights, but at most {MOST_PARAMETERS:,} are allowed",
            pointer="/layers",
        )
    _check_outputs(found[-1].outputs, outputs, len(found) - 1, most_classes=most_classes)
    return tuple(found)


def activation_of(given: object, pointer: str) -> ChosenFunction:
    """The activation, tried on one number: some options have a range."""
    place = f"{pointer}/activation"
    activation = chosen_activation(given, pointer=place)
    try:
        activation.of(variable("z", (1,)))
    except GradserveError as error:
        error.faults = tuple(f.within(place) for f in error.faults)
        raise
    return activation


def first_weights(
    shape: LayerShape,
    layer: LayerTask | None,
    initializer: Mapping[str, object] | None,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Weights and bias that a layer starts with; given ones are copied."""
    bias = np.zeros(shape.bias)
    if layer is not None and layer.bias is not None:
        bias = np.array(layer.bias, dtype=np.float64)
    if layer is not None and layer.weights is not None:
        return np.array(layer.weights, dtype=np.float64), bias
    suited = "he" if shape.activation.record.name in _RECTIFIERS else "glorot"
    own = None if layer is None else layer.initializer
    chosen = chosen_initializer(own or initializer or {"kind": f"{suited}_uniform"})
    return chosen.weights(shape.weights, rng), bias


def _units(layer: LayerTask, place: str, pointer: str) -> int:
    if layer.weights is None:
        if layer.units is None or not 1 <= layer.units <= MOST_UNITS:
            raise ValidationError(
                f"{place}size: found {layer.units}, expected from 1 to {MOST_UNITS}",
                pointer=f"{pointer}/size",
            )
        return layer.units
    if layer.weights.ndim != 2:
        raise ValidationError(
            f"{place}weights: found shape ({shown_shape(layer.weights.shape)}), expected 2 "
            "axes: inputs by outputs",
            pointer=f"{pointer}/weights",
        )
    return int(layer.weights.shape[1])


def _check(layer: LayerTask, shape: LayerShape, before: str, place: str, pointer: str) -> None:
    weights, bias = layer.weights, layer.bias
    if weights is not None and weights.shape != shape.weights:
        raise ShapeMismatchError(
            f"{place}weights: found shape ({shown_shape(weights.shape)}), expected "
            f"({shown_shape(shape.weights)}): the {before} are {shape.inputs}",
            pointer=f"{pointer}/weights",
        )
    if bias is not None and bias.shape != shape.bias:
        raise ShapeMismatchError(
            f"{place}bias: found shape ({shown_shape(bias.shape)}), expected "
            f"({shown_shape(shape.bias)}): a bias for each output",
            pointer=f"{pointer}/bias",
        )


def _check_outputs(
    found: int | None, wanted: int | None, last: int, *, most_classes: bool
) -> None:
    if wanted is None or found == wanted or (most_classes and (found or 0) > wanted):
        return
    what = "classes" if most_classes else "target columns"
    expected = "one output for each"
    raise ShapeMismatchError(
        f"the last layer, {last}, gives {found}, but there are {wanted} {what}: {expected}",
        pointer=f"/layers/{last}",
    )
