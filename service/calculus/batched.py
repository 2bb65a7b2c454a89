"""Graphs of one sample lifted to all samples: one more axis, in front, where values differ."""

from collections.abc import Callable, Mapping
from typing import Any

from service.calculus.applications import (
    apply_elementwise,
    apply_matrix,
    apply_reduction,
    stack,
)
from service.calculus.axes import broadcast, transposed
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
    variable,
)
from service.calculus.normal_form import contract
from service.calculus.terms import add


class Batch:
    """Lifts nodes whose variables are of one sample to as many samples as there are."""

    def __init__(self, names: frozenset[str], size: int) -> None:
        self.names = names
        self.size = size
        self._lifted: dict[Node, Node] = {}

    def lifted(self, node: Node) -> Node:
        """The node for every sample, of shape (samples,) + node.shape."""
        for part in topological([node], self.names):
            if part not in self._lifted:
                self._lifted[part] = _LIFTS[type(part)](part, self)
        return self.spread(node)

    def depends(self, node: Node) -> bool:
        """Whether a node has a value of its own for each sample."""
        return not self.names.isdisjoint(node.variables)

    def spread(self, node: Node) -> Node:
        """A lifted operand; one that all samples share is constant along their axis."""
        if self.depends(node):
            return self._lifted[node]
        return broadcast(node, (self.size, *node.shape), range(1, node.ndim + 1))

    def own(self, node: Node) -> Node:
        """The lifted form of a node that differs between samples."""
        return self._lifted[node]


def _variable(node: Variable, batch: Batch) -> Node:
    return variable(node.name, (batch.size, *node.shape))


def _contraction(node: Contraction, batch: Batch) -> Node:
    sample = len(node.sizes)
    factors = [
        Factor(batch.own(f.node), (sample, *f.letters), f.exponent)
        if batch.depends(f.node)
        else f
        for f in node.factors
    ]
    sizes = dict(enumerate(node.sizes))
    return contract(factors, (sample, *range(node.ndim)), sizes, node.coefficient)


def _sum(node: Sum, batch: Batch) -> Node:
    terms = [(coefficient, batch.spread(term)) for coefficient, term in node.terms]
    return add(terms, (batch.size, *node.shape))


def _elementwise(node: Elementwise, batch: Batch) -> Node:
    return apply_elementwise(node.function, *(batch.spread(a) for a in node.arguments))


def _reduction(node: Reduction, batch: Batch) -> Node:
    return apply_reduction(
        node.function, batch.own(node.argument), [axis + 1 for axis in node.axes]
    )


def _linear_algebra(node: LinearAlgebra, batch: Batch) -> Node:
    (matrix,) = node.arguments
    return apply_matrix(node.function, batch.own(matrix))


def _stack(node: Stack, batch: Batch) -> Node:
    stacked = stack([batch.spread(part) for part in node.parts])
    return transposed(stacked, (1, 0, *range(2, stacked.ndim)))


_LIFTS: Mapping[type[Node], Callable[[Any, Batch], Node]] = {
    Variable: _variable,
    Contraction: _contraction,
    Sum: _sum,
    Elementwise: _elementwise,
    Reduction: _reduction,
    LinearAlgebra: _linear_algebra,
    Stack: _stack,
}
