"""From an expression to its JSON tree, which `tree_text` writes as text again."""

from collections.abc import Mapping
from fractions import Fraction

from service.language.calls import call_plan
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
    parts_of,
)
from service.language.tree_parts import CHAINS, SLICE_FIELDS, Json


def tree_of(syntax: Syntax) -> Json:
    """The JSON tree of a syntax tree whose calls fit their functions; not recursive."""
    done: dict[int, Json] = {}
    pending: list[tuple[Syntax, bool]] = [(syntax, False)]
    while pending:
        node, is_ready = pending.pop()
        if is_ready:
            done[id(node)] = _tree(node, done)
        else:
            pending.append((node, True))
            pending += ((part, False) for part in parts_of(node))
    return done[id(syntax)]


def _tree(node: Syntax, done: Mapping[int, Json]) -> Json:
    match node:
        case Number(value):
            return _number(value)
        case Name(name):
            return name
        case Operation(op, args):
            return _operation_tree(op, [done[id(arg)] for arg in args])
        case Call():
            return _call_tree(node, done)
        case Index(target, items):
            index = [_item_tree(item, done) for item in items]
            return {"op": "index", "args": [done[id(target)]], "options": {"index": index}}
        case Let(bindings, body):
            bound = [{"name": n.name, "value": done[id(value)]} for n, value in bindings]
            return {"op": "let", "args": [done[id(body)]], "options": {"bindings": bound}}
    raise TypeError(node)


def _number(value: Fraction | float) -> int | float:
    number = float(value)
    return int(value) if number.is_integer() and abs(number) < 2**63 else number


def _operation_tree(op: str, args: list[Json]) -> Json:
    """An operation; a chain of one operator and a negative number are one node."""
    first = args[0]
    if op == "negate" and isinstance(first, int | float):
        number: float = first
        return -number if number > 0 else {"op": op, "args": args}
    if op in CHAINS and isinstance(first, dict) and first["op"] == op:
        args = [*first["args"], *args[1:]]
    return {"op": op, "args": args}


def _call_tree(call: Call, done: Mapping[int, Json]) -> Json:
    plan = call_plan(call)
    options = {
        parameter.name: _option_tree(value, done)
        for parameter, value in plan.given
        if value is not None
    }
    tree = {"op": plan.function.name, "args": [done[id(arg)] for arg in plan.operands]}
    return tree | {"options": options} if options else tree


def _option_tree(value: Syntax, done: Mapping[int, Json]) -> Json:
    if isinstance(value, Boolean | Text):
        return value.value
    if isinstance(value, Tuple):
        return [done[id(item)] for item in value.items]
    return done[id(value)]


def _item_tree(item: Syntax | Slice | NewAxis, done: Mapping[int, Json]) -> Json:
    if isinstance(item, NewAxis):
        return None
    if isinstance(item, Slice):
        parts = zip(SLICE_FIELDS, (item.first, item.stop, item.step), strict=True)
        return {name: done[id(part)] for name, part in parts if part is not None}
    return done[id(item)]
