"""The syntax tree: what the text says, each part with its place in code points."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Number:
    """A literal: exact while it fits 64 bits, else the nearest float64."""

    value: Fraction | float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, a named intermediate or a named constant."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string; only einsum's subscripts are one."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator by its tree name.

    add subtract multiply divide power negate matmul transpose greater greater_equal less
    less_equal equal not_equal (args: operands), and stack (args: the parts of `[a, b]`).
    """

    op: str
    args: tuple["Syntax", ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    """`function(args, keyword=value)`; `function_end` closes the function's name."""

    function: str
    args: tuple["Syntax", ...]
    options: tuple[tuple[str, "Syntax"], ...]
    start: int
    end: int
    function_end: int


@dataclass(frozen=True, slots=True)
class Slice:
    """`start:stop:step` of one axis; each part is an expression or None."""

    first: "Syntax | None"
    stop: "Syntax | None"
    step: "Syntax | None"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NewAxis:
    """`None` between brackets: a new axis of size 1."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Index:
    """`target[item, item, …]`."""

    target: "Syntax"
    items: tuple["Syntax | Slice | NewAxis", ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Boolean:
    """`True` or `False`, the value of an option such as keepdims."""

    value: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Tuple:
    """`(a, b)`: a shape or several axes; only as an argument."""

    items: tuple["Syntax", ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Let:
    """`name = value; …; body`: named intermediates, in order, then the result."""

    bindings: tuple[tuple[Name, "Syntax"], ...]
    body: "Syntax"
    start: int
    end: int


Syntax = Number | Name | Text | Operation | Call | Index | Let | Boolean | Tuple


def parts_of(node: Syntax) -> tuple[Syntax, ...]:
    """The values that a node is made of, in their order; flags and quoted text are none."""
    match node:
        case Operation(_, args):
            return args
        case Call(_, args, options):
            given = (*args, *(value for _, value in options))
            values = (v for v in given if not isinstance(v, Boolean | Text))
            return tuple(p for v in values for p in (v.items if isinstance(v, Tuple) else (v,)))
        case Index(target, items):
            return (target, *(part for item in items for part in _item_parts(item)))
        case Let(bindings, body):
            return (*(value for _, value in bindings), body)
    return ()


def _item_parts(item: Syntax | Slice | NewAxis) -> tuple[Syntax, ...]:
    if isinstance(item, Slice):
        return tuple(part for part in (item.first, item.stop, item.step) if part is not None)
    return () if isinstance(item, NewAxis) else (item,)
