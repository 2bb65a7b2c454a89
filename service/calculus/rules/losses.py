"""What an entry of a prediction p and its target t contribute to each loss, as graphs."""

from service.calculus.applications import apply_elementwise
from service.calculus.graph import ONE, Node, Number
from service.calculus.rules.choices import GREATER_EQUAL, MAXIMUM, WHERE
from service.calculus.rules.elementwise import (
    ABS,
    LOG_COSH,
    SOFTPLUS,
    difference,
    one_minus,
    times,
)
from service.calculus.rules.learning_functions import log_softmax
from service.calculus.rules.related_logarithms import XLOG1PY, XLOGY
from service.calculus.terms import ZERO, add, filled, scaled
from service.errors import DomainError


def squared(p: Node, t: Node) -> Node:
    """(p − t)²."""
    return times(difference(p, t), exponents=(2 * ONE,))


def absolute(p: Node, t: Node) -> Node:
    """|p − t|."""
    return apply_elementwise(ABS, difference(p, t))


def huber(p: Node, t: Node, delta: Number) -> Node:
    """½ d² where |d| ≤ δ, else δ (|d| − ½ δ)."""
    if delta <= 0:
        raise DomainError(f"huber takes a positive delta, not {float(delta):g}")
    d = difference(p, t)
    size, bound = apply_elementwise(ABS, d), filled(delta, p.shape)
    near = times(d, exponents=(2 * ONE,), coefficient=(ONE / 2))
    far = scaled(difference(size, scaled(bound, (ONE / 2))), delta)
    return apply_elementwise(WHERE, apply_elementwise(GREATER_EQUAL, bound, size), near, far)


def log_cosh(p: Node, t: Node) -> Node:
    """ln cosh(p − t)."""
    return apply_elementwise(LOG_COSH, difference(p, t))


def binary_cross_entropy(p: Node, t: Node) -> Node:
    """−t ln p − (1 − t) ln(1 − p)."""
    yes = apply_elementwise(XLOGY, t, p)
    no = apply_elementwise(XLOG1PY, one_minus(t), scaled(p, -ONE))
    return add([(-ONE, yes), (-ONE, no)], p.shape)


def binary_cross_entropy_with_logits(p: Node, t: Node) -> Node:
    """t softplus(−z) + (1 − t) softplus(z): neither tail cancels."""
    yes = times(t, apply_elementwise(SOFTPLUS, scaled(p, -ONE)))
    no = times(one_minus(t), apply_elementwise(SOFTPLUS, p))
    return add([(ONE, yes), (ONE, no)], p.shape)


def cross_entropy(p: Node, t: Node) -> Node:
    """−t ln p."""
    return scaled(apply_elementwise(XLOGY, t, p), -ONE)


def cross_entropy_with_logits(p: Node, t: Node) -> Node:
    """−t ln softmax(p), along the last axis."""
    return times(t, log_softmax(p, -1), coefficient=-ONE)


def margin(p: Node, t: Node) -> Node:
    """1 − t p."""
    return one_minus(times(t, p))


def hinge(p: Node, t: Node) -> Node:
    """max(0, 1 − t p)."""
    return apply_elementwise(MAXIMUM, margin(p, t), filled(ZERO, p.shape))


def squared_hinge(p: Node, t: Node) -> Node:
    """max(0, 1 − t p)²."""
    return times(hinge(p, t), exponents=(2 * ONE,))


def poisson(p: Node, t: Node) -> Node:
    """p − t ln p."""
    return difference(p, apply_elementwise(XLOGY, t, p))


def quantile(p: Node, t: Node, level: Number) -> Node:
    """q max(0, t − p) + (1 − q) max(0, p − t)."""
    if not 0 < level < 1:
        raise DomainError(f"quantile takes a level between 0 and 1, not {float(level):g}")
    zero = filled(ZERO, p.shape)
    below = apply_elementwise(MAXIMUM, difference(t, p), zero)
    above = apply_elementwise(MAXIMUM, difference(p, t), zero)
    return add([(level, below), (ONE - level, above)], p.shape)


def kl_divergence(p: Node, t: Node) -> Node:
    """t ln t − t ln p."""
    return difference(apply_elementwise(XLOGY, t, t), apply_elementwise(XLOGY, t, p))
