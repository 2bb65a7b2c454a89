"""A graph in terms of functions that the language names."""

from service.calculus.applications import (
    apply_elementwise,
    apply_matrix,
    apply_reduction,
    stack,
)
from service.calculus.graph import (
    Contraction,
    Elementwise,
    Factor,
    LinearAlgebra,
    Node,
    Reduction,
    Stack,
    Sum,
    topological,
)
from service.calculus.normal_form import contract
from service.calculus.terms import add
from service.rendering.patterns import normalized_axes


def plain_graph(root: Node) -> Node:
    """The graph with every function that the language has not in terms of others.

    It has the same value wherever those are finite.
    """
    order = topological([root])
    if not any(_plain_of(node) for node in order):
        return root
    made: dict[Node, Node] = {}
    for node in order:
        made[node] = _rebuilt(node, made)
    return made[root]


def _plain_of(node: Node) -> bool:
    """Whether a node is a function that the language has no name for."""
    if isinstance(node, Elementwise) and node.function.plain is not None:
        return normalized_axes(*node.arguments[:2]) is None if _is_quotient(node) else True
    return isinstance(node, Reduction | LinearAlgebra) and node.function.plain is not None


def _is_quotient(node: Elementwise) -> bool:
    return node.function.name == "quotient_or_zero"


def _rebuilt(node: Node, made: dict[Node, Node]) -> Node:
    if all(made[o] is o for o in node.operands) and not _plain_of(node):
        return node
    if isinstance(node, Contraction):
        factors = [Factor(made[f.node], f.letters, f.exponent) for f in node.factors]
        sizes = dict(enumerate(node.sizes))
        return contract(factors, range(node.ndim), sizes, node.coefficient)
    if isinstance(node, Sum):
        return add([(c, made[t]) for c, t in node.terms], node.shape)
    if isinstance(node, Elementwise):
        arguments = [made[a] for a in node.arguments]
        if node.function.plain is not None and _plain_of(node):
            return plain_graph(node.function.plain(*arguments))
        return apply_elementwise(node.function, *arguments)
    if isinstance(node, Reduction):
        if node.function.plain is not None:
            return plain_graph(node.function.plain(made[node.argument], node.axes))
        return apply_reduction(node.function, made[node.argument], node.axes)
    if isinstance(node, LinearAlgebra):
        (matrix,) = node.arguments
        if node.function.plain is not None:
            return plain_graph(node.function.plain(made[matrix]))
        return apply_matrix(node.function, made[matrix])
    assert isinstance(node, Stack)
    return stack([made[p] for p in node.parts])
