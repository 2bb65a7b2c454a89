"""Patterns of the graph that are computed by one kernel, because apart they lose digits."""

from collections.abc import Callable

import numpy as np

from service.calculus.graph import ONE, Contraction, Elementwise, Node, Number, Reduction, Sum
from service.calculus.rules.angles import COSH
from service.calculus.rules.elementwise import COS, EXP, SIGMOID, TANH, sigmoid_values
from service.calculus.rules.logarithms import LOG
from service.calculus.rules.records import ElementwiseFunction, ReductionFunction
from service.calculus.rules.reductions import LOGSUMEXP, MAX, shifted_logsumexp_values
from service.calculus.rules.related_logarithms import LOG2, LOG10
from service.calculus.rules.special import ERF, ERFC
from service.calculus.terms import add, number_of, unit_part
from service.numeric.kernels import (
    log1p_to_base_values,
    log_one_minus_exp_values,
    softmax_values,
    tanh_slope_values,
)
from service.numeric.plan import Values

Kernel = Callable[[Values], Values]
Key = tuple[object, ...]
# What a kernel of this file holds beside its result at the most, in arrays of its size.
SCRATCH = 3.25


def fused_elementwise(node: Elementwise) -> tuple[Key, Kernel, Node, bool] | None:
    """Key, kernel and operand of exp(x − logsumexp(x)), log(1 − exp(z)) and log(1 + z).

    The last says whether the kernel reduces, and so needs every axis in full.
    """
    argument = node.arguments[0]
    if node.function is EXP:
        found = _less_reduction(argument, LOGSUMEXP)
        if found is not None:
            inner, axes = found
            return ("softmax", axes), lambda x: softmax_values(x, axes), inner, True
    if node.function is LOG:
        rest = _less_one(argument)
        negative, power = (1, rest) if rest is None else unit_part(rest)
        if negative == -1 and isinstance(power, Elementwise) and power.function is EXP:
            return ("log_one_minus_exp",), log_one_minus_exp_values, power.arguments[0], False
        if rest is not None:
            return ("log1p",), np.log1p, rest, False
    if node.function in (LOG2, LOG10):
        rest = _less_one(argument)
        if rest is not None:
            base = 2.0 if node.function is LOG2 else 10.0
            return ("log1p", base), lambda x: log1p_to_base_values(x, base), rest, False
    return None


def fused_reduction(node: Reduction) -> tuple[Key, Kernel] | None:
    """Key and kernel of logsumexp(x − max(x)), on the reduction's own argument."""
    if node.function is LOGSUMEXP:
        found = _less_reduction(node.argument, MAX)
        if found is not None and found[1] == node.axes:
            axes = node.axes
            return ("shifted_logsumexp", axes), lambda x: shifted_logsumexp_values(x, axes)
    return None


def fused_sum(node: Sum) -> tuple[Key, Kernel, Node, Number] | None:
    """Key, kernel, operand and coefficient of 1 − tanh², exp − 1, and _BESIDE_ONE's 1 − f."""
    if len(node.terms) != 2:
        return None
    for (c, one), (d, other) in (node.terms, node.terms[::-1]):
        if number_of(one) != 1 or c != -d:
            continue
        squared = _square_of(other)
        if isinstance(squared, Elementwise) and squared.function is TANH:
            return ("tanh_slope",), tanh_slope_values, squared.arguments[0], c
        if not isinstance(other, Elementwise):
            continue
        if other.function in _BESIDE_ONE:
            name, kernel = _BESIDE_ONE[other.function]
            return (name,), kernel, other.arguments[0], c
        if other.function is EXP:
            return ("expm1",), np.expm1, other.arguments[0], d
    return None


# The kernel of 1 − f where f may be almost 1.
_BESIDE_ONE: dict[ElementwiseFunction, tuple[str, Kernel]] = {
    SIGMOID: ("sigmoid_of_negative", lambda x: sigmoid_values(-x)),
    TANH: ("one_minus_tanh", lambda x: 2.0 * sigmoid_values(-2.0 * x)),
    COSH: ("one_minus_cosh", lambda x: -2.0 * np.square(np.sinh(0.5 * x))),
    ERF: ("erfc", ERFC.forward),
    ERFC: ("erf", ERF.forward),
    COS: ("one_minus_cos", lambda x: 2.0 * np.square(np.sin(0.5 * x))),
}


def _square_of(node: Node) -> Node | None:
    """x where the node is x² and nothing else."""
    if isinstance(node, Contraction) and node.coefficient == 1 and len(node.factors) == 1:
        inner, letters, exponent = node.factors[0]
        if exponent == 2 and letters == tuple(range(node.ndim)) == tuple(
            range(len(node.sizes))
        ):
            return inner
    return None


def _less_one(node: Node) -> Node | None:
    """z where the node is 1 + z, of either sign."""
    sign, unit = unit_part(node)
    if not isinstance(unit, Sum) or abs(sign) != 1:
        return None
    rest = [(sign * c, t) for c, t in unit.terms if number_of(t) is None]
    ones = [sign * c for c, t in unit.terms if number_of(t) is not None]
    return add(rest, node.shape) if ones == [1] and rest else None


def _less_reduction(
    argument: Node, function: ReductionFunction
) -> tuple[Node, tuple[int, ...]] | None:
    """x and the axes where the argument is x − f(x)."""
    sign, unit = unit_part(argument)
    if not isinstance(unit, Sum) or abs(sign) != 1:
        return None
    for k, (coefficient, term) in enumerate(unit.terms):
        if sign * coefficient != -1 or not isinstance(term, Contraction):
            continue
        inner = term.factors[0].node if len(term.factors) == 1 else None
        if not isinstance(inner, Reduction) or inner.function is not function:
            continue
        rest = [(sign * c, t) for m, (c, t) in enumerate(unit.terms) if m != k]
        x = add(rest, argument.shape)
        if x is inner.argument and term.factors[0].exponent == ONE:
            kept = tuple(axis for axis in range(x.ndim) if axis not in inner.axes)
            if term.factors[0].letters == kept:
                return x, inner.axes
    return None
