"""Where a factor is zero by its masks: there it hides what it multiplies, infinities too."""

from collections.abc import Sequence

from service.calculus.applications import apply_elementwise
from service.calculus.graph import ONE, Contraction, Elementwise, Factor, Node, Sum
from service.calculus.normal_form import contract
from service.calculus.rules.choices import NOT_EQUAL
from service.calculus.terms import ZERO, add, filled

_DEEPEST = 6


def support_of(node: Node, depth: int = _DEEPEST) -> Node | None:
    """An indicator of the node's shape: 0 where its masks make it 0; None if it has none.

    Masks of a sum hide where those of every term do. Masks deeper than `depth` are not seen.
    """
    if isinstance(node, Elementwise) and node.function.is_indicator:
        return node
    if isinstance(node, Contraction) and depth:
        masks = [
            Factor(mask, f.letters)
            for f in node.factors
            if f.exponent > 0 and (mask := support_of(f.node, depth - 1))
        ]
        if not masks:
            return None
        sizes = dict(enumerate(node.shape))
        product = contract(masks, range(node.ndim), sizes)
        return product if len(node.sizes) == node.ndim else _is_not_zero(product)
    if isinstance(node, Sum) and depth:
        supports = [support_of(term, depth - 1) for _, term in node.terms]
        known = [(ONE, s) for s in supports if s is not None]
        if len(known) == len(supports):
            return _is_not_zero(add(known, node.shape))
    return None


def hidden_masks(factors: Sequence[Factor], may_overflow: Sequence[bool]) -> list[Factor]:
    """The masks inside factors that must hide another factor, one that may overflow."""
    hidden = []
    for position, f in enumerate(factors):
        others = (*may_overflow[:position], *may_overflow[position + 1 :])
        if isinstance(f.node, Sum | Contraction) and f.exponent > 0 and any(others):
            support = support_of(f.node)
            if support is not None:
                hidden.append(Factor(support, f.letters))
    return hidden


def is_count(node: Node) -> bool:
    """Whether a node is a sum of products of indicators."""
    return isinstance(node, Contraction) and all(
        isinstance(f.node, Elementwise) and f.node.function.is_indicator for f in node.factors
    )


def _is_not_zero(node: Node) -> Node:
    return apply_elementwise(NOT_EQUAL, node, filled(ZERO, node.shape))
