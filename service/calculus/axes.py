"""What is done to the axes of a node: permuted, broadcast, dropped."""

from collections.abc import Sequence

from service.calculus.dimensions import Shape
from service.calculus.graph import Contraction, Factor, Node
from service.calculus.normal_form import contract


def transposed(node: Node, axes: Sequence[int]) -> Node:
    """The node with axis axes[k] of the argument at position k."""
    letters = tuple(range(node.ndim))
    return contract([Factor(node, letters)], [letters[a] for a in axes], {})


def broadcast(node: Node, shape: Shape, axes: Sequence[int]) -> Node:
    """The node with its axis k at axes[k] of a larger shape, constant along the others."""
    output = range(len(shape))
    if shape == node.shape and tuple(axes) == tuple(output):
        return node
    return contract([Factor(node, tuple(axes))], output, dict(enumerate(shape)))


def carried_axes(node: Node) -> frozenset[int]:
    """The axes along which a node is not a broadcast."""
    if isinstance(node, Contraction):
        return frozenset(x for f in node.factors for x in f.letters if x < node.ndim)
    return frozenset(range(node.ndim))


def without_axes(node: Node, dropped: frozenset[int]) -> Node:
    """A node that is constant along some axes, without them."""
    if not dropped:
        return node
    assert isinstance(node, Contraction)
    output = [axis for axis in range(node.ndim) if axis not in dropped]
    sizes = {x: n for x, n in enumerate(node.sizes) if x not in dropped}
    return contract(node.factors, output, sizes, node.coefficient)


def permutation_of(node: Node) -> tuple[Node, tuple[int, ...]] | None:
    """The operand and axes of a node that only permutes one."""
    if (
        isinstance(node, Contraction)
        and node.coefficient == 1
        and len(node.factors) == 1
        and len(node.sizes) == node.ndim
    ):
        factor = node.factors[0]
        if factor.exponent == 1 and sorted(factor.letters) == list(range(node.ndim)):
            return factor.node, tuple(factor.letters.index(x) for x in range(node.ndim))
    return None
