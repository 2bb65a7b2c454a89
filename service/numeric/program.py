"""A plan as one Python function: for work that runs the same plan many thousand times.

`execute` pays for every call's bookkeeping; a step of training is a dozen calls of a
microsecond. The function keeps its buffers between runs, so its outputs are valid until the
next run, and one thread at a time may run it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from service.numeric.plan import Plan, Values

Program = Callable[..., tuple[Values, ...]]


def program(plan: Plan, names: Sequence[str]) -> Program:
    """The function of the inputs, in the order of `names`, that gives the plan's outputs.

    Inputs are float64 arrays of the shapes that the plan was compiled for; what the plan does
    not use is ignored. Warnings of NumPy are the caller's to silence.
    """
    slots = dict(plan.inputs)
    scope: dict[str, Any] = {}
    given = [
        f"s{slots[name]}" if name in slots else f"unused{k}" for k, name in enumerate(names)
    ]
    lines = [f"def run({', '.join(given)}):"]
    for slot, array in plan.constants:
        scope[f"s{slot}"] = array
    settled = {f"s{slot}" for slot, _ in plan.constants}
    for number, (call, inputs, output, reuse, fresh, _) in enumerate(plan.steps):
        arguments = [f"s{k}" for k in inputs]
        if reuse is not None:
            arguments.append(f"out=s{reuse}")
        elif fresh is not None:
            scope[f"b{number}"] = np.empty(fresh)
            arguments.append(f"out=b{number}")
        scope[f"c{number}"] = call
        if settled.issuperset(f"s{k}" for k in inputs) and reuse is None and fresh is None:
            # What depends on literals alone is made once.
            scope[f"s{output}"] = call(*(scope[f"s{k}"] for k in inputs))
            settled.add(f"s{output}")
        else:
            lines.append(f"    s{output} = c{number}({', '.join(arguments)})")
    results: list[str] = []
    for slot, shape in plan.outputs:
        scope[f"full{len(results)}"] = _full(shape)
        results.append(f"full{len(results)}(s{slot})")
    lines.append(f"    return ({', '.join(results)},)")
    exec("\n".join(lines), scope)  # made of slot numbers alone
    made: Program = scope["run"]
    return made


def _full(shape: tuple[int, ...]) -> Callable[[Values], Values]:
    """What gives an output its full shape: as execute does."""

    def full(array: Values) -> Values:
        if array.__class__ is np.ndarray and array.shape == shape and array.dtype == np.float64:
            return array
        whole = np.asarray(array, dtype=np.float64)
        return whole if whole.shape == shape else np.broadcast_to(whole, shape)

    return full
