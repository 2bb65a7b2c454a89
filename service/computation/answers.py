"""What an operation answers: arrays, structured derivatives, conventions, warnings, cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Literal, TypeVar

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
class Columns:
    """Where a variable's entries, row-major, stand along a stacked Jacobian's last axis."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class StackedJacobian:
    """All Jacobians side by side, of shape output shape + (number of columns,)."""

    jacobian: StructuredTensor
    columns: tuple[Columns, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """Whether an answer's derivatives are borne out by central differences of the expression.

    `largest_error` is that of the best of several steps, along one random direction of all
    variables; `taylor_rate` is 2 for a right derivative, None where the remainder is noise.
    """

    verdict: Literal["correct", "wrong", "undecided"]
    largest_error: float | None
    taylor_rate: float | None


Result = Array | StructuredTensor
Path = tuple[str, ...]
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Answer:
    """What every operation returns.

    `results` are keyed by their place in the answer: ("jacobians", "x"), ("hessians", "x",
    "y"), ("jvp",); `group` is the first name of all of them, None for a mere value.
    """

    value: Array
    kinks: tuple[Kink, ...]
    warnings: tuple[Notice, ...]
    cost: Cost
    group: str | None = None
    results: Mapping[Path, Result] = field(default_factory=dict)
    stacked: StackedJacobian | None = None
    certificate: Certificate | None = None

    @property
    def gradients(self) -> dict[str, Array]:
        """The gradient by each variable's name, of its shape."""
        return self._by_name("gradients", np.ndarray)

    @property
    def jacobians(self) -> dict[str, StructuredTensor]:
        """The Jacobian by each variable's name."""
        return self._by_name("jacobians", StructuredTensor)

    @property
    def hessians(self) -> dict[str, dict[str, StructuredTensor]]:
        """The second derivative by two variables' names; shape: the first's, the second's."""
        pairs: dict[str, dict[str, StructuredTensor]] = {}
        for path, found in self.results.items():
            if path[0] == "hessians" and isinstance(found, StructuredTensor):
                pairs.setdefault(path[1], {})[path[2]] = found
        return pairs

    @property
    def jvp(self) -> Array:
        """The Jacobian times the tangents, of the value's shape."""
        found = self.results[("jvp",)]
        assert isinstance(found, np.ndarray)
        return found

    @property
    def vjp(self) -> dict[str, Array]:
        """The cotangent times the Jacobian by each variable's name, of its shape."""
        return self._by_name("vjp", np.ndarray)

    @property
    def hvp(self) -> dict[str, Array]:
        """The Hessian times the vectors by each variable's name, of its shape."""
        return self._by_name("hvp", np.ndarray)

    def _by_name(self, name: str, kind: type[Kind] | UnionType) -> dict[str, Kind]:
        return {
            path[1]: found
            for path, found in self.results.items()
            if path[0] == name and isinstance(found, kind)
        }
