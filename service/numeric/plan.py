"""The compiled plan: a list of NumPy calls over slots and reused memory, and its cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Call = Callable[..., Values]


class Step(NamedTuple):
    """One call: its inputs' slots, its output's slot, and the slots to let go after it.

    It writes to the array of the dead slot `reuse`, or to a new one of shape `fresh`, or
    makes its own where both are None.
    """

    call: Call
    inputs: tuple[int, ...]
    output: int
    reuse: int | None
    fresh: tuple[int, ...] | None
    frees: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan will cost, known before it runs."""

    flops: int
    bytes_moved: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph compiled for fixed shapes; any thread may run it, for it holds only literals.

    `inputs` maps names to slots, `constants` are (slot, array), `outputs` are slots in the
    order asked for with the full shape of each.
    """

    slots: int
    inputs: tuple[tuple[str, int], ...]
    constants: tuple[tuple[int, Values], ...]
    steps: tuple[Step, ...]
    outputs: tuple[tuple[int, tuple[int, ...]], ...]
    estimate: Estimate
