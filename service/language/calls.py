"""A call against its function's record: operands and options told apart, counted, checked."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.calculus.graph import Node
from service.calculus.numbers import is_whole
from service.calculus.rules.records import Function, Option, Parameter
from service.calculus.rules.table import BY_ANY_NAME
from service.calculus.terms import number_of
from service.errors import UnknownFunctionError, WrongArgumentsError
from service.language.places import nearest, shown
from service.language.syntax import Boolean, Call, Syntax, Text, Tuple

_LARGEST_INTEGER = 2.0**53


@dataclass(frozen=True, slots=True)
class CallPlan:
    """A call's function, its operands, and the syntax of each option in the record's order.

    `folded` names the function of two that joins three or more operands.
    """

    function: Function
    operands: tuple[Syntax, ...]
    given: tuple[tuple[Parameter, Syntax | None], ...]
    folded: str | None

    def options(self, values: Mapping[int, Node]) -> tuple[Option, ...]:
        """The options' values, from the nodes of the call's parts by identity of syntax."""
        return tuple(
            p.default if syntax is None else _option(p, syntax, values)
            for p, syntax in self.given
        )


def call_plan(call: Call) -> CallPlan:
    """How a call fills its function's parameters.

    Raises:
        UnknownFunctionError: for a name that is no function, with the nearest one offered.
        WrongArgumentsError: for too few or too many arguments, or an option it lacks.
    """
    function = BY_ANY_NAME.get(call.function)
    if function is None:
        close = nearest(call.function, BY_ANY_NAME)
        offer = f"; did you mean {shown(close)}?" if close else ""
        raise UnknownFunctionError(
            f"unknown function {shown(call.function)} at "
            f"{call.start}–{call.function_end}{offer}",
            start=call.start,
            end=call.function_end,
            hint=None if close else "GET /v1/info lists every function",
        )
    _check_operands(call, function)
    if function.folded_by and len(call.args) > 1 and not call.options:
        return CallPlan(function, call.args, (), function.folded_by)
    required = [p for p in function.parameters if p.kind == "operand"]
    optional = [p for p in function.parameters if p.kind != "operand"]
    keywords = dict(call.options)
    _check_counts(call, function, len(required), len(optional))
    positional = dict(zip(optional, call.args[len(required) :], strict=False))
    for parameter in optional:
        if parameter in positional and parameter.name in keywords:
            raise _wrong(call, f"{function.name} gets {parameter.name} twice", function)
    by_name = {p: keywords[p.name] for p in optional if p.name in keywords}
    given = tuple((p, positional.get(p) or by_name.get(p)) for p in optional)
    return CallPlan(function, call.args[: len(required)], given, None)


def _check_operands(call: Call, function: Function) -> None:
    required = sum(p.kind == "operand" for p in function.parameters)
    operands = call.args if function.folded_by else call.args[:required]
    for value in operands:
        if isinstance(value, Boolean | Text | Tuple):
            raise WrongArgumentsError(
                f"{function.name} takes values there, not text, True, False or a tuple",
                start=value.start,
                end=value.end,
                hint="a vector is written [1, 2]",
            )


def _check_counts(call: Call, function: Function, required: int, optional: int) -> None:
    found = len(call.args)
    if not required <= found <= required + optional:
        expected = str(required) if not optional else f"{required} to {required + optional}"
        noun = "argument" if expected == "1" else "arguments"
        raise _wrong(
            call, f"{function.name} takes {expected} {noun}, but {found} are given", function
        )
    known = [p.name for p in function.parameters if p.kind != "operand"]
    names = [name for name, _ in call.options]
    for name in names:
        if name not in known:
            raise _wrong(call, f"{function.name} has no option {shown(name)}", function)
        if names.count(name) > 1:
            raise _wrong(call, f"{function.name} gets {name} twice", function)


def _wrong(call: Call, message: str, function: Function) -> WrongArgumentsError:
    return WrongArgumentsError(
        message,
        start=call.start,
        end=call.end,
        hint=f"it is written {function.name}({function.arguments})",
    )


def _option(parameter: Parameter, syntax: Syntax, values: Mapping[int, Node]) -> Option:
    if parameter.kind == "flag":
        if isinstance(syntax, Boolean):
            return syntax.value
        raise _bad_option(parameter, syntax, "True or False")
    if isinstance(syntax, Tuple):
        return tuple(
            integer_of(values[id(item)], item, parameter.name) for item in syntax.items
        )
    if isinstance(syntax, Boolean | Text):
        raise _bad_option(parameter, syntax, "a constant integer")
    return integer_of(values[id(syntax)], syntax, parameter.name)


def _bad_option(parameter: Parameter, syntax: Syntax, expected: str) -> WrongArgumentsError:
    return WrongArgumentsError(
        f"{parameter.name} takes {expected}", start=syntax.start, end=syntax.end
    )


def integer_of(node: Node, syntax: Syntax, what: str) -> int:
    """The integer that a constant expression is.

    Raises:
        WrongArgumentsError: when it is not a scalar integer, or depends on a variable.
    """
    value = None if node.shape else number_of(node)
    if value is None or not is_whole(value) or abs(float(value)) > _LARGEST_INTEGER:
        raise WrongArgumentsError(
            f"{what} takes a constant integer", start=syntax.start, end=syntax.end
        )
    return int(value)
