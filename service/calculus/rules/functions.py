"""The functions of the language, one record each: what they take, what they stand for."""

from collections.abc import Callable

from service.calculus.applications import (
    apply_elementwise,
    apply_matrix,
    apply_reduction,
    summed,
    with_kept_axes,
)
from service.calculus.dimensions import shown
from service.calculus.graph import ONE, Factor, Node
from service.calculus.normal_form import ZERO, contract, filled, number_of, size_of
from service.calculus.rules.choices import MAXIMUM, MINIMUM, WHERE
from service.calculus.rules.elementwise import (
    ABS,
    COS,
    EXP,
    SIGMOID,
    SIGN,
    SIN,
    SOFTPLUS,
    TANH,
    difference,
    times,
)
from service.calculus.rules.logarithms import LOG
from service.calculus.rules.matrices import DET, INV, LOGDET
from service.calculus.rules.operators import (
    common_shape,
    elementwise,
    expanded,
    matrix_product,
    multiplied_entries,
    square_root,
    transposed_matrix,
)
from service.calculus.rules.records import (
    AXIS,
    KEEPDIMS,
    ElementwiseFunction,
    Function,
    Kink,
    MatrixFunction,
    Parameter,
    ReductionFunction,
    operands,
)
from service.calculus.rules.reductions import LOGSUMEXP, MAX, MIN, NORM2, spread
from service.errors import NotSquareError, ShapeMismatchError

Axis = int | tuple[int, ...] | None

_LAST_AXIS = Parameter("axis", "axis", -1, is_required=False)
_RELU_KINK = (0.0, 1.0)


def axes_of(node: Node, axis: Axis) -> tuple[int, ...]:
    """The axes an option names, none negative; all of them for None.

    Raises:
        ShapeMismatchError: for an axis that the operand does not have, or one named twice.
    """
    if axis is None:
        return tuple(range(node.ndim))
    named = axis if isinstance(axis, tuple) else (axis,)
    resolved = []
    for one in named:
        if not -node.ndim <= one < node.ndim:
            raise ShapeMismatchError(
                f"axis {one} does not exist in an operand of shape ({shown(node.shape)})",
                hint=f"the operand has ndim {node.ndim}; axes are counted from 0",
            )
        resolved.append(one % node.ndim)
    if len(set(resolved)) < len(resolved):
        raise ShapeMismatchError(f"axis {named} names an axis twice")
    return tuple(sorted(resolved))


def _vector(name: str, node: Node) -> Node:
    if node.ndim != 1:
        raise ShapeMismatchError(
            f"{name} takes vectors, not an operand of shape ({shown(node.shape)})"
        )
    return node


def _square(name: str, node: Node) -> Node:
    if node.ndim != 2:
        raise ShapeMismatchError(
            f"{name} takes a 2-d matrix, not an operand of shape ({shown(node.shape)})"
        )
    if node.shape[0] != node.shape[1]:
        raise NotSquareError(f"{name} takes a square matrix, not {shown(node.shape)}")
    return node


def _unary(function: ElementwiseFunction) -> Callable[[Node], Node]:
    return lambda x: apply_elementwise(function, x)


def _of_matrix(function: MatrixFunction) -> Callable[[Node], Node]:
    return lambda matrix: apply_matrix(function, _square(function.name, matrix))


def _reduced(function: ReductionFunction) -> Callable[[Node, Axis, bool], Node]:
    def build(x: Node, axis: Axis, keepdims: bool) -> Node:  # by position
        axes = axes_of(x, axis)
        if not axes:
            return _of_scalar(function, x)
        return apply_reduction(function, x, axes, keepdims=keepdims)

    return build


def _of_scalar(function: ReductionFunction, x: Node) -> Node:
    """A reduction of one number is that number; the norm is its size."""
    return apply_elementwise(ABS, x) if function is NORM2 else x


def _sum(x: Node, axis: Axis, keepdims: bool) -> Node:  # by position
    axes = axes_of(x, axis)
    total = summed(x, axes)
    kept = [k for k in range(x.ndim) if k not in axes]
    return with_kept_axes(total, x.shape, kept) if keepdims else total


def _mean(x: Node, axis: Axis, keepdims: bool) -> Node:  # by position
    total = _sum(x, axis, keepdims)
    counts = [Factor(size_of(x.shape[k]), (), -ONE) for k in axes_of(x, axis)]
    return contract([Factor(total, tuple(range(total.ndim))), *counts], range(total.ndim), {})


def _norm1(x: Node, axis: Axis, keepdims: bool) -> Node:  # by position
    return _sum(apply_elementwise(ABS, x), axis, keepdims)


def _softmax(x: Node, axis: Axis) -> Node:
    axes = axes_of(x, axis)
    if not axes:
        raise ShapeMismatchError("softmax takes a vector or a matrix, not a scalar")
    total = spread(apply_reduction(LOGSUMEXP, x, axes), x, axes)
    return apply_elementwise(EXP, difference(x, total))


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
    return contract([Factor(_square("diag", x), (0, 0))], (0,), {})


def _trace(x: Node) -> Node:
    return contract([Factor(_square("trace", x), (0, 0))], (), {})


def _relu(x: Node) -> Node:
    return elementwise("compare", MAXIMUM, x, filled(ZERO, x.shape))


def _where(condition: Node, yes: Node, no: Node) -> Node:
    return elementwise("choose between", WHERE, condition, yes, no)


def _choice_kinks(rule: str) -> Callable[[Node, Node], tuple[Kink, ...]]:
    def kinks(x: Node, y: Node) -> tuple[Kink, ...]:
        shape = common_shape("compare", x, y)
        gap = difference(expanded(x, shape), expanded(y, shape))
        if number_of(gap) is not None:
            return ()
        is_literal = not (x.variables and y.variables)
        return (Kink(rule, gap, 0.0 if is_literal else 0.5, _RELU_KINK),)

    return kinks


def _extreme_kinks(function: ReductionFunction) -> Callable[..., tuple[Kink, ...]]:
    def kinks(x: Node, axis: Axis, _: bool) -> tuple[Kink, ...]:  # by position
        axes = axes_of(x, axis)
        if not axes:
            return ()
        top = spread(apply_reduction(function, x, axes), x, axes)
        shares = function.partial(x, top, axes)
        ties = summed(times(shares, exponents=(2 * ONE,)), axes)
        return (Kink(function.name, ties, 0.5, _RELU_KINK, "below_one"),)

    return kinks


def _norm2_kinks(x: Node, axis: Axis, _: bool) -> tuple[Kink, ...]:  # by position
    return (Kink("norm2", _reduced(NORM2)(x, axis, False), 0.0, (-1.0, 1.0)),)


FUNCTIONS_IN_ORDER = (
    Function(
        name="exp",
        parameters=operands("x"),
        build=_unary(EXP),
        is_entrywise=True,
        summary="The exponential, entry by entry.",
        latex=r"\exp({x})",
    ),
    Function(
        name="log",
        parameters=operands("x"),
        build=_unary(LOG),
        is_entrywise=True,
        summary="The natural logarithm, entry by entry; x > 0.",
        latex=r"\ln({x})",
        sample=(0.3, 3.0),
        aliases=("ln",),
        note="log(1 + exp(z)) is computed as softplus(z), log(sum(exp(z))) as logsumexp(z)",
    ),
    Function(
        name="sin",
        parameters=operands("x"),
        build=_unary(SIN),
        is_entrywise=True,
        summary="The sine of radians, entry by entry.",
        latex=r"\sin({x})",
    ),
    Function(
        name="cos",
        parameters=operands("x"),
        build=_unary(COS),
        is_entrywise=True,
        summary="The cosine of radians, entry by entry.",
        latex=r"\cos({x})",
    ),
    Function(
        name="tanh",
        parameters=operands("x"),
        build=_unary(TANH),
        is_entrywise=True,
        summary="The hyperbolic tangent, entry by entry.",
        latex=r"\tanh({x})",
        note="1 - tanh(z)**2 keeps its digits at the tails",
    ),
    Function(
        name="sqrt",
        parameters=operands("x"),
        build=square_root,
        is_entrywise=True,
        summary="The square root, entry by entry; x ≥ 0, not differentiable at 0.",
        latex=r"\sqrt{{{x}}}",
        sample=(0.3, 3.0),
        note="sqrt(x**2) is abs(x), sqrt(sum(x**2)) is norm2(x)",
    ),
    Function(
        name="abs",
        parameters=operands("x"),
        build=_unary(ABS),
        kinks=lambda x: (Kink("abs", x, 0.0, (-1.0, 1.0)),),
        is_entrywise=True,
        summary="The absolute value, entry by entry.",
        latex=r"\lvert {x} \rvert",
        note="the derivative at 0 is 0, the centre of [-1, 1]",
    ),
    Function(
        name="sign",
        parameters=operands("x"),
        build=_unary(SIGN),
        kinks=lambda x: (Kink("sign", x, 0.0, None),),
        is_entrywise=True,
        summary="-1, 0 or 1, entry by entry; the derivative is 0.",
        latex=r"\operatorname{{sign}}({x})",
        note="the derivative at the jump, x = 0, is given as 0",
        aliases=("sgn",),
    ),
    Function(
        name="relu",
        parameters=operands("x"),
        build=_relu,
        kinks=lambda x: (Kink("relu", x, 0.0, _RELU_KINK),),
        is_entrywise=True,
        summary="max(0, x), entry by entry.",
        latex=r"\max(0, {x})",
        note="the derivative at 0 is 0, as Parr & Howard take it",
    ),
    Function(
        name="sigmoid",
        parameters=operands("x"),
        build=_unary(SIGMOID),
        is_entrywise=True,
        summary="1 / (1 + exp(-x)), entry by entry.",
        latex=r"\sigma({x})",
        note="right to the last digits at both tails",
    ),
    Function(
        name="softplus",
        parameters=operands("x"),
        build=_unary(SOFTPLUS),
        is_entrywise=True,
        summary="log(1 + exp(x)), entry by entry.",
        latex=r"\ln(1 + e^{{{x}}})",
    ),
    Function(
        name="maximum",
        parameters=operands("x", "y"),
        build=lambda x, y: elementwise("compare", MAXIMUM, x, y),
        kinks=_choice_kinks("maximum"),
        is_entrywise=True,
        summary="The larger of two, entry by entry.",
        latex=r"\max({x}, {y})",
        note="at a tie the variable gets 0 beside a literal, and half beside another operand",
    ),
    Function(
        name="minimum",
        parameters=operands("x", "y"),
        build=lambda x, y: elementwise("compare", MINIMUM, x, y),
        kinks=_choice_kinks("minimum"),
        is_entrywise=True,
        summary="The smaller of two, entry by entry.",
        latex=r"\min({x}, {y})",
        note="at a tie the variable gets 0 beside a literal, and half beside another operand",
    ),
    Function(
        name="where",
        parameters=operands("condition", "x", "y"),
        build=_where,
        is_entrywise=True,
        summary="x where the condition is not 0, else y; entries not chosen have no effect.",
        latex=r"\begin{{cases}}{x} & {condition}\\{y} & \text{{else}}\end{{cases}}",
        note="the derivative follows the chosen branch",
    ),
    Function(
        name="sum",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_sum,
        summary="The sum of all entries, or along one or more axes.",
        latex=r"\sum {x}",
    ),
    Function(
        name="mean",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_mean,
        summary="The mean of all entries, or along one or more axes.",
        latex=r"\frac{{1}}{{n}} \sum {x}",
    ),
    Function(
        name="max",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_reduced(MAX),
        kinks=_extreme_kinks(MAX),
        summary="The largest entry, overall or along axes; with more operands, maximum.",
        latex=r"\max {x}",
        note="k tied entries get 1/k each: the centre of the subdifferential",
        folded_by="maximum",
    ),
    Function(
        name="min",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_reduced(MIN),
        kinks=_extreme_kinks(MIN),
        summary="The smallest entry, overall or along axes; with more operands, minimum.",
        latex=r"\min {x}",
        note="k tied entries get 1/k each: the centre of the subdifferential",
        folded_by="minimum",
    ),
    Function(
        name="logsumexp",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_reduced(LOGSUMEXP),
        summary="log(sum(exp(x))) without overflow, overall or along axes.",
        latex=r"\ln \sum e^{{{x}}}",
    ),
    Function(
        name="norm1",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_norm1,
        kinks=lambda x, *_: (Kink("norm1", x, 0.0, (-1.0, 1.0)),),
        summary="The sum of absolute values, overall or along axes.",
        latex=r"\lVert {x} \rVert_1",
        note="the derivative by an entry that is 0 is 0",
    ),
    Function(
        name="norm2",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_reduced(NORM2),
        kinks=_norm2_kinks,
        summary="The Euclidean (of a matrix: Frobenius) norm, overall or along axes.",
        latex=r"\lVert {x} \rVert_2",
        note="the derivative at 0 is 0",
        aliases=("norm",),
    ),
    Function(
        name="softmax",
        parameters=(*operands("x"), _LAST_AXIS),
        build=_softmax,
        summary="exp(x) / sum(exp(x)) along the last axis, or another.",
        latex=r"\operatorname{{softmax}}({x})",
    ),
    Function(
        name="dot",
        parameters=operands("x", "y"),
        build=_dot,
        summary="The dot product of two vectors, or a matrix product.",
        latex=r"{x} \cdot {y}",
    ),
    Function(
        name="outer",
        parameters=operands("x", "y"),
        build=_outer,
        summary="The outer product of two vectors, shape (m, n).",
        latex=r"{x} {y}^T",
    ),
    Function(
        name="diag",
        parameters=operands("x"),
        build=_diag,
        summary="A vector as a diagonal matrix; of a square matrix, its diagonal.",
        latex=r"\operatorname{{diag}}({x})",
    ),
    Function(
        name="trace",
        parameters=operands("A"),
        build=_trace,
        summary="The sum of the diagonal of a square matrix.",
        latex=r"\operatorname{{tr}}({A})",
        aliases=("tr",),
    ),
    Function(
        name="inv",
        parameters=operands("A"),
        build=_of_matrix(INV),
        summary="The inverse of a square matrix.",
        latex=r"{A}^{{-1}}",
    ),
    Function(
        name="det",
        parameters=operands("A"),
        build=_of_matrix(DET),
        summary="The determinant of a square matrix.",
        latex=r"\det({A})",
        note="the derivative is the cofactor matrix, right also where A is singular",
    ),
    Function(
        name="logdet",
        parameters=operands("A"),
        build=_of_matrix(LOGDET),
        summary="log(det(A)) of a square matrix; det(A) > 0.",
        latex=r"\ln \det({A})",
    ),
    Function(
        name="transpose",
        parameters=operands("A"),
        build=transposed_matrix,
        summary="The last two axes exchanged; a vector is its own transpose.",
        latex=r"{A}^T",
    ),
)
