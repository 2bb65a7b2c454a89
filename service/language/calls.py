"""A call against its function's record: operands and options told apart, counted, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from service.calculus.dimensions import Dimension, NamedSize, combined
from service.calculus.graph import Node, Number, Size, Sum
from service.calculus.numbers import is_whole
from service.calculus.rules.records import Function, Option, Parameter
from service.calculus.rules.table import BY_ANY_NAME
from service.calculus.terms import number_of, unit_part
from service.errors import UnknownFunctionError, WrongArgumentsError
from service.language.places import nearest, shown
from service.language.syntax import Boolean, Call, Syntax, Text, Tuple

_LARGEST_INTEGER = 2.0**53
_LARGEST_SIZE = 2**31


@dataclass(frozen=True, slots=True)
class CallPlan:
    """A call's function, its operands, and the syntax of each option in the record's order.

    `folded` names the function of two that joins three or more operands.
    """

    function: Function
    operands: tuple[Syntax, ...]
    given: tuple[tuple[Parameter, Syntax | None], ...]
    folded: str | None

    @property
    def unknown_sizes(self) -> int:
        """How many sizes the call leaves to be found from use."""
        is_told = any(p.kind == "shape" and syntax is not None for p, syntax in self.given)
        return 0 if is_told else self.function.unknown_sizes

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
    if function.folded_by and len(call.args) > 1 and not call.options:
        for value in call.args:
            _check_operand(value, function)
        return CallPlan(function, call.args, (), function.folded_by)
    named = _named(call, function)
    _check_count(call, function, named)
    operands = []
    positional: dict[str, Syntax] = {}
    for parameter, value in zip(_filled(function, len(call.args)), call.args, strict=True):
        if parameter.kind in ("operand", "operands"):
            _check_operand(value, function)
            operands.append(value)
        else:
            positional[parameter.name] = value
    twice = next((name for name in positional if name in named), None)
    if twice is not None:
        raise _wrong(call, f"{function.name} gets {twice} twice", function)
    given = positional | named
    options = [p for p in function.parameters if p.kind not in ("operand", "operands")]
    for parameter in options:
        if parameter.is_required and parameter.name not in given:
            raise _wrong(call, f"{function.name} needs {parameter.name}", function)
    return CallPlan(
        function, tuple(operands), tuple((p, given.get(p.name)) for p in options), None
    )


def _filled(function: Function, count: int) -> list[Parameter]:
    """The parameters that so many positional arguments fill, in order."""
    parameters = list(function.parameters)
    if parameters and parameters[-1].kind == "operands":
        parameters += parameters[-1:] * (count - len(parameters))
    return parameters[:count]


def _check_operand(value: Syntax, function: Function) -> None:
    if isinstance(value, Boolean | Text | Tuple):
        raise WrongArgumentsError(
            f"{function.name} takes values there, not text, True, False or a tuple",
            start=value.start,
            end=value.end,
            hint="a vector is written [1, 2]",
        )


def _named(call: Call, function: Function) -> dict[str, Syntax]:
    """The options given by keyword."""
    known = [p.name for p in function.parameters if p.kind not in ("operand", "operands")]
    names = [name for name, _ in call.options]
    for name in names:
        if name not in known:
            raise _wrong(call, f"{function.name} has no option {shown(name)}", function)
        if names.count(name) > 1:
            raise _wrong(call, f"{function.name} gets {name} twice", function)
    return dict(call.options)


def _check_count(call: Call, function: Function, named: Mapping[str, Syntax]) -> None:
    parameters = function.parameters
    least = sum(p.is_required and p.name not in named for p in parameters)
    most = len(parameters)
    if parameters and parameters[-1].kind == "operands":
        most = max(most, len(call.args))
    found = len(call.args)
    if least <= found <= most:
        return
    expected = str(least) if least == most else f"{least} to {most}"
    if most > len(parameters) or (parameters and parameters[-1].kind == "operands"):
        expected = f"at least {least}"
    noun = "argument" if expected.endswith("1") and " to " not in expected else "arguments"
    raise _wrong(
        call, f"{function.name} takes {expected} {noun}, but {found} are given", function
    )


def _wrong(call: Call, message: str, function: Function) -> WrongArgumentsError:
    return WrongArgumentsError(
        message,
        start=call.start,
        end=call.end,
        hint=f"it is written {function.name}({function.arguments})",
    )


def _option(parameter: Parameter, syntax: Syntax, values: Mapping[int, Node]) -> Option:
    kind = parameter.kind
    if kind == "flag":
        if isinstance(syntax, Boolean):
            return syntax.value
        raise _bad_option(parameter, syntax, "True or False")
    if kind == "text":
        if isinstance(syntax, Text):
            return syntax.value
        raise _bad_option(parameter, syntax, "a quoted string")
    if isinstance(syntax, Tuple) and kind == "axis":
        return tuple(
            integer_of(values[id(item)], item, parameter.name) for item in syntax.items
        )
    if kind == "shape":
        items = syntax.items if isinstance(syntax, Tuple) else (syntax,)
        return tuple(_size(parameter, item, values) for item in items)
    if isinstance(syntax, Boolean | Text | Tuple):
        expected = "a constant number" if kind == "number" else "a constant integer"
        raise _bad_option(parameter, syntax, expected)
    if kind == "number":
        return _number(parameter, syntax, values[id(syntax)])
    node = values[id(syntax)]
    place = _affine(node) if kind == "position" else None
    if isinstance(place, NamedSize):
        return place
    return integer_of(node, syntax, parameter.name)


def _number(parameter: Parameter, syntax: Syntax, node: Node) -> Number:
    value = None if node.shape else number_of(node)
    if value is None or not isfinite(value):
        raise _bad_option(parameter, syntax, "a constant number")
    return value


def _size(parameter: Parameter, syntax: Syntax, values: Mapping[int, Node]) -> Dimension:
    if isinstance(syntax, Boolean | Text | Tuple):
        raise _bad_option(parameter, syntax, "a size, or several in parentheses")
    node = values[id(syntax)]
    named = _affine(node)
    if isinstance(named, NamedSize) and any(count > 0 for _, count in named.counts):
        return named
    size = integer_of(node, syntax, parameter.name)
    if not 1 <= size <= _LARGEST_SIZE:
        raise WrongArgumentsError(
            f"{parameter.name} has a size of {size}, expected 1 to {_LARGEST_SIZE:,}",
            start=syntax.start,
            end=syntax.end,
        )
    return size


def _affine(node: Node) -> Dimension | None:
    """The size that a scalar of whole multiples of sizes is: `n - 1`; None for another node."""
    own, unit = unit_part(node)
    if node.shape or not is_whole(own):
        return None
    if isinstance(unit, Size):
        return combined(0, unit.dimension, int(own))
    if isinstance(unit, Sum):
        total: Dimension = 0
        for coefficient, term in unit.terms:
            size = _affine(term)
            if size is None or not is_whole(coefficient):
                return None
            total = combined(total, size, int(coefficient * own))
        return total
    return None if number_of(unit) is None else int(own)


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
