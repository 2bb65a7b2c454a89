"""Functions of whole square matrices: inverse, determinant, log-determinant, cofactors.

Derivatives: Petersen & Pedersen, The Matrix Cookbook (2012), (46), (49), (57), (60).
"""

import numpy as np

from service.calculus.applications import apply_matrix
from service.calculus.graph import ONE, Node, Number
from service.calculus.rules.records import Array, MatrixFunction
from service.errors import DomainError

Local = tuple[Number, list[tuple[Node, tuple[int, ...]]]]


def logdet_values(matrix: Array) -> Array:
    """log(det A), −inf where det A is 0 and nan where it is negative."""
    sign, logarithm = np.linalg.slogdet(matrix)
    return np.where(sign < 0, np.nan, logarithm)


def cofactor_values(matrix: Array) -> Array:
    """The cofactor matrix det(A) A⁻ᵀ, right also where A is singular.

    cof(A) = det U · det V · U diag(Π_{k≠i} σ_k) Vᵀ from the SVD A = U diag(σ) Vᵀ.
    """
    left, singular, right = np.linalg.svd(matrix)
    sign = np.round(np.linalg.det(left) * np.linalg.det(right))
    cofactors: Array = sign * ((left * _products_of_others(singular)) @ right)
    return cofactors


def _products_of_others(values: Array) -> Array:
    """Π_{k≠i} v_k for each i, by prefix × suffix: right also at zeros."""
    before = np.concatenate(([1.0], np.cumprod(values[:-1])))
    after = np.concatenate((np.cumprod(values[:0:-1])[::-1], [1.0]))
    return before * after if values.size else values


def _inverse_derivative(_: Node, inverse: Node) -> Local:
    return -ONE, [(inverse, (0, 2)), (inverse, (3, 1))]


def _det_derivative(matrix: Node, _: Node) -> Local:
    return ONE, [(apply_matrix(COFACTOR, matrix), (0, 1))]


def _logdet_derivative(matrix: Node, _: Node) -> Local:
    return ONE, [(apply_matrix(INV, matrix), (1, 0))]


INV = MatrixFunction(
    name="inv",
    copies=1,
    forward=lambda matrix: np.asarray(np.linalg.inv(matrix)),
    derivative=_inverse_derivative,
    flops_per_cube=2,
)
DET = MatrixFunction(
    name="det",
    copies=0,
    forward=np.linalg.det,
    derivative=_det_derivative,
    flops_per_cube=1,
)
LOGDET = MatrixFunction(
    name="logdet",
    copies=0,
    forward=logdet_values,
    derivative=_logdet_derivative,
    flops_per_cube=1,
)


def cofactor_slope_values(matrix: Array) -> Array:
    """∂cof(A)_ij / ∂A_kl, shape (n, n, n, n), right also where A is singular.

    The second derivative of det in the coordinates of the SVD, where it is Π of all but two σ:
    Σ_{a≠b} P_ab (U_ia V_ja U_kb V_lb − U_ia V_jb U_kb V_la).
    """
    left, singular, right = np.linalg.svd(matrix)
    sign = np.round(np.linalg.det(left) * np.linalg.det(right))
    others = [_products_of_others(np.delete(singular, a)) for a in range(singular.size)]
    pairs = np.array([np.insert(row, a, 0.0) for a, row in enumerate(others)])
    outer = left.T[:, :, None] * right[:, None, :]
    straight = np.einsum("ab,aij,bkl->ijkl", pairs, outer, outer, optimize=True)
    crossed = np.einsum("ab,ia,bj,kb,al->ijkl", pairs, left, right, left, right, optimize=True)
    slope: Array = sign * (straight - crossed)
    return slope


def _cofactor_derivative(matrix: Node, _: Node) -> Local:
    return ONE, [(apply_matrix(COFACTOR_SLOPE, matrix), (0, 1, 2, 3))]


def _cofactor_slope_derivative(_: Node, __: Node) -> Local:
    raise DomainError(
        "the third derivative of det is not offered",
        hint="log(det(X)) can be differentiated to any order",
    )


COFACTOR = MatrixFunction(
    name="cofactor",
    copies=1,
    forward=cofactor_values,
    derivative=_cofactor_derivative,
    flops_per_cube=20,
)
COFACTOR_SLOPE = MatrixFunction(
    name="cofactor_slope",
    copies=2,
    forward=cofactor_slope_values,
    derivative=_cofactor_slope_derivative,
    flops_per_cube=200,
)
