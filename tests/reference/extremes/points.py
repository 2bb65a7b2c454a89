"""Extreme points: where an expression's formula overflows, cancels or divides by zero.

The numbers are mathematically exact ones, by reasoning or by formulas that are safe there.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import exp

import numpy as np


@dataclass(frozen=True, slots=True)
class Located:
    """An error instead of a number: its code, and words of its text."""

    words: tuple[str, ...]
    code: str = "non_finite_result"


@dataclass(frozen=True, slots=True)
class Point:
    """An expression at a point: value, first and second derivative by its first variable.

    None for a derivative that the table does not ask for. `rtol` is a few roundings unless the
    problem itself is worse conditioned; `atol` is not 0 where rounding stays beside a 1.
    """

    id: str
    expression: str
    at: dict
    value: object
    first: object = None
    second: object = None
    rtol: float = 4e-15
    atol: float = 0.0


def s(z):
    """The logistic function by its side that does not overflow."""
    return 1 / (1 + exp(-z)) if z >= 0 else exp(z) / (1 + exp(z))


def slope(z):
    """Its derivative."""
    return s(z) * s(-z)


def diagonal(*entries):
    """∂y_i/∂x_j of a function entry by entry."""
    return np.diag(entries)


def softmax_slope(shares):
    """diag(s) − s sᵀ, exact for shares that are."""
    return np.diag(shares) - np.outer(shares, shares)


def softmax_second(shares):
    """∂²s_i / ∂x_j ∂x_k = ∂/∂x_k (δ_ij s_i − s_i s_j)."""
    share, first, one = np.array(shares), softmax_slope(shares), np.eye(len(shares))
    return (
        np.einsum("ij,ik->ijk", one, first)
        - np.einsum("ik,j->ijk", first, share)
        - np.einsum("i,jk->ijk", share, first)
    )


def cofactors(matrix):
    """Signed minors of a 3×3 matrix of whole numbers, exact."""
    a = [[Fraction(entry) for entry in row] for row in matrix]
    return np.array(
        [
            [
                float(
                    a[(i + 1) % 3][(j + 1) % 3] * a[(i + 2) % 3][(j + 2) % 3]
                    - a[(i + 1) % 3][(j + 2) % 3] * a[(i + 2) % 3][(j + 1) % 3]
                )
                for j in range(3)
            ]
            for i in range(3)
        ]
    )


def det_second(matrix):
    """∂² det A / ∂A_ij ∂A_kl = ε_ikp ε_jlq A_pq of a 3×3 matrix."""
    sign = np.zeros((3, 3, 3))
    for k in range(3):
        sign[k, (k + 1) % 3, (k + 2) % 3] = 1
        sign[k, (k + 2) % 3, (k + 1) % 3] = -1
    return np.einsum("ikp,jlq,pq->ijkl", sign, sign, np.array(matrix, dtype=float))


def inverse_2(matrix):
    """The inverse of a 2×2 matrix in fractions of its binary entries."""
    (a, b), (c, d) = [[Fraction(entry) for entry in row] for row in matrix]
    determinant = a * d - b * c
    return np.array(
        [
            [float(d / determinant), float(-b / determinant)],
            [float(-c / determinant), float(a / determinant)],
        ]
    )
