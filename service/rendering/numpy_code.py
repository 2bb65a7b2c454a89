"""A formula as a NumPy function that stands alone."""

import keyword
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np

from service.calculus.dimensions import Dimension, NamedSize, Shape, shown
from service.calculus.rules.table import FUNCTIONS
from service.language.tree_parts import BINARY, NEGATION, POSTFIX, SYMBOLS
from service.rendering.formula import COMPARISONS, Formula
from service.rendering.writer import Written

_LEAST_SHARED = 4
_OPERATORS = frozenset(SYMBOLS)


def numpy_function(
    written: Written, name: str, parameters: Mapping[str, Shape], summary: str, result: Shape
) -> str:
    """The source of `name(*parameters)`, which returns the value in its full shape."""
    return _Emitter(parameters).source(written, name, summary, result)


class _Emitter:
    def __init__(self, parameters: Mapping[str, Shape]) -> None:
        self._parameters = parameters
        self._sizes = {
            n
            for shape in parameters.values()
            for s in shape
            if isinstance(s, NamedSize)
            for n, _ in s.counts
        }
        self._taken = {*parameters, *self._sizes}
        self._numpy = _free("np", self._taken)
        self._taken.add(self._numpy)
        self._helpers: dict[str, tuple[str, str]] = {}
        self._imports: dict[str, str] = {}
        self._lines: list[str] = []
        self._named: dict[str, str] = {}
        self._shared: set[str] = set()
        self._names: dict[str, str] = {}

    def source(self, written: Written, name: str, summary: str, result: Shape) -> str:
        """The whole module."""
        formulas = [f for _, f in written.definitions] + [written.body]
        self._taken |= {n for n, _ in written.definitions}
        self._shared = _shared_parts(formulas)
        arguments = ", ".join(_argument(p) for p in self._parameters)
        for parameter in self._parameters:
            safe = _argument(parameter)
            self._names[parameter] = safe
            self._lines.append(f"{safe} = {self._np('asarray')}({safe}, dtype=float)")
        self._lines += self._size_lines()
        for part, formula in written.definitions:
            self._lines.append(f"{part} = {self._expression(formula)}")
        body = self._expression(written.body)
        if written.body.op in ("number", "size", *COMPARISONS):
            body = f"{self._np('asarray')}({body}, dtype=float)"
        shapes = [
            f"    {_argument(p)}: shape ({_shape(s)})" for p, s in self._parameters.items()
        ]
        docstring = [f'    """{summary}', "", *shapes, f"    returns: shape ({_shape(result)})"]
        lines = [f"def {name}({arguments}):", *docstring, '    """']
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

    def _size_lines(self) -> list[str]:
        """A line for each name of a size, read off the first axis that tells it."""
        lines = []
        for size in sorted(self._sizes):
            for parameter, shape in self._parameters.items():
                place = _place_of(size, shape)
                if place is not None:
                    axis, times, offset = place
                    text = f"{_argument(parameter)}.shape[{axis}]"
                    text += f" - {offset}" if offset > 0 else f" + {-offset}" if offset else ""
                    text = f"({text}) // {times}" if times != 1 and offset else text
                    text = f"{text} // {times}" if times != 1 and not offset else text
                    lines.append(f"{size} = {text}")
                    break
        return lines

    def _np(self, function: str) -> str:
        return f"{self._numpy}.{function}"

    def _expression(self, formula: Formula) -> str:
        return self._code(formula)[0]

    def _within(self, formula: Formula, level: int) -> str:
        text, own = self._code(formula)
        return f"({text})" if own < level else text

    def _code(self, formula: Formula) -> tuple[str, int]:
        """The Python of a formula and how tightly it binds; shared parts get a line."""
        if formula.text in self._named:
            return self._named[formula.text], _ATOM
        text, level = self._made(formula)
        if formula.text in self._shared:
            name = next(n for k in count(1) if (n := f"u{k}") not in self._taken)
            self._taken.add(name)
            self._lines.append(f"{name} = {text}")
            self._named[formula.text] = name
            return name, _ATOM
        return text, level

    def _made(self, formula: Formula) -> tuple[str, int]:
        op = formula.op
        if op in ("name", "number", "size"):
            text = self._names.get(formula.text, formula.text)
            return text, formula.level
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
            items = dict(formula.options)["index"]
            return f"{self._within(formula.args[0], POSTFIX)}[{items}]", POSTFIX
        if op == "stack":
            inside = ", ".join(self._expression(a) for a in formula.args)
            return f"{self._np('stack')}([{inside}])", _ATOM
        if op == "onehot":
            options = dict(formula.options)
            return f"{self._np('eye')}({options['n']})[{options['k']}]", POSTFIX
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
            arguments = [value for _, value in formula.options]
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
            self._imports.setdefault(function, _free(function, self._taken))
            return self._imports[function]
        if name not in self._helpers:
            safe = _free(name, self._taken)
            text = source.replace(f"def {name}(", f"def {safe}(")
            self._helpers[name] = (safe, text.replace("np.", f"{self._numpy}."))
        return self._helpers[name][0]


_ATOM = 7


def _free(name: str, taken: set[str]) -> str:
    """The name, with as many underscores behind it as make it free."""
    while name in taken:
        name += "_"
    return name


def _argument(name: str) -> str:
    """A variable as the name of a parameter: Python's own words get an underscore."""
    return f"{name}_" if keyword.iskeyword(name) else name


def _shape(shape: Sequence[Dimension]) -> str:
    return ", ".join(str(s) for s in shape) + ("," if len(shape) == 1 else "")


def _place_of(size: str, shape: Shape) -> tuple[int, int, int] | None:
    """The axis, factor and offset with which a shape tells a size by its name."""
    for axis, dimension in enumerate(shape):
        if isinstance(dimension, NamedSize) and [n for n, _ in dimension.counts] == [size]:
            times = dimension.counts[0][1]
            if times > 0:
                return axis, times, dimension.offset
    return None


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


__all__ = ["numpy_function", "shown"]
