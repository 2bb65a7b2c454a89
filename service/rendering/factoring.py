"""Sums with what their terms share in front: scalars, vectors, matrices of a product."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from service.calculus.axes import carried_axes, without_axes
from service.calculus.dimensions import Shape
from service.calculus.graph import ONE, Contraction, Factor, Node, Number, Sum, Variable
from service.calculus.normal_form import contract
from service.calculus.selections import is_structured
from service.calculus.terms import ZERO, add, filled, unit_part

_MOST_PAIRED = 8

Terms = Sequence[tuple[Number, Node]]


def without_common_factors(terms: Terms, shape: Shape) -> Node | None:
    """The sum with what all its terms share at the same output letters in front of it."""
    shared: dict[tuple[Node, tuple[int, ...]], Number] = {}
    for position, (_, term) in enumerate(terms):
        if is_structured(term):
            return None
        own = {
            (f.node, f.letters): f.exponent
            for f in factors_of(term)
            if all(x < len(shape) for x in f.letters)
        }
        if not position:
            shared = own
        else:
            shared = {s: _shared(e, own[s]) for s, e in shared.items() if s in own}
        shared = {s: e for s, e in shared.items() if e}
        if not shared:
            return None
    common = [Factor(s, x, e) for (s, x), e in shared.items()]
    letters = range(len(shape))
    rests = [(c, _divided(t, shared)) for c, t in terms]
    if len(shape) < 2 and (not shape or any(carried_axes(rest) for _, rest in rests)):
        # A polynomial stays one; of a vector numbers are left.
        common = [f for f in common if not isinstance(f.node, Variable)]
        shared = {(f.node, f.letters): f.exponent for f in common}
        rests = [(c, _divided(t, shared)) for c, t in terms]
    if not common:
        return None
    gone = {x for f in common for x in f.letters}.difference(
        *(carried_axes(rest) for _, rest in rests)
    )
    kept = tuple(x for x in letters if x not in gone)
    inner = add(
        [(c, without_axes(rest, frozenset(gone))) for c, rest in rests],
        tuple(shape[x] for x in kept),
    )
    return unless_a_sum(
        contract([Factor(inner, kept), *common], letters, dict(enumerate(shape)))
    )


def _divided(term: Node, shared: Mapping[tuple[Node, tuple[int, ...]], Number]) -> Node:
    """A term without what it shares with others."""
    if not isinstance(term, Contraction):
        return filled(ONE, term.shape)
    left = [
        Factor(f.node, f.letters, f.exponent - shared.get((f.node, f.letters), ZERO))
        for f in term.factors
    ]
    factors = [f for f in left if f.exponent]
    return contract(factors, range(term.ndim), dict(enumerate(term.sizes)), term.coefficient)


def factors_of(term: Node) -> Sequence[Factor]:
    """The factors of a term; a node that is no product is one itself."""
    if isinstance(term, Contraction):
        return term.factors
    return (Factor(term, tuple(range(term.ndim))),)


def _shared(first: Number, second: Number) -> Number:
    """The power of a factor that two of its powers share."""
    if (first > 0) != (second > 0):
        return ZERO
    return min(first, second) if first > 0 else max(first, second)


def common_factor(terms: Terms, shape: Shape) -> Node | None:
    """The sum with a factor over a summed letter that all its terms share taken out."""
    first = terms[0][1]
    if not isinstance(first, Contraction):
        return None
    for candidate in first.factors:
        inner = tuple(x for x in candidate.letters if x >= first.ndim)
        if len(inner) != 1 or len(set(candidate.letters)) < len(candidate.letters):
            continue
        rests = [_rest(candidate, inner[0], first.ndim, term) for _, term in terms]
        found = [r for r in rests if r is not None]
        if len(found) < len(rests):
            continue
        if len({r.shape for r in found}) > 1 or found[0].ndim > max(2, first.ndim):
            continue
        pairs = [(c, r) for (c, _), r in zip(terms, found, strict=True)]
        rest = add(pairs, found[0].shape)
        summed = len(shape)
        mine = tuple(summed if x == inner[0] else x for x in candidate.letters)
        others = _outside(candidate, inner[0], first.ndim)
        theirs = tuple(summed if x == inner[0] else x for x in others)
        factors = [Factor(candidate.node, mine, candidate.exponent), Factor(rest, theirs)]
        return unless_a_sum(contract(factors, range(len(shape)), dict(enumerate(shape))))
    return None


def _outside(candidate: Factor, inner: int, ndim: int) -> tuple[int, ...]:
    """The letters of what stands beside a factor: those it lacks, and the one summed over.

    That one stands where the factor does among the output's axes, as in a product of matrices.
    """
    own = [x for x in candidate.letters if x < ndim]
    lacking = [x for x in range(ndim) if x not in own]
    place = sum(x < own[0] for x in lacking) if own else len(lacking)
    if own and len(own) == 1 and ndim == 2:
        return (inner, *lacking) if own == [0] else (*lacking, inner)
    return (*lacking[:place], *lacking[place:], inner)


def _rest(candidate: Factor, inner: int, ndim: int, term: Node) -> Node | None:
    """A term without a factor, over the output letters that the factor lacks and its own."""
    if not isinstance(term, Contraction):
        return None
    for f in term.factors:
        if f.node is not candidate.node or f.exponent != candidate.exponent:
            continue
        pairs = list(zip(f.letters, candidate.letters, strict=True))
        if any(x != y for x, y in pairs if y < ndim or x < ndim):
            continue
        (own,) = (x for x, y in pairs if y == inner)
        others = [g for g in term.factors if g is not f]
        outside = [own if x == inner else x for x in _outside(candidate, inner, ndim)]
        if any(x in candidate.letters and x < ndim for g in others for x in g.letters):
            return None
        if not any(own in g.letters for g in others):
            return None
        sizes = {x: n for x, n in enumerate(term.sizes) if x in outside}
        return contract(others, outside, sizes, term.coefficient)
    return None


def paired_with_transposes(terms: Terms, shape: Shape) -> Node | None:
    """A sum where two of the terms are A u and Aᵀ u as one of (A + Aᵀ) u."""
    if not 2 < len(terms) <= _MOST_PAIRED:
        return None
    for first, second in combinations(range(len(terms)), 2):
        pair = [terms[first], terms[second]]
        if abs(pair[0][0]) != abs(pair[1][0]):
            continue
        for pattern in (common_factor, without_common_factors):
            joined = pattern(pair, shape)
            if joined is None or not _has_symmetric_sum(joined):
                continue
            rest = [t for k, t in enumerate(terms) if k not in (first, second)]
            return add([*rest, (ONE, joined)], shape)
    return None


def _has_symmetric_sum(node: Node) -> bool:
    """Whether a product has a factor A + Aᵀ."""
    factors = node.factors if isinstance(node, Contraction) else ()
    return any(isinstance(f.node, Sum) and f.node.is_symmetric for f in factors)


def unless_a_sum(made: Node) -> Node | None:
    """What was made, unless the constructors turned it into a sum again."""
    return None if isinstance(unit_part(made)[1], Sum) else made
