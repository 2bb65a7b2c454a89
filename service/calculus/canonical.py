"""Canonical letters: one numbering of summed letters whatever the order of construction.

Colour refinement on process-independent digests; ties are individualised and the smallest
encoding is kept, over at most `_MOST_ENCODINGS` of them.
"""

from collections.abc import Sequence

from service.calculus.graph import Factor

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
        relabelled = [_renamed(f, renaming, ndim) for f in factors] if summed else factors
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
    ordered = sorted((_renamed(f, numbering, ndim) for f in factors), key=_order)
    old = sorted(numbering, key=numbering.__getitem__)
    return tuple(ordered), [*range(ndim), *old]


def _renamed(factor: Factor, numbering: Colours, ndim: int) -> Factor:
    letters = tuple(x if x < ndim else numbering[x] for x in factor.letters)
    return Factor(factor.node, letters, factor.exponent)


def _order(factor: Factor) -> Signature:
    return factor.node.digest, str(factor.exponent), factor.letters


def _signature(factor: Factor, colours: Colours) -> Signature:
    letters = tuple(colours.get(x, x) for x in factor.letters)
    return factor.node.digest, str(factor.exponent), letters


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
                    around[letter].append((signature, position))
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
