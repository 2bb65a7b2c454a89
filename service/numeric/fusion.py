"""Patterns of the graph that are computed by one kernel, because apart they lose digits."""

from collections.abc import Callable

import numpy as np

from service.calculus.graph import ONE, Contraction, Elementwise, Node, Number, Reduction, Sum
from service.calculus.rules.elementwise import EXP, SIGMOID, TANH, sigmoid_values
from service.calculus.rules.logarithms import LOG
from service.calculus.rules.reductions import LOGSUMEXP
from service.calculus.terms import add, number_of, unit_part
from service.numeric.kernels import softmax_values, tanh_slope_values
from service.numeric.plan import Values

Kernel = Callable[[Values], Values]
Key = tuple[object, ...]


def fused_elementwise(node: Elementwise) -> tuple[Key, Kernel, Node, bool] | None:
    """Key, kernel and operand of exp(x − logsumexp(x)) and log(1 + z).

    The last says whether the kernel reduces, and so needs every axis in full.
    """
    argument = node.arguments[0]
    if node.function is EXP:
        found = _softmax_argument(argument)
        if found is not None:
            inner, axes = found
            return ("softmax", axes), lambda x: softmax_values(x, axes), inner, True
    if node.function is LOG and isinstance(argument, Sum):
        rest = _less_one(argument)
        if rest is not None:
            return ("log1p",), np.log1p, rest, False
    return None


def fused_sum(node: Sum) -> tuple[Key, Kernel, Node, Number] | None:
    """Key, kernel, operand and coefficient of 1 − tanh², 1 − sigmoid and exp − 1."""
    if len(node.terms) != 2:
        return None
    for (c, one), (d, other) in (node.terms, node.terms[::-1]):
        if number_of(one) != 1 or c != -d:
            continue
        squared = _square_of(other)
        if isinstance(squared, Elementwise) and squared.function is TANH:
            return ("tanh_slope",), tanh_slope_values, squared.arguments[0], c
        if isinstance(other, Elementwise) and other.function is SIGMOID:
            return ("sigmoid_of_negative",), _sigmoid_of_negative, other.arguments[0], c
        if isinstance(other, Elementwise) and other.function is EXP:
            return ("expm1",), np.expm1, other.arguments[0], d
    return None


def _sigmoid_of_negative(x: Values) -> Values:
    return sigmoid_values(-x)


def _square_of(node: Node) -> Node | None:
    """x where the node is x² and nothing else."""
    if isinstance(node, Contraction) and node.coefficient == 1 and len(node.factors) == 1:
        inner, letters, exponent = node.factors[0]
        if exponent == 2 and letters == tuple(range(node.ndim)) == tuple(
            range(len(node.sizes))
        ):
            return inner
    return None


def _less_one(node: Sum) -> Node | None:
    """z where the node is 1 + z."""
    rest = [(c, t) for c, t in node.terms if number_of(t) is None]
    ones = [c for c, t in node.terms if number_of(t) is not None]
    return add(rest, node.shape) if ones == [1] and rest else None


def _softmax_argument(argument: Node) -> tuple[Node, tuple[int, ...]] | None:
    """x and the axes where the argument is x − logsumexp(x)."""
    sign, unit = unit_part(argument)
    if not isinstance(unit, Sum) or abs(sign) != 1:
        return None
    for k, (coefficient, term) in enumerate(unit.terms):
        if sign * coefficient != -1 or not isinstance(term, Contraction):
            continue
        inner = term.factors[0].node if len(term.factors) == 1 else None
        if not isinstance(inner, Reduction) or inner.function is not LOGSUMEXP:
            continue
        rest = [(sign * c, t) for m, (c, t) in enumerate(unit.terms) if m != k]
        x = add(rest, argument.shape)
        if x is inner.argument and term.factors[0].exponent == ONE:
            kept = tuple(axis for axis in range(x.ndim) if axis not in inner.axes)
            if term.factors[0].letters == kept:
                return x, inner.axes
    return None
