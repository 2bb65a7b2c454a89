"""Sums multiplied out, or over one denominator, where that is shorter."""

from collections.abc import Callable, Sequence

from service.calculus.applications import apply_elementwise
from service.calculus.dimensions import Shape
from service.calculus.graph import (
    ONE,
    Contraction,
    Elementwise,
    Factor,
    Node,
    Number,
    Size,
    Sum,
)
from service.calculus.normal_form import contract
from service.calculus.numbers import is_whole, multiplied
from service.calculus.rules.elementwise import SIGMOID
from service.calculus.selections import is_indicator, is_structured
from service.calculus.terms import ZERO, add, filled, scaled, unit_part
from service.rendering.factoring import Terms, factors_of

_MOST_TERMS = 6
_MOST_PRODUCTS = 16
_MOST_BASES = 3

Parts = Callable[[Factor], Terms]


def logistic_difference(terms: Terms, shape: Shape) -> Node | None:
    """A sum with sigmoid(u) and sigmoid(-u) by sigmoid(u) alone."""
    logistic = {
        f.node: f.node.arguments[0]
        for _, term in terms
        for f in factors_of(term)
        if isinstance(f.node, Elementwise) and f.node.function is SIGMOID
    }
    for positive, argument in logistic.items():
        negative = apply_elementwise(SIGMOID, scaled(argument, -ONE))
        if negative not in logistic or unit_part(argument)[0] < 0:
            continue
        complement = ((ONE, filled(ONE, shape)), (-ONE, positive))

        def parts(f: Factor, at: Node = negative, by: Terms = complement) -> Terms:
            if f.node is at and f.node.shape == by[0][1].shape:
                return by
            return terms_of(f)

        found = _sum_of(_expanded(terms, parts), shape)
        if found is not None and _is_shorter(found, terms):
            return found
    return None


def multiplied_out(terms: Terms, shape: Shape) -> Node | None:
    """A sum of products with its sums multiplied out: (s - 1) v + s v as 2 s v - v."""
    factors = [f for _, term in terms for f in factors_of(term)]
    if not any(isinstance(f.node, Sum) for f in factors) or any(
        is_indicator(f.node) for f in factors
    ):
        return None
    found = _sum_of(_expanded(terms, terms_of), shape)
    return found if found is not None and _is_shorter(found, terms) else None


def cancelled_quotients(node: Contraction) -> Node:
    """s (1 - s) (1 / s - 1 / (1 - s)) as 1 - 2 s: a product multiplied out where it cancels."""
    for f in node.factors:
        beside = [g for g in node.factors if {*g.letters} <= {*f.letters} and g.letters]
        below = {g.node for _, t in terms_of(f) for g in factors_of(t) if g.exponent < 0}
        if not isinstance(f.node, Sum) or not below & {g.node for g in beside if g is not f}:
            continue

        def parts(g: Factor, at: Node = f.node) -> Terms:
            return terms_of(g) if g.node is at else ((ONE, g.node),)

        inner = contract(beside, f.letters, {})
        found = _sum_of(_expanded(((ONE, inner),), parts), f.node.shape)
        if found is not None and _is_shorter(found, ((ONE, inner),)):
            rest = [g for g in node.factors if g not in beside]
            factors = [*rest, Factor(found, f.letters)]
            sizes = dict(enumerate(node.sizes))
            return contract(factors, range(node.ndim), sizes, node.coefficient)
    return node


def over_common_denominator(terms: Terms, shape: Shape) -> Node | None:
    """Quotients as one: 1 / (x + 1) - x / (x + 1)² as 1 / (x + 1)²."""
    lowest: dict[tuple[Node, tuple[int, ...]], Number] = {}
    for _, term in terms:
        for f in factors_of(term):
            if (
                f.exponent < 0
                and not isinstance(f.node, Size)
                and is_whole(f.exponent)
                and all(x < len(shape) for x in f.letters)
            ):
                key = (f.node, f.letters)
                lowest[key] = min(f.exponent, lowest.get(key, ZERO))
    if not 0 < len(lowest) <= _MOST_BASES or len(terms) > _MOST_TERMS:
        return None
    letters = tuple(range(len(shape)))
    denominators = [Factor(node, x, -e) for (node, x), e in lowest.items()]
    by_letter = dict(enumerate(shape))
    raised = [
        (c, contract([Factor(t, letters), *denominators], letters, by_letter)) for c, t in terms
    ]
    numerator = _sum_of(_expanded(_flat(raised), terms_of), shape)
    if numerator is None or _length_of(numerator) + len(lowest) >= _length(terms):
        return None
    below = [Factor(node, x, e) for (node, x), e in lowest.items()]
    return contract([Factor(numerator, letters), *below], letters, by_letter)


def _flat(terms: Terms) -> list[tuple[Number, Node]]:
    """The terms with those of sums in place of the sums."""
    flat: list[tuple[Number, Node]] = []
    for number, term in terms:
        own, unit = unit_part(term)
        inner = unit.terms if isinstance(unit, Sum) else ((ONE, unit),)
        flat += ((multiplied(multiplied(number, own), c), t) for c, t in inner)
    return flat


def terms_of(factor: Factor) -> Terms:
    """The terms of a factor that is a sum; of another, itself."""
    if isinstance(factor.node, Sum) and factor.exponent == 1:
        return factor.node.terms
    return ((ONE, factor.node),)


def _expanded(terms: Terms, parts: Parts) -> list[tuple[Number, Node]] | None:
    """The products of the parts of every factor; None where they are too many."""
    expanded: list[tuple[Number, Node]] = []
    for number, term in terms:
        if is_structured(term):
            return None
        sizes = term.sizes if isinstance(term, Contraction) else term.shape
        own = term.coefficient if isinstance(term, Contraction) else ONE
        products: list[tuple[Number, list[Factor]]] = [(multiplied(number, own), [])]
        for f in factors_of(term):
            pieces = parts(f) if f.exponent == 1 else ((ONE, f.node),)
            products = [
                (multiplied(c, d), [*chosen, Factor(piece, f.letters, f.exponent)])
                for c, chosen in products
                for d, piece in pieces
            ]
            if len(products) > _MOST_PRODUCTS:
                return None
        letters, by_letter = range(term.ndim), dict(enumerate(sizes))
        expanded += [(c, contract(chosen, letters, by_letter)) for c, chosen in products]
    return expanded


def _sum_of(terms: Sequence[tuple[Number, Node]] | None, shape: Shape) -> Node | None:
    return None if terms is None else add(terms, shape)


def _is_shorter(node: Node, terms: Terms) -> bool:
    return _length_of(node) < _length(terms)


def _length_of(node: Node) -> int:
    _, unit = unit_part(node)
    return _length(unit.terms if isinstance(unit, Sum) else ((ONE, unit),))


def _length(terms: Terms) -> int:
    """How much a sum is to read: its terms, factors, numbers and powers, those inside too."""
    return sum(
        1
        + (abs(multiplied(c, unit_part(term)[0])) != 1)
        + sum(
            (_length(f.node.terms) if isinstance(f.node, Sum) else 1) + (abs(f.exponent) != 1)
            for f in factors_of(term)
        )
        for c, term in terms
    )
