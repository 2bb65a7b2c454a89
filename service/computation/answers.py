"""What an operation answers: arrays, structured derivatives, conventions, warnings, cost."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Representation = Literal["auto", "dense", "factored"]


@dataclass(frozen=True, slots=True)
class ZeroTensor:
    """The derivative that is zero by its formula; shape = output shape + variable shape."""

    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IdentityTensor:
    """scale · δ over all axes; output and variable shapes are equal."""

    shape: tuple[int, ...]
    scale: float


@dataclass(frozen=True, slots=True)
class DiagonalTensor:
    """diagonal · δ over all axes; `diagonal` has the output's shape."""

    shape: tuple[int, ...]
    diagonal: Array


@dataclass(frozen=True, slots=True)
class DenseTensor:
    """All the numbers."""

    shape: tuple[int, ...]
    tensor: Array


@dataclass(frozen=True, slots=True)
class TensorFactor:
    """A stored factor."""

    tensor: Array


@dataclass(frozen=True, slots=True)
class IdentityFactor:
    """δ of two letters, each of this size."""

    size: int


@dataclass(frozen=True, slots=True)
class OnesFactor:
    """A letter along which the term is constant."""

    size: int


Factor = TensorFactor | IdentityFactor | OnesFactor


@dataclass(frozen=True, slots=True)
class Term:
    """coefficient · einsum(equation, factors)."""

    coefficient: float
    equation: str
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class FactoredTensor:
    """The sum of terms of factors."""

    shape: tuple[int, ...]
    terms: tuple[Term, ...]


StructuredTensor = ZeroTensor | IdentityTensor | DiagonalTensor | DenseTensor | FactoredTensor


@dataclass(frozen=True, slots=True)
class Kink:
    """A place of the expression that met a point without a derivative, and what was used.

    `subdifferential` bounds each partial derivative; None at a jump. `positions` are the
    first ten of `count`.
    """

    expression: str
    start: int
    end: int
    rule: str
    count: int
    positions: tuple[tuple[int, ...], ...]
    value: float
    subdifferential: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Notice:
    """What the caller should know about an answer that is right all the same."""

    code: str
    message: str
    pointer: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """The plan's estimate, made before it ran; `seconds` is measured."""

    flops: int
    bytes_moved: int
    peak_bytes: int
    answer_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What every operation returns; the derivatives are keyed by variable name."""

    value: Array
    kinks: tuple[Kink, ...]
    warnings: tuple[Notice, ...]
    cost: Cost
    gradients: dict[str, Array] = field(default_factory=dict)
    jacobians: dict[str, StructuredTensor] = field(default_factory=dict)
