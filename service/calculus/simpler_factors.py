"""Factors as simpler ones: even powers, choices beside a comparison, products taken apart."""

from service.calculus.canonical import orientation
from service.calculus.graph import (
    ONE,
    Contraction,
    Elementwise,
    Factor,
    Node,
    Number,
    Reduction,
    Sum,
)
from service.calculus.numbers import is_even, is_whole, keeps_range, multiplied
from service.calculus.selections import STRUCTURAL
from service.calculus.terms import add, unit_part


def even_power(factor: Factor) -> Factor:
    """An even power of a norm or an absolute value as a power of its square."""
    node, letters, exponent = factor
    if is_even(exponent) and isinstance(node, Elementwise) and node.function.is_magnitude:
        return Factor(node.arguments[0], letters, exponent)
    if is_even(exponent) and isinstance(node, Reduction) and node.function.square:
        square = node.function.square(node.argument, node.axes)
        return Factor(square, letters, multiplied(exponent, ONE / 2))
    return factor


def chosen_beside(node: Node, compared: tuple[Node, ...]) -> Node | None:
    """What a node is where compared[0] > compared[1], if that makes it simpler."""
    if isinstance(node, Elementwise) and node.function.given_greater:
        return node.function.given_greater(node.arguments, compared)
    if isinstance(node, Sum):
        terms = [
            (c, chosen_beside(t, compared) or t)
            for c, t in node.terms
            if not isinstance(t, Sum)
        ]
        if any(new is not old for (_, new), (_, old) in zip(terms, node.terms, strict=True)):
            return add(terms, node.shape)
    return None


def flattens(factor: Factor, beside: Number = ONE) -> bool:
    """Whether a factor's own factors can take its place, beside this coefficient."""
    node = factor.node
    if not isinstance(node, Contraction):
        return False
    if not node.factors:
        return True
    if not keeps_range(node.coefficient, factor.exponent, beside):
        return False
    if factor.exponent == 1:
        return bool(node.ndim) or not node.sizes
    return (
        is_whole(factor.exponent)
        and len(node.sizes) == node.ndim
        and not any(isinstance(f.node, STRUCTURAL) for f in node.factors)
    )


def centred(node: Node) -> Sum | None:
    """The sum that a factor is, or is a multiple of along every axis it may be reduced over."""
    if isinstance(node, Elementwise) and node.function.name == "quotient_or_zero":
        numerator, divisor = node.arguments
        is_even = isinstance(divisor, Contraction) and not any(
            f.letters for f in divisor.factors
        )
        return numerator if isinstance(numerator, Sum) and is_even else None
    return node if isinstance(node, Sum) else None


def oriented(node: Sum, transposed: Node) -> tuple[Number, Node]:
    """A number and the matrix that times it is the sum's transpose, or 1 and the sum itself.

    The transpose is taken where it is written with fewer transposes, or its digest is smaller.
    """
    sign, turned = unit_part(transposed)
    if not isinstance(turned, Sum) or orientation(node) <= orientation(turned):
        return ONE, node
    return sign, turned
