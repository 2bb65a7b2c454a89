"""What Pydantic finds in a request, as faults: where, what was found, what was expected."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, RootModel, Tag
from pydantic import ValidationError as PydanticError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from service.api.binary import fields_of
from service.api.problems import MAX_ERRORS
from service.api.strict_json import parse_json
from service.api.suggestions import suggestion
from service.errors import (
    Fault,
    GradserveError,
    NonFiniteInputError,
    OverLimitError,
    UnknownFunctionError,
    ValidationError,
    WrongArgumentsError,
)
from service.language.places import describe, shown
from service.settings import Limits

RequestModel = TypeVar("RequestModel", bound=BaseModel)
MAX_NAME = 64
BY_CODE: dict[str, type[GradserveError]] = {
    error.code: error
    for error in (
        OverLimitError,
        NonFiniteInputError,
        UnknownFunctionError,
        WrongArgumentsError,
    )
}
EXPECTED = {
    "string_type": "a string",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}
BOUNDS = {
    "greater_than_equal": (">=", "ge"),
    "greater_than": (">", "gt"),
    "less_than_equal": ("<=", "le"),
    "less_than": ("<", "lt"),
}


def read_body(
    raw: bytes,
    model: type[RequestModel],
    limits: Limits,
    *,
    is_binary: bool = False,
    is_free: bool = False,
) -> RequestModel:
    """The request that a body of JSON makes, or one of safetensors (`binary.fields_of`).

    Raises:
        MalformedRequestError: the body is to be safetensors, but is not.
        MalformedJsonError: the body is not one JSON value in UTF-8.
        DuplicateKeyError: an object names a key twice.
        ValidationError: it is JSON, but not what the model says.
        OverLimitError: it has more strings, or a tensor more axes, than the limit.
        NonFiniteInputError: a number is infinite after rounding.
    """
    with _paused_collector():
        if is_binary:
            value: object = fields_of(raw, limits, is_free=is_free)
        else:
            value = parse_json(raw, limits)
        return read_fields(value, model, limits)


def read_fields(value: object, model: type[RequestModel], limits: Limits) -> RequestModel:
    """The request a parsed body makes.

    Raises:
        ValidationError: it is not what the model says.
        OverLimitError: a tensor has more axes than the limit.
        NonFiniteInputError: a number is infinite after rounding.
    """
    try:
        return model.model_validate(value, context=limits)
    except PydanticError as error:
        found = error.errors(include_url=False)
    raise _as_error(found, model)


@contextmanager
def _paused_collector() -> Iterator[None]:
    """No garbage collection: its passes over millions of new lists cost more than the parse."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _as_error(found: Sequence[ErrorDetails], model: type[BaseModel]) -> GradserveError:
    """One error for everything Pydantic found; its class is that of the first specific code."""
    codes = [_context(details).get("code", "validation") for details in found]
    specific = set(codes) == {codes[0]} and codes[0] in BY_CODE
    kind = BY_CODE[codes[0]] if specific else ValidationError
    faults = tuple(_fault(details, model) for details in found[:MAX_ERRORS])
    return kind(faults[0].message, faults=faults)


def _fault(details: ErrorDetails, model: type[BaseModel]) -> Fault:
    parts, fields, union = _followed(details["loc"], model)
    place = "".join(f"/{_escaped(part)}" for part in parts)
    context = _context(details)
    kind = details["type"]
    if kind == "gradserve":
        return Fault(context["message"], place + context["pointer"], hint=context["hint"])
    name = parts[-1] if parts else ""
    if kind == "missing":
        return Fault(
            f"found no field {shown(name)}, but it is required", place[: place.rindex("/")]
        )
    if kind == "extra_forbidden":
        expected = ", ".join(fields)
        return Fault(
            f"found the unknown field {shown(name)}, expected {expected}",
            place,
            hint=suggestion(name, fields),
        )
    value = details["input"]
    if kind == "literal_error":
        found = shown(value) if isinstance(value, str) else describe(value)
        hint = suggestion(value, _choices(context)) if isinstance(value, str) else None
        return Fault(f"found {found}, expected {context['expected']}", place, hint=hint)
    if kind == "union_tag_not_found" and union:
        expected = f"it is required: {union.choices}"
        return Fault(f"found no field {shown(union.discriminator)}, but {expected}", place)
    if kind == "union_tag_invalid" and union:
        tag = value[union.discriminator]
        found, hint = describe(tag), None
        if isinstance(tag, str):
            found, hint = shown(tag), suggestion(tag, tuple(union.members))
        where = f"{place}/{union.discriminator}"
        return Fault(f"found {found}, expected {union.choices}", where, hint=hint)
    if kind in EXPECTED:
        return Fault(f"found {describe(value)}, expected {EXPECTED[kind]}", place)
    return Fault(_outside(details), place)


def _outside(details: ErrorDetails) -> str:
    """What is told of a value of the right type that is outside its range."""
    kind, value, context = details["type"], details["input"], _context(details)
    if kind in BOUNDS:
        sign, bound = BOUNDS[kind]
        return f"found {describe(value)}, expected {sign} {context[bound]}"
    if kind == "string_too_long":
        return f"found {len(value)} characters, expected at most {context['max_length']}"
    if kind == "string_pattern_mismatch":
        return f"found {shown(value)}, expected the pattern {context['pattern']}"
    message = details["msg"]
    return f"found {describe(value)}: {message[:1].lower()}{message[1:]}"


@dataclass(frozen=True, slots=True)
class _Union:
    """The models that one field may be, told apart by another field in them."""

    discriminator: str
    members: Mapping[str, type[BaseModel]]

    @property
    def choices(self) -> str:
        return " or ".join(f"'{tag}'" for tag in self.members)


def _followed(
    loc: tuple[int | str, ...], model: type[BaseModel]
) -> tuple[list[str], tuple[str, ...], _Union | None]:
    """The parts of a pointer, the fields known where it ends, and the union it ends at.

    Pydantic puts the tag of a union between the field and what is inside, where the body has
    nothing.
    """
    parts: list[str] = []
    owner: type[BaseModel] | None = model
    fields, union = tuple(model.model_fields), None
    if issubclass(model, RootModel):
        fields, union = (), _union_of(model.model_fields["root"])
    for part in loc:
        if union is not None and part in union.members:
            owner = union.members[str(part)]
            fields, union = tuple(owner.model_fields), None
            continue
        parts.append(str(part))
        if isinstance(part, int):
            continue
        field = owner.model_fields.get(part) if owner else None
        owner, union = None, _union_of(field) if field else None
        inner = _model_in(field.annotation) if field else None
        if inner is not None and union is None:
            owner, fields = inner, tuple(inner.model_fields)
    return parts, fields, union


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model that a field holds, alone, in an array, or with null for none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) not in (list, Union, UnionType):
        return None
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _union_of(field: FieldInfo) -> _Union | None:
    value = getattr(field.annotation, "__value__", field.annotation)
    if isinstance(field.discriminator, str):
        return _told_apart_by(field.discriminator, get_args(value))
    for told in get_args(value)[1:]:
        if isinstance(told, FieldInfo) and isinstance(told.discriminator, str):
            return _told_apart_by(told.discriminator, get_args(get_args(value)[0]))
        if isinstance(told, Discriminator):
            return _Union("", dict(map(_tagged, get_args(get_args(value)[0]))))
    return None


def _told_apart_by(name: str, members: tuple[type[BaseModel], ...]) -> _Union:
    return _Union(name, {get_args(m.model_fields[name].annotation)[0]: m for m in members})


def _tagged(member: object) -> tuple[str, type[BaseModel]]:
    """The tag of a member that its form tells from the others, and its model."""
    model, *told = get_args(member)
    return next(tag.tag for tag in told if isinstance(tag, Tag)), model


def _context(details: ErrorDetails) -> dict[str, Any]:
    return details.get("ctx", {})


def _choices(context: dict[str, Any]) -> list[str]:
    return [part.strip(" '") for part in context["expected"].replace(" or ", ",").split(",")]


def _escaped(part: str) -> str:
    return part[:MAX_NAME].replace("~", "~0").replace("/", "~1")
