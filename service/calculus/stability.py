"""The rewrites of products that keep values and derivatives finite.

The logarithm's own are in `rules/logarithms.py`, the roots' in `rules/operators.py`.
"""

from service.calculus.applications import apply_elementwise, apply_reduction
from service.calculus.graph import (
    ONE,
    Contraction,
    Elementwise,
    Factor,
    Node,
    Reduction,
)
from service.calculus.normal_form import contract
from service.calculus.numbers import added
from service.calculus.rules.elementwise import EXP, QUOTIENT, SIGMOID, difference
from service.calculus.rules.logarithms import one_plus_exp, summed_exp
from service.calculus.rules.reductions import LOGSUMEXP, NORM2, spread
from service.calculus.terms import scaled


def stable_product(node: Node) -> Node:
    """A product with its quotients of exponentials and norms as functions that stay finite."""
    if not isinstance(node, Contraction) or not any(f.exponent < 0 for f in node.factors):
        return node
    factors = list(node.factors)
    changed = False
    for divisor in node.factors:
        replaced = divisor.exponent < 0 and _replacement(divisor, factors)
        if replaced:
            factors = replaced
            changed = True
    if not changed:
        return node
    return contract(factors, range(node.ndim), dict(enumerate(node.sizes)), node.coefficient)


def _replacement(divisor: Factor, factors: list[Factor]) -> list[Factor] | None:
    """The factors without this divisor, where another form of the quotient is stable."""
    rest = [f for f in factors if f is not divisor]
    exponent = one_plus_exp(divisor.node)
    if exponent is not None:
        return _logistic(divisor, exponent, rest)
    if divisor.exponent != -1:
        return None
    for position, f in enumerate(rest):
        if f.exponent != 1:
            continue
        quotient = _softmax(f, divisor) or _normalized(f, divisor)
        if quotient is not None:
            rest[position] = Factor(quotient, f.letters)
            return rest
    return None


def _logistic(divisor: Factor, exponent: Node, rest: list[Factor]) -> list[Factor]:
    """(1 + exp z)⁻ᵏ as sigmoid(−z)ᵏ; beside exp(z)ᵖ, p ≤ k, as sigmoid(z)ᵖ sigmoid(−z)ᵏ⁻ᵖ."""
    count = -divisor.exponent
    complement = apply_elementwise(SIGMOID, scaled(exponent, -ONE))
    for position, f in enumerate(rest):
        is_exp = isinstance(f.node, Elementwise) and f.node.function is EXP
        is_beside = f.letters == divisor.letters and 0 < f.exponent <= count
        if is_exp and is_beside and f.node.operands[0] is exponent:
            rest[position] = Factor(apply_elementwise(SIGMOID, exponent), f.letters, f.exponent)
            left = added(count, -f.exponent)
            return [*rest, Factor(complement, divisor.letters, left)] if left else rest
    return [*rest, Factor(complement, divisor.letters, count)]


def _softmax(numerator: Factor, divisor: Factor) -> Node | None:
    """exp(z) / Σ exp(z) as exp(z − logsumexp(z))."""
    node = numerator.node
    if not isinstance(node, Elementwise) or node.function is not EXP:
        return None
    argument = node.arguments[0]
    axes = _reduced_axes(numerator, divisor)
    if axes is None or summed_exp(divisor.node) is not apply_reduction(
        LOGSUMEXP, argument, axes
    ):
        return None
    total = spread(apply_reduction(LOGSUMEXP, argument, axes), argument, axes)
    return apply_elementwise(EXP, difference(argument, total))


def _normalized(numerator: Factor, divisor: Factor) -> Node | None:
    """x / norm2(x) as the quotient that is 0 at x = 0."""
    norm = divisor.node
    axes = _reduced_axes(numerator, divisor)
    if axes is None or not isinstance(norm, Reduction) or norm.function is not NORM2:
        return None
    if norm.argument is not numerator.node or norm.axes != axes:
        return None
    return apply_elementwise(QUOTIENT, numerator.node, spread(norm, numerator.node, axes))


def _reduced_axes(numerator: Factor, divisor: Factor) -> tuple[int, ...] | None:
    """The numerator's axes that the divisor lacks, where the others stand in its order."""
    axes = tuple(k for k, x in enumerate(numerator.letters) if x not in divisor.letters)
    kept = tuple(x for x in numerator.letters if x in divisor.letters)
    return axes if axes and kept == divisor.letters else None
