"""Names in a request: which are allowed, how many, each once."""

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo

from service.api.schemas.tensor_input import TensorInput, fault
from service.language.lexemes import NAME
from service.language.places import describe, shown
from service.settings import Limits

NAME_RULE = "a Latin or Greek letter or _, then up to 63 letters, digits, _"


def _max_names(info: ValidationInfo) -> int:
    return info.context.max_variables if isinstance(info.context, Limits) else 100


def check_variables(value: object, info: ValidationInfo) -> object:
    """An object from names to anything, within the limit of names."""
    if not isinstance(value, dict):
        raise fault(f"found {describe(value)}, expected an object: name to value")
    limit = _max_names(info)
    if len(value) > limit:
        raise fault(f"found {len(value)} variables, but the limit max_variables is {limit}")
    for name in value:
        if not NAME.fullmatch(name):
            raise fault(
                f"found the name {shown(name)}, expected {NAME_RULE}",
                pointer="/" + name[:64].replace("~", "~0").replace("/", "~1"),
            )
    return value


def _check_directions(value: object, info: ValidationInfo) -> object:
    if value == {}:
        raise fault("found no names, expected a tensor for at least one variable")
    return check_variables(value, info)


def _check_wrt(value: object, info: ValidationInfo) -> object:
    if value is None:
        return None
    if value == []:
        raise fault(
            "found no names, expected at least one", hint="leave wrt out for all variables"
        )
    return check_names(value, info)


def check_names(value: object, info: ValidationInfo) -> object:
    """An array of names, each once, within the limit of names."""
    if not isinstance(value, list):
        raise fault(f"found {describe(value)}, expected an array of names")
    limit = _max_names(info)
    if not value:
        raise fault("found no names, expected at least one")
    if len(value) > limit:
        raise fault(f"found {len(value)} names, but the limit max_variables is {limit}")
    seen = set()
    for place, name in enumerate(value):
        if not isinstance(name, str):
            raise fault(f"found {describe(name)}, expected a name", pointer=f"/{place}")
        if not NAME.fullmatch(name):
            raise fault(
                f"found the name {shown(name)}, expected {NAME_RULE}", pointer=f"/{place}"
            )
        if name in seen:
            raise fault(
                f"found {shown(name)} twice, expected each name once", pointer=f"/{place}"
            )
        seen.add(name)
    return value


Variables = Annotated[
    dict[str, TensorInput],
    BeforeValidator(check_variables),
    Field(
        description=f"The variables by name; a name is {NAME_RULE}. At most 100.",
        examples=[{"w": [1, 2, 3], "x": [0.5, -1, 2], "b": 0.25}],
    ),
]
WithRespectTo = Annotated[
    list[str] | None,
    BeforeValidator(_check_wrt),
    Field(
        description="The variables to differentiate by, each once; all of them if left out.",
        examples=[["w", "b"]],
    ),
]
Directions = Annotated[
    dict[str, TensorInput],
    BeforeValidator(_check_directions),
    Field(
        description=(
            "A direction for each variable of `wrt`, of the variable's shape, by name; without "
            "`wrt`, for each variable to differentiate by, the others being held fixed. With "
            "`many`, each has a leading axis that counts directions."
        ),
        examples=[{"x": [1, 0, -1]}],
    ),
]
BatchNames = Annotated[
    list[str] | None,
    BeforeValidator(_check_wrt),
    Field(
        description=(
            "The variables whose first axis counts samples, each once: the expression is that "
            "of one sample, and every answer has the axis of samples in front (behind that of "
            "`many`). A derivative's shape is the number of samples, the output's and the "
            "variable's, both without the samples' axis."
        ),
        examples=[["x"]],
    ),
]
