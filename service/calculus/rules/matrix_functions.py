"""The functions of the language on whole vectors and matrices, one record each."""

from collections.abc import Callable

from service.calculus.applications import (
    apply_matrix,
)
from service.calculus.dimensions import agree, shown
from service.calculus.graph import Factor, Node
from service.calculus.normal_form import contract
from service.calculus.rules.matrices import DET, INV, LOGDET
from service.calculus.rules.operators import (
    matrix_product,
    multiplied_entries,
    transposed_matrix,
)
from service.calculus.rules.records import (
    Function,
    MatrixFunction,
    operands,
)
from service.calculus.rules.sources import COOKBOOK, LAUE
from service.errors import NotSquareError, ShapeMismatchError


def _vector(name: str, node: Node) -> Node:
    if node.ndim != 1:
        raise ShapeMismatchError(
            f"{name} takes vectors, not an operand of shape ({shown(node.shape)})"
        )
    return node


def square(name: str, node: Node) -> Node:
    """The node itself, once it is known to be a square matrix.

    Raises:
        ShapeMismatchError, NotSquareError: it is not.
    """
    if node.ndim != 2:
        raise ShapeMismatchError(
            f"{name} takes a 2-d matrix, not an operand of shape ({shown(node.shape)})"
        )
    if not agree(*node.shape):
        raise NotSquareError(f"{name} takes a square matrix, not {shown(node.shape)}")
    return node


def _of_matrix(function: MatrixFunction) -> Callable[[Node], Node]:
    return lambda matrix: apply_matrix(function, square(function.name, matrix))


def _outer(x: Node, y: Node) -> Node:
    factors = [Factor(_vector("outer", x), (0,)), Factor(_vector("outer", y), (1,))]
    return contract(factors, (0, 1), {})


def _dot(x: Node, y: Node) -> Node:
    if not x.ndim or not y.ndim:
        return multiplied_entries(x, y)
    if x.ndim > 2 or y.ndim > 2:
        raise ShapeMismatchError(
            f"dot takes vectors and matrices, not ({shown(x.shape)}) and ({shown(y.shape)})",
            hint="use @ for stacks of matrices",
        )
    return matrix_product(x, y)


def _diag(x: Node) -> Node:
    """A vector on the diagonal of a matrix, or the diagonal of a matrix."""
    if x.ndim == 1:
        return contract([Factor(x, (0,))], (0, 0), {})
    return contract([Factor(square("diag", x), (0, 0))], (0,), {})


def _trace(x: Node) -> Node:
    return contract([Factor(square("trace", x), (0, 0))], (), {})


MATRIX_FUNCTIONS = (
    Function(
        name="dot",
        rule="matrix product rule",
        source=f"{COOKBOOK}, (37)",
        parameters=operands("x", "y"),
        build=_dot,
        summary="The dot product of two vectors, or a matrix product.",
        latex=r"{x} \cdot {y}",
    ),
    Function(
        name="outer",
        rule="outer product rule",
        source=f"{COOKBOOK}, (37)",
        parameters=operands("x", "y"),
        build=_outer,
        summary="The outer product of two vectors, shape (m, n).",
        latex=r"{x} {y}^T",
    ),
    Function(
        name="diag",
        rule="diagonal rule",
        source=LAUE,
        parameters=operands("x"),
        build=_diag,
        summary="A vector as a diagonal matrix; of a square matrix, its diagonal.",
        latex=r"\operatorname{{diag}}({x})",
    ),
    Function(
        name="trace",
        rule="trace rule",
        source=f"{COOKBOOK}, (36)",
        parameters=operands("A"),
        build=_trace,
        summary="The sum of the diagonal of a square matrix.",
        latex=r"\operatorname{{tr}}({A})",
        aliases=("tr",),
    ),
    Function(
        name="inv",
        rule="inverse rule",
        source=f"{COOKBOOK}, (40)",
        numpy="np.linalg.inv",
        parameters=operands("A"),
        build=_of_matrix(INV),
        summary="The inverse of a square matrix.",
        latex=r"{A}^{{-1}}",
        note="an error where no digit would be right: singular to working precision",
    ),
    Function(
        name="det",
        rule="determinant rule",
        source=f"{COOKBOOK}, (49)",
        numpy="np.linalg.det",
        parameters=operands("A"),
        build=_of_matrix(DET),
        summary="The determinant of a square matrix.",
        latex=r"\det({A})",
        note="the derivative is the cofactor matrix, right also where A is singular",
    ),
    Function(
        name="logdet",
        rule="log-determinant rule",
        source=f"{COOKBOOK}, (57)",
        numpy="""def logdet(A):
    sign, logarithm = np.linalg.slogdet(A)
    return np.where(sign > 0, logarithm, np.nan)""",
        parameters=operands("A"),
        build=_of_matrix(LOGDET),
        summary="log(det(A)) of a square matrix; det(A) > 0.",
        latex=r"\ln \det({A})",
    ),
    Function(
        name="transpose",
        rule="transpose rule",
        source=f"{COOKBOOK}, (44)",
        parameters=operands("A"),
        build=transposed_matrix,
        summary="The last two axes exchanged; a vector is its own transpose.",
        latex=r"{A}^T",
        aliases=("T",),
    ),
)
