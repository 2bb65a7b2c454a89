"""The functions of vectors for learning: log_softmax, normalize, cosine_similarity."""

from service.calculus.applications import apply_elementwise, apply_reduction, summed
from service.calculus.graph import Node
from service.calculus.rules.axis_functions import LAST_AXIS, Axis, axes_of
from service.calculus.rules.elementwise import QUOTIENT, difference, times
from service.calculus.rules.operators import common_shape, expanded
from service.calculus.rules.records import Function, operands
from service.calculus.rules.reductions import LOGSUMEXP, NORM2, spread
from service.calculus.rules.sources import COOKBOOK, GOODFELLOW
from service.errors import ShapeMismatchError


def _axes_of(name: str, x: Node, axis: Axis) -> tuple[int, ...]:
    if not x.ndim:
        raise ShapeMismatchError(f"{name} takes a vector or a matrix, not a scalar")
    return axes_of(x, axis)


def log_softmax(x: Node, axis: Axis) -> Node:
    """x − logsumexp(x) along an axis."""
    axes = _axes_of("log_softmax", x, axis)
    return difference(x, spread(apply_reduction(LOGSUMEXP, x, axes), x, axes))


def _unit(x: Node, axes: tuple[int, ...]) -> Node:
    """x / norm2(x), and 0 where x is 0."""
    norm = spread(apply_reduction(NORM2, x, axes), x, axes)
    return apply_elementwise(QUOTIENT, x, norm)


def _normalize(x: Node, axis: Axis) -> Node:
    return _unit(x, _axes_of("normalize", x, axis))


def _cosine_similarity(x: Node, y: Node, axis: Axis) -> Node:
    shape = common_shape("compare", x, y)
    x, y = expanded(x, shape), expanded(y, shape)
    axes = _axes_of("cosine_similarity", x, axis)
    return summed(times(_unit(x, axes), _unit(y, axes)), axes)


LEARNING_FUNCTIONS = (
    Function(
        name="log_softmax",
        rule="log-softmax rule",
        source=f"{GOODFELLOW}, 6.2.2.3",
        numpy="""def log_softmax(x, axis=-1):
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))""",
        parameters=(*operands("x"), LAST_AXIS),
        build=log_softmax,
        summary="log(softmax(x)) without underflow, along the last axis, or another.",
        latex=r"{x} - \ln \sum e^{{{x}}}",
    ),
    Function(
        name="normalize",
        rule="Euclidean norm rule",
        source=f"{COOKBOOK}, (130)",
        numpy="""def normalize(x, axis=-1):
    norm = np.sqrt(np.sum(np.square(x), axis=axis, keepdims=True))
    return np.where(norm > 0.0, x / np.where(norm > 0.0, norm, 1.0), 0.0)""",
        parameters=(*operands("x"), LAST_AXIS),
        build=_normalize,
        summary="x / norm2(x) along the last axis, or another; 0 where x is 0.",
        latex=r"\frac{{{x}}}{{\lVert {x} \rVert}}",
        note="not differentiable at 0",
    ),
    Function(
        name="cosine_similarity",
        source=f"{COOKBOOK}, (130)",
        definition=lambda _: "sum(normalize(x{axis}) * normalize(y{axis}){axis})",
        parameters=(*operands("x", "y"), LAST_AXIS),
        build=_cosine_similarity,
        summary="The cosine of the angle between x and y along the last axis, or another.",
        latex=r"\frac{{{x} \cdot {y}}}{{\lVert {x} \rVert_2 \lVert {y} \rVert_2}}",
        note="0 where x or y is 0, where it has no derivative",
    ),
)
