"""Changes of a variable's value, shape and form."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.random import Generator

from tests.hostile.choice import pick

MOST_ITEMS = 400
MOST_FLOAT = 1.7e308
ENTRIES = (
    *(0, -0.0, 1, -1, 0.5, 1e308, -1e308, 1e-308, 5e-324, 1e-320, -1e-320, 1e16, 1e154, -1e200),
    *(2**53 + 1, 2**63, -(2**63), 2**64, 10**30, 10**309, 3, -7, 710, -745, 37, 1e5),
)
OTHER_VALUES = (None, True, "1", "NaN", {}, [], [[]], [[[]], []], "x", [None], [True, 1])


def mutate_value(rng: Generator, body: dict[str, Any]) -> None:
    """Change the value, the shape or the form of one variable."""
    variables = body.get("variables")
    if not isinstance(variables, dict) or not variables:
        return
    name = pick(rng, list(variables))
    value = variables[name]
    if isinstance(value, dict) and rng.random() < 0.7:
        variables[name] = _changed_object(rng, value)
        return
    try:
        array = np.array(value, dtype=object)
    except ValueError:
        return
    if array.size and array.size <= MOST_ITEMS and not isinstance(value, dict):
        variables[name] = pick(rng, VALUE_MUTATIONS)(rng, array)


def _one_entry(rng: Generator, array: Any) -> Any:
    flat = list(array.reshape(-1))
    flat[int(rng.integers(len(flat)))] = pick(rng, ENTRIES)
    return _as_lists(flat, array.shape)


def _every_entry(rng: Generator, array: Any) -> Any:
    return _as_lists([pick(rng, ENTRIES)] * array.size, array.shape)


def _scaled(rng: Generator, array: Any) -> Any:
    scale = float(rng.choice([-1, 0.1, 10, 1e-9, 1e9, 1e100, 1e-100, -1e-320, 0]))
    flat = [x * scale if _is_float64(x) else x for x in array.reshape(-1)]
    return _as_lists(flat, array.shape)


def _is_float64(item: Any) -> bool:
    return type(item) in (int, float) and abs(item) < MOST_FLOAT


def _drawn(rng: Generator, array: Any) -> Any:
    """Numbers near 1, rounded so that some tie."""
    flat = rng.normal(size=array.size).round(int(rng.integers(3))).tolist()
    return _as_lists(flat, array.shape)


def _reshaped(rng: Generator, array: Any) -> Any:
    places = range(array.ndim + 1)
    way = int(rng.integers(5))
    if way == 0:
        array = array.T
    elif way == 1:
        array = np.expand_dims(array, pick(rng, places))
    elif way == 2 and array.ndim:
        array = array[..., : int(rng.integers(1, array.shape[-1] + 1))]
    elif way == 3 and array.ndim:
        array = np.concatenate([array] * int(rng.integers(2, 4)), axis=pick(rng, places[:-1]))
    else:
        array = array.reshape(-1)[0] if rng.random() < 0.5 else array.reshape(-1)
    return np.asarray(array, dtype=object).tolist()


def _as_object(rng: Generator, array: Any) -> Any:
    found = {"shape": list(array.shape), "data": array.reshape(-1).tolist()}
    if rng.random() < 0.7:
        found["dtype"] = pick(rng, ("float64", "float64", "float32"))
    return found


def _ragged(rng: Generator, array: Any) -> Any:
    found = array.tolist()
    row = found
    while isinstance(row, list) and row and isinstance(row[0], list) and rng.random() < 0.7:
        row = pick(rng, row)
    if isinstance(row, list) and row:
        row.pop() if rng.random() < 0.5 else row.append(pick(rng, OTHER_VALUES))
    return found


def _other(rng: Generator, _: Any) -> Any:
    return deepcopy(pick(rng, OTHER_VALUES))


def _as_lists(flat: list[Any], shape: tuple[int, ...]) -> Any:
    array = np.empty(len(flat), dtype=object)
    array[:] = flat
    return array.reshape(shape).tolist()


VALUE_MUTATIONS: tuple[Callable[[Generator, Any], Any], ...] = (
    *(_one_entry, _one_entry, _every_entry, _scaled, _drawn, _drawn),
    *(_reshaped, _reshaped, _as_object, _as_object, _ragged, _other),
)


def _changed_object(rng: Generator, value: dict[str, Any]) -> dict[str, Any]:
    changed = deepcopy(value)
    shape, data = changed.get("shape"), changed.get("data")
    way = int(rng.integers(7))
    if way == 0 and isinstance(shape, list):
        changed["shape"] = shape[::-1]
    elif way == 1 and isinstance(shape, list):
        changed["shape"] = pick(
            rng, ([], [1, *shape], [-1], [0, *shape], [2**40, 2**40], ["n"], [1.0], [2, 3, 1])
        )
    elif way == 2 and isinstance(data, list) and data:
        data[int(rng.integers(len(data)))] = pick(rng, (*ENTRIES, None, "1", [1], True))
    elif way == 3:
        changed["dtype"] = pick(rng, ("float32", "float16", "int64", None, 64))
    elif way == 4 and changed:
        changed.pop(pick(rng, list(changed)))
    elif way == 5:
        changed[pick(rng, ("value", "Shape", "", "dtype"))] = "float64"
    elif isinstance(data, list):
        changed["data"] = [*data, 1] if rng.random() < 0.5 else data[:-1]
    return changed
