"""The compiled plan: a list of NumPy calls over slots and reused buffers, and its cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Call = Callable[..., Values]


class Step(NamedTuple):
    """One call: its inputs' slots, its output's slot, a buffer to write to, slots to let go."""

    call: Call
    inputs: tuple[int, ...]
    output: int
    buffer: int | None
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
    buffers: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, tuple[int, ...]], ...]
    estimate: Estimate
