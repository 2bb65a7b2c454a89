"""The functions of the language that work along axes, one record each."""

from collections.abc import Callable

from service.calculus.applications import (
    apply_elementwise,
    apply_reduction,
    summed,
    with_kept_axes,
)
from service.calculus.dimensions import shown
from service.calculus.graph import ONE, Factor, Node
from service.calculus.normal_form import contract
from service.calculus.rules.elementwise import (
    ABS,
    EXP,
    difference,
    times,
)
from service.calculus.rules.products import PROD
from service.calculus.rules.records import (
    AXIS,
    KEEPDIMS,
    Function,
    Kink,
    Parameter,
    ReductionFunction,
    operands,
)
from service.calculus.rules.reductions import LOGSUMEXP, MAX, MIN, NORM2, spread
from service.calculus.rules.sources import (
    BOYD,
    COOKBOOK,
    GOODFELLOW,
    PAPER,
    PIECEWISE_MAX,
    ROCKAFELLAR,
    SUM_REDUCTION,
)
from service.calculus.terms import size_of
from service.errors import ShapeMismatchError

Axis = int | tuple[int, ...] | None

LAST_AXIS = Parameter("axis", "axis", -1, is_required=False)


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


def sum_along(x: Node, axis: Axis, keepdims: bool = False) -> Node:  # by position
    """Σ x over the axes."""
    axes = axes_of(x, axis)
    total = summed(x, axes)
    kept = [k for k in range(x.ndim) if k not in axes]
    return with_kept_axes(total, x.shape, kept) if keepdims else total


def mean_along(x: Node, axis: Axis, keepdims: bool = False) -> Node:  # by position
    """Σ x over the axes, by their number of entries."""
    total = sum_along(x, axis, keepdims)
    counts = [Factor(size_of(x.shape[k]), (), -ONE) for k in axes_of(x, axis)]
    return contract([Factor(total, tuple(range(total.ndim))), *counts], range(total.ndim), {})


def _norm1(x: Node, axis: Axis, keepdims: bool) -> Node:  # by position
    return sum_along(apply_elementwise(ABS, x), axis, keepdims)


def _softmax(x: Node, axis: Axis) -> Node:
    if not x.ndim:
        raise ShapeMismatchError("softmax takes a vector or a matrix, not a scalar")
    axes = axes_of(x, axis)
    total = spread(apply_reduction(LOGSUMEXP, x, axes), x, axes)
    return apply_elementwise(EXP, difference(x, total))


def _extreme_kinks(function: ReductionFunction) -> Callable[..., tuple[Kink, ...]]:
    def kinks(x: Node, axis: Axis, _: bool) -> tuple[Kink, ...]:  # by position
        axes = axes_of(x, axis)
        if not axes:
            return ()
        top = spread(apply_reduction(function, x, axes), x, axes)
        assert function.partial is not None
        shares = function.partial(x, top, axes)
        ties = summed(times(shares, exponents=(2 * ONE,)), axes)
        return (Kink(function.name, ties, 0.5, (0.0, 1.0), "below_one"),)

    return kinks


def _norm2_kinks(x: Node, axis: Axis, _: bool) -> tuple[Kink, ...]:  # by position
    return (Kink("norm2", _reduced(NORM2)(x, axis, False), 0.0, (-1.0, 1.0)),)


AXIS_FUNCTIONS = (
    Function(
        name="sum",
        rule=SUM_REDUCTION,
        source=f"{PAPER}, 4.4",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=sum_along,
        summary="The sum of all entries, or along one or more axes.",
        latex=r"\sum {x}",
    ),
    Function(
        name="mean",
        rule=SUM_REDUCTION,
        source=f"{PAPER}, 4.4",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=mean_along,
        summary="The mean of all entries, or along one or more axes.",
        latex=r"\frac{{1}}{{n}} \sum {x}",
    ),
    Function(
        name="prod",
        rule="product rule",
        source=f"{PAPER}, 2, factor by factor",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_reduced(PROD),
        summary="The product of all entries, or along one or more axes.",
        latex=r"\prod {x}",
        note="the derivative is the product of the others, right also at zeros",
    ),
    Function(
        name="max",
        rule=PIECEWISE_MAX,
        source=f"{PAPER}, 5, entry by entry",
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
        rule=PIECEWISE_MAX,
        source=f"{PAPER}, 5, entry by entry",
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
        rule="log-sum-exp rule",
        source=f"{BOYD}, 3.1.5",
        numpy="""def logsumexp(x, axis=None):
    largest = np.max(x, axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True)) + largest
    return np.squeeze(total, axis=axis)""",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_reduced(LOGSUMEXP),
        summary="log(sum(exp(x))) without overflow, overall or along axes.",
        latex=r"\ln \sum e^{{{x}}}",
    ),
    Function(
        name="norm1",
        rule="absolute value rule",
        source=f"{ROCKAFELLAR}, 23",
        definition=lambda _: "sum(abs(x){axis}{keepdims})",
        numpy="""def norm1(x, axis=None):
    return np.sum(np.abs(x), axis=axis)""",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_norm1,
        kinks=lambda x, *_: (Kink("norm1", x, 0.0, (-1.0, 1.0)),),
        summary="The sum of absolute values, overall or along axes.",
        latex=r"\lVert {x} \rVert_1",
        note="the derivative by an entry that is 0 is 0",
    ),
    Function(
        name="norm2",
        rule="Euclidean norm rule",
        source=f"{COOKBOOK}, (129)",
        numpy="""def norm2(x, axis=None):
    return np.sqrt(np.sum(np.square(x), axis=axis))""",
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
        rule="softmax rule",
        source=f"{GOODFELLOW}, 6.2.2.3",
        numpy="""def softmax(x, axis=-1):
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)""",
        parameters=(*operands("x"), LAST_AXIS),
        build=_softmax,
        summary="exp(x) / sum(exp(x)) along the last axis, or another.",
        latex=r"\operatorname{{softmax}}({x})",
    ),
)
