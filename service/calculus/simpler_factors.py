"""Factors as simpler ones of the same value: even powers, and choices beside a comparison."""

from service.calculus.graph import (
    ONE,
    Elementwise,
    Factor,
    Node,
    Reduction,
    Sum,
)
from service.calculus.numbers import is_even, multiplied
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
