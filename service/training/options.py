"""A choice of one record and its options: names, ranges, defaults, what is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Protocol, TypeVar

from service.errors import DomainError, ValidationError
from service.language.places import describe, nearest, shown

MOST_STEPS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A number that a record takes; required where it has no default.

    `symbol` is what the record's formula calls it. A range that ends at infinity holds the
    finite numbers only.
    """

    name: str
    symbol: str
    summary: str
    lower: float
    default: float | None = None
    upper: float = inf
    is_lower_open: bool = False
    is_upper_open: bool = False
    is_integer: bool = False

    @property
    def range(self) -> str:
        """The allowed values in words: `a finite number above 0`."""
        kind = "an integer" if self.is_integer else "a number"
        if self.upper == inf and not self.is_integer:
            kind = "a finite number"
        lower, upper = f"{self.lower:.15g}", f"{self.upper:.15g}"
        if not (self.is_lower_open or self.is_upper_open) and self.upper < inf:
            return f"{kind} from {lower} to {upper}"
        bounds = [f"above {lower}" if self.is_lower_open else f"at least {lower}"]
        if self.upper < inf:
            bounds.append(f"below {upper}" if self.is_upper_open else f"at most {upper}")
        return f"{kind} {' and '.join(bounds)}"

    def allows(self, value: float) -> bool:
        """Whether the value is in the range."""
        above = value > self.lower if self.is_lower_open else value >= self.lower
        below = value < self.upper if self.is_upper_open else value <= self.upper
        return isfinite(value) and above and below


class Record(Protocol):
    """What every table of records has that a request chooses from."""

    @property
    def kind(self) -> str:
        """The name a request chooses it by."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names it is known by."""

    @property
    def options(self) -> tuple[Option, ...]:
        """What it takes."""


Chosen = TypeVar("Chosen", bound=Record)


def table_of(records: Iterable[Chosen]) -> dict[str, Chosen]:
    """The records by kind and by alias."""
    return {name: record for record in records for name in (record.kind, *record.aliases)}


def chosen(
    what: str,
    table: Mapping[str, Chosen],
    given: Mapping[str, object],
    *,
    pointer: str,
    others: Sequence[str] = (),
) -> tuple[Chosen, dict[str, float]]:
    """The record that `given["kind"]` names, and the value of each of its options.

    `what` says what is chosen, "optimizer"; `others` are fields that the caller looks after.

    Raises:
        ValidationError: there is no such kind or option, one is missing, or is no number.
        DomainError: an option is outside its range.
    """
    kind = given.get("kind")
    if not isinstance(kind, str):
        found = describe(kind) if "kind" in given else "none"
        message = f"{what}: found {found} for kind, expected one of {_listed(table)}"
        raise ValidationError(message, pointer=f"{pointer}/kind")
    if kind not in table:
        message = f"{what}: found kind {shown(kind)}, expected one of {_listed(table)}"
        hint = _hint(kind, table)
        raise ValidationError(message, pointer=f"{pointer}/kind", hint=hint)
    record = table[kind]
    rest = {name: v for name, v in given.items() if name != "kind" and name not in others}
    return record, checked(f"{what} {record.kind}", record.options, rest, pointer=pointer)


def checked(
    where: str, options: Sequence[Option], given: Mapping[str, object], *, pointer: str
) -> dict[str, float]:
    """The value of each option, its default where it is not given.

    Raises:
        ValidationError: an option is unknown, missing, or not a number.
        DomainError: an option is outside its range.
    """
    names = [option.name for option in options]
    for name in given:
        if name not in names:
            expected = f"one of {', '.join(names)}" if names else "none"
            message = f"{where}: found option {shown(name)}, expected {expected}"
            place = name.replace("~", "~0").replace("/", "~1")
            raise ValidationError(
                message, pointer=f"{pointer}/{place}", hint=_hint(name, names)
            )
    return {o.name: _value(where, o, given, f"{pointer}/{o.name}") for o in options}


def _value(where: str, option: Option, given: Mapping[str, object], pointer: str) -> float:
    if option.name not in given:
        if option.default is not None:
            return option.default
        message = f"{where}: found no {option.name}, expected {option.range}"
        raise ValidationError(message, pointer=pointer)
    found = given[option.name]
    if isinstance(found, bool) or not isinstance(found, int | float):
        message = f"{where}: found {describe(found)} for {option.name}, expected {option.range}"
        raise ValidationError(message, pointer=pointer)
    value = _as_float(found)
    if not option.allows(value) or (option.is_integer and value != int(value)):
        message = f"{where}: found {option.name} {value:.17g}, expected {option.range}"
        raise DomainError(message, pointer=pointer)
    return int(value) if option.is_integer else value


def _as_float(value: float) -> float:
    """The value in float64; an integer beyond its range is infinite, hence out of any range."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def _hint(name: str, known: Iterable[str]) -> str | None:
    near = nearest(name, known)
    return f"did you mean {shown(near)}?" if near else None


def _listed(table: Mapping[str, Record]) -> str:
    return ", ".join(name for name, record in table.items() if name == record.kind)
