"""Answers' tensors as arrays, with the checks that every answer must pass."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def array_of(tensor: Mapping[str, Any]) -> Array:
    """The array of a `Tensor`, of its own shape.

    Raises:
        ValueError: it is no tensor of finite numbers.
    """
    shape, data = tuple(tensor["shape"]), tensor["data"]
    if tensor["dtype"] not in ("float64", "float32"):
        raise ValueError(f"dtype {tensor['dtype']!r}")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"shape {shape!r}")
    if not all(type(item) in (int, float) for item in data):
        raise ValueError("data with something that is no number")
    array = np.array(data, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError("data that is not finite")
    if array.size != math.prod(shape):
        raise ValueError(f"{array.size} numbers for shape {shape}")
    return array.reshape(shape)


def dense(tensor: Mapping[str, Any]) -> Array:
    """All the numbers of a `StructuredTensor`, shape output + variable.

    Its parts are finite; a product of factors may still overflow here.

    Raises:
        ValueError: its parts do not fit together, or are not finite.
    """
    shape = tuple(tensor["shape"])
    found = _dense(tensor, shape)
    if found.shape != shape:
        raise ValueError(f"{tensor['structure']} of shape {found.shape}, not {shape}")
    return found


def _dense(tensor: Mapping[str, Any], shape: tuple[int, ...]) -> Array:
    structure = tensor["structure"]
    if structure == "zero":
        return np.zeros(shape)
    if structure == "dense":
        return array_of(tensor["tensor"])
    if structure == "factored":
        terms = [_term(term) for term in tensor["terms"]]
        if any(term.shape != shape for term in terms):
            raise ValueError(f"terms of shapes {[t.shape for t in terms]} in {shape}")
        with np.errstate(over="ignore", invalid="ignore"):
            return sum(terms, np.zeros(shape))
    half = shape[: len(shape) // 2]
    if structure == "identity":
        along = np.full(half, _finite(tensor["scale"]))
    elif structure == "diagonal":
        along = array_of(tensor["diagonal"])
    else:
        raise ValueError(f"structure {structure!r}")
    if along.shape != half:
        raise ValueError(f"{structure} of shape {along.shape} in {shape}")
    return np.diag(along.reshape(-1)).reshape(along.shape * 2)


def _term(term: Mapping[str, Any]) -> Array:
    factors = [_factor(factor) for factor in term["factors"]]
    coefficient = _finite(term["coefficient"])
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(coefficient * np.einsum(term["equation"], *factors))


def _finite(number: Any) -> float:
    if type(number) not in (int, float) or not np.isfinite(number):
        raise ValueError(f"the number {number!r}")
    return float(number)


def _factor(factor: Mapping[str, Any]) -> Array:
    if factor["kind"] == "identity":
        return np.eye(factor["size"])
    if factor["kind"] == "ones":
        return np.ones(factor["size"])
    return array_of(factor["tensor"])
