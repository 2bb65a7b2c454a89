"""Canonical letters: one numbering of summed letters whatever the order of construction.

Colour refinement on process-independent digests; ties are individualised and the smallest
encoding is kept, over at most `_MOST_ENCODINGS` of them.
"""

from collections.abc import Sequence

from service.calculus.dimensions import Shape
from service.calculus.graph import Contraction, Delta, Factor, Node, Sum

_MOST_ENCODINGS = 64

Colours = dict[int, int]
Signature = tuple[bytes, str, tuple[int, ...]]


def canonical_factors(
    factors: Sequence[Factor], ndim: int
) -> tuple[tuple[Factor, ...], list[int]]:
    """The factors relabelled and in order, and the old label of each new letter.

    Labels 0 … ndim-1 are output letters and stay; every other label becomes a summed letter
    ndim, ndim+1, … .
    """
    summed = sorted({label for f in factors for label in f.letters if label >= ndim})
    if len(summed) <= 1:
        renaming = dict.fromkeys(summed, ndim)
        relabelled = [_renamed(f, renaming) for f in factors]
        return tuple(sorted(relabelled, key=_order)), [*range(ndim), *summed]
    start = dict.fromkeys(summed, ndim)
    best: tuple[tuple[Signature, ...], Colours] | None = None
    pending = [_refined(start, factors, summed, ndim)]
    explored = 0
    while pending:
        colours = pending.pop()
        tied = _first_tie(colours)
        if tied and explored < _MOST_ENCODINGS:
            explored += len(tied)
            pending.extend(
                _refined(_individualised(colours, label), factors, summed, ndim)
                for label in tied
            )
            continue
        ranked = sorted(summed, key=lambda label, c=colours: (c[label], label))  # type: ignore[misc]  # mypy infers no type for the bound default
        numbering = {label: ndim + rank for rank, label in enumerate(ranked)}
        encoding = tuple(sorted(_signature(f, numbering) for f in factors))
        if best is None or encoding < best[0]:
            best = (encoding, numbering)
    assert best is not None
    numbering = best[1]
    ordered = sorted((_renamed(f, numbering) for f in factors), key=_order)
    old = sorted(numbering, key=numbering.__getitem__)
    return tuple(ordered), [*range(ndim), *old]


def swapped_factors(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """The factors of the transpose of the matrix that the factors make.

    Only a matrix with nothing outside its diagonal has a delta left: its own transpose.
    """
    if any(isinstance(f.node, Delta) for f in factors):
        return tuple(factors)
    swap = {0: 1, 1: 0}
    swapped = (
        Factor(f.node, tuple(swap.get(x, x) for x in f.letters), f.exponent) for f in factors
    )
    return canonical_factors(list(swapped), 2)[0]


def own_factors(node: Node) -> tuple[Factor, ...]:
    """The factors of a matrix of coefficient 1, in canonical letters."""
    return node.factors if isinstance(node, Contraction) else (Factor(node, (0, 1)),)


def orientation(node: Sum) -> tuple[int, bytes]:
    """How many letters of a sum of matrices stand where a transpose puts them, and its digest.

    Of a sum and its transpose the one of the smaller is kept.
    """
    turns = 0
    for _, term in node.terms:
        for _, letters, _ in term.factors if isinstance(term, Contraction) else ():
            if 0 in letters and 1 in letters:
                turns += 2 * (letters.index(1) < letters.index(0))
            elif len(letters) == 2:
                turns += (letters[0] == 1) + (letters[1] == 0)
    return turns, node.digest


def is_square(shape: Shape) -> bool:
    """Whether a shape is that of a square matrix."""
    return len(shape) == 2 and shape[0] == shape[1]


def _renamed(factor: Factor, numbering: Colours) -> Factor:
    return Factor(factor.node, _coloured(factor, numbering), factor.exponent)


def _coloured(factor: Factor, colours: Colours) -> tuple[int, ...]:
    """The letters by colour, in ascending order where the factor is symmetric."""
    letters = [colours.get(x, x) for x in factor.letters]
    return tuple(sorted(letters) if factor.node.is_symmetric else letters)


def _order(factor: Factor) -> Signature:
    return factor.node.digest, str(factor.exponent), factor.letters


def _signature(factor: Factor, colours: Colours) -> Signature:
    return factor.node.digest, str(factor.exponent), _coloured(factor, colours)


def _refined(
    colours: Colours, factors: Sequence[Factor], summed: Sequence[int], ndim: int
) -> Colours:
    """Colours split until the factors around each letter tell no more letters apart."""
    classes = len(set(colours.values()))
    while True:
        around: dict[int, list[tuple[Signature, int]]] = {label: [] for label in summed}
        for factor in factors:
            signature = _signature(factor, colours)
            for position, letter in enumerate(factor.letters):
                if letter >= ndim:
                    place = 0 if factor.node.is_symmetric else position
                    around[letter].append((signature, place))
        keys = {label: (colours[label], sorted(around[label])) for label in summed}
        ranks: Colours = {}
        previous: object = None
        rank = ndim - 1
        for count, label in enumerate(sorted(summed, key=keys.__getitem__)):
            if keys[label] != previous:
                rank = ndim + count
                previous = keys[label]
            ranks[label] = rank
        colours = ranks
        now = len(set(colours.values()))
        if now == classes or now == len(summed):
            return colours
        classes = now


def _first_tie(colours: Colours) -> list[int]:
    members: dict[int, list[int]] = {}
    for label, colour in colours.items():
        members.setdefault(colour, []).append(label)
    tied = [colour for colour, labels in members.items() if len(labels) > 1]
    return members[min(tied)] if tied else []


def _individualised(colours: Colours, label: int) -> Colours:
    """The same colours with `label` before the others of its class."""
    mine = colours[label]
    return {
        other: colour + 1 if colour == mine and other != label else colour
        for other, colour in colours.items()
    }
