"""Which fields of a `train` request go together."""

from collections.abc import Mapping
from math import prod
from typing import Any

from service.errors import OverLimitError, ValidationError
from service.training.layer_tasks import MOST_PARAMETERS

_OF_MODELS = ("loss", "regularization")


def check_fields(request: Mapping[str, Any]) -> None:
    """Refuse fields that do not go together.

    Raises:
        ValidationError: with the field that is too much, or the one that is missing.
    """
    model, data = request["model"], request["data"]
    if model["kind"] == "expression":
        _check_expression(request)
        _check_shapes(model["parameters"])
    elif "columns" in data:
        raise ValidationError(
            f"found columns with a {model['kind']}, expected inputs and targets",
            pointer="/data/columns",
        )
    elif "targets" not in data:
        raise ValidationError(
            "found no field 'targets', but it is required of a neuron and a network",
            pointer="/data",
        )
    layers = [("/model", model)] if model["kind"] == "neuron" else []
    layers += [(f"/model/layers/{k}", layer) for k, layer in enumerate(model.get("layers", ()))]
    for pointer, layer in layers:
        _check_layer(layer, pointer, is_neuron=model["kind"] == "neuron")


def _check_expression(request: Mapping[str, Any]) -> None:
    data = request["data"]
    for name in _OF_MODELS:
        if request.get(name) is not None:
            raise ValidationError(
                f"found {name} with an expression, expected none: the expression is what is "
                "minimised",
                pointer=f"/{name}",
            )
    if request.get("standardize"):
        raise ValidationError(
            "found standardize with an expression, expected it of a neuron or a network",
            pointer="/standardize",
        )
    for name in ("inputs", "targets"):
        if name in data:
            raise ValidationError(
                f"found {name} with an expression, expected columns by variable",
                pointer=f"/data/{name}",
            )
    if "dataset" not in data and request["model"].get("columns"):
        raise ValidationError(
            "found columns of a dataset, but the data are in the request itself",
            pointer="/model/columns",
        )


def _check_shapes(parameters: Mapping[str, Any]) -> None:
    """Refuse more numbers than a training takes, before any is drawn."""
    shapes = (given["shape"] for given in parameters.values() if isinstance(given, Mapping))
    count = sum(prod(shape) for shape in shapes)
    if count > MOST_PARAMETERS:
        raise OverLimitError(
            f"the parameters have {count:,} entries, but at most {MOST_PARAMETERS:,} are "
            "allowed",
            pointer="/model/parameters",
        )


def _check_layer(layer: Mapping[str, Any], pointer: str, *, is_neuron: bool) -> None:
    if "weights" in layer:
        for name in ("size", "initializer"):
            if name in layer:
                raise ValidationError(
                    f"found {name} with weights, expected one of the two",
                    pointer=f"{pointer}/{name}",
                )
    elif not is_neuron and "size" not in layer:
        raise ValidationError(
            "found neither size nor weights, expected one of the two", pointer=pointer
        )
