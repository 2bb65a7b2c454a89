"""What the text of each operation of a JSON tree is made of; every mistake at its pointer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.calculus.rules.records import Function, Parameter
from service.calculus.rules.table import BY_ANY_NAME
from service.errors import UnknownFunctionError, ValidationError, WrongArgumentsError
from service.language.lexemes import NAME
from service.language.places import describe, nearest, shown

Json = Any

# How tightly the operators bind: the operands that an operator takes without parentheses.
BINARY = {
    **dict.fromkeys(("greater", "greater_equal", "less", "less_equal"), (1, 2, 2)),
    **dict.fromkeys(("equal", "not_equal"), (1, 2, 2)),
    **dict.fromkeys(("add", "subtract"), (2, 2, 3)),
    **dict.fromkeys(("multiply", "divide", "matmul"), (3, 3, 4)),
    "power": (5, 6, 4),
}
SYMBOLS = {
    "greater": " > ",
    "greater_equal": " >= ",
    "less": " < ",
    "less_equal": " <= ",
    "equal": " == ",
    "not_equal": " != ",
    "add": " + ",
    "subtract": " - ",
    "multiply": " * ",
    "divide": " / ",
    "matmul": " @ ",
    "power": "**",
}
CHAINS = frozenset({"add", "multiply"})
NEGATION, POSTFIX, ATOM = 4, 6, 7
_OPERATIONS = (*SYMBOLS, "negate", "transpose", "index", "stack", "let")
_FIELDS: dict[str, Json] = {"op": None, "args": [], "options": {}}
SLICE_FIELDS = ("start", "stop", "step")


@dataclass(frozen=True, slots=True)
class Node:
    """A tree still to be written, in parentheses if it binds less tightly than `level`."""

    tree: Json
    level: int
    pointer: str


Part = str | Node


def parts_of_tree(tree: Json, pointer: str) -> tuple[int, list[Part]]:
    """How tightly a tree binds, and what its text is made of."""
    if isinstance(tree, str):
        return ATOM, [_name(tree, pointer)]
    if isinstance(tree, int | float) and not isinstance(tree, bool):
        is_negative = str(tree).startswith("-")
        return (NEGATION if is_negative else ATOM), [str(tree)]
    if not isinstance(tree, dict):
        raise _not_a_tree(tree, pointer)
    op, args, options = _fields(tree, pointer)
    if op in BINARY:
        return _binary(op, args, options, pointer)
    if op in ("negate", "transpose", "stack"):
        return _of_operands(op, args, options, pointer)
    if op == "index":
        return POSTFIX, _index(args, options, pointer)
    if op == "let":
        return 0, _let(args, options, pointer)
    return ATOM, _call(op, args, options, pointer)


def _name(name: str, pointer: str) -> str:
    if NAME.fullmatch(name):
        return name
    raise ValidationError(
        f"found {shown(name)}, expected the name of a variable",
        pointer=pointer,
        hint="inside a tree a string is a name; the subscripts of einsum are an option",
    )


def _not_a_tree(value: Json, pointer: str) -> ValidationError:
    return ValidationError(
        f"found {describe(value)}, expected a name, a number, or an object with op and args",
        pointer=pointer,
    )


def _fields(tree: Mapping[str, Json], pointer: str) -> tuple[str, list[Json], dict[str, Json]]:
    """The operation of an object, its operands and its options."""
    _check_fields(tree, tuple(_FIELDS), pointer)
    if "op" not in tree:
        raise ValidationError("found no field 'op', but it is required", pointer=pointer)
    op, args, options = (tree.get(name, default) for name, default in _FIELDS.items())
    what: tuple[tuple[Json, type, str, str], ...] = (
        (op, str, "op", "the name of an operation"),
        (args, list, "args", "an array of operands"),
        (options, dict, "options", "an object: name to value"),
    )
    for value, kind, name, expected in what:
        if not isinstance(value, kind):
            raise ValidationError(
                f"found {describe(value)}, expected {expected}", pointer=f"{pointer}/{name}"
            )
    if op not in _OPERATIONS and op not in BY_ANY_NAME:
        close = nearest(op, (*_OPERATIONS, *BY_ANY_NAME))
        raise UnknownFunctionError(
            f"unknown operation {shown(op)}"
            + (f"; did you mean {shown(close)}?" if close else ""),
            pointer=f"{pointer}/op",
            hint=None if close else f"a function of GET /v1/info, or {', '.join(_OPERATIONS)}",
        )
    return str(op), args, options


def _check_fields(found: Mapping[str, Json], known: tuple[str, ...], pointer: str) -> None:
    for name in found:
        if name not in known:
            raise ValidationError(
                f"found the unknown field {shown(name)}, expected {', '.join(known)}",
                pointer=pointer,
            )


def _check_count(op: str, args: list[Json], least: int, most: int | None, at: str) -> None:
    if len(args) < least or (most is not None and len(args) > most):
        expected = str(least) if least == most else f"at least {least}"
        noun = "operand" if expected.endswith("1") else "operands"
        raise WrongArgumentsError(
            f"{op} takes {expected} {noun}, but {len(args)} are given", pointer=f"{at}/args"
        )


def _check_no_options(op: str, options: Mapping[str, Json], pointer: str) -> None:
    if options:
        raise WrongArgumentsError(f"{op} has no options", pointer=f"{pointer}/options")


def _binary(
    op: str, args: list[Json], options: Mapping[str, Json], pointer: str
) -> tuple[int, list[Part]]:
    _check_no_options(op, options, pointer)
    _check_count(op, args, 2, None if op in CHAINS else 2, pointer)
    own, left, right = BINARY[op]
    parts: list[Part] = [Node(args[0], left, f"{pointer}/args/0")]
    for place, operand in enumerate(args[1:], 1):
        parts += (SYMBOLS[op], Node(operand, right, f"{pointer}/args/{place}"))
    return own, parts


def _of_operands(
    op: str, args: list[Json], options: Mapping[str, Json], pointer: str
) -> tuple[int, list[Part]]:
    _check_no_options(op, options, pointer)
    _check_count(op, args, 1, None if op == "stack" else 1, pointer)
    if op == "stack":
        return ATOM, ["[", *_listed(args, f"{pointer}/args"), "]"]
    if op == "negate":
        return NEGATION, ["-", Node(args[0], NEGATION, f"{pointer}/args/0")]
    return POSTFIX, [Node(args[0], POSTFIX, f"{pointer}/args/0"), ".T"]


def _listed(trees: list[Json], pointer: str) -> list[Part]:
    parts: list[Part] = []
    for place, tree in enumerate(trees):
        parts += (", " if place else "", Node(tree, 1, f"{pointer}/{place}"))
    return parts


def _index(args: list[Json], options: dict[str, Json], pointer: str) -> list[Part]:
    _check_count("index", args, 1, 1, pointer)
    items = _required(options, "index", list, "an array: one item an axis", pointer)
    at = f"{pointer}/options/index"
    if not items:
        raise ValidationError("found no items, expected at least one", pointer=at)
    parts: list[Part] = [Node(args[0], POSTFIX, f"{pointer}/args/0"), "["]
    for place, item in enumerate(items):
        parts.append(", " if place else "")
        if item is None:
            parts.append("None")
        elif isinstance(item, dict) and "op" not in item:
            parts += _slice(item, f"{at}/{place}")
        else:
            parts.append(Node(item, 1, f"{at}/{place}"))
    return [*parts, "]"]


def _slice(item: Mapping[str, Json], pointer: str) -> list[Part]:
    _check_fields(item, SLICE_FIELDS, pointer)
    parts: list[Part] = []
    for name in SLICE_FIELDS:
        value = item.get(name)
        if name == "stop" or (name == "step" and value is not None):
            parts.append(":")
        if value is not None:
            parts.append(Node(value, 1, f"{pointer}/{name}"))
    return parts


def _let(args: list[Json], options: dict[str, Json], pointer: str) -> list[Part]:
    if pointer:
        raise ValidationError(
            "found a let inside an expression, but it is the outermost operation",
            pointer=f"{pointer}/op",
        )
    _check_count("let", args, 1, 1, pointer)
    bindings = _required(options, "bindings", list, "an array of name and value", pointer)
    if not bindings:
        raise ValidationError(
            "found no bindings, expected at least one", pointer="/options/bindings"
        )
    parts: list[Part] = []
    for place, binding in enumerate(bindings):
        at = f"/options/bindings/{place}"
        if not isinstance(binding, dict):
            raise ValidationError(
                f"found {describe(binding)}, expected an object with name and value",
                pointer=at,
            )
        _check_fields(binding, ("name", "value"), at)
        name = _required(binding, "name", str, "a name", at, within="")
        if "value" not in binding:
            raise ValidationError("found no field 'value', but it is required", pointer=at)
        parts += (_name(name, f"{at}/name"), " = ")
        parts += (Node(binding["value"], 1, f"{at}/value"), "\n")
    return [*parts, Node(args[0], 1, "/args/0")]


def _required(
    options: dict[str, Json],
    name: str,
    kind: type,
    what: str,
    at: str,
    within: str = "/options",
) -> Json:
    """The one field of options that an operation has."""
    if within:
        _check_fields(options, (name,), f"{at}{within}")
    if name not in options:
        raise ValidationError(
            f"found no field {name!r}, but it is required", pointer=f"{at}{within}"
        )
    if not isinstance(options[name], kind):
        raise ValidationError(
            f"found {describe(options[name])}, expected {what}",
            pointer=f"{at}{within}/{name}",
        )
    return options[name]


def _call(op: str, args: list[Json], options: dict[str, Json], pointer: str) -> list[Part]:
    """A function: its operands, and its required options where the record has them."""
    function = BY_ANY_NAME[op]
    at = f"{pointer}/options"
    for name in options:
        if not NAME.fullmatch(name):
            raise ValidationError(f"found {shown(name)}, expected a name", pointer=at)
    known = {p.name: p for p in function.parameters}
    before, after = _positional(function, len(args), options)
    inside: list[list[Part]] = [_option(options[n], known[n], f"{at}/{n}") for n in before]
    inside += [[Node(arg, 1, f"{pointer}/args/{k}")] for k, arg in enumerate(args)]
    inside += [_option(options[n], known[n], f"{at}/{n}") for n in after]
    for name, value in options.items():
        if name not in (*before, *after):
            inside.append([f"{name}=", *_option(value, known.get(name), f"{at}/{name}")])
    parts: list[Part] = [op, "("]
    for place, one in enumerate(inside):
        parts += (", " if place else "", *one)
    return [*parts, ")"]


def _positional(
    function: Function, count: int, options: Mapping[str, Json]
) -> tuple[list[str], list[str]]:
    """The required options that stand before the operands, and those right behind them all."""
    operands = [p for p in function.parameters if p.kind in ("operand", "operands")]
    names: list[str] = []
    before: list[str] = []
    for parameter in function.parameters:
        if parameter in operands:
            if parameter is operands[0]:
                before, names = names, []
        elif parameter.name in options and (parameter.is_required or not operands):
            names.append(parameter.name)
        else:
            break
    if operands and count != len(operands):
        return before, []
    return before, names


def _option(value: Json, parameter: Parameter | None, pointer: str) -> list[Part]:
    if isinstance(value, bool):
        return [str(value)]
    if isinstance(value, str) and parameter is not None and parameter.kind == "text":
        quote = "'" if '"' in value else '"'
        if quote in value or "\n" in value:
            raise ValidationError(f"found the text {shown(value)}", pointer=pointer)
        return [f"{quote}{value}{quote}"]
    if isinstance(value, list):
        if not value:
            raise ValidationError("found no items, expected at least one", pointer=pointer)
        return ["(", *_listed(value, pointer), "," * (len(value) == 1), ")"]
    return [Node(value, 1, pointer)]
