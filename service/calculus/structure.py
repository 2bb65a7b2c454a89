"""The structure of a derivative, read off its indices: special, or terms of factors.

Nothing here looks at numbers: a derivative that only vanishes at a point is not zero.
"""

from dataclasses import dataclass
from string import ascii_lowercase

from service.calculus.dimensions import Dimension, extent
from service.calculus.graph import ONE, Contraction, Delta, Factor, Node, Number, Sum
from service.calculus.normal_form import contract
from service.calculus.terms import add, filled, is_zero

LETTERS = "ijklmnopqrstuvwxyzabcdefgh"
assert sorted(LETTERS) == list(ascii_lowercase)


@dataclass(frozen=True, slots=True)
class Zero:
    """Zero by the formula."""


@dataclass(frozen=True, slots=True)
class Identity:
    """scale · δ over all axes; `scale` is a scalar node."""

    scale: Node


@dataclass(frozen=True, slots=True)
class Diagonal:
    """diagonal · δ over all axes; `diagonal` has the output's shape."""

    diagonal: Node


@dataclass(frozen=True, slots=True)
class TermFactor:
    """One factor of a term: a stored tensor, or an identity or ones of a size."""

    letters: tuple[int, ...]
    tensor: Node | None
    size: Dimension = 0


@dataclass(frozen=True, slots=True)
class TermStructure:
    """coefficient · scale · Π factors over the derivative's axes."""

    coefficient: Number
    scale: Node
    factors: tuple[TermFactor, ...]

    def equation(self, ndim: int) -> str:
        """The term as einsum subscripts."""
        operands = ",".join("".join(LETTERS[x] for x in f.letters) for f in self.factors)
        return f"{operands}->{LETTERS[:ndim]}"


Special = Zero | Identity | Diagonal


def special_structure(node: Node, out_ndim: int) -> Special | None:
    """Zero, identity or diagonal, where the derivative is one; the output's axes come first.

    A scalar by a scalar counts as the identity times a number.
    """
    if is_zero(node):
        return Zero()
    if node.shape[:out_ndim] != node.shape[out_ndim:]:
        return None
    diagonals: list[tuple[Number, Node]] = []
    scales: list[tuple[Number, Node]] = []
    for coefficient, term in _terms(node):
        deltas, rest, ndim, sizes = _parts(term)
        pairs = {f.letters for f in deltas}
        if pairs != {(k, k + out_ndim) for k in range(out_ndim)}:
            return None
        shape = dict(enumerate(sizes[:out_ndim]))
        diagonal = contract(rest, range(out_ndim), shape, coefficient)
        diagonals.append((ONE, diagonal))
        if not any(x < ndim for f in rest for x in f.letters):
            scales.append((ONE, contract(rest, (), {}, coefficient)))
    if len(scales) == len(diagonals):
        return Identity(add(scales, ()))
    return Diagonal(add(diagonals, node.shape[:out_ndim]))


def term_structures(node: Node) -> list[TermStructure]:
    """The derivative as a sum of terms of small factors."""
    return [_term_structure(coefficient, term) for coefficient, term in _terms(node)]


def stored_numbers(terms: list[TermStructure]) -> int:
    """How many numbers the terms store; a size that is a name counts as a thousand."""
    return sum(extent(f.tensor.shape) for t in terms for f in t.factors if f.tensor is not None)


def entries(shape: tuple[Dimension, ...]) -> int:
    """The number of entries of a shape of numbers, as a Python integer."""
    count = 1
    for size in shape:
        assert isinstance(size, int)
        count *= size
    return count


def _terms(node: Node) -> list[tuple[Number, Node]]:
    if isinstance(node, Sum):
        return list(node.terms)
    if isinstance(node, Contraction) and len(node.factors) == 1:
        (inner,) = node.factors
        letters = tuple(range(node.ndim))
        if isinstance(inner.node, Sum) and inner.letters == letters and inner.exponent == 1:
            return [(node.coefficient * c, t) for c, t in inner.node.terms]
    return [(ONE, node)]


def _parts(
    term: Node,
) -> tuple[list[Factor], list[Factor], int, tuple[Dimension, ...]]:
    """The deltas and the other factors of a term, its ndim and the sizes of its letters."""
    if isinstance(term, Delta):
        return [Factor(term, (0, 1))], [], 2, term.shape
    if not isinstance(term, Contraction):
        return [], [Factor(term, tuple(range(term.ndim)))], term.ndim, term.shape
    deltas = [f for f in term.factors if isinstance(f.node, Delta)]
    rest = [f for f in term.factors if not isinstance(f.node, Delta)]
    if term.coefficient != 1:
        rest.append(Factor(filled(term.coefficient, ()), ()))
    return deltas, rest, term.ndim, term.sizes


def _term_structure(coefficient: Number, term: Node) -> TermStructure:
    deltas, rest, ndim, sizes = _parts(term)
    scalars = [f for f in rest if not f.letters]
    groups = _joined([_group([f], ndim) for f in rest if f.letters], sizes)
    factors = [TermFactor(f.letters, None, f.node.shape[0]) for f in deltas]
    for group in groups:
        letters = tuple(sorted(group.free))
        factors.append(TermFactor(letters, contract(group.factors, letters, {})))
    carried = {x for f in factors for x in f.letters}
    factors += [TermFactor((x,), None, sizes[x]) for x in range(ndim) if x not in carried]
    factors.sort(key=lambda f: (f.tensor is not None, f.letters))
    return TermStructure(coefficient, contract(scalars, (), {}), tuple(factors))


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Factors of a term that are stored as one tensor over their free letters."""

    factors: list[Factor]
    free: frozenset[int]
    summed: frozenset[int]


def _group(factors: list[Factor], ndim: int) -> _Group:
    letters = frozenset(x for f in factors for x in f.letters)
    free = frozenset(x for x in letters if x < ndim)
    return _Group(factors, free, letters - free)


def _joined(groups: list[_Group], sizes: tuple[Dimension, ...]) -> list[_Group]:
    """Groups joined while they share a summed letter, or while that stores fewer numbers."""
    while True:
        pair = _pair_to_join(groups, sizes)
        if pair is None:
            return groups
        first, second = pair
        both = _Group(
            first.factors + second.factors,
            first.free | second.free,
            first.summed | second.summed,
        )
        groups = [g for g in groups if g is not first and g is not second] + [both]


def _pair_to_join(
    groups: list[_Group], sizes: tuple[Dimension, ...]
) -> tuple[_Group, _Group] | None:
    def stored(letters: frozenset[int]) -> int:
        return extent([sizes[x] for x in letters])

    for k, first in enumerate(groups):
        for second in groups[k + 1 :]:
            if first.summed & second.summed:
                return first, second
    for k, first in enumerate(groups):
        for second in groups[k + 1 :]:
            joined = stored(first.free | second.free)
            if first.free & second.free and joined <= stored(first.free) + stored(second.free):
                return first, second
    return None
