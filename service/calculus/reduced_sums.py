"""Sums that are factors: the way round in which they are kept, and their reductions.

Both are kept for as long as the sum is: every product with it would make them again, and with
them those of every sum inside of it. `contract` is the constructor of products.
"""

from collections.abc import Callable
from weakref import WeakKeyDictionary

from service.calculus.canonical import orientation
from service.calculus.graph import ONE, Contraction, Elementwise, Factor, Node, Number, Sum
from service.calculus.terms import add, is_zero, unit_part

Letters = tuple[int, ...]
Contract = Callable[..., Node]

_turned: WeakKeyDictionary[Node, tuple[Number, Node | None]] = WeakKeyDictionary()
_splits: WeakKeyDictionary[Node, dict[tuple[Letters, Letters], Node | None]] = (
    WeakKeyDictionary()
)


def turned_sum(node: Sum, contract: Contract) -> tuple[Number, Node | None]:
    """A number and the matrix that times it is the transpose, or 1 and None: the sum itself."""
    found = _turned.get(node)
    if found is None:
        found = _oriented(node, contract([Factor(node, (1, 0))], (0, 1), {}))
        _turned[node] = found
    return found


def split_sum(node: Node, letters: Letters, kept: Letters, contract: Contract) -> Node | None:
    """A sum, reduced to some of its letters, where terms then cancel; else None."""
    known = _splits.setdefault(node, {})
    if (letters, kept) in known:
        return known[letters, kept]
    terms = centred(node)
    assert terms is not None
    sizes = dict(zip(letters, node.shape, strict=True))
    products = [(c, contract([Factor(t, letters)], kept, {})) for c, t in terms.terms]
    split = add(products, tuple(sizes[x] for x in kept))
    _, unit = unit_part(split)
    count = len(unit.terms) if isinstance(unit, Sum) else 1
    is_shorter = terms is node and count < len(terms.terms)
    found = split if is_zero(split) or is_shorter else None
    known[letters, kept] = found
    return found


def centred(node: Node) -> Sum | None:
    """The sum that a factor is, or is a multiple of along every axis it may be reduced over."""
    if isinstance(node, Elementwise) and node.function.name == "quotient_or_zero":
        numerator, divisor = node.arguments
        is_even = isinstance(divisor, Contraction) and not any(
            f.letters for f in divisor.factors
        )
        return numerator if isinstance(numerator, Sum) and is_even else None
    return node if isinstance(node, Sum) else None


def _oriented(node: Sum, transposed: Node) -> tuple[Number, Node | None]:
    """A number and the matrix that times it is the transpose, or 1 and None: the sum itself.

    The transpose is taken where it is written with fewer transposes, or its digest is smaller.
    """
    sign, turned = unit_part(transposed)
    if not isinstance(turned, Sum) or orientation(node) <= orientation(turned):
        return ONE, None
    return sign, turned
