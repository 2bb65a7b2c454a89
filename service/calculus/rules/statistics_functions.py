"""Sums along axes that are made of others: variance, deviation, largest size, running sums."""

from service.calculus.applications import (
    apply_elementwise,
    apply_reduction,
    summed,
)
from service.calculus.dimensions import shown
from service.calculus.graph import ONE, Factor, Node
from service.calculus.normal_form import contract
from service.calculus.rules.axis_functions import Axis, axes_of, mean_along
from service.calculus.rules.elementwise import ABS, difference, times
from service.calculus.rules.operators import expanded
from service.calculus.rules.records import AXIS, KEEPDIMS, Function, Kink, operands
from service.calculus.rules.reductions import MAX, NORM2, spread
from service.calculus.rules.sources import PAPER, ROCKAFELLAR, SUM_REDUCTION
from service.calculus.selections import triangle
from service.calculus.terms import size_of
from service.errors import ShapeMismatchError

_HALF = ONE / 2


def _deviation(x: Node, axis: Axis) -> Node:
    """x less its mean along the axes."""
    return difference(x, expanded(mean_along(x, axis, keepdims=True), x.shape))


def _var(x: Node, axis: Axis, keepdims: bool) -> Node:  # by position
    return mean_along(times(_deviation(x, axis), exponents=(2 * ONE,)), axis, keepdims=keepdims)


def _std(x: Node, axis: Axis, keepdims: bool) -> Node:  # by position
    axes = axes_of(x, axis)
    deviation = _deviation(x, axis)
    if not axes:
        return apply_elementwise(ABS, deviation)
    norm = apply_reduction(NORM2, deviation, axes, keepdims=keepdims)
    letters = tuple(range(norm.ndim))
    counts = [Factor(size_of(x.shape[k]), (), -_HALF) for k in axes]
    return contract([Factor(norm, letters), *counts], letters, {})


def _std_kinks(x: Node, axis: Axis, _: bool) -> tuple[Kink, ...]:  # by position
    return (Kink("std", _std(x, axis, False), 0.0, (-1.0, 1.0)),)


def _norm_inf(x: Node, axis: Axis, keepdims: bool) -> Node:  # by position
    axes = axes_of(x, axis)
    sizes = apply_elementwise(ABS, x)
    return apply_reduction(MAX, sizes, axes, keepdims=keepdims) if axes else sizes


def _norm_inf_kinks(x: Node, axis: Axis, _: bool) -> tuple[Kink, ...]:  # by position
    axes = axes_of(x, axis)
    sizes = apply_elementwise(ABS, x)
    if not axes:
        return (Kink("norm_inf", x, 0.0, (-1.0, 1.0)),)
    assert MAX.partial is not None
    shares = MAX.partial(sizes, spread(apply_reduction(MAX, sizes, axes), x, axes), axes)
    ties = summed(times(shares, exponents=(2 * ONE,)), axes)
    return (Kink("norm_inf", ties, 0.5, (-1.0, 1.0), "below_one"),)


def _cumsum(x: Node, axis: Axis) -> Node:
    if axis is None and x.ndim > 1:
        raise ShapeMismatchError(
            f"cumsum of an operand of shape ({shown(x.shape)}) needs an axis",
            hint="cumsum(A, axis=0) sums down the rows",
        )
    axes = axes_of(x, axis)
    if len(axes) != 1:
        raise ShapeMismatchError(f"cumsum goes along one axis, not {len(axes)}")
    (along,) = axes
    letters = tuple(range(x.ndim))
    summed_letter = x.ndim
    inner = tuple(summed_letter if k == along else k for k in letters)
    factors = [Factor(triangle(x.shape[along]), (along, summed_letter)), Factor(x, inner)]
    return contract(factors, letters, {})


STATISTICS_FUNCTIONS = (
    Function(
        name="cumsum",
        rule=SUM_REDUCTION,
        source=f"{PAPER}, 4.4, entry by entry",
        parameters=(*operands("x"), AXIS),
        build=_cumsum,
        summary="The running sums of a vector, or along one axis.",
        latex=r"\operatorname{{cumsum}}({x})",
    ),
    Function(
        name="var",
        source=f"{PAPER}, 2 and 4.4, from its definition",
        definition=lambda _: "mean((x - mean(x{kept}))**2{axis}{keepdims})",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_var,
        summary="The mean of squared deviations from the mean, overall or along axes.",
        latex=r"\operatorname{{var}}({x})",
        note="divided by the number of entries, as numpy.var is",
    ),
    Function(
        name="std",
        source=f"{PAPER}, 2 and 4.4, from its definition",
        definition=lambda _: "sqrt(mean((x - mean(x{kept}))**2{axis}{keepdims}))",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_std,
        kinks=_std_kinks,
        summary="The root of the variance, overall or along axes.",
        latex=r"\operatorname{{std}}({x})",
        note="the derivative at equal entries, where it is 0, is 0",
    ),
    Function(
        name="norm_inf",
        rule="largest absolute value rule",
        source=f"{ROCKAFELLAR}, 23",
        definition=lambda _: "max(abs(x){axis}{keepdims})",
        parameters=(*operands("x"), AXIS, KEEPDIMS),
        build=_norm_inf,
        kinks=_norm_inf_kinks,
        summary="The largest absolute value, overall or along axes.",
        latex=r"\lVert {x} \rVert_\infty",
        note="k tied entries get 1/k each; the derivative at 0 is 0",
    ),
)
