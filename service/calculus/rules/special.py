"""The error function, the normal distribution and the gamma function, entry by entry.

Values come from SciPy; derivatives: Abramowitz & Stegun (1964), 6.3, 6.4, 7.1.19.
"""

from functools import cache, partial
from math import pi, sqrt

import numpy as np
from numpy.polynomial import Polynomial
from numpy.polynomial.hermite import herm2poly, hermval

from service.calculus.applications import apply_elementwise
from service.calculus.graph import ONE, Node
from service.calculus.rules.elementwise import EXP, Arguments, times
from service.calculus.rules.records import Array, ElementwiseFunction
from service.calculus.rules.scipy_functions import scipy_function
from service.calculus.terms import add, scaled

_ROOT_HALF = sqrt(0.5)
_ROOT_TWO_PI = sqrt(2 * pi)
_ERF_SLOPE = 2 / sqrt(pi)
_UNDERFLOW = 40.0
_FAR_BELOW = -64.0


@cache
def hermite(order: int) -> ElementwiseFunction:
    """H_k(x) exp(−x²), (−1)ᵏ times the kth derivative of exp(−x²): one function at each order.

    Apart, a power of x would overflow where the exponential is 0.
    """

    def forward(x: Array) -> Array:
        inside = np.clip(x, -_UNDERFLOW, _UNDERFLOW)
        polynomial = hermval(inside, [0] * order + [1])
        return np.asarray(polynomial * np.exp(-np.square(inside)))

    def slope(arguments: Arguments, _: Node) -> Node:
        return scaled(apply_elementwise(hermite(order + 1), *arguments), -ONE)

    return ElementwiseFunction(
        name=f"hermite_{order}",
        plain=lambda x: _hermite_plain(x, order),
        forward=forward,
        partials=(slope,),
        scratch=min(3.0 + order, 5.0),
    )


def _hermite_plain(x: Node, order: int) -> Node:
    """H_k(x) exp(−x²) with the polynomial by its powers of x."""
    coefficients = herm2poly([0] * order + [1])
    powers = [
        (int(c) * ONE, times(x, exponents=(k * ONE,))) for k, c in enumerate(coefficients) if c
    ]
    bell = apply_elementwise(EXP, times(x, exponents=(2 * ONE,), coefficient=-ONE))
    return times(add(powers, x.shape), bell)


def _normal_slope(arguments: Arguments, _: Node) -> Node:
    bell = apply_elementwise(hermite(0), scaled(arguments[0], _ROOT_HALF))
    return scaled(bell, 1 / _ROOT_TWO_PI)


ERF = ElementwiseFunction(
    name="erf",
    forward=scipy_function("erf"),
    partials=(lambda x, _: scaled(apply_elementwise(hermite(0), *x), _ERF_SLOPE),),
)
ERFC = ElementwiseFunction(
    name="erfc",
    forward=scipy_function("erfc"),
    partials=(lambda x, _: scaled(apply_elementwise(hermite(0), *x), -_ERF_SLOPE),),
)
NORMAL = ElementwiseFunction(
    name="normal_distribution",
    forward=scipy_function("ndtr"),
    partials=(_normal_slope,),
    plain=lambda x: scaled(apply_elementwise(ERFC, scaled(x, -_ROOT_HALF)), ONE / 2),
)


def _cotangent_slopes(x: Array, order: int) -> Array:
    """π dᵏ cot(πx) / dxᵏ, what ψ(1 − x) and ψ(x) differ by at the derivative of order k.

    Abramowitz & Stegun (1964), 6.4.7. By hand, for SciPy counts up to 0 in ones.
    """
    polynomial = Polynomial([0.0, 1.0])
    for _ in range(order):
        polynomial = -Polynomial([1.0, 0.0, 1.0]) * polynomial.deriv()
    rest = np.pi * (x - np.rint(x))
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.pi ** (order + 1) * polynomial(np.cos(rest) / np.sin(rest))
    return np.where(np.equal(rest, 0.0), (-1.0) ** order * np.inf, slopes)


@cache
def polygamma(order: int) -> ElementwiseFunction:
    """The derivative of this order of digamma, the logarithmic derivative of Γ."""
    compute = partial(scipy_function("polygamma"), order) if order else scipy_function("psi")

    def forward(x: Array) -> Array:
        if not order or not np.any(x < _FAR_BELOW):
            return np.asarray(compute(x))
        is_far = x < _FAR_BELOW
        near = compute(np.where(is_far, 1.0 - x, x))
        return np.where(is_far, (-1.0) ** order * near - _cotangent_slopes(x, order), near)

    return ElementwiseFunction(
        name=f"polygamma_{order}",
        spelled=("polygamma", str(order)) if order else ("digamma",),
        forward=forward,
        scratch=2.0 if order else 0.0,
        partials=(lambda x, _: apply_elementwise(polygamma(order + 1), *x),),
        may_overflow=True,
    )


LGAMMA = ElementwiseFunction(
    name="lgamma",
    forward=scipy_function("gammaln"),
    partials=(lambda x, _: apply_elementwise(polygamma(0), *x),),
    may_overflow=True,
)
