"""What every client asks the service, and the answers that it has to read."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Case:
    """A Jacobian by `wrt`: the structure it comes in, and all its numbers."""

    name: str
    expression: str
    variables: dict[str, Any]
    wrt: str
    structure: str
    jacobian: np.ndarray

    @property
    def request(self) -> dict[str, Any]:
        return {
            "expression": self.expression,
            "variables": self.variables,
            "wrt": [self.wrt],
        }


MATRIX = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
U = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
V = [[1.0, -2.0], [3.0, -4.0], [5.0, -6.0], [7.0, -8.0]]

CASES = (
    Case("zero", "x > 0", {"x": [1, -2, 3]}, "x", "zero", np.zeros((3, 3))),
    Case("identity", "x - 2 * x", {"x": [1, 2]}, "x", "identity", -np.eye(2)),
    Case(
        "diagonal",
        "w * x",
        {"w": [1, 2], "x": {"shape": [2], "data": [0.1, 4]}},
        "w",
        "diagonal",
        np.diag([0.1, 4.0]),
    ),
    Case("dense", "A @ x", {"A": MATRIX, "x": [1, 2, 3]}, "x", "dense", np.array(MATRIX)),
    Case(
        "factored",
        "U @ V.T",
        {"U": U, "V": V},
        "U",
        "factored",
        np.einsum("ik,jl->ijkl", np.eye(3), np.array(V)),
    ),
    Case("ones", "sum(x)", {"x": [1, 2, 3, 4]}, "x", "factored", np.ones(4)),
)


def densify(read: dict[str, Any]) -> np.ndarray:
    """All the numbers of a derivative as a client's program read it, of its full shape."""
    shape = tuple(read["shape"])
    sides = shape[: len(shape) // 2]
    delta = np.eye(int(np.prod(sides))).reshape(sides + sides)
    match read:
        case {"structure": "zero"}:
            return np.zeros(shape)
        case {"structure": "identity", "scale": scale}:
            return scale * delta
        case {"structure": "diagonal", "diagonal": numbers}:
            return np.array(numbers).reshape(sides + (1,) * len(sides)) * delta
        case {"structure": "dense", "dense": numbers}:
            return np.array(numbers).reshape(shape)
        case {"structure": "factored", "terms": terms}:
            return sum((_densify_term(term) for term in terms), start=np.zeros(shape))
    raise AssertionError(f"not a derivative: {read!r}")


def _densify_term(term: dict[str, Any]) -> np.ndarray:
    factors = [_densify_factor(factor) for factor in term["factors"]]
    return term["coefficient"] * np.einsum(term["equation"], *factors)


def _densify_factor(factor: dict[str, Any]) -> np.ndarray:
    match factor:
        case {"kind": "tensor", "shape": shape, "numbers": numbers}:
            return np.array(numbers).reshape(shape)
        case {"kind": "identity", "size": size}:
            return np.eye(size)
        case {"kind": "ones", "size": size}:
            return np.ones(size)
    raise AssertionError(f"not a factor: {factor!r}")
