"""Running a plan: its calls in order, with the deadline looked at between them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.deadline import check_deadline
from service.numeric.plan import Plan, Values


def execute(plan: Plan, values: Mapping[str, Values]) -> Sequence[Values]:
    """The plan's outputs in order, each of its full shape; some may be views of each other.

    With an input of float32 everything is computed in float32, else in float64.

    Raises:
        DeadlineExceededError: when the time of the context is over after a call.
    """
    slots: list[Values | None] = [None] * plan.slots
    for name, slot in plan.inputs:
        slots[slot] = values[name]
    is_single = any(values[name].dtype == np.float32 for name, _ in plan.inputs)
    dtype = np.dtype(np.float32 if is_single else np.float64)
    with np.errstate(all="ignore"):
        for slot, array in plan.constants:
            slots[slot] = array.astype(dtype, copy=False) if is_single else array
        for call, inputs, output, reuse, fresh, frees in plan.steps:
            arguments = [slots[k] for k in inputs]
            if reuse is not None:
                slots[output] = call(*arguments, out=slots[reuse])
                slots[reuse] = None
            elif fresh is not None:
                slots[output] = call(*arguments, out=np.empty(fresh, dtype))
            else:
                found = call(*arguments)
                # A kernel may compute in float64 whatever it is given.
                slots[output] = _narrowed(found) if is_single else found
            for k in frees:
                slots[k] = None
            check_deadline()
    return [_full(slots[slot], shape, dtype) for slot, shape in plan.outputs]


def _narrowed(found: Values) -> Values:
    """What a call made in float64 as float32; masks as they are."""
    return found.astype(np.float32) if found.dtype == np.float64 else found


def _full(array: Values | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Values:
    assert array is not None
    array = np.asarray(array)
    if array.dtype == np.bool_:
        array = array.astype(dtype)
    return array if array.shape == shape else np.broadcast_to(array, shape)
