"""Products and systems of matrices: einsum, matrix powers, solve, cross, cofactors."""

import numpy as np

from service.calculus.applications import apply_matrix
from service.calculus.dimensions import Dimension, agree, shown
from service.calculus.graph import Factor, Node
from service.calculus.normal_form import contract
from service.calculus.pairings import pairing
from service.calculus.rules.matrices import COFACTOR, INV
from service.calculus.rules.matrix_functions import square
from service.calculus.rules.operators import common_shape, expanded, matrix_product
from service.calculus.rules.records import Function, Parameter, operands
from service.calculus.rules.sources import COOKBOOK, LAUE
from service.calculus.selections import constant, delta
from service.calculus.stability import stable_product
from service.calculus.subscripts import subscripts_of
from service.calculus.terms import ZERO, filled
from service.errors import OverLimitError, ShapeMismatchError

_LARGEST_POWER = 1_000
_SPACE = 3


def _einsum(*arguments: Node | str) -> Node:
    *nodes, text = arguments
    factors, output = subscripts_of(str(text), [n for n in nodes if isinstance(n, Node)])
    return stable_product(contract(factors, output, {}))


def _matrix_power(matrix: Node, exponent: int) -> Node:
    """By squaring, so that a power of k has at most 2 log k products."""
    square("matrix_power", matrix)
    if abs(exponent) > _LARGEST_POWER:
        raise OverLimitError(
            f"the exponent {exponent} of matrix_power is over the limit of {_LARGEST_POWER}"
        )
    if not exponent:
        return delta(matrix.shape[0])
    power = apply_matrix(INV, matrix) if exponent < 0 else matrix
    result: Node | None = None
    left = abs(exponent)
    while True:
        if left % 2:
            result = power if result is None else matrix_product(result, power)
        left //= 2
        if not left:
            assert result is not None
            return result
        power = matrix_product(power, power)


def _solve(matrix: Node, right: Node) -> Node:
    square("solve", matrix)
    if right.ndim not in (1, 2) or not agree(right.shape[0], matrix.shape[0]):
        raise ShapeMismatchError(
            "solve takes a matrix and a right side of as many rows, not "
            f"({shown(matrix.shape)}) and ({shown(right.shape)})"
        )
    return matrix_product(apply_matrix(INV, matrix), right)


def _cross(x: Node, y: Node) -> Node:
    for node in (x, y):
        if not node.ndim or not agree(node.shape[-1], _SPACE):
            raise ShapeMismatchError(
                f"cross takes vectors of 3 along the last axis, not ({shown(node.shape)})"
            )
    shape = common_shape("take the cross product of", x, y)
    if x is y:
        return filled(ZERO, shape)
    rows = tuple(range(len(shape) - 1))
    i, j, k = (len(shape) + m for m in range(3))
    factors = [
        Factor(_permutation_symbol(), (i, j, k)),
        Factor(expanded(x, shape), (*rows, j)),
        Factor(expanded(y, shape), (*rows, k)),
    ]
    return contract(factors, (*rows, i), {})


def _kron(x: Node, y: Node) -> Node:
    """Axis by axis the index of x, then that of y; missing axes come first, of size 1."""
    ndim = max(x.ndim, y.ndim)
    letters = range(3 * ndim)
    first, second = letters[ndim : 2 * ndim], letters[2 * ndim :]
    sizes: dict[int, Dimension] = dict.fromkeys(letters, 1)
    factors = []
    for node, own in ((x, first), (y, second)):
        carried = tuple(own[ndim - node.ndim :])
        sizes |= zip(carried, node.shape, strict=True)
        factors.append(Factor(node, carried))
    output = []
    for axis in range(ndim):
        left, right = first[axis], second[axis]
        if 1 in (sizes[left], sizes[right]):
            output.append(left if sizes[right] == 1 else right)
        else:
            output.append(axis)
            factors.append(Factor(pairing(sizes[left], sizes[right]), (axis, left, right)))
    return contract(factors, output, {x: sizes[x] for x in output if x >= ndim})


def _permutation_symbol() -> Node:
    """ε_ijk: 1 for even permutations of (0, 1, 2), -1 for odd ones, else 0."""
    symbol = np.zeros((3, 3, 3))
    for k in range(3):
        symbol[k, (k + 1) % 3, (k + 2) % 3] = 1.0
        symbol[k, (k + 2) % 3, (k + 1) % 3] = -1.0
    return constant(symbol)


PRODUCT_FUNCTIONS = (
    Function(
        name="einsum",
        rule="contraction rule",
        source=LAUE,
        parameters=(Parameter("subscripts", "text"), Parameter("operands", "operands")),
        build=_einsum,
        summary='Any contraction by its subscripts: einsum("ij,j->i", A, x), as in NumPy.',
        latex=r"\textstyle\sum {operands}",
    ),
    Function(
        name="matrix_power",
        numpy="np.linalg.matrix_power",
        rule="matrix power rule",
        source=f"{COOKBOOK}, (90)",
        parameters=(*operands("A"), Parameter("k", "integer")),
        build=_matrix_power,
        summary="A square matrix times itself, k times; of its inverse where k < 0.",
        latex=r"{A}^{{{k}}}",
        note="the identity for k = 0; at most 1,000 times",
    ),
    Function(
        name="solve",
        rule="inverse rule",
        source=f"{COOKBOOK}, (37) and (40)",
        parameters=operands("A", "b"),
        build=_solve,
        summary="The solution x of A @ x = b, for one or more columns b.",
        latex=r"{A}^{{-1}} {b}",
        note="computed without the inverse; scaled, then by LU with pivots",
    ),
    Function(
        name="cross",
        rule="cross product rule",
        source=LAUE,
        parameters=operands("x", "y"),
        build=_cross,
        summary="The cross product of vectors of 3, along the last axis.",
        note="of a vector with itself 0 by its formula",
        latex=r"{x} \times {y}",
    ),
    Function(
        name="kron",
        rule="Kronecker product rule",
        source=f"{COOKBOOK}, (39)",
        parameters=operands("A", "B"),
        build=_kron,
        summary="The Kronecker product: every entry of the first operand times the second.",
        latex=r"{A} \otimes {B}",
    ),
    Function(
        name="cofactor",
        rule="cofactor rule",
        source=f"{COOKBOOK}, (49), differentiated",
        numpy="""def cofactor(A):
    u, s, v = np.linalg.svd(A)
    others = np.array([np.prod(np.delete(s, k)) for k in range(len(s))])
    return np.linalg.det(u) * np.linalg.det(v) * ((u * others) @ v)""",
        parameters=operands("A"),
        build=lambda matrix: apply_matrix(COFACTOR, square("cofactor", matrix)),
        summary="The cofactors of a square matrix: the derivative of its determinant.",
        latex=r"\operatorname{{cof}}({A})",
    ),
)
