"""Logarithm and power, and the forms of them that stay finite."""

from functools import cache

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
from service.calculus.rules.angles import COSH
from service.calculus.rules.elementwise import (
    EXP,
    LOG_COSH,
    SIGMOID,
    SOFTPLUS,
    Arguments,
    less_one,
    times,
)
from service.calculus.rules.matrices import DET, LOGDET
from service.calculus.rules.records import Array, ElementwiseFunction
from service.calculus.rules.reductions import LOGSUMEXP
from service.calculus.terms import add, filled, number_of, scaled, unit_part


def _log_simplified(arguments: Arguments) -> Node | None:
    (x,) = arguments
    if isinstance(x, Elementwise) and x.function is EXP:
        return x.arguments[0]
    if isinstance(x, Elementwise) and x.function is SIGMOID:
        negated = scaled(x.arguments[0], -ONE)
        return scaled(apply_elementwise(SOFTPLUS, negated), -ONE)
    if isinstance(x, Elementwise) and x.function is COSH:
        return apply_elementwise(LOG_COSH, x.arguments[0])
    if isinstance(x, LinearAlgebra) and x.function is DET:
        return apply_matrix(LOGDET, x.arguments[0])
    exponent = one_plus_exp(x)
    if exponent is not None:
        return apply_elementwise(SOFTPLUS, exponent)
    argument = _beside_one(x, SIGMOID, -1)
    if argument is not None:
        return scaled(apply_elementwise(SOFTPLUS, argument), -ONE)
    coefficient, unit = unit_part(x)
    summed = summed_exp(unit)
    if summed is not None and coefficient > 0:
        offset = from_float(float(np.log(float(coefficient))))
        terms = [(ONE, summed), (offset, filled(ONE, x.shape))]
        return add(terms, x.shape)
    return None


def one_plus_exp(node: Node) -> Node | None:
    """z where the node is 1 + exp(z)."""
    return _beside_one(node, EXP, 1)


def _beside_one(node: Node, function: ElementwiseFunction, sign: int) -> Node | None:
    """z where the node is 1 + sign · function(z)."""
    coefficient, unit = unit_part(node)
    if isinstance(unit, Sum) and len(unit.terms) == 2:
        for (c, one), (d, other) in (unit.terms, unit.terms[::-1]):
            if number_of(one) == 1 and coefficient * c == 1 and coefficient * d == sign:
                return _argument_of(function, other)
    return None


def _argument_of(function: ElementwiseFunction, node: Node) -> Node | None:
    """z where the node is function(z), spread out or permuted."""
    if isinstance(node, Elementwise):
        return node.arguments[0] if node.function is function else None
    if not isinstance(node, Contraction) or node.coefficient != 1:
        return None
    if len(node.factors) == 1 and len(node.sizes) == node.ndim:
        inner, letters, exponent = node.factors[0]
        if exponent == 1 and isinstance(inner, Elementwise) and inner.function is function:
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


def _by_base(arguments: Arguments, _: Node) -> Node:
    return apply_elementwise(falling_power(1), *arguments)


def _by_exponent(arguments: Arguments, _: Node) -> Node:
    return apply_elementwise(power_times_log(1), *arguments)


POWER = ElementwiseFunction(
    name="power",
    may_overflow=True,
    forward=np.power,
    partials=(_by_base, _by_exponent),
)


@cache
def power_times_log(order: int) -> ElementwiseFunction:
    """x**y · log(x)**order, a derivative of x**y by y; at x = 0 its limit 0 where y > 0."""

    def forward(x: Array, y: Array) -> Array:
        with np.errstate(all="ignore"):
            slope = np.power(x, y) * np.log(x) ** order
        return np.where((x == 0) & (y > 0), 0.0, slope)

    def by_base(arguments: Arguments, _: Node) -> Node:
        base, exponent = arguments
        lowered = less_one(exponent)
        fewer = POWER if order == 1 else power_times_log(order - 1)
        same = times(exponent, apply_elementwise(power_times_log(order), base, lowered))
        return add(
            [(ONE, same), (order * ONE, apply_elementwise(fewer, base, lowered))], base.shape
        )

    return ElementwiseFunction(
        name=f"power_times_log_{order}",
        plain=lambda x, y: times(
            apply_elementwise(POWER, x, y),
            apply_elementwise(LOG, x),
            exponents=(ONE, order * ONE),
        ),
        scratch=2.0,
        may_overflow=True,
        forward=forward,
        partials=(
            by_base,
            lambda x, _: apply_elementwise(power_times_log(order + 1), *x),
        ),
    )


@cache
def falling_power(order: int) -> ElementwiseFunction:
    """y (y − 1) … (y − k + 1) xʸ⁻ᵏ, a derivative of x**y by x; 0 where a factor is 0.

    A whole power's derivatives vanish from some order on, at x = 0 too.
    """

    def forward(x: Array, y: Array) -> Array:
        falling = y
        for k in range(1, order):
            falling = falling * (y - k)
        with np.errstate(all="ignore"):
            slope = falling * np.power(x, y - order)
        return np.where(falling == 0, 0.0, slope)

    def by_exponent(arguments: Arguments, _: Node) -> Node:
        base, exponent = arguments
        parts = [_lowered(exponent, k) for k in range(order)]
        lowered = _lowered(exponent, order)
        power = apply_elementwise(POWER, base, lowered)
        slope = apply_elementwise(power_times_log(1), base, lowered)
        rest = [times(power, *parts[:k], *parts[k + 1 :]) for k in range(order)]
        return add([(ONE, t) for t in (times(slope, *parts), *rest)], base.shape)

    return ElementwiseFunction(
        name=f"falling_power_{order}",
        plain=lambda x, y: times(
            *(_lowered(y, k) for k in range(order)),
            apply_elementwise(POWER, x, _lowered(y, order)),
        ),
        scratch=2.25,
        may_overflow=True,
        forward=forward,
        partials=(
            lambda x, _: apply_elementwise(falling_power(order + 1), *x),
            by_exponent,
        ),
    )


def _lowered(node: Node, by: int) -> Node:
    return add([(ONE, node), (-by * ONE, filled(ONE, node.shape))], node.shape)
