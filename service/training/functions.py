"""The activations and losses that a request may choose: records of the language's functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from service.calculus.graph import Node
from service.calculus.numbers import from_float
from service.calculus.rules.loss_functions import LOSS_FUNCTIONS
from service.calculus.rules.records import Function, Option, Parameter, operands
from service.calculus.rules.sources import GOODFELLOW
from service.calculus.rules.table import FUNCTIONS
from service.errors import ValidationError
from service.language.places import describe, nearest, shown

_OPERANDS = ("operand", "operands")
_ALONG_ROWS = ("softmax", "log_softmax")

IDENTITY = Function(
    name="identity",
    parameters=operands("x"),
    build=lambda x: x,
    summary="x itself: a linear neuron.",
    latex="{x}",
    aliases=("linear",),
    is_entrywise=True,
    rule="identity rule",
    source=f"{GOODFELLOW}, 6.2.2.1",
)


def _is_activation(function: Function) -> bool:
    taken = [p for p in function.parameters if p.kind in _OPERANDS]
    others = [p for p in function.parameters if p.kind not in _OPERANDS]
    of_one = len(taken) == 1 and taken[0].kind == "operand"
    with_numbers = all(p.kind == "number" and not p.is_required for p in others)
    return function.name in _ALONG_ROWS or (function.is_entrywise and of_one and with_numbers)


ACTIVATIONS: dict[str, Function] = {"identity": IDENTITY} | {
    name: f for name, f in FUNCTIONS.items() if _is_activation(f)
}
LOSSES: dict[str, Function] = {f.name: f for f in LOSS_FUNCTIONS}


def _by_any_name(table: Mapping[str, Function]) -> dict[str, Function]:
    return dict(table) | {
        name: f for f in table.values() for name in (*f.aliases, *f.nicknames)
    }


ACTIVATIONS_BY_NAME = _by_any_name(ACTIVATIONS)
LOSSES_BY_NAME = _by_any_name(LOSSES)


@dataclass(frozen=True, slots=True)
class ChosenFunction:
    """A function with the values of its options, in their order."""

    record: Function
    options: tuple[Option, ...]

    def of(self, *nodes: Node) -> Node:
        """The function of these operands."""
        return self.record.build(*nodes, *self.options)

    def of_samples(self, prediction: Node, target: Node) -> Node:
        """A loss of each sample; shape (N,)."""
        assert self.record.of_samples is not None
        return self.record.of_samples(prediction, target, *self.options)

    @property
    def is_along_rows(self) -> bool:
        """Whether it takes a row as a whole, as softmax does."""
        return self.record.name in _ALONG_ROWS


def chosen_activation(given: object, *, pointer: str = "/activation") -> ChosenFunction:
    """The activation of a name, or of {"kind", its options}.

    Raises:
        ValidationError: there is no such activation or option, or it is not a finite number.
        DomainError: an option is outside its range.
    """
    return _chosen("activation", ACTIVATIONS_BY_NAME, given, pointer)


def chosen_loss(given: object, *, pointer: str = "/loss") -> ChosenFunction:
    """The loss of a name, or of {"kind", its options}.

    Raises:
        ValidationError: there is no such loss or option, or it is not a finite number.
    """
    return _chosen("loss", LOSSES_BY_NAME, given, pointer)


def _chosen(
    what: str, table: Mapping[str, Function], given: object, pointer: str
) -> ChosenFunction:
    options: dict[str, object] = {}
    kind = given
    if isinstance(given, Mapping):
        options = {k: v for k, v in given.items() if k != "kind"}
        kind, pointer = given.get("kind"), f"{pointer}/kind"
    names = sorted({f.name for f in table.values()})
    if not isinstance(kind, str):
        message = f"{what}: found {describe(kind)}, expected a name, or an object with kind"
        raise ValidationError(message, pointer=pointer)
    if kind not in table:
        close = nearest(kind, table)
        raise ValidationError(
            f"{what}: found {shown(kind)}, expected one of {', '.join(names)}",
            pointer=pointer,
            hint=f"did you mean {shown(close)}?" if close else None,
        )
    record = table[kind]
    taken = [p for p in record.parameters if p.kind not in _OPERANDS]
    place = pointer.removesuffix("/kind")
    for name in options:
        if name not in [p.name for p in taken if p.kind == "number"]:
            allowed = ", ".join(p.name for p in taken if p.kind == "number") or "none"
            message = f"{what} {record.name}: found option {shown(name)}, expected {allowed}"
            part = name.replace("~", "~0").replace("/", "~1")
            raise ValidationError(message, pointer=f"{place}/{part}")
    values = tuple(_value(what, record, p, options, place) for p in taken)
    return ChosenFunction(record, values)


def _value(
    what: str,
    record: Function,
    parameter: Parameter,
    options: Mapping[str, object],
    place: str,
) -> Option:
    if parameter.name not in options:
        default = parameter.default
        return from_float(default) if isinstance(default, float) else default
    found = options[parameter.name]
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        message = (
            f"{what} {record.name}: found {describe(found)} for {parameter.name}, "
            "expected a finite number"
        )
        raise ValidationError(message, pointer=f"{place}/{parameter.name}")
    return from_float(float(found))
