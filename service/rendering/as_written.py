"""An expression as it is written: a formula from its syntax and the shapes of its graph."""

from collections.abc import Mapping

from service.calculus.graph import Node
from service.language.calls import call_plan
from service.language.json_tree import tree_of
from service.language.syntax import (
    Call,
    Index,
    Let,
    Name,
    Number,
    Operation,
    Syntax,
    parts_of,
)
from service.language.tree_text import written
from service.rendering.formula import (
    Formula,
    call,
    einsum,
    indexed,
    name_of,
    negated,
    number_of,
    operation,
    plainly_transposed,
    stacked,
)
from service.rendering.writer import Written
from service.settings import Limits


def formula_as_written(syntax: Syntax, nodes: Mapping[int, Node], limits: Limits) -> Written:
    """The formula of a syntax tree; its named intermediates stay named."""
    if isinstance(syntax, Let):
        bound = tuple(
            (name.name, formula_of(value, nodes, limits)) for name, value in syntax.bindings
        )
        return Written(bound, formula_of(syntax.body, nodes, limits))
    return Written((), formula_of(syntax, nodes, limits))


def formula_of(syntax: Syntax, nodes: Mapping[int, Node], limits: Limits) -> Formula:
    """The formula of one statement, its parts first and without recursion."""
    done: dict[int, Formula] = {}
    pending: list[tuple[Syntax, bool]] = [(syntax, False)]
    while pending:
        part, is_ready = pending.pop()
        if is_ready:
            operands = [done[id(p)] for p in parts_of(part)]
            done[id(part)] = _made(part, operands, nodes[id(part)].ndim, limits)
        else:
            pending.append((part, True))
            pending += ((p, False) for p in parts_of(part))
    return done[id(syntax)]


def _made(part: Syntax, operands: list[Formula], ndim: int, limits: Limits) -> Formula:
    match part:
        case Number(value):
            return number_of(value)
        case Name(name):
            return name_of(name, ndim)
        case Operation("negate"):
            return negated(operands[0])
        case Operation("transpose"):
            return plainly_transposed(operands[0])
        case Operation("stack"):
            return stacked(operands, ndim)
        case Operation(op):
            return operation(op, operands[0], operands[1], ndim)
        case Index():
            return _indexed(part, operands[0], ndim, limits)
        case Call():
            return _called(part, operands, ndim, limits)
    raise TypeError(part)


def _indexed(part: Index, target: Formula, ndim: int, limits: Limits) -> Formula:
    text = written(tree_of(part), limits).text
    inside = text[text.rindex("[", 0, len(text)) + 1 : -1]
    return indexed(target, inside.split(", "), ndim)


def _called(part: Call, operands: list[Formula], ndim: int, limits: Limits) -> Formula:
    plan = call_plan(part)
    if plan.folded is not None:
        result = operands[0]
        for other in operands[1:]:
            result = call(plan.folded, (result, other), max(result.ndim, other.ndim))
        return result
    by_syntax = dict(zip(map(id, parts_of(part)), operands, strict=True))
    given = [by_syntax[id(p)] for p in plan.operands]
    options = tuple(
        (parameter.name, _option_text(value, limits))
        for parameter, value in plan.given
        if value is not None
    )
    if plan.function.name == "einsum":
        return einsum(dict(options)["subscripts"], given, ndim)
    if plan.function.name == "transpose":
        return plainly_transposed(given[0])
    return call(plan.function.name, given, ndim, options)


def _option_text(value: Syntax, limits: Limits) -> str:
    call_tree = tree_of(Call("ones", (value,), (), 0, 0, 0))
    option = call_tree["options"]["shape"]
    if isinstance(option, str):
        return option
    if isinstance(option, list):
        inside = ", ".join(written(item, limits).text for item in option)
        return f"({inside})"
    return written(option, limits).text if not isinstance(option, bool) else str(option)
