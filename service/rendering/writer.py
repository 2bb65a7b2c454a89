"""From graph to formula: every node kind, each node once, large shared parts by name."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count

import numpy as np
from numpy.typing import NDArray

from service.calculus.axes import carried_axes
from service.calculus.dimensions import Dimension, NamedSize, Shape
from service.calculus.graph import (
    ONE,
    Constant,
    Contraction,
    Delta,
    Elementwise,
    LinearAlgebra,
    Node,
    Number,
    Reduction,
    Size,
    Stack,
    Sum,
    Variable,
    topological,
)
from service.calculus.numbers import from_float, is_whole, magnitude, multiplied, raised
from service.calculus.selections import is_structured
from service.calculus.terms import is_zero, scaled, unit_part
from service.calculus.terms import number_of as number_of_node
from service.errors import OverLimitError
from service.language.tree_parts import BINARY
from service.rendering.factoring import Terms
from service.rendering.formula import (
    COMPARISONS,
    Formula,
    call,
    comparison,
    filled,
    name_of,
    number_of,
    operation,
    size_of,
    stacked,
)
from service.rendering.matrix_notation import taken_apart, written_product
from service.rendering.patterns import (
    normalized_axes,
    rows_of,
    shifted_by_logsumexp,
)
from service.rendering.pieces import (
    assembled,
    negated_product,
    sign_apart,
    weight_inside,
    weight_of,
)
from service.rendering.plain import plain_graph
from service.rendering.structural import structural_formula

_MOST_UNNAMED = 40
_MOST_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class Written:
    """A formula, and the named parts that it uses, each before its use."""

    definitions: tuple[tuple[str, Formula], ...]
    body: Formula

    @property
    def text(self) -> str:
        """The formula in the language; parts that have names as assignments before it."""
        return "; ".join([f"{n} = {f.text}" for n, f in self.definitions] + [self.body.text])


def written_formula(node: Node, taken: Iterable[str] = ()) -> Written:
    """A graph as a formula of the language; `taken` are names that no part may get.

    Raises:
        OverLimitError: the formula is longer than 100,000 characters.
    """
    node = plain_graph(node)
    writer = _Writer([node], frozenset(taken) | node.variables)
    body = writer.formula(node)
    return Written(writer.used_by(body), body)


class _Writer:
    def __init__(self, roots: Sequence[Node], taken: frozenset[str]) -> None:
        self._formulas: dict[tuple[Node, bool], Formula] = {}
        self._negatives: dict[Node, Formula] = {}
        self._definitions: list[tuple[str, Formula]] = []
        self._taken = taken | {s for r in roots for s in _size_names(r)}
        self._numbers = count(1)
        order = topological(roots)
        self._uses = Counter(o for node in order for o in set(node.operands))
        for node in order:
            self.formula(node)

    def formula(self, node: Node, *, is_loose: bool = False) -> Formula:
        """A node as a formula; a loose one may lack the axes along which it is constant."""
        found = self._formulas.get((node, is_loose))
        if found is None:
            found = self._made(node, is_loose=is_loose)
            if len(found.text) > _MOST_CHARACTERS:
                raise OverLimitError(
                    f"the formula has more than {_MOST_CHARACTERS} characters, the limit",
                    hint="ask for the derivative of a part of the expression",
                )
            if node.is_symmetric and found.ndim == 2:
                found = replace(found, is_symmetric=True)
            if found.count * (self._uses[node] - 1) > _MOST_UNNAMED:
                found = self._named(found)
            self._formulas[node, is_loose] = found
        return found

    def used_by(self, body: Formula) -> tuple[tuple[str, Formula], ...]:
        """The named parts that a formula uses, themselves or through others."""
        used = _names_in(body)
        kept: list[tuple[str, Formula]] = []
        for name, formula in reversed(self._definitions):
            if name in used:
                kept.append((name, formula))
                used |= _names_in(formula)
        return tuple(reversed(kept))

    def _named(self, formula: Formula) -> Formula:
        name = next(n for k in self._numbers if (n := f"u{k}") not in self._taken)
        self._definitions.append((name, formula))
        return name_of(name, formula.ndim)

    def _made(self, node: Node, *, is_loose: bool) -> Formula:
        rows = rows_of(node)
        if rows is not None:
            return stacked([self.formula(r) for r in rows], node.ndim)
        if isinstance(node, Contraction | Sum):
            softened = shifted_by_logsumexp(node)
            if softened is not None:
                return self._along("log_softmax", *softened)
        if isinstance(node, Contraction):
            return self._product(node, node.coefficient, is_loose=is_loose)
        if isinstance(node, Sum):
            return self._sum(node.terms, node.shape)
        return self._whole(node)

    def _whole(self, node: Node) -> Formula:
        """A node that is neither a product nor a sum."""
        match node:
            case Variable():
                return name_of(node.name, node.ndim)
            case Elementwise():
                return self._entrywise(node)
            case Reduction():
                return self._reduction(node)
            case LinearAlgebra():
                return call(node.function.name, (self.formula(node.arguments[0]),), node.ndim)
            case Stack():
                return stacked([self.formula(p) for p in node.parts], node.ndim)
            case Constant():
                return _literal(node.value)
            case Size():
                return size_of(node.dimension)
        return structural_formula(node)

    def _product(self, node: Contraction, coefficient: Number, *, is_loose: bool) -> Formula:
        if is_zero(node):
            if node.ndim and not is_loose:
                return filled("zeros", node.shape)
            return number_of(coefficient)
        product = taken_apart(node, coefficient, self.formula, self._apart)
        formula = written_product(product, is_loose=is_loose)
        inner = _only_sum(node)
        if inner is None or is_whole(coefficient):
            return formula
        spread = self._sum(
            [(multiplied(coefficient, c), t) for c, t in inner.terms], node.shape
        )
        return spread if len(spread.text) < len(formula.text) else formula

    def _apart(self, node: Sum, beside: Number) -> tuple[Number, Formula]:
        """A number and a formula whose product is the node, as they read best beside `beside`.

        0: only the sign is free, and the first term by degree is made positive.
        """
        sign, formula = self._signed(node, beside)
        if is_whole(beside):
            return sign, formula
        numbers = [(sign, formula)]
        for coefficient in {magnitude(c) for c, _ in node.terms} - {ONE}:
            number = multiplied(sign, coefficient)
            terms = [(multiplied(c, raised(number, -ONE)), t) for c, t in node.terms]
            if all(is_whole(c) for c, t in terms if number_of_node(t) is not None):
                numbers.append((number, self._sum(terms, node.shape)))
        return min(
            numbers, key=lambda n: weight_of(multiplied(beside, n[0])) + weight_inside(n[1])
        )

    def _signed(self, node: Sum, beside: Number) -> tuple[Number, Formula]:
        """±node with the sign that reads best beside a number."""
        if shifted_by_logsumexp(node) is not None:
            return ONE, self.formula(node)
        opposite = scaled(node, -ONE)
        if shifted_by_logsumexp(opposite) is not None:
            return -ONE, self.formula(opposite)
        is_negative = beside < 0 and any(c < 0 for c, _ in node.terms)
        is_negative |= beside > 0 and not any(c > 0 for c, _ in node.terms)
        is_negative |= not beside and self._terms(node.terms, node.ndim)[0][0] < 0
        if not is_negative:
            return ONE, self.formula(node)
        if node not in self._negatives:
            terms = [(-c, t) for c, t in node.terms]
            self._negatives[node] = self._sum(terms, node.shape)
        return -ONE, self._negatives[node]

    def _multiple(self, coefficient: Number, node: Node, *, is_loose: bool) -> Formula:
        """A number times a node that is no sum."""
        if isinstance(node, Contraction):
            return self._product(node, coefficient * node.coefficient, is_loose=is_loose)
        if coefficient == 1:
            return self.formula(node)
        return assembled(coefficient, [self.formula(node)], (), ())

    def _terms(self, terms: Terms, ndim: int) -> list[tuple[int, Formula]]:
        """The terms in the order they are written, each with its sign apart."""
        carried = frozenset[int]().union(*(carried_axes(t) for _, t in terms))
        is_loose = len(carried) == ndim and not any(is_structured(t) for _, t in terms)
        written = self._sized(terms, is_loose=is_loose)
        written.sort(key=lambda w: (_delta_rank(w[2]), -w[1].degree, w[1].text))
        return [(sign, formula) for sign, formula, _ in written]

    def _sized(self, terms: Terms, *, is_loose: bool) -> list[tuple[int, Formula, Node]]:
        written = []
        for number, term in terms:
            own, unit = unit_part(term)
            coefficient = multiplied(number, own)
            sign, formula = sign_apart(self._multiple(coefficient, unit, is_loose=is_loose))
            written.append((sign, formula, term))
        return written

    def _sum(self, terms: Terms, shape: Shape) -> Formula:
        ordered = self._terms(terms, len(shape))
        first = next((k for k, (sign, _) in enumerate(ordered) if sign > 0), 0)
        ordered.insert(0, ordered.pop(first))
        sign, total = ordered[0]
        total = total if sign > 0 else negated_product(total)
        for sign, formula in ordered[1:]:
            total = operation("add" if sign > 0 else "subtract", total, formula)
        return total

    def _along(self, function: str, x: Node, axes: tuple[int, ...]) -> Formula:
        """A function that works along the last axis where no axis is named."""
        options = () if axes == (x.ndim - 1,) else (("axis", _axes_text(axes)),)
        return call(function, (self.formula(x),), x.ndim, options)

    def _entrywise(self, node: Elementwise) -> Formula:
        function, arguments = node.function, node.arguments
        softened = shifted_by_logsumexp(arguments[0]) if function.name == "exp" else None
        if softened is not None:
            return self._along("softmax", *softened)
        if function.name == "quotient_or_zero":
            axes = normalized_axes(*arguments)
            if axes is not None:
                return self._along("normalize", arguments[0], axes)
        parts = [self.formula(a, is_loose=True) for a in arguments]
        if function.is_symmetric:
            parts.sort(key=lambda p: (p.op != "number", p.text))
        if function.name in COMPARISONS:
            return comparison(function.name, *parts)
        if function.name in BINARY:
            return operation(function.name, parts[0], parts[1])
        ndim = max(p.ndim for p in parts)
        name, *others = function.spelled or (function.name,)
        for inner in (text for text in others if not text.isdecimal()):
            parts = [call(inner, parts, ndim)]
        before = [number_of(Fraction(text)) for text in others if text.isdecimal()]
        return call(name, [*before, *parts], ndim)

    def _reduction(self, node: Reduction) -> Formula:
        function, argument = node.function, node.argument
        is_whole = node.axes == tuple(range(argument.ndim))
        options = () if is_whole else (("axis", _axes_text(node.axes)),)
        return call(function.name, (self.formula(argument),), node.ndim, options)


def _only_sum(node: Contraction) -> Sum | None:
    """The sum that a node is a multiple of."""
    if len(node.factors) != 1 or len(node.sizes) != node.ndim:
        return None
    (factor,) = node.factors
    is_plain = factor.exponent == 1 and factor.letters == tuple(range(node.ndim))
    return factor.node if is_plain and isinstance(factor.node, Sum) else None


def _axes_text(axes: Sequence[int]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(tuple(axes))


def _literal(value: NDArray[np.float64]) -> Formula:
    """An array as nested brackets."""
    if not value.ndim:
        return number_of(from_float(float(value)))
    return stacked([_literal(part) for part in value], value.ndim)


def _delta_rank(node: Node) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """Terms with deltas first, those of the first axes before others."""
    if isinstance(node, Delta):
        return 0, ((0, 1),)
    if isinstance(node, Contraction):
        places = sorted(f.letters for f in node.factors if isinstance(f.node, Delta))
        if places:
            return 0, tuple(places)
    return 1, ()


def _size_names(root: Node) -> set[str]:
    """The names of sizes in a graph."""
    sizes = {s for node in topological([root]) for s in _sizes_of(node)}
    return {n for s in sizes if isinstance(s, NamedSize) for n, _ in s.counts}


def _sizes_of(node: Node) -> Sequence[Dimension]:
    if isinstance(node, Size):
        return (node.dimension,)
    return node.sizes if isinstance(node, Contraction) else node.shape


def _names_in(formula: Formula) -> set[str]:
    names: set[str] = set()
    pending = [formula]
    while pending:
        part = pending.pop()
        pending += part.args
        if part.op == "name":
            names.add(part.text)
    return names
