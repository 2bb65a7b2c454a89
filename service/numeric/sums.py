"""Sums: what cancels is added first, and what is small beside it last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from service.calculus.applications import apply_elementwise, apply_reduction
from service.calculus.graph import (
    ONE,
    Contraction,
    Elementwise,
    Factor,
    Node,
    Number,
    Reduction,
    Sum,
)
from service.calculus.normal_form import contract
from service.calculus.numbers import as_quotient, multiplied
from service.calculus.rules.choices import MAXIMUM
from service.calculus.rules.elementwise import ABS, SOFTPLUS, difference
from service.calculus.rules.reductions import LOGSUMEXP, MAX, MIN, spread
from service.calculus.terms import ZERO, filled, number_of, scaled, unit_part
from service.numeric.assembly import Assembly, Slot

Term = tuple[Number, Node]


@dataclass(frozen=True, slots=True)
class Summation:
    """The terms of a Sum in the order in which they lose the fewest digits.

    Each group is added by itself: an extreme of an argument, and what depends on the same
    variables and so may cancel it. Then the rest, then what is small beside its group.
    """

    groups: tuple[tuple[Term, ...], ...]
    rest: tuple[Term, ...]
    small: tuple[Term, ...]


def summation_of(node: Sum) -> Summation:
    """The order of a Sum, with logsumexp and softplus in two parts each.

    logsumexp(x) = max(x) + logsumexp(x − max(x)), softplus(x) = max(x, 0) + softplus(−|x|):
    beside another term of the size of x, one number would lose its small part.
    """
    left = {term: coefficient for coefficient, term in node.terms}
    arguments = {
        term: _argument_beside(term, coefficient, left) for coefficient, term in node.terms
    }
    leading: list[tuple[frozenset[str], list[Term]]] = []
    small: list[Term] = []
    for coefficient, term in node.terms:
        members = arguments[term]
        parts = _parts(term) if term in left else ()
        if parts:
            del left[term]
            members = [(coefficient, parts[0]), *members]
            small += [(coefficient, part) for part in parts[1:]]
        if members:
            leading = _joined(leading, term.variables, members)
    rest: list[Term] = []
    for term, coefficient in left.items():
        group = next((m for names, m in leading if names & term.variables), rest)
        group.append((coefficient, term))
    return Summation(
        tuple(_ordered(members) for _, members in leading), _ordered(rest), _ordered(small)
    )


def _only_factor(term: Node) -> Factor | None:
    """The factor of which a term is a sum or a broadcast, or the term itself."""
    if not isinstance(term, Contraction):
        return Factor(term, tuple(range(term.ndim)))
    is_plain = len(term.factors) == 1 and term.coefficient == 1
    return term.factors[0] if is_plain and term.factors[0].exponent == 1 else None


def _parts(term: Node) -> tuple[Node, ...]:
    """A term as what is of its argument's size and what is small beside it, if it is so."""
    factor = _only_factor(term)
    parts = _parts_of(factor.node) if factor else ()
    if not isinstance(term, Contraction):
        return parts
    sizes = dict(enumerate(term.sizes))
    letters = term.factors[0].letters if factor else ()
    return tuple(contract([Factor(part, letters)], range(term.ndim), sizes) for part in parts)


def _parts_of(node: Node) -> tuple[Node, ...]:
    """The same for what a term is a sum or a broadcast of."""
    if isinstance(node, Elementwise) and node.function is SOFTPLUS:
        (x,) = node.arguments
        size = scaled(apply_elementwise(ABS, x), -ONE)
        positive = apply_elementwise(MAXIMUM, x, filled(ZERO, x.shape))
        return positive, apply_elementwise(SOFTPLUS, size)
    if isinstance(node, Reduction) and node.function in (MAX, MIN):
        return (node,)
    if isinstance(node, Reduction) and node.function is LOGSUMEXP:
        x, axes = node.argument, node.axes
        largest = apply_reduction(MAX, x, axes)
        shifted = difference(x, spread(largest, x, axes))
        return largest, apply_reduction(LOGSUMEXP, shifted, axes)
    return ()


def _argument_beside(term: Node, coefficient: Number, left: dict[Node, Number]) -> list[Term]:
    """The argument x of a spread f(x), taken as one out of c · f(x) − c · x.

    Its terms are added in x's own order, so that its largest entry cancels exactly.
    """
    factor = _only_factor(term)
    node = factor.node if factor else term
    if not factor or not isinstance(node, Reduction) or node.argument.shape != term.shape:
        return []
    x = node.argument
    kept = tuple(axis for axis in range(x.ndim) if axis not in node.axes)
    own, unit = unit_part(x)
    if term not in left or factor.letters != kept or not isinstance(unit, Sum):
        return []
    scale = multiplied(-coefficient, own)
    if any(left.get(t) != multiplied(scale, c) for c, t in unit.terms):
        return []
    for _, t in unit.terms:
        del left[t]
    return [(-coefficient, x)]


def _joined(
    groups: list[tuple[frozenset[str], list[Term]]], names: frozenset[str], members: list[Term]
) -> list[tuple[frozenset[str], list[Term]]]:
    """The groups with these terms, those that share a variable with them made one."""
    apart = []
    for other, terms in groups:
        if other & names:
            names, members = names | other, terms + members
        else:
            apart.append((other, terms))
    return [*apart, (names, members)]


def _ordered(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The terms with the positive ones first and a number last."""
    return tuple(sorted(terms, key=lambda t: (number_of(t[1]) is not None, t[0] < 0)))


def combined(assembly: Assembly, terms: Sequence[tuple[Number, Slot]]) -> Slot:
    """The slot of Σ coefficient · slot, added from left to right."""
    (coefficient, slot), *others = terms
    total = scaled_slot(assembly, slot, coefficient)
    for coefficient, slot in others:
        call = np.subtract if coefficient < 0 else np.add
        magnitude: Number = -coefficient if coefficient < 0 else coefficient
        pair = (total, scaled_slot(assembly, slot, magnitude))
        total = assembly.emit((call.__name__,), call, pair, broadcast(pair))
    return total


def scaled_slot(assembly: Assembly, slot: Slot, coefficient: Number) -> Slot:
    """The slot of coefficient · slot."""
    if coefficient == 1:
        return slot
    if coefficient == -1:
        return assembly.emit(("negative",), np.negative, (slot,), slot.shape)
    multiplier, divisor = as_quotient(coefficient)
    if multiplier != 1:
        pair = (slot, assembly.number(multiplier))
        slot = assembly.emit(("multiply",), np.multiply, pair, slot.shape)
    if divisor != 1:
        pair = (slot, assembly.number(divisor))
        slot = assembly.emit(("divide",), np.divide, pair, slot.shape)
    return slot


def broadcast(slots: Sequence[Slot]) -> tuple[int, ...]:
    """The shape that slots of the same number of axes broadcast to."""
    return tuple(max(sizes) for sizes in zip(*(s.shape for s in slots), strict=True))
