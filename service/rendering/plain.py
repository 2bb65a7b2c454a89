"""A graph as it is to be written: by functions that the language names, with common factors.

Everything that changes the graph is done here, so that the text says the graph it is made from.
"""

from service.calculus.graph import (
    Contraction,
    Elementwise,
    LinearAlgebra,
    Node,
    Reduction,
    Sum,
    topological,
)
from service.calculus.rebuilding import rebuilt
from service.calculus.terms import scaled, unit_part
from service.rendering.expanding import (
    cancelled_quotients,
    logistic_difference,
    multiplied_out,
    over_common_denominator,
)
from service.rendering.factoring import (
    common_factor,
    paired_with_transposes,
    without_common_factors,
)
from service.rendering.patterns import (
    normalized_axes,
    shifted_by_logsumexp,
    split_by_condition,
    with_inverse,
    with_whole_cases,
)

_MOST_ROUNDS = 4


def plain_graph(root: Node) -> Node:
    """The graph with every function that the language has not in terms of others.

    It has the same value wherever those are finite. Products are flattened as far as they go:
    some were too long to be before their deltas were resolved.
    """
    for _ in range(_MOST_ROUNDS):
        made: dict[Node, Node] = {}
        for node in topological([root]):
            made[node] = _rebuilt(node, made)
        if made[root] is root:
            break
        root = made[root]
    return root


def _factored(node: Node) -> Node:
    """A sum with what its terms share in front of it, or as two cases."""
    content, unit = unit_part(node)
    if isinstance(unit, Sum) and shifted_by_logsumexp(unit) is None:
        for pattern in (
            logistic_difference,
            multiplied_out,
            over_common_denominator,
            without_common_factors,
            common_factor,
            split_by_condition,
            paired_with_transposes,
        ):
            found = pattern(unit.terms, unit.shape)
            if found is not None:
                return scaled(found, content)
    return node


def _simpler_product(node: Contraction) -> Node:
    """A product by the first pattern that makes another of it."""
    patterns = (with_whole_cases, with_inverse, cancelled_quotients)
    return next((made for pattern in patterns if (made := pattern(node)) is not node), node)


def _plain_of(node: Node) -> bool:
    """Whether a node is a function that the language has no name for."""
    if isinstance(node, Elementwise) and node.function.plain is not None:
        return normalized_axes(*node.arguments[:2]) is None if _is_quotient(node) else True
    return isinstance(node, Reduction | LinearAlgebra) and node.function.plain is not None


def _is_quotient(node: Elementwise) -> bool:
    return node.function.name == "quotient_or_zero"


def _rebuilt(node: Node, made: dict[Node, Node]) -> Node:
    if not _plain_of(node):
        again = rebuilt(node, made)
        if isinstance(node, Sum):
            return _factored(again)
        return _simpler_product(again) if isinstance(again, Contraction) else again
    if isinstance(node, Elementwise):
        assert node.function.plain is not None
        return plain_graph(node.function.plain(*(made[a] for a in node.arguments)))
    if isinstance(node, Reduction):
        assert node.function.plain is not None
        return plain_graph(node.function.plain(made[node.argument], node.axes))
    assert isinstance(node, LinearAlgebra)
    assert node.function.plain is not None
    return plain_graph(node.function.plain(made[node.arguments[0]]))
