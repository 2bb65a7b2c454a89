"""The syntax of matrixcalculus.org with its meaning, said again in the numpy dialect.

There a vector is a column, its transpose a row, and `*` the matrix product. The translation
tells columns from rows and writes `x' * y` as a dot product, `x * y'` as an outer product;
every part keeps its place.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from service.calculus.rules.table import BY_ANY_NAME
from service.errors import ExpressionSyntaxError, ShapeMismatchError, UnknownFunctionError
from service.language.dialects import numpy
from service.language.places import nearest, shown
from service.language.syntax import (
    Boolean,
    Call,
    Index,
    Let,
    Name,
    Number,
    Operation,
    Syntax,
    Text,
    Tuple,
)

Kind = Literal["scalar", "column", "row", "matrix"]
Typed = tuple[Syntax, Kind]

OPERATIONS: Mapping[str, str] = {
    **numpy.OPERATIONS,
    **dict.fromkeys(("*", "@"), "product"),
    "/": "quotient",
    **dict.fromkeys(("^", "**"), "exponent"),
    ".^": "power",
}
_KINDS: Mapping[int, Kind] = {0: "scalar", 1: "column", 2: "matrix"}
_TRANSPOSED: Mapping[Kind, Kind] = {
    "scalar": "scalar",
    "column": "row",
    "row": "column",
    "matrix": "matrix",
}
_PRODUCTS: Mapping[tuple[Kind, Kind], Kind] = {
    ("row", "column"): "scalar",
    ("column", "row"): "matrix",
    ("matrix", "column"): "column",
    ("row", "matrix"): "row",
    ("matrix", "matrix"): "matrix",
}
_OF_ALL_ENTRIES = frozenset({"sum", "norm1", "norm2"})
_OF_MATRIX: Mapping[str, Kind] = {
    "trace": "scalar",
    "det": "scalar",
    "logdet": "scalar",
    "inv": "matrix",
}
_CONSTANTS: Mapping[str, Kind] = {"vector": "column", "matrix": "matrix", "eye": "matrix"}
_VERBS = {"add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide"}


def translated(syntax: Syntax, ndim_of: Callable[[str], int]) -> Syntax:
    """The same formula in the numpy dialect; `ndim_of` gives a variable's number of axes.

    Raises:
        ExpressionSyntaxError: for a form that this dialect does not have.
        UnknownFunctionError: for a function that it does not have.
        ShapeMismatchError: for rows and columns that do not fit.
    """
    kinds: dict[str, Kind] = {}
    if not isinstance(syntax, Let):
        return _statement(syntax, ndim_of, kinds)[0]
    bindings = []
    for name, value in syntax.bindings:
        found, kind = _statement(value, ndim_of, kinds)
        bindings.append((name, found))
        kinds[name.name] = kind
    body, _ = _statement(syntax.body, ndim_of, kinds)
    return replace(syntax, bindings=tuple(bindings), body=body)


def _statement(root: Syntax, ndim_of: Callable[[str], int], bound: Mapping[str, Kind]) -> Typed:
    """One statement and what it is, its parts first and without recursion."""
    done: dict[int, Typed] = {}
    pending: list[tuple[Syntax, bool]] = [(root, False)]
    while pending:
        syntax, is_ready = pending.pop()
        parts = _parts(syntax)
        if not is_ready:
            pending.append((syntax, True))
            pending.extend((part, False) for part in parts)
        elif isinstance(syntax, Name):
            done[id(syntax)] = syntax, _named(syntax, ndim_of, bound)
        elif isinstance(syntax, Number):
            done[id(syntax)] = syntax, "scalar"
        else:
            done[id(syntax)] = _joined(syntax, [done[id(part)] for part in parts])
    return done[id(root)]


def _parts(syntax: Syntax) -> tuple[Syntax, ...]:
    if isinstance(syntax, Operation) and syntax.op in _RULES:
        return syntax.args
    if isinstance(syntax, Call) and not syntax.options:
        return tuple(a for a in syntax.args if not isinstance(a, Boolean | Text | Tuple))
    if isinstance(syntax, Name | Number):
        return ()
    what = {Index: "an index", Call: "an option", Operation: "this operation"}.get(type(syntax))
    if isinstance(syntax, Operation) and syntax.op == "stack":
        what = "a vector of parts"
    raise ExpressionSyntaxError(
        f"the matrixcalculus dialect does not have {what or 'this form'}",
        start=syntax.start,
        end=syntax.end,
        hint="leave out the dialect: the default one has it",
    )


def _named(syntax: Name, ndim_of: Callable[[str], int], bound: Mapping[str, Kind]) -> Kind:
    if syntax.name in bound:
        return bound[syntax.name]
    ndim = ndim_of(syntax.name)
    if ndim not in _KINDS:
        raise ShapeMismatchError(
            f"{shown(syntax.name)} has {ndim} axes; the matrixcalculus dialect has scalars, "
            "vectors and matrices",
            start=syntax.start,
            end=syntax.end,
            hint="leave out the dialect: the default one has it",
        )
    return _KINDS[ndim]


def _joined(syntax: Syntax, parts: list[Typed]) -> Typed:
    if isinstance(syntax, Call):
        return _called(syntax, parts)
    assert isinstance(syntax, Operation)
    nodes = tuple(node for node, _ in parts)
    op, kind = _RULES[syntax.op](syntax, *(kind for _, kind in parts))
    if op == "outer":
        end = syntax.end
        return Call("outer", nodes, (), syntax.start, end, end), kind
    return replace(syntax, op=op, args=nodes), kind


def _product(syntax: Operation, left: Kind, right: Kind) -> tuple[str, Kind]:
    if "scalar" in (left, right):
        return "multiply", right if left == "scalar" else left
    kind = _PRODUCTS.get((left, right))
    if kind is None:
        raise _clash(
            syntax,
            f"cannot multiply a {left} by a {right}",
            "x' * y is the dot product of two columns, x * y' the outer product, x .* y "
            "multiplies entry by entry",
        )
    return "outer" if (left, right) == ("column", "row") else "matmul", kind


def _quotient(syntax: Operation, left: Kind, right: Kind) -> tuple[str, Kind]:
    if right != "scalar":
        raise _clash(
            syntax, f"cannot divide by a {right}", "x ./ y divides entry by entry; inv(A) * x"
        )
    return "divide", left


def _exponent(syntax: Operation, base: Kind, power: Kind) -> tuple[str, Kind]:
    if (base, power) != ("scalar", "scalar"):
        raise _clash(
            syntax,
            f"cannot raise a {base} to a {power}: ^ is for scalars",
            "x .^ 2 raises each entry, A * A is the square of a matrix",
        )
    return "power", "scalar"


def _entrywise(syntax: Operation, left: Kind, right: Kind) -> tuple[str, Kind]:
    if left != right and "scalar" not in (left, right):
        verb = _VERBS.get(syntax.op, "raise")
        raise _clash(
            syntax,
            f"cannot {verb} a {left} and a {right} entry by entry",
            "x' is the row of a column x",
        )
    return syntax.op, right if left == "scalar" else left


def _kept(syntax: Operation, kind: Kind) -> tuple[str, Kind]:
    return syntax.op, kind


def _transposed(syntax: Operation, kind: Kind) -> tuple[str, Kind]:
    return syntax.op, _TRANSPOSED[kind]


_RULES: Mapping[str, Callable[..., tuple[str, Kind]]] = {
    "product": _product,
    "quotient": _quotient,
    "exponent": _exponent,
    **dict.fromkeys(("add", "subtract", "multiply", "divide", "power"), _entrywise),
    "negate": _kept,
    "transpose": _transposed,
}


def _called(syntax: Call, parts: list[Typed]) -> Typed:
    function = BY_ANY_NAME.get(syntax.function)
    kinds = [kind for _, kind in parts]
    call = replace(syntax, args=tuple(node for node, _ in parts))
    name = function.name if function else ""
    if name in _CONSTANTS:
        return call, _CONSTANTS[name]
    if name in _OF_ALL_ENTRIES:
        return call, "scalar"
    if name in _OF_MATRIX:
        return call, _OF_MATRIX[name]
    if name == "diag":
        return call, "column" if kinds == ["matrix"] else "matrix"
    if function is None or not function.is_entrywise:
        known = [n for n, f in BY_ANY_NAME.items() if f.is_entrywise or f.name in _NAMES]
        close = nearest(syntax.function, known)
        raise UnknownFunctionError(
            f"the matrixcalculus dialect has no function {shown(syntax.function)} at "
            f"{syntax.start}–{syntax.function_end}"
            + (f"; did you mean {shown(close)}?" if close else ""),
            start=syntax.start,
            end=syntax.function_end,
            hint="leave out the dialect: the default one has it" if function else None,
        )
    others = [kind for kind in kinds if kind != "scalar"]
    if len(set(others)) > 1:
        raise _clash(
            syntax,
            f"{syntax.function} takes operands of one kind, not a {others[0]} and a "
            f"{next(k for k in others if k != others[0])}",
            "x' is the row of a column x",
        )
    return call, others[0] if others else "scalar"


_NAMES = frozenset({*_OF_ALL_ENTRIES, *_OF_MATRIX, *_CONSTANTS, "diag"})


def _clash(syntax: Operation | Call, message: str, hint: str) -> ShapeMismatchError:
    return ShapeMismatchError(message, start=syntax.start, end=syntax.end, hint=hint)
