"""A graph index by index, δ first, sums explicit: 2 Σ_k A_ki (-y_k + Σ_j A_kj x_j).

Of what has no indices inside, the inverse of a matrix say, the text stands before its indices;
a scalar of that kind that is more than a function of a variable stands in braces.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.calculus.dimensions import NamedSize
from service.calculus.graph import (
    Contraction,
    Delta,
    Elementwise,
    Factor,
    Node,
    Number,
    Reduction,
    Size,
    Sum,
    Variable,
    topological,
)
from service.calculus.numbers import magnitude
from service.calculus.structure import LETTERS
from service.calculus.terms import is_zero
from service.language.tree_parts import BINARY
from service.rendering.expanding import terms_of
from service.rendering.factoring import Terms
from service.rendering.formula import number_of, size_of
from service.rendering.patterns import normalized_axes, shifted_by_logsumexp
from service.rendering.plain import plain_graph
from service.rendering.writer import written_formula

_MOST_CHARACTERS = 20_000
_RELATIONS = {
    "greater": ">",
    "greater_equal": "≥",
    "equal": "=",
    "not_equal": "≠",
}
_SUM, _PRODUCT, _ATOM = 1, 2, 3


class _TooLongError(Exception):
    """The text has more characters or letters than are of use."""


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    level: int

    def within(self, level: int) -> str:
        return f"({self.text})" if self.level < level else self.text


def index_notation(node: Node, taken: Iterable[str] = ()) -> str | None:
    """A graph index by index, its axes i, j, k, …; None where that is of no use.

    That is over 20,000 characters, or with more indices than the alphabet has.
    """
    node = plain_graph(node)
    names = {*taken, *node.variables}
    for part in topological([node]):
        if isinstance(part, Size) and isinstance(part.dimension, NamedSize):
            names.update(name for name, _ in part.dimension.counts)
    letters = [x for x in LETTERS if x not in names]
    writer = _IndexWriter(letters, frozenset(names))
    try:
        return writer.text(node, letters[: node.ndim], node.ndim).text
    except _TooLongError:
        return None


class _IndexWriter:
    def __init__(self, letters: Sequence[str], names: frozenset[str]) -> None:
        self._letters = letters
        self._names = names

    def text(self, node: Node, indices: Sequence[str], used: int) -> _Text:
        """An entry of a node; the first `used` letters have a meaning already."""
        found = self._text(node, indices, used)
        if len(found.text) > _MOST_CHARACTERS:
            raise _TooLongError
        return found

    def _text(self, node: Node, indices: Sequence[str], used: int) -> _Text:
        if isinstance(node, Contraction):
            return self._product(node, indices, used, node.coefficient)
        if _has_own_text(node):
            return self._whole(node, indices)
        if isinstance(node, Sum):
            return self._sum(node.terms, indices, used)
        if isinstance(node, Elementwise):
            return self._entrywise(node, indices, used)
        if isinstance(node, Reduction):
            return self._reduction(node, indices, used)
        if isinstance(node, Variable):
            return _Text(_with(node.name, indices), _ATOM)
        if isinstance(node, Size):
            size = size_of(node.dimension)
            return _Text(size.text, _ATOM if size.text.isalnum() else _SUM)
        if isinstance(node, Delta):
            is_one = indices[0] == indices[1]
            return _Text("1" if is_one else _with("δ", indices), _ATOM)
        return self._whole(node, indices)

    def _fresh(self, used: int, count: int) -> Sequence[str]:
        """The next letters without a meaning."""
        letters = self._letters[used : used + count]
        if len(letters) < count:
            raise _TooLongError
        return letters

    def _whole(self, node: Node, indices: Sequence[str]) -> _Text:
        """What has no indices inside."""
        written = written_formula(node, self._names)
        if written.definitions:
            raise _TooLongError
        text = written.body.text
        if not indices and not _PLAIN.fullmatch(text):
            return _Text(f"{{{text}}}", _ATOM)
        is_call = written.body.level >= _CALL_LEVEL and text.endswith(")")
        return _Text(_with(text if is_call else f"({text})", indices), _ATOM)

    def _product(
        self, node: Contraction, indices: Sequence[str], used: int, coefficient: Number
    ) -> _Text:
        if is_zero(node):
            return _Text("0", _ATOM)
        count = len(node.sizes) - node.ndim
        summed = self._fresh(used, count)
        letters = [*indices, *summed]
        used += count
        over: list[str] = []
        under: list[str] = []
        counts: list[str] = []
        deltas: list[str] = []
        turned = _sum_to_turn(node.factors) if coefficient < 0 else None
        if turned is not None and coefficient == -1 and len(node.factors) == 1 and not summed:
            mine = [letters[x] for x in turned.letters]
            return self._sum([(-c, t) for c, t in terms_of(turned)], mine, used)
        coefficient = coefficient if turned is None else -coefficient
        for f in node.factors:
            mine = [letters[x] for x in f.letters]
            entry = self._power(f, mine, used, is_turned=f is turned)
            if isinstance(f.node, Delta):
                deltas += [entry] if entry != "1" else []
            elif f.exponent > 0:
                over.append(entry)
            else:
                (counts if isinstance(f.node, Size) else under).append(entry)
        varying = {f.letters[axis] for f in node.factors for axis in _varies_along(f.node)}
        lonely = [x for x in range(node.ndim, len(node.sizes)) if x not in varying]
        over += [size_of(node.sizes[x]).within(BINARY["power"][0]) for x in lonely]
        summed = [letters[x] for x in range(node.ndim, len(node.sizes)) if x in varying]
        sign = "-" if coefficient < 0 else ""
        head = number_of(magnitude(coefficient)).text.replace(" ", "")
        for entry in sorted(counts):
            head += f"/{entry}"
        parts = [] if head == "1" else [head]
        parts += sorted(deltas)
        if summed:
            parts.append("Σ_" + (summed[0] if len(summed) == 1 else f"{{{','.join(summed)}}}"))
        parts += sorted(over)
        if not over and (summed or not parts):
            parts.append("1")
        text = " ".join(parts)
        for entry in sorted(under):
            text += f" / {entry}"
        is_single = len(parts) == 1 and not under and not sign and "/" not in text
        return _Text(sign + text, _SUM if sign else _ATOM if is_single else _PRODUCT)

    def _power(
        self, factor: Factor, indices: Sequence[str], used: int, *, is_turned: bool
    ) -> str:
        """A power of an entry; of a sum that is turned, of its opposite."""
        if is_turned:
            base = self._sum([(-c, t) for c, t in terms_of(factor)], indices, used)
        else:
            base = self.text(factor.node, indices, used)
        exponent = magnitude(factor.exponent)
        if exponent == 1:
            return base.within(_ATOM)
        power = number_of(exponent).text.replace(" ", "")
        power = power if "/" not in power else f"({power})"
        return f"{base.within(_ATOM)}^{power}"

    def _sum(self, sum_terms: Terms, indices: Sequence[str], used: int) -> _Text:
        terms: list[tuple[int, str]] = []
        for number, term in sum_terms:
            if isinstance(term, Contraction):
                entry = self._product(term, indices, used, number * term.coefficient)
            else:
                inner = self.text(term, indices, used)
                head = number_of(magnitude(number)).text.replace(" ", "")
                text = inner.text if head == "1" else f"{head} {inner.within(_ATOM)}"
                entry = _Text("-" * (number < 0) + text, _PRODUCT)
            is_negative = entry.text.startswith("-")
            terms.append((-1 if is_negative else 1, entry.text[is_negative:]))
        terms.sort(key=lambda t: ("Σ" in t[1], t[0] < 0, "δ" not in t[1], t[1]))
        first = next((k for k, (sign, _) in enumerate(terms) if sign > 0), 0)
        terms.insert(0, terms.pop(first))
        sign, text = terms[0]
        if first and _has_open_sum(text):
            text = f"({text})"
        text = text if sign > 0 else f"-{text}"
        for sign, entry_text in terms[1:]:
            text += (" + " if sign > 0 else " - ") + entry_text
        return _Text(text, _SUM)

    def _entrywise(self, node: Elementwise, indices: Sequence[str], used: int) -> _Text:
        function, arguments = node.function, node.arguments
        parts = [self.text(a, indices, used) for a in arguments]
        if function.name in _RELATIONS:
            sign = _RELATIONS[function.name]
            return _Text(f"[{parts[0].text} {sign} {parts[1].text}]", _ATOM)
        if function.name == "power":
            return _Text(f"{parts[0].within(_ATOM)}^({parts[1].text})", _PRODUCT)
        name, *others = function.spelled or (function.name,)
        inside = ", ".join([x for x in others if x.isdecimal()] + [p.text for p in parts])
        for inner in (x for x in others if not x.isdecimal()):
            inside = f"{inner}({inside})"
        return _Text(f"{name}({inside})", _ATOM)

    def _reduction(self, node: Reduction, indices: Sequence[str], used: int) -> _Text:
        if not _varies_along(node.argument).issuperset(node.axes):
            return self._whole(node, indices)
        reduced = self._fresh(used, len(node.axes))
        fresh = iter(reduced)
        kept: Iterator[str] = iter(indices)
        inner = [
            next(fresh) if axis in node.axes else next(kept)
            for axis in range(node.argument.ndim)
        ]
        argument = self.text(node.argument, inner, used + len(node.axes))
        below = reduced[0] if len(reduced) == 1 else f"{{{','.join(reduced)}}}"
        return _Text(f"{node.function.name}_{below}({argument.text})", _ATOM)


def _sum_to_turn(factors: Sequence[Factor]) -> Factor | None:
    """The first factor that is a sum with a negative term, which takes the product's sign."""
    for f in factors:
        is_sum = isinstance(f.node, Sum) and f.exponent == 1 and not _has_own_text(f.node)
        if is_sum and any(c < 0 for c, _ in f.node.terms):  # type: ignore[attr-defined]  # a Sum
            return f
    return None


def _has_open_sum(text: str) -> bool:
    """Whether a Σ stands outside of all brackets, so that it would take what follows."""
    depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "Σ" and not depth:
            return True
    return False


def _has_own_text(node: Node) -> bool:
    """Whether a node is written as one function: softmax, log_softmax, normalize."""
    if isinstance(node, Elementwise) and node.function.name == "exp":
        return shifted_by_logsumexp(node.arguments[0]) is not None
    if isinstance(node, Elementwise) and node.function.name == "quotient_or_zero":
        return normalized_axes(*node.arguments) is not None
    return isinstance(node, Sum) and shifted_by_logsumexp(node) is not None


@lru_cache(maxsize=1024)
def _varies_along(node: Node) -> frozenset[int]:
    """The axes along which some term of a node is not a broadcast."""
    if isinstance(node, Sum) and not _has_own_text(node):
        return frozenset[int]().union(*(_varies_along(term) for _, term in node.terms))
    if isinstance(node, Contraction):
        letters = (f.letters[axis] for f in node.factors for axis in _varies_along(f.node))
        return frozenset(x for x in letters if x < node.ndim)
    if isinstance(node, Elementwise) and not _has_own_text(node):
        return frozenset[int]().union(*(_varies_along(a) for a in node.arguments))
    if isinstance(node, Reduction):
        varying = _varies_along(node.argument)
        if varying.issuperset(node.axes):
            kept = [axis for axis in range(node.argument.ndim) if axis not in node.axes]
            return frozenset(k for k, axis in enumerate(kept) if axis in varying)
    return frozenset(range(node.ndim))


def _with(base: str, indices: Sequence[str]) -> str:
    if not indices:
        return base
    letters = "".join(indices)
    return f"{base}_{letters}" if "_" not in base else f"{base}_{{{letters}}}"


_CALL_LEVEL = 7
_PLAIN = re.compile(r"\w+\(\w+\)")
