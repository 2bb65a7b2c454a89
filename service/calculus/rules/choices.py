"""Comparisons and choices: indicators, where, maximum, minimum, and their ties.

Indicators are 0 or 1 and are applied by selection; their derivative is 0.
"""

from collections.abc import Callable

import numpy as np

from service.calculus.applications import apply_elementwise
from service.calculus.axes import broadcast, carried_axes, without_axes
from service.calculus.graph import ONE, Contraction, Elementwise, Node
from service.calculus.rules.elementwise import Arguments, difference, zero_like
from service.calculus.rules.records import Array, ElementwiseFunction
from service.calculus.terms import ZERO, filled, number_of

_HALF = ONE / 2


def _same(value: int) -> Callable[[Arguments], Node | None]:
    def simplify(arguments: Arguments) -> Node | None:
        if arguments[0] is arguments[1]:
            return filled(value * ONE, arguments[0].shape)
        return None

    return simplify


def _comparison(
    name: str, forward: Callable[..., Array], *, at_equality: int
) -> ElementwiseFunction:
    return ElementwiseFunction(
        name=name,
        forward=forward,
        partials=(zero_like, zero_like),
        simplify=_same(at_equality),
        is_indicator=True,
        is_symmetric=name in ("equal", "not_equal"),
    )


GREATER = _comparison("greater", np.greater, at_equality=0)
GREATER_EQUAL = _comparison("greater_equal", np.greater_equal, at_equality=1)
EQUAL = _comparison("equal", np.equal, at_equality=1)
NOT_EQUAL = _comparison("not_equal", np.not_equal, at_equality=0)


def _is_at_step(arguments: Arguments, _: Node) -> Node:
    return apply_elementwise(EQUAL, arguments[0], filled(ZERO, arguments[0].shape))


HEAVISIDE = ElementwiseFunction(
    name="heaviside", forward=np.heaviside, partials=(zero_like, _is_at_step)
)


def is_indicator(node: Node) -> bool:
    """Whether every entry of a node is 0 or 1 by its formula, a broadcast one included."""
    if isinstance(node, Contraction):
        is_product = node.coefficient == 1 and len(node.sizes) == node.ndim
        return is_product and all(f.exponent > 0 and is_indicator(f.node) for f in node.factors)
    return isinstance(node, Elementwise) and node.function.is_indicator


def complement(indicator: Node) -> Node:
    """1 where the indicator is 0, and 0 where it is 1."""
    carried = carried_axes(indicator)
    constant_axes = frozenset(range(indicator.ndim)) - carried
    if constant_axes:
        inner = complement(without_axes(indicator, constant_axes))
        return broadcast(inner, indicator.shape, sorted(carried))
    if isinstance(indicator, Elementwise):
        first, *rest = indicator.arguments
        if indicator.function is GREATER:
            return apply_elementwise(GREATER_EQUAL, rest[0], first)
        if indicator.function is GREATER_EQUAL:
            return apply_elementwise(GREATER, rest[0], first)
        if indicator.function in (EQUAL, NOT_EQUAL):
            opposite = NOT_EQUAL if indicator.function is EQUAL else EQUAL
            return apply_elementwise(opposite, first, rest[0])
    return apply_elementwise(EQUAL, indicator, filled(ZERO, indicator.shape))


def _where_simplified(arguments: Arguments) -> Node | None:
    condition, yes, no = arguments
    chosen = number_of(condition)
    if yes is no:
        return yes
    if chosen is not None:
        return yes if chosen else no
    if not is_indicator(condition):
        truth = apply_elementwise(NOT_EQUAL, condition, filled(ZERO, condition.shape))
        return apply_elementwise(WHERE, truth, yes, no)
    return None


WHERE = ElementwiseFunction(
    name="where",
    takes_masks=True,
    forward=np.where,
    partials=(zero_like, lambda x, _: x[0], lambda x, _: complement(x[0])),
    simplify=_where_simplified,
)


def _tie_simplified(arguments: Arguments) -> Node | None:
    return arguments[0] if arguments[0] is arguments[1] else None


def _tie_partial(position: int, sign: int) -> Callable[[Arguments, Node], Node]:
    def partial(arguments: Arguments, _: Node) -> Node:
        own, other = arguments[position], arguments[1 - position]
        larger, smaller = (own, other) if sign > 0 else (other, own)
        if not other.variables:
            return apply_elementwise(GREATER, larger, smaller)
        half = filled(_HALF, own.shape)
        return apply_elementwise(HEAVISIDE, difference(larger, smaller), half)

    return partial


def _given(position: int) -> Callable[[Arguments, Arguments], Node | None]:
    def chosen(arguments: Arguments, compared: Arguments) -> Node | None:
        return compared[position] if set(arguments) == set(compared) else None

    return chosen


MAXIMUM = ElementwiseFunction(
    name="maximum",
    forward=np.maximum,
    partials=(_tie_partial(0, 1), _tie_partial(1, 1)),
    simplify=_tie_simplified,
    is_symmetric=True,
    given_greater=_given(0),
)
MINIMUM = ElementwiseFunction(
    name="minimum",
    forward=np.minimum,
    partials=(_tie_partial(0, -1), _tie_partial(1, -1)),
    simplify=_tie_simplified,
    is_symmetric=True,
    given_greater=_given(1),
)
