"""Functions made of logarithms that keep their digits where log alone would lose them."""

from collections.abc import Callable
from math import log

import numpy as np

from service.calculus.applications import apply_elementwise
from service.calculus.graph import ONE, Elementwise, LinearAlgebra, Node
from service.calculus.rules.elementwise import (
    EXP,
    EXPM1,
    SIGMOID,
    Arguments,
    difference,
    one_minus,
    one_plus,
    times,
)
from service.calculus.rules.logarithms import LOG
from service.calculus.rules.records import Array, ElementwiseFunction
from service.calculus.rules.scipy_functions import scipy_function
from service.calculus.terms import scaled, unit_part


def logit_values(x: Array) -> Array:
    """log(x / (1 − x)): by arctanh around ½, where the two logarithms would cancel."""
    middle = 2.0 * np.arctanh(np.clip(2.0 * x - 1.0, -0.5, 0.5))
    ends = np.log(x) - np.log1p(-x)
    return np.where(np.abs(x - 0.5) < 0.25, middle, ends)


def variance_values(x: Array) -> Array:
    """x (1 − x), the variance of an event of this probability."""
    return np.asarray(x * (1.0 - x))


def _one_minus_twice(arguments: Arguments, _: Node) -> Node:
    return one_minus(scaled(arguments[0], 2 * ONE))


def ratio_values(x: Array, y: Array) -> Array:
    """x / y, and 0 where both are 0."""
    is_empty = (np.asarray(x) == 0) & (np.asarray(y) == 0)
    return np.where(is_empty, 0.0, np.divide(x, np.where(is_empty, 1.0, y)))


def _to_base(base: float) -> Callable[[Arguments], Node | None]:
    """The stable form of the natural logarithm, where it has one, in another base."""

    def simplify(arguments: Arguments) -> Node | None:
        natural = LOG.simplify(arguments)
        return None if natural is None else scaled(natural, 1 / log(base))

    return simplify


def _base_slope(base: float) -> Callable[[Arguments, Node], Node]:
    return lambda x, _: times(x[0], exponents=(-ONE,), coefficient=1 / log(base))


def _log1p_simplified(arguments: Arguments) -> Node | None:
    (x,) = arguments
    if isinstance(x, Elementwise) and x.function is EXPM1:
        return x.arguments[0]
    coefficient, unit = unit_part(x)
    if coefficient == -1 and isinstance(unit, Elementwise) and unit.function is EXP:
        return apply_elementwise(LOG, one_plus(x))
    return LOG.simplify((one_plus(x),))


def _logit_simplified(arguments: Arguments) -> Node | None:
    (x,) = arguments
    is_sigmoid = isinstance(x, Elementwise) and x.function is SIGMOID
    return x.operands[0] if is_sigmoid else None


def _with_log(logarithm: ElementwiseFunction) -> Callable[[Arguments], Node | None]:
    """x · the stable form of the logarithm, where it is one that stays finite."""

    def simplify(arguments: Arguments) -> Node | None:
        x, y = arguments
        stable = logarithm.simplify((y,))
        if stable is None or isinstance(stable, LinearAlgebra):
            return None
        return times(x, stable)

    return simplify


LOG2 = ElementwiseFunction(
    name="log2",
    forward=np.log2,
    partials=(_base_slope(2),),
    simplify=_to_base(2),
    may_overflow=True,
)
LOG10 = ElementwiseFunction(
    name="log10",
    forward=np.log10,
    partials=(_base_slope(10),),
    simplify=_to_base(10),
    may_overflow=True,
)
LOG1P = ElementwiseFunction(
    name="log1p",
    forward=np.log1p,
    partials=(lambda x, _: times(one_plus(x[0]), exponents=(-ONE,)),),
    simplify=_log1p_simplified,
    may_overflow=True,
)
VARIANCE = ElementwiseFunction(
    name="variance_of_probability",
    forward=variance_values,
    plain=lambda x: times(x, one_minus(x)),
    partials=(_one_minus_twice,),
)
LOGIT = ElementwiseFunction(
    name="logit",
    forward=logit_values,
    scratch=3.0,
    partials=(lambda x, _: times(apply_elementwise(VARIANCE, *x), exponents=(-ONE,)),),
    simplify=_logit_simplified,
    may_overflow=True,
)
LOGADDEXP = ElementwiseFunction(
    name="logaddexp",
    forward=np.logaddexp,
    partials=(
        lambda x, _: apply_elementwise(SIGMOID, difference(x[0], x[1])),
        lambda x, _: apply_elementwise(SIGMOID, difference(x[1], x[0])),
    ),
    is_symmetric=True,
)
RATIO: ElementwiseFunction = ElementwiseFunction(
    name="ratio_of_zeros_is_zero",
    forward=ratio_values,
    plain=lambda x, y: times(x, y, exponents=(ONE, -ONE)),
    scratch=1.25,
    partials=(
        lambda x, _: times(x[1], exponents=(-ONE,)),
        lambda x, y: scaled(apply_elementwise(RATIO, y, x[1]), -ONE),
    ),
    may_overflow=True,
)
XLOGY = ElementwiseFunction(
    name="xlogy",
    forward=scipy_function("xlogy"),
    partials=(
        lambda x, _: apply_elementwise(LOG, x[1]),
        lambda x, _: apply_elementwise(RATIO, *x),
    ),
    simplify=_with_log(LOG),
    may_overflow=True,
)
XLOG1PY = ElementwiseFunction(
    name="xlog1py",
    plain=lambda x, y: apply_elementwise(XLOGY, x, one_plus(y)),
    forward=scipy_function("xlog1py"),
    partials=(
        lambda x, _: apply_elementwise(LOG1P, x[1]),
        lambda x, _: apply_elementwise(RATIO, x[0], one_plus(x[1])),
    ),
    simplify=_with_log(LOG1P),
    may_overflow=True,
)
