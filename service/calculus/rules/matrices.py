"""Functions of whole square matrices: inverse, determinant, log-determinant, cofactors.

Derivatives: Petersen & Pedersen, The Matrix Cookbook (2012), (46), (49), (57), (60).
"""

from functools import cache
from itertools import combinations, permutations
from string import ascii_letters

import numpy as np

from service.calculus.applications import apply_matrix
from service.calculus.graph import ONE, Contraction, Factor, LinearAlgebra, Node, Number
from service.calculus.normal_form import contract
from service.calculus.numbers import raised
from service.calculus.rules.products import products_of_others
from service.calculus.rules.records import Array, MatrixFunction
from service.calculus.selections import STRUCTURAL
from service.calculus.terms import add

_PROBES = 2  # columns of signs

Local = tuple[Number, list[tuple[Node, tuple[int, ...]]]]


def solved_values(matrix: Array, right: Array) -> Array:
    """A⁻¹ b for one or more columns b; nan where A is singular to working precision.

    Rows and columns are scaled to one size by powers of 2. A is singular to working precision
    where the solution for a column, b's or one of signs, then is 1 / ε times larger than the
    column: no digit of it is right.

    Raises:
        LinAlgError: A is exactly singular.
    """
    rows = _powers_of_two(np.max(np.abs(matrix), axis=1))[:, None]
    scaled = matrix / rows
    columns = _powers_of_two(np.max(np.abs(scaled), axis=0))
    scaled /= columns
    asked = np.concatenate((right.reshape(len(right), -1) / rows, _signs(len(right))), axis=1)
    found = np.asarray(np.linalg.solve(scaled, asked), dtype=np.float64)
    growth = np.max(np.sum(np.abs(scaled), axis=0)) * np.sum(np.abs(found), axis=0)
    if np.any(growth * np.finfo(np.float64).eps > np.sum(np.abs(asked), axis=0)):
        return np.full(right.shape, np.nan)
    found /= columns[:, None]
    return found[:, :-_PROBES].reshape(right.shape)


def inverse_values(matrix: Array) -> Array:
    """A⁻¹; nan where A is singular to working precision."""
    return solved_values(matrix, np.eye(len(matrix)))


def _signs(size: int) -> Array:
    """Columns of ±1 without a pattern: one of them shows that a matrix is nearly singular."""
    turns = np.outer(np.arange(1, size + 1), np.sqrt([2.0, 3.0]))
    return np.where(turns % 1.0 < 0.5, 1.0, -1.0)


def _powers_of_two(sizes: Array) -> Array:
    """The power of 2 beside each number, and 1 beside 0."""
    mantissas, exponents = np.frexp(sizes)
    return np.where(mantissas > 0, np.ldexp(1.0, exponents), 1.0)


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
    cofactors: Array = sign * ((left * products_of_others(singular, 1)) @ right)
    return cofactors


def _inverse_derivative(_: Node, inverse: Node) -> Local:
    return -ONE, [(inverse, (0, 2)), (inverse, (3, 1))]


def _det_derivative(matrix: Node, _: Node) -> Local:
    return ONE, [(apply_matrix(COFACTOR, matrix), (0, 1))]


def _logdet_derivative(matrix: Node, _: Node) -> Local:
    return ONE, [(apply_matrix(INV, matrix), (1, 0))]


def _det_of_product(matrix: Node) -> Node | None:
    """det(A B) = det A · det B of square factors, det Aᵀ = det A, det A⁻¹ = 1 / det A."""
    factors = _square_chain(matrix)
    if factors is None:
        return None
    powers = []
    for factor in factors:
        is_inverse = isinstance(factor, LinearAlgebra) and factor.function is INV
        base = factor.operands[0] if is_inverse else factor
        powers.append(Factor(apply_matrix(DET, base), (), -ONE if is_inverse else ONE))
    return contract(powers, (), {})


def _square_chain(matrix: Node) -> list[Node] | None:
    """The square matrices that a matrix is the product of, transposed or not; else None."""
    if isinstance(matrix, LinearAlgebra) and matrix.function is INV:
        return [matrix]
    if not isinstance(matrix, Contraction) or matrix.ndim != 2 or matrix.coefficient != 1:
        return None
    ends = {0: 1, 1: 1}
    for f in matrix.factors:
        is_square = f.node.ndim == 2 and f.node.shape[0] == f.node.shape[1]
        if f.exponent != 1 or not is_square or f.letters[0] == f.letters[1]:
            return None
        if isinstance(f.node, STRUCTURAL):
            return None
        for letter in f.letters:
            ends[letter] = ends.get(letter, 0) + 1
    is_chain = len(matrix.factors) == len(ends) - 1 and all(n == 2 for n in ends.values())
    return [f.node for f in matrix.factors] if is_chain else None


def _inverse_of_multiple(matrix: Node) -> Node | None:
    """(a A)⁻¹ = A⁻¹ / a for a scalar a."""
    if not isinstance(matrix, Contraction) or matrix.ndim != 2 or matrix.coefficient == 0:
        return None
    scalars = [f for f in matrix.factors if not f.letters]
    rest = [f for f in matrix.factors if f.letters]
    if not rest or (matrix.coefficient == 1 and not scalars):
        return None
    inverse = apply_matrix(INV, contract(rest, (0, 1), dict(enumerate(matrix.sizes))))
    reciprocals = [Factor(f.node, (), -f.exponent) for f in scalars]
    return contract(
        [Factor(inverse, (0, 1)), *reciprocals], (0, 1), {}, raised(matrix.coefficient, -ONE)
    )


INV = MatrixFunction(
    name="inv",
    copies=1,
    forward=inverse_values,
    derivative=_inverse_derivative,
    simplify=_inverse_of_multiple,
    flops_per_cube=2,
    scratch=5.0,
)
DET = MatrixFunction(
    name="det",
    copies=0,
    forward=np.linalg.det,
    derivative=_det_derivative,
    simplify=_det_of_product,
    flops_per_cube=1,
    scratch=1.0,
)
LOGDET = MatrixFunction(
    name="logdet",
    copies=0,
    forward=logdet_values,
    derivative=_logdet_derivative,
    flops_per_cube=1,
    scratch=1.0,
)


def det_derivative_values(matrix: Array, order: int) -> Array:
    """∂ᵒdet(A) / ∂A_ij ∂A_kl …, shape (n, n) once for each, right also where A is singular.

    In the coordinates of the SVD A = U diag(σ) V, where P is the product of the other σ:
    Σ over distinct a, b, … of P_ab… Σ over permutations π of sign(π) U_ia V_π(a)j U_kb V_π(b)l.
    """
    left, singular, right = np.linalg.svd(matrix)
    size = singular.size
    sign = np.round(np.linalg.det(left) * np.linalg.det(right))
    others = np.zeros((size,) * order)
    for chosen in combinations(range(size), order):
        product = np.prod(np.delete(singular, chosen))
        for places in permutations(chosen):
            others[places] = product
    rows, columns, inner = (ascii_letters[k * order : (k + 1) * order] for k in range(3))
    output = "".join(i + j for i, j in zip(rows, columns, strict=True))
    total: Array = np.zeros((size, size) * order)
    for turned in permutations(range(order)):
        parts = [inner]
        parts += [row + a for row, a in zip(rows, inner, strict=True)]
        parts += [inner[p] + column for p, column in zip(turned, columns, strict=True)]
        operands = [others, *[left] * order, *[right] * order]
        term = np.einsum(f"{','.join(parts)}->{output}", *operands, optimize=True)
        total += _parity(turned) * term
    total *= sign
    return total


def _det_derivative_plain(matrix: Node, order: int) -> Node:
    """The same for a regular A: det A · Σ over permutations π of sign(π) Π A⁻¹_{j π(i)}."""
    inverse, det = apply_matrix(INV, matrix), apply_matrix(DET, matrix)
    letters = tuple(range(2 * order))
    terms = [
        (
            _parity(turned) * ONE,
            contract(
                [Factor(inverse, (2 * k + 1, 2 * turned[k])) for k in range(order)], letters, {}
            ),
        )
        for turned in permutations(range(order))
    ]
    total = add(terms, matrix.shape * order)
    return contract([Factor(det, ()), Factor(total, letters)], letters, {})


def _parity(order: tuple[int, ...]) -> int:
    """1 for an even permutation, −1 for an odd one."""
    swaps = sum(a > b for k, a in enumerate(order) for b in order[k + 1 :])
    return -1 if swaps % 2 else 1


@cache
def det_derivative(order: int) -> MatrixFunction:
    """The derivative of det of an order from 2 on, as a function of the matrix."""

    def derivative(matrix: Node, _: Node) -> Local:
        higher = apply_matrix(det_derivative(order + 1), matrix)
        return ONE, [(higher, tuple(range(2 * order + 2)))]

    return MatrixFunction(
        name=f"det_derivative_{order}",
        plain=lambda matrix: _det_derivative_plain(matrix, order),
        copies=order,
        forward=lambda matrix: det_derivative_values(matrix, order),
        derivative=derivative,
        flops_per_cube=200,
        scratch=6.0,
    )


def _cofactor_derivative(matrix: Node, _: Node) -> Local:
    return ONE, [(apply_matrix(det_derivative(2), matrix), (0, 1, 2, 3))]


COFACTOR = MatrixFunction(
    name="cofactor",
    copies=1,
    forward=cofactor_values,
    derivative=_cofactor_derivative,
    flops_per_cube=20,
    scratch=5.0,
)
