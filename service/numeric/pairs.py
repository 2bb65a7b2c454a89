"""What a contraction's pairings leave to do: reshapes, instead of stored tensors of 0 and 1."""

from collections.abc import Sequence

from service.calculus.graph import Contraction, Factor, Node, Pairing
from service.calculus.normal_form import contract
from service.calculus.selections import STRUCTURAL

# A summed letter, and the two that it pairs.
Split = tuple[int, int, int]


def with_split_axes(node: Contraction) -> Node | None:
    """The same entries with two axes in place of each output axis that pairs them.

    None where no output axis is told by a pairing alone.
    """
    factors = list(node.factors)
    output: list[int] = []
    for axis in range(node.ndim):
        carriers = [f for f in factors if axis in f.letters]
        if len(carriers) == 1 and isinstance(carriers[0].node, Pairing):
            _, first, second = carriers[0].letters
            if carriers[0].letters[0] == axis and axis not in (first, second):
                factors.remove(carriers[0])
                output += (first, second)
                continue
        output.append(axis)
    if len(output) == node.ndim:
        return None
    sizes = dict(enumerate(node.sizes))
    used = {x for f in factors for x in f.letters}.union(output)
    left = {x: n for x, n in sizes.items() if x in used or x >= node.ndim}
    return contract(factors, output, left, node.coefficient)


def splits_of(factors: Sequence[Factor], node: Contraction) -> tuple[list[Factor], list[Split]]:
    """The factors without the pairings of a summed letter whose carriers can be reshaped.

    Every carrier of the letter then has the two letters instead.
    """
    tied = {x for f in node.factors if isinstance(f.node, STRUCTURAL) for x in f.letters}
    kept, splits = list(factors), []
    for factor in factors:
        if not isinstance(factor.node, Pairing) or factor.letters[0] < node.ndim:
            continue
        pair, first, second = factor.letters
        if tied.isdisjoint(factor.letters) and pair not in (first, second):
            kept = [f for f in kept if f is not factor]
            splits.append((pair, first, second))
    return kept, splits
