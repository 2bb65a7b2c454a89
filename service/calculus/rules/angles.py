"""Circular and hyperbolic functions and their inverses, entry by entry."""

import numpy as np

from service.calculus.applications import apply_elementwise
from service.calculus.graph import ONE, Node
from service.calculus.rules.elementwise import (
    Arguments,
    less_one,
    one_minus,
    one_plus,
    times,
)
from service.calculus.rules.records import Array, ElementwiseFunction
from service.calculus.terms import filled, scaled

_HALF = ONE / 2


def _one_plus_square(x: Node) -> Node:
    return one_plus(times(x, exponents=(2 * ONE,)))


def one_less_square_values(x: Array) -> Array:
    """1 − x² by its two factors, to the last digits near ±1."""
    return np.asarray((1.0 - x) * (1.0 + x))


def _arcsin_slope(arguments: Arguments, _: Node) -> Node:
    return times(apply_elementwise(ONE_LESS_SQUARE, *arguments), exponents=(-_HALF,))


def _arccosh_slope(arguments: Arguments, _: Node) -> Node:
    (x,) = arguments
    return times(less_one(x), one_plus(x), exponents=(-_HALF, -_HALF))


def _arctanh_slope(arguments: Arguments, _: Node) -> Node:
    return times(apply_elementwise(ONE_LESS_SQUARE, *arguments), exponents=(-ONE,))


def _arcsinh_slope(arguments: Arguments, _: Node) -> Node:
    """(1 + x²)^−½ without the square, which overflows."""
    (x,) = arguments
    root = apply_elementwise(HYPOT, x, filled(ONE, x.shape))
    return times(root, exponents=(-ONE,))


def cosine_values(x: Array, y: Array) -> Array:
    """x / hypot(x, y), the cosine of the angle of (x, y), and 0 at the origin."""
    radius = np.hypot(x, y)
    return np.divide(x, radius, out=np.zeros(radius.shape), where=np.not_equal(radius, 0.0))


def _cosine_partials(x: Node, y: Node) -> tuple[Node, Node, Node]:
    """The cosine, the sine and 1 / radius of the point (x, y)."""
    cosine, sine = apply_elementwise(COSINE, x, y), apply_elementwise(COSINE, y, x)
    return cosine, sine, times(apply_elementwise(HYPOT, x, y), exponents=(-ONE,))


def _cosine_by_x(arguments: Arguments, _: Node) -> Node:
    """y² / r³ as sine² / r: nothing cancels or overflows."""
    _, sine, inverse_radius = _cosine_partials(*arguments)
    return times(sine, inverse_radius, exponents=(2 * ONE, ONE))


def _cosine_by_y(arguments: Arguments, _: Node) -> Node:
    cosine, sine, inverse_radius = _cosine_partials(*arguments)
    return times(cosine, sine, inverse_radius, coefficient=-ONE)


def _angle_by_first(arguments: Arguments, _: Node) -> Node:
    """∂/∂y of the angle of (x, y): x / r² as cosine / r."""
    y, x = arguments
    cosine, _, inverse_radius = _cosine_partials(x, y)
    return times(cosine, inverse_radius)


def _angle_by_second(arguments: Arguments, _: Node) -> Node:
    y, x = arguments
    _, sine, inverse_radius = _cosine_partials(x, y)
    return times(sine, inverse_radius, coefficient=-ONE)


TAN = ElementwiseFunction(
    name="tan",
    forward=np.tan,
    partials=(lambda _, y: _one_plus_square(y),),
)
ONE_LESS_SQUARE = ElementwiseFunction(
    name="one_less_square",
    forward=one_less_square_values,
    scratch=1.0,
    partials=(lambda x, _: scaled(x[0], -2 * ONE),),
    plain=lambda x: one_minus(times(x, exponents=(2 * ONE,))),
)
ARCSIN = ElementwiseFunction(
    name="arcsin", forward=np.arcsin, partials=(_arcsin_slope,), may_overflow=True
)
ARCCOS = ElementwiseFunction(
    name="arccos",
    forward=np.arccos,
    partials=(lambda x, y: scaled(_arcsin_slope(x, y), -ONE),),
    may_overflow=True,
)
ARCTAN = ElementwiseFunction(
    name="arctan",
    forward=np.arctan,
    partials=(lambda x, _: times(_one_plus_square(x[0]), exponents=(-ONE,)),),
)
SINH = ElementwiseFunction(
    name="sinh",
    forward=np.sinh,
    partials=(lambda x, _: apply_elementwise(COSH, *x),),
    may_overflow=True,
)
COSH: ElementwiseFunction = ElementwiseFunction(
    name="cosh",
    forward=np.cosh,
    partials=(lambda x, _: apply_elementwise(SINH, *x),),
    may_overflow=True,
)
ARCSINH = ElementwiseFunction(name="arcsinh", forward=np.arcsinh, partials=(_arcsinh_slope,))
ARCCOSH = ElementwiseFunction(
    name="arccosh", forward=np.arccosh, partials=(_arccosh_slope,), may_overflow=True
)
ARCTANH = ElementwiseFunction(
    name="arctanh", forward=np.arctanh, partials=(_arctanh_slope,), may_overflow=True
)
COSINE = ElementwiseFunction(
    name="cosine_of_point",
    forward=cosine_values,
    scratch=1.25,
    partials=(_cosine_by_x, _cosine_by_y),
    plain=lambda x, y: times(x, apply_elementwise(HYPOT, x, y), exponents=(ONE, -ONE)),
)
HYPOT: ElementwiseFunction = ElementwiseFunction(
    name="hypot",
    forward=np.hypot,
    partials=(
        lambda x, _: apply_elementwise(COSINE, *x),
        lambda x, _: apply_elementwise(COSINE, *x[::-1]),
    ),
    may_overflow=True,
    is_symmetric=True,
)
ARCTAN2 = ElementwiseFunction(
    name="arctan2", forward=np.arctan2, partials=(_angle_by_first, _angle_by_second)
)
