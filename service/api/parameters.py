"""Parameters in the query and the header: what is wrong with them, in words."""

import re
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo
from starlette.datastructures import Headers

from service.errors import Fault, ValidationError
from service.language.places import shown

IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
LAST_EVENT_ID = re.compile(r"[0-9]{1,15}")
_WHOLE = "a whole number"
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")


def _check_whole(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,20}", value):
        raise ValueError(value)
    return value


def _check_number(value: object) -> object:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError(value)
    return value


# Python reads 1_0, +1 and a space before it as numbers too: nobody means that in an address.
PLAIN_WHOLE = BeforeValidator(_check_whole)
PLAIN_NUMBER = BeforeValidator(_check_number)


def parameters_error(request: Request, found: Sequence[Any]) -> ValidationError:
    """What FastAPI found in the parameters of a request, as one error."""
    faults = tuple(Fault(_message(request, details)) for details in found)
    return ValidationError(faults[0].message, faults=faults)


def _message(request: Request, details: dict[str, Any]) -> str:
    where, name = details["loc"][0], str(details["loc"][-1])
    if details["type"] == "missing":
        return f"{where}: found no parameter {shown(name)}, but it is required"
    if details["type"] == "literal_error":
        expected = details["ctx"]["expected"]
    else:
        route = request.scope["route"]
        parameters = (p for p in route.dependant.query_params if p.alias == name)
        expected = next((_range(p.field_info) for p in parameters), None) or details["msg"]
    return f"{where} {name}: found {shown(str(details['input']))}, expected {expected}"


def _range(field: FieldInfo) -> str | None:
    """What a number may be, by the bounds it is declared with."""
    kind = _WHOLE if field.annotation is int else "a number"
    low = next((bound.ge for bound in field.metadata if hasattr(bound, "ge")), None)
    high = next((bound.le for bound in field.metadata if hasattr(bound, "le")), None)
    return None if low is None or high is None else f"{kind} from {low} to {high}"


def only(headers: Headers, name: str, pattern: re.Pattern[str], expected: str) -> str | None:
    """The header's value, if it is there.

    Raises:
        ValidationError: it is there twice, or is not what was expected.
    """
    values = headers.getlist(name)
    if not values:
        return None
    if len(values) > 1:
        raise ValidationError(f"header {name}: found it {len(values)} times, expected it once")
    if not pattern.fullmatch(values[0]):
        raise ValidationError(f"header {name}: found {shown(values[0])}, expected {expected}")
    return values[0]
