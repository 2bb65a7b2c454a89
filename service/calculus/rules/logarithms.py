"""Logarithm and power, and the forms of them that stay finite."""

import numpy as np

from service.calculus.applications import apply_elementwise, apply_matrix, apply_reduction
from service.calculus.axes import broadcast
from service.calculus.graph import (
    ONE,
    Contraction,
    Elementwise,
    LinearAlgebra,
    Node,
    Sum,
)
from service.calculus.numbers import from_float
from service.calculus.rules.elementwise import EXP, SIGMOID, SOFTPLUS, Arguments, times
from service.calculus.rules.matrices import DET, LOGDET
from service.calculus.rules.records import Array, ElementwiseFunction
from service.calculus.rules.reductions import LOGSUMEXP
from service.calculus.terms import add, filled, number_of, scaled, unit_part


def power_slope_values(x: Array, y: Array) -> Array:
    """x**y · log(x), and its limit 0 at x = 0 where y > 0."""
    with np.errstate(all="ignore"):
        slope = np.power(x, y) * np.log(x)
    return np.where((x == 0) & (y > 0), 0.0, slope)


def _log_simplified(arguments: Arguments) -> Node | None:
    (x,) = arguments
    if isinstance(x, Elementwise) and x.function is EXP:
        return x.arguments[0]
    if isinstance(x, Elementwise) and x.function is SIGMOID:
        negated = scaled(x.arguments[0], -ONE)
        return scaled(apply_elementwise(SOFTPLUS, negated), -ONE)
    if isinstance(x, LinearAlgebra) and x.function is DET:
        return apply_matrix(LOGDET, x.arguments[0])
    exponent = one_plus_exp(x)
    if exponent is not None:
        return apply_elementwise(SOFTPLUS, exponent)
    coefficient, unit = unit_part(x)
    summed = summed_exp(unit)
    if summed is not None and coefficient > 0:
        offset = from_float(float(np.log(float(coefficient))))
        terms = [(ONE, summed), (offset, filled(ONE, x.shape))]
        return add(terms, x.shape)
    return None


def one_plus_exp(node: Node) -> Node | None:
    """z where the node is 1 + exp(z)."""
    if isinstance(node, Sum) and len(node.terms) == 2:
        for (c, one), (d, other) in (node.terms, node.terms[::-1]):
            if c == d == 1 and number_of(one) == 1 and isinstance(other, Elementwise):
                return other.arguments[0] if other.function is EXP else None
            if c == d == 1 and number_of(one) == 1 and isinstance(other, Contraction):
                return _broadcast_exponent(other)
    return None


def _broadcast_exponent(node: Contraction) -> Node | None:
    """z spread out where the node is exp(z) spread out or permuted."""
    if len(node.factors) == 1 and len(node.sizes) == node.ndim and node.coefficient == 1:
        inner, letters, exponent = node.factors[0]
        if exponent == 1 and isinstance(inner, Elementwise) and inner.function is EXP:
            return broadcast(inner.arguments[0], node.shape, letters)
    return None


def summed_exp(node: Node) -> Node | None:
    """logsumexp(z) where the node is Σ exp(z) over some axes and nothing else."""
    scalar = node
    if not isinstance(scalar, Contraction) or scalar.coefficient != 1:
        return None
    if len(scalar.factors) != 1 or len(scalar.sizes) == scalar.ndim:
        return None
    inner, letters, exponent = scalar.factors[0]
    is_exp = isinstance(inner, Elementwise) and inner.function is EXP
    if not is_exp or exponent != 1 or len(set(letters)) != len(letters):
        return None
    assert isinstance(inner, Elementwise)
    axes = [k for k, x in enumerate(letters) if x >= scalar.ndim]
    kept = [x for x in letters if x < scalar.ndim]
    return broadcast(apply_reduction(LOGSUMEXP, inner.arguments[0], axes), scalar.shape, kept)


LOG = ElementwiseFunction(
    name="log",
    may_overflow=True,
    forward=np.log,
    partials=(lambda x, _: times(x[0], exponents=(-ONE,)),),
    simplify=_log_simplified,
)


def _power_partial(arguments: Arguments, _: Node) -> Node:
    base, exponent = arguments
    lowered = add([(ONE, exponent), (-ONE, filled(ONE, exponent.shape))], exponent.shape)
    return times(exponent, apply_elementwise(POWER, base, lowered))


POWER = ElementwiseFunction(
    name="power",
    may_overflow=True,
    forward=np.power,
    partials=(_power_partial, lambda x, _: apply_elementwise(POWER_SLOPE, *x)),
)
POWER_SLOPE: ElementwiseFunction = ElementwiseFunction(
    name="power_slope",
    may_overflow=True,
    forward=power_slope_values,
    partials=(
        lambda x, _: add(
            [
                (ONE, times(x[1], apply_elementwise(POWER_SLOPE, x[0], _less_one(x[1])))),
                (ONE, apply_elementwise(POWER, x[0], _less_one(x[1]))),
            ],
            x[0].shape,
        ),
        lambda x, y: times(y, apply_elementwise(LOG, x[0])),
    ),
)


def _less_one(node: Node) -> Node:
    return add([(ONE, node), (-ONE, filled(ONE, node.shape))], node.shape)
