"""A plan as one Python function: for work that runs the same plan many thousand times.

`execute` pays for every call's bookkeeping; a step of training is a dozen calls of a
microsecond. The function keeps its buffers between runs, so its outputs are valid until the
next run, and one thread at a time may run it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from service.numeric.kernels import select_values
from service.numeric.plan import Plan, Step, Values

Program = Callable[..., tuple[Values, ...]]


def program(plan: Plan, names: Sequence[str], examples: Sequence[Values]) -> Program:
    """The function of the inputs, in the order of `names`, that gives the plan's outputs.

    `examples` are inputs of the shapes that the plan was compiled for; all are float64. What
    the plan does not use is ignored. Warnings of NumPy are the caller's to silence.
    """
    writer = _Writer(plan)
    slots = dict(plan.inputs)
    for name, example in zip(names, examples, strict=True):
        if name in slots:
            writer.seen[slots[name]] = example
    with np.errstate(all="ignore"):
        for number, step in enumerate(plan.steps):
            writer.add(number, step)
    given = [f"s{slots[x]}" if x in slots else f"unused{k}" for k, x in enumerate(names)]
    head = f"def run({', '.join(given)}):"
    source = "\n".join([head, *writer.lines, f"    return ({writer.results()},)"])
    exec(source, writer.scope)  # made of slot numbers alone
    made: Program = writer.scope["run"]
    return made


class _Writer:
    """The lines of the function; what each slot held in one run says how a call is written."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.seen: dict[int, Any] = dict(plan.constants)
        self._settled = set(self.seen)
        self.scope: dict[str, Any] = {f"s{k}": v for k, v in self.seen.items()}
        self.scope["where"] = np.where
        self.lines: list[str] = []

    def add(self, number: int, step: Step) -> None:
        """One call: made once where it depends on literals alone, else a line."""
        out: Values | None = None
        place = ""
        if step.reuse is not None:
            out, place = self.seen[step.reuse], f"s{step.reuse}"
        elif step.fresh is not None:
            out, place = np.empty(step.fresh), f"b{number}"
            self.scope[place] = out
        arguments = [self.seen[k] for k in step.inputs]
        found = step.call(*arguments) if out is None else step.call(*arguments, out=out)
        self.seen[step.output] = found
        if out is None and self._settled.issuperset(step.inputs):
            self._settled.add(step.output)
            self.scope[f"s{step.output}"] = found
            return
        self.scope[f"c{number}"] = step.call
        self.lines.append(f"    s{step.output} = {self._call(number, step, place)}")

    def _call(self, number: int, step: Step, place: str) -> str:
        arguments = [self.seen[k] for k in step.inputs]
        written = [f"s{k}" for k in step.inputs]
        if not place and _is_dot(step, arguments):
            # Half the time of matmul's, which looks for axes to loop over.
            return f"{written[0]}.dot({written[1]})"
        if isinstance(step.call, np.ufunc) and step.call.signature is None:
            written = [self._scalar(k, number, arguments) or f"s{k}" for k in step.inputs]
        if step.call is select_values and not place:
            return f"where({', '.join(written)}, 0.0)"
        return f"c{number}({', '.join([*written, *([f'out={place}'] if place else [])])})"

    def _scalar(self, slot: int, number: int, arguments: Sequence[Any]) -> str | None:
        """A literal of one entry beside an array, as the float that needs no broadcasting."""
        value = self.seen[slot]
        largest = max(np.ndim(a) for a in arguments)
        is_literal = slot in self._settled and np.size(value) == 1 and largest > 0
        is_literal &= all(np.size(a) > 1 for a in arguments if a is not value)
        if not is_literal or len(arguments) < 2:
            return None
        name = f"x{number}_{slot}"
        self.scope[name] = float(np.reshape(value, ()))
        return name

    def results(self) -> str:
        """The outputs, each of its full shape."""
        written = []
        for number, (slot, shape) in enumerate(self._plan.outputs):
            found = self.seen[slot]
            is_whole = isinstance(found, np.ndarray) and found.dtype == np.float64
            if is_whole and found.shape == shape:
                written.append(f"s{slot}")
                continue
            self.scope[f"full{number}"] = _full(shape)
            written.append(f"full{number}(s{slot})")
        return ", ".join(written)


def _is_dot(step: Step, arguments: Sequence[Any]) -> bool:
    """Whether a product is a plain one of vectors and matrices."""
    if step.call is np.vecdot:
        return all(np.ndim(a) == 1 for a in arguments)
    return step.call is np.matmul and all(np.ndim(a) in (1, 2) for a in arguments)


def _full(shape: tuple[int, ...]) -> Callable[[Values], Values]:
    """What gives an output its full shape: as execute does."""

    def full(array: Values) -> Values:
        whole = np.asarray(array, dtype=np.float64)
        return whole if whole.shape == shape else np.broadcast_to(whole, shape)

    return full
