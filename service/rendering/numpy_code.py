"""A formula as a NumPy function that stands alone."""

import keyword
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from unicodedata import normalize

import numpy as np

from service.calculus.dimensions import Dimension, NamedSize, Shape, affine, combined
from service.calculus.rules.table import FUNCTIONS
from service.language.tree_parts import BINARY, NEGATION, POSTFIX, SYMBOLS
from service.rendering.formula import COMPARISONS, Formula, size_text
from service.rendering.writer import Written

_LEAST_SHARED = 4
_NAME = re.compile(r"[^\W\d]\w*")
_OPERATORS = frozenset(SYMBOLS)


def numpy_function(
    written: Written, name: str, parameters: Mapping[str, Shape], summary: str, result: Shape
) -> str:
    """The source of `name(*parameters)`, which returns the value in its full shape."""
    return _Emitter(parameters).source(written, name, summary, result)


class _Identifiers:
    """The names of the code, each given once.

    Python reads two names that are one in Unicode's form NFKC, such as φ and ϕ, as the same.
    """

    def __init__(self) -> None:
        # The function's body says `dtype=float`.
        self._taken = {"float"}

    def new(self, name: str) -> str:
        """The name, with as many underscores behind it as make it an unused identifier."""
        while keyword.iskeyword(_read(name)) or _read(name) in self._taken:
            name += "_"
        self._taken.add(_read(name))
        return name


class _Emitter:
    def __init__(self, parameters: Mapping[str, Shape]) -> None:
        self._parameters = parameters
        self._identifiers = _Identifiers()
        self._names = {p: self._identifiers.new(p) for p in parameters}
        sizes = {
            n
            for shape in parameters.values()
            for s in shape
            if isinstance(s, NamedSize)
            for n, _ in s.counts
        }
        self._sizes = {s: self._identifiers.new(s) for s in sorted(sizes)}
        self._numpy = self._identifiers.new("np")
        self._helpers: dict[str, tuple[str, str]] = {}
        self._imports: dict[str, str] = {}
        self._lines: list[str] = []
        self._codes: dict[int, tuple[str, int]] = {}
        self._named: dict[str, str] = {}
        self._shared: set[str] = set()
        self._numbers = count(1)

    def source(self, written: Written, name: str, summary: str, result: Shape) -> str:
        """The whole module."""
        formulas = [f for _, f in written.definitions] + [written.body]
        self._names |= {n: self._identifiers.new(n) for n, _ in written.definitions}
        if self._parameters.keys().isdisjoint(self._sizes):
            # Else one text may mean a variable in one place and a size in another.
            self._shared = _shared_parts(formulas)
        arguments = [self._names[p] for p in self._parameters]
        for safe in arguments:
            self._lines.append(f"{safe} = {self._np('asarray')}({safe}, dtype=float)")
        self._lines += self._size_lines()
        for part, formula in written.definitions:
            self._lines.append(f"{self._names[part]} = {self._expression(formula)}")
        body = self._expression(written.body)
        if written.body.op in ("number", "size", *COMPARISONS):
            body = f"{self._np('asarray')}({body}, dtype=float)"
        shapes = [
            f"    {self._names[p]}: shape ({self._shape(s)})"
            for p, s in self._parameters.items()
        ]
        shapes.append(f"    returns: shape ({self._shape(result)})")
        lines = [f"def {name}({', '.join(arguments)}):"]
        lines += [f'    """{summary}', "", *shapes, '    """']
        lines += [f"    {line}" for line in self._lines] + [f"    return {body}"]
        head = [f"import numpy as {self._numpy}"]
        special = sorted(self._imports)
        if special:
            pairs = (
                s if self._imports[s] == s else f"{s} as {self._imports[s]}" for s in special
            )
            head.append(f"from scipy.special import {', '.join(pairs)}")
        helpers = [text for _, text in self._helpers.values()]
        return "\n\n\n".join(["\n".join(head), *helpers, "\n".join(lines)]) + "\n"

    def _shape(self, shape: Sequence[Dimension]) -> str:
        sizes = [self._of_sizes(str(s)) for s in shape]
        return ", ".join(sizes) + ("," if len(shape) == 1 else "")

    def _of_sizes(self, text: str) -> str:
        """A text in names of sizes, such as `n + 1` or `:, 1:n`, in those of the code."""
        return _NAME.sub(lambda found: self._sizes.get(found[0], found[0]), text)

    def _size_lines(self) -> list[str]:
        """A line for each name of a size, read off the first axis that tells it."""
        lines: list[str] = []
        unknown = list(self._sizes)
        while True:
            found = {s: text for s in unknown if (text := self._read_off(s, unknown))}
            if not found:
                return lines
            lines += [f"{self._sizes[s]} = {text}" for s, text in found.items()]
            unknown = [s for s in unknown if s not in found]

    def _read_off(self, size: str, unknown: Sequence[str]) -> str:
        """What a size is by an axis that depends on no other unknown one; else nothing."""
        for parameter, shape in self._parameters.items():
            for axis, dimension in enumerate(shape):
                counts = dict(dimension.counts) if isinstance(dimension, NamedSize) else {}
                if [n for n in counts if n in unknown] == [size]:
                    assert isinstance(dimension, NamedSize)
                    times = counts.pop(size)
                    rest = affine(counts, dimension.offset)
                    return self._solved(f"{self._names[parameter]}.shape[{axis}]", rest, times)
        return ""

    def _solved(self, text: str, rest: Dimension, times: int) -> str:
        """(text - rest) // times."""
        if rest != 0:
            other = combined(0, rest, -1)
            shown = (
                self._of_sizes(size_text(other)) if isinstance(other, NamedSize) else f"{other}"
            )
            text += f" - {shown[1:]}" if shown.startswith("-") else f" + {shown}"
        if times == 1:
            return text
        return f"({text}) // {times}" if rest != 0 else f"{text} // {times}"

    def _np(self, function: str) -> str:
        return f"{self._numpy}.{function}"

    def _expression(self, formula: Formula) -> str:
        return self._code(formula)[0]

    def _within(self, formula: Formula, level: int) -> str:
        text, own = self._code(formula)
        return f"({text})" if own < level else text

    def _code(self, formula: Formula) -> tuple[str, int]:
        """The Python of a formula and how tightly it binds, its parts first."""
        pending = [(formula, False)]
        while pending:
            part, is_ready = pending.pop()
            if id(part) in self._codes:
                continue
            if part.text in self._named:
                self._codes[id(part)] = self._named[part.text], _ATOM
            elif is_ready:
                self._codes[id(part)] = self._line_or_code(part)
            else:
                pending.append((part, True))
                pending.extend((a, False) for a in reversed(_parts_of(part)))
        return self._codes[id(formula)]

    def _line_or_code(self, formula: Formula) -> tuple[str, int]:
        """The Python of a formula whose parts have theirs; a shared one gets a line."""
        text, level = self._made(formula)
        if formula.text not in self._shared:
            return text, level
        name = self._identifiers.new(f"u{next(self._numbers)}")
        self._lines.append(f"{name} = {text}")
        self._named[formula.text] = name
        return name, _ATOM

    def _made(self, formula: Formula) -> tuple[str, int]:
        op = formula.op
        if op == "size":
            return self._of_sizes(formula.text), formula.level
        if op in ("name", "number"):
            return self._names.get(formula.text, formula.text), formula.level
        if op in COMPARISONS:
            text = self._operator(formula)
            return f"{self._np('where')}({text}, 1.0, 0.0)", _ATOM
        if op in _OPERATORS:
            return self._operator(formula), BINARY[op][0]
        if op == "negate":
            return f"-{self._within(formula.args[0], NEGATION)}", NEGATION
        if op == "transpose":
            return f"{self._within(formula.args[0], POSTFIX)}.T", POSTFIX
        if op == "index":
            items = self._of_sizes(dict(formula.options)["index"])
            return f"{self._within(formula.args[0], POSTFIX)}[{items}]", POSTFIX
        if op == "stack":
            inside = ", ".join(self._expression(a) for a in formula.args)
            return f"{self._np('stack')}([{inside}])", _ATOM
        if op == "onehot":
            size, place = (self._of_sizes(v) for _, v in formula.options)
            return f"{self._np('eye')}({size})[{place}]", POSTFIX
        return self._called(formula), _ATOM

    def _operator(self, formula: Formula) -> str:
        own, left, right = BINARY[formula.op]
        if formula.args[0].level <= own and formula.args[0].op != formula.op:
            left = max(left, own)
        first, second = formula.args
        if {formula.op, first.op} in ({"matmul", "multiply"}, {"matmul", "divide"}):
            left = right
        text = self._within(first, left) + SYMBOLS[formula.op]
        if formula.op == "power":
            # A whole negative power of an integer has no value in NumPy; all is float here.
            return text + self._within(second, right)
        return text + self._within(second, right)

    def _called(self, formula: Formula) -> str:
        options = [f"{n}={v}" for n, v in formula.options if n in ("axis", "keepdims")]
        arguments = [self._expression(a) for a in formula.args]
        if formula.op == "einsum":
            arguments.insert(0, repr(dict(formula.options)["subscripts"]).replace("'", '"'))
        elif formula.op in ("eye", "ones", "zeros"):
            arguments = [self._of_sizes(value) for _, value in formula.options]
        elif formula.op == "matrix_power":
            arguments += [value for _, value in formula.options]
        elif formula.op == "where" and formula.args[0].op in COMPARISONS:
            arguments[0] = self._operator(formula.args[0])
        elif formula.op == "where":
            arguments[0] = f"{self._within(formula.args[0], 2)} != 0"
        return f"{self._function(formula.op)}({', '.join(arguments + options)})"

    def _function(self, name: str) -> str:
        """The name of a function in the code, imported or defined where it has to be."""
        source = FUNCTIONS[name].numpy
        if not source:
            assert hasattr(np, name), name
            return self._np(name)
        if source.startswith("np."):
            return self._np(source.removeprefix("np."))
        if source.startswith("scipy.special."):
            function = source.removeprefix("scipy.special.")
            if function not in self._imports:
                self._imports[function] = self._identifiers.new(function)
            return self._imports[function]
        if name not in self._helpers:
            safe = self._identifiers.new(name)
            text = source.replace(f"def {name}(", f"def {safe}(")
            self._helpers[name] = (safe, text.replace("np.", f"{self._numpy}."))
        return self._helpers[name][0]


_ATOM = 7


def _read(name: str) -> str:
    """A name as Python reads it."""
    return normalize("NFKC", name)


def _parts_of(formula: Formula) -> tuple[Formula, ...]:
    """The parts that the code of a formula has: of the condition of `where`, its two sides."""
    if formula.op == "where" and formula.args[0].op in COMPARISONS:
        return (*formula.args[0].args, *formula.args[1:])
    return formula.args


def _shared_parts(formulas: Sequence[Formula]) -> set[str]:
    """The texts of the parts that stand more than once and are worth a name."""
    uses: Counter[str] = Counter()
    pending = list(formulas)
    while pending:
        part = pending.pop()
        if part.count >= _LEAST_SHARED:
            uses[part.text] += 1
            if uses[part.text] > 1:
                continue
        pending += part.args
    return {text for text, number in uses.items() if number > 1}
