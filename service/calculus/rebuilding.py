"""Graphs made again from other operands: by the constructors, so again in normal form."""

from collections.abc import Mapping

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
    Variable,
    topological,
)
from service.calculus.normal_form import contract
from service.calculus.terms import add


def rebuilt(node: Node, made: Mapping[Node, Node]) -> Node:
    """The node with what was made in place of each of its operands."""
    if isinstance(node, Contraction):
        factors = [Factor(made[f.node], f.letters, f.exponent) for f in node.factors]
        sizes = dict(enumerate(node.sizes))
        return contract(factors, range(node.ndim), sizes, node.coefficient)
    if isinstance(node, Sum):
        return add([(c, made[t]) for c, t in node.terms], node.shape)
    if isinstance(node, Elementwise):
        return apply_elementwise(node.function, *(made[a] for a in node.arguments))
    if isinstance(node, Reduction):
        return apply_reduction(node.function, made[node.argument], node.axes)
    if isinstance(node, LinearAlgebra):
        return apply_matrix(node.function, made[node.arguments[0]])
    return stack([made[p] for p in node.parts]) if isinstance(node, Stack) else node


def substituted(root: Node, meanings: Mapping[str, Node]) -> Node:
    """The graph with a node in place of each variable that has a meaning."""
    made: dict[Node, Node] = {}
    for node in topological([root]):
        if isinstance(node, Variable):
            made[node] = meanings.get(node.name, node)
        else:
            made[node] = rebuilt(node, made)
    return made[root]
