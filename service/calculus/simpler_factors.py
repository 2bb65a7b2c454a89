"""Factors as simpler ones: even powers, choices beside a comparison, products taken apart."""

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
from service.calculus.terms import add


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
