"""Running a plan: its calls in order, with a deadline looked at between them."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic

import numpy as np

from service.errors import DeadlineExceededError
from service.numeric.plan import Plan, Values


def execute(
    plan: Plan,
    values: Mapping[str, Values],
    deadline: float | None = None,
    clock: Callable[[], float] = monotonic,
) -> Sequence[Values]:
    """The plan's outputs in order, each of its full shape; some may be views of each other.

    Raises:
        DeadlineExceededError: when the clock passes `deadline` between two calls.
    """
    slots: list[Values | None] = [None] * plan.slots
    for name, slot in plan.inputs:
        slots[slot] = values[name]
    for slot, array in plan.constants:
        slots[slot] = array
    buffers: list[Values | None] = [None] * len(plan.buffers)
    with np.errstate(all="ignore"):
        for call, inputs, output, buffer, frees in plan.steps:
            arguments = [slots[k] for k in inputs]
            if buffer is None:
                slots[output] = call(*arguments)
            else:
                out = buffers[buffer]
                if out is None:
                    out = buffers[buffer] = np.empty(plan.buffers[buffer])
                slots[output] = call(*arguments, out=out)
            for k in frees:
                slots[k] = None
            if deadline is not None and clock() > deadline:
                raise DeadlineExceededError(
                    "the computation did not finish in its time limit",
                    hint="ask for fewer derivatives or a factored one, or split the data",
                )
    return [_full(slots[slot], shape) for slot, shape in plan.outputs]


def _full(array: Values | None, shape: tuple[int, ...]) -> Values:
    assert array is not None
    array = np.asarray(array)
    if array.dtype == np.bool_:
        array = array.astype(np.float64)
    return array if array.shape == shape else np.broadcast_to(array, shape)
