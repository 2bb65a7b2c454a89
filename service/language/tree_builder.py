"""The grammar's rules as methods: from the parts of a rule to its node of the syntax tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from service.errors import ExpressionSyntaxError
from service.language.syntax import (
    Boolean,
    Call,
    Index,
    Let,
    Name,
    NewAxis,
    Number,
    Operation,
    Slice,
    Syntax,
    Text,
    Tuple,
)

_LARGEST = 2**63
_MOST_DIGITS = 20
_FARTHEST_POINT = 64


@dataclass(frozen=True, slots=True)
class _Group:
    """A node in parentheses, whose place its own does not include but its parent's does."""

    node: Syntax
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Binding:
    name: Name
    value: Syntax
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Option:
    name: str
    value: Syntax
    start: int
    end: int


def _bare(part: Any) -> Any:  # noqa: ANN401  # the parts are lexemes, nodes and the above
    return part.node if type(part) is _Group else part


def _place(parts: list[Any]) -> tuple[int, int]:
    return parts[0].start, parts[-1].end


class TreeBuilder:
    """One method per rule or alias of the grammar, from the rule's parts to its node.

    `operations` says by which tree name the dialect reads each operator.
    """

    def __init__(self, operations: Mapping[str, str]) -> None:
        self._operations = operations

    def start(self, parts: list[Any]) -> Syntax:
        """The whole expression: its only statement, or a Let of them all."""
        last = parts[-1]
        for part in parts[:-1]:
            if type(part) is not _Binding:
                raise ExpressionSyntaxError(
                    "a statement before the last is not an assignment; "
                    "expected a name and '=' before it",
                    start=part.start,
                    end=part.end,
                    hint="only the last statement is the value; drop this one or name it, "
                    "as in u = w * x; sum(u)",
                )
        if type(last) is _Binding:
            name = last.name.name
            raise ExpressionSyntaxError(
                f"the last statement only assigns {name!r}; expected a value after it",
                start=last.start,
                end=last.end,
                hint=f"end with the value, as in {name} = …; {name}, or compare with '=='",
            )
        body: Syntax = _bare(last)
        bindings = tuple((part.name, part.value) for part in parts[:-1])
        if not bindings:
            return body
        return Let(bindings, body, *_place(parts))

    def binding(self, parts: list[Any]) -> _Binding:
        """`name = value`, a part of a Let."""
        target, value = parts
        return _Binding(self.name([target]), _bare(value), target.start, value.end)

    def binary(self, parts: list[Any]) -> Operation | Call:
        """An operator between two operands; `·` is a call of dot."""
        left, operator, right = parts
        operands = (_bare(left), _bare(right))
        if operator.text == "·":
            return Call("dot", operands, (), left.start, right.end, right.end)
        return Operation(self._operations[operator.text], operands, left.start, right.end)

    def negation(self, parts: list[Any]) -> Operation:
        """Unary minus."""
        return Operation("negate", (_bare(parts[1]),), *_place(parts))

    def transpose(self, parts: list[Any]) -> Operation:
        """`A.T`, `A'` or `Aᵀ`."""
        return Operation("transpose", (_bare(parts[0]),), *_place(parts))

    def index(self, parts: list[Any]) -> Index:
        """`x[…]`."""
        items = tuple(_bare(item) for item in parts[2:-1])
        return Index(_bare(parts[0]), items, *_place(parts))

    def name(self, parts: list[Any]) -> Name:
        """A variable or constant."""
        (word,) = parts
        return Name(word.text, word.start, word.end)

    def number(self, parts: list[Any]) -> Number:
        """A literal."""
        (word,) = parts
        return Number(_exact(word.text), word.start, word.end)

    def string(self, parts: list[Any]) -> Text:
        """A quoted argument, without its quotes."""
        (word,) = parts
        return Text(word.text[1:-1], word.start, word.end)

    def boolean(self, parts: list[Any]) -> Boolean:
        """`True` or `False`."""
        (word,) = parts
        return Boolean(word.text == "True", word.start, word.end)

    def group(self, parts: list[Any]) -> _Group:
        """A value in parentheses."""
        return _Group(_bare(parts[1]), *_place(parts))

    def stack(self, parts: list[Any]) -> Operation:
        """`[a, b]`."""
        return Operation("stack", tuple(_bare(part) for part in parts[1:-1]), *_place(parts))

    def tuple(self, parts: list[Any]) -> Tuple:
        """`(a, b)`."""
        return Tuple(tuple(_bare(part) for part in parts[1:-1]), *_place(parts))

    def call(self, parts: list[Any]) -> Call:
        """`function(…)`, its options in the order written."""
        function = parts[0]
        options: dict[str, Syntax] = {}
        arguments: list[Syntax] = []
        for part in parts[2:-1]:
            if type(part) is not _Option:
                if options:
                    raise ExpressionSyntaxError(
                        f"an argument of {function.text} without a name follows a named one",
                        start=part.start,
                        end=part.end,
                        hint="write the options, as in axis=0, last",
                    )
                arguments.append(_bare(part))
            elif part.name in options:
                raise ExpressionSyntaxError(
                    f"the option {part.name!r} of {function.text} is given twice",
                    start=part.start,
                    end=part.end,
                )
            else:
                options[part.name] = part.value
        place = (function.start, parts[-1].end, function.end)
        return Call(function.text, tuple(arguments), tuple(options.items()), *place)

    def option(self, parts: list[Any]) -> _Option:
        """`keyword=value`, a part of a call."""
        word, value = parts
        return _Option(word.text, _bare(value), word.start, value.end)

    def new_axis(self, parts: list[Any]) -> NewAxis:
        """`None` in an index."""
        return NewAxis(*_place(parts))

    def slice(self, parts: list[Any]) -> Slice:
        """`first:stop:step`, with None for what is left out."""
        first, colon, stop, second_colon, step = parts
        written = [
            part for part in (first, colon, stop, second_colon, step) if part is not None
        ]
        return Slice(_bare(first), _bare(stop), _bare(step), *_place(written))


def _exact(literal: str) -> Fraction | float:
    """The literal's exact value where it fits 64 bits, else the nearest float64."""
    mantissa, _, exponent = literal.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    significant = (whole + decimals).lstrip("0")
    digits = significant.rstrip("0")
    if not digits:
        return Fraction(0)
    if len(digits) <= _MOST_DIGITS and len(exponent) <= len("-999"):
        point = int(exponent or 0) - len(decimals) + len(significant) - len(digits)
        if abs(point) <= _FARTHEST_POINT:
            exact = int(digits) * Fraction(10) ** point
            if exact.numerator <= _LARGEST and exact.denominator <= _LARGEST:
                return exact
    return float(literal)
