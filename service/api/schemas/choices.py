"""Activations, losses, optimizers and schedules in a request: names, or objects with options.

The schemas are made from the records of `service.training`, which also check what is given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

from service.api.schemas.tensor_input import fault
from service.calculus.rules.records import Function
from service.language.places import describe
from service.training.functions import (
    ACTIVATIONS,
    ACTIVATIONS_BY_NAME,
    LOSSES,
    LOSSES_BY_NAME,
)
from service.training.initializers import INITIALIZERS_BY_NAME, Initializer
from service.training.optimizers import OPTIMIZERS_BY_NAME, Optimizer
from service.training.schedules import SCHEDULES_BY_NAME, Schedule

ADAM = {"kind": "adam", "learning_rate": 0.001}


@dataclass(frozen=True, slots=True)
class _Taken:
    """One option as a schema tells it; `of` is the kind whose option it is."""

    of: str
    name: str
    summary: str
    range: str
    default: float | None

    @property
    def text(self) -> str:
        """What it is and may be."""
        end = "required" if self.default is None else f"{self.default:.15g} if left out"
        return f"{self.summary}, {self.range}; {end}"


def _of_function(function: Function) -> list[_Taken]:
    numbers = [p for p in function.parameters if p.kind == "number"]
    return [
        _Taken(function.name, p.name, "its parameter", "a finite number", float(p.default))
        for p in numbers
        if isinstance(p.default, int | float)
    ]


def _of_record(record: Optimizer | Schedule | Initializer) -> list[_Taken]:
    return [_Taken(record.kind, o.name, o.summary, o.range, o.default) for o in record.options]


def _choice(
    name: str,
    summary: str,
    kinds: Iterable[str],
    taken: Sequence[_Taken],
    others: Mapping[str, Any] | None = None,
) -> type[BaseModel]:
    """The model of an object with `kind`, the options of every kind, and other fields."""
    names = tuple(kinds)
    fields: dict[str, Any] = {
        "kind": (
            Literal[names],
            Field(description="What is chosen; some have several names.", examples=[names[0]]),
        )
    }
    by_name: dict[str, list[_Taken]] = {}
    for option in taken:
        by_name.setdefault(option.name, []).append(option)
    for option_name, options in by_name.items():
        by_text: dict[str, list[str]] = {}
        for option in options:
            by_text.setdefault(option.text, []).append(option.of)
        text = ". ".join(f"Of {', '.join(of)}: {what}" for what, of in by_text.items())
        is_required = {o.of for o in options if o.default is None} == {o.of for o in taken}
        kind, default = (float, ...) if is_required else (float | None, None)
        fields[option_name] = (kind, Field(default, description=f"{text}."))
    made: type[BaseModel] = create_model(
        name,
        __doc__=summary,
        __config__=ConfigDict(extra="forbid", strict=True),
        **fields,
        **(others or {}),
    )
    return made


def _options_of(functions: Mapping[str, Function]) -> list[_Taken]:
    return [option for function in functions.values() for option in _of_function(function)]


def _records(table: Mapping[str, Any]) -> list[Any]:
    """The records of a table once each, in their order."""
    return [record for name, record in table.items() if name == record.kind]


ActivationChoice = _choice(
    "ActivationChoice",
    "An activation with its options; one that it has not is refused.",
    ACTIVATIONS_BY_NAME,
    _options_of(ACTIVATIONS),
)
LossChoice = _choice(
    "LossChoice",
    "A loss with its options; one that it has not is refused.",
    LOSSES_BY_NAME,
    _options_of(LOSSES),
)
_SCHEDULES: list[Schedule] = _records(SCHEDULES_BY_NAME)
LaterSchedule = _choice(
    "LaterSchedule",
    "The schedule that a warm-up leads to.",
    [n for n, record in SCHEDULES_BY_NAME.items() if not record.takes_another],
    [o for record in _SCHEDULES if not record.takes_another for o in _of_record(record)],
)
ScheduleChoice = _choice(
    "ScheduleChoice",
    "How the learning rate changes from step to step; each step is an epoch.",
    SCHEDULES_BY_NAME,
    [option for record in _SCHEDULES for option in _of_record(record)],
    {
        "then": (
            LaterSchedule | None,
            Field(None, description="Of warmup: the schedule that it leads to; else constant."),
        )
    },
)
OptimizerChoice = _choice(
    "OptimizerChoice",
    "An optimizer with its options, each with PyTorch's default; one that it has not is "
    "refused.",
    OPTIMIZERS_BY_NAME,
    [o for record in _records(OPTIMIZERS_BY_NAME) for o in _of_record(record)],
    {
        "schedule": (
            ScheduleChoice | None,
            Field(None, description="How the learning rate changes; constant if left out."),
        )
    },
)


InitializerChoice = _choice(
    "InitializerChoice",
    "An initializer with its options; one that it has not is refused.",
    INITIALIZERS_BY_NAME,
    [o for record in _records(INITIALIZERS_BY_NAME) for o in _of_record(record)],
)


class _ChosenSchema:
    """Documents a choice by its model; the records check it when it is used.

    `takes_names`: the name alone is a choice too.
    """

    def __init__(self, model: type[BaseModel], *, takes_names: bool) -> None:
        self._model, self._takes_names = model, takes_names

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        described = handler.generate_schema(self._model)
        if not self._takes_names:
            return core_schema.no_info_plain_validator_function(
                _object, json_schema_input_schema=described
            )
        return core_schema.no_info_plain_validator_function(
            _name_or_object,
            json_schema_input_schema=core_schema.union_schema(
                [core_schema.str_schema(), described]
            ),
        )


def _object(value: object) -> object:
    if not isinstance(value, dict):
        raise fault(f"found {describe(value)}, expected an object: kind and its options")
    return _given(value)


def _name_or_object(value: object) -> object:
    if isinstance(value, dict):
        return _given(value)
    if not isinstance(value, str):
        raise fault(
            f"found {describe(value)}, expected a name, or an object: kind and its options"
        )
    return value


def _given(value: Mapping[str, Any], levels: int = 2) -> dict[str, Any]:
    """The fields that are not null, which is as good as left out; so of objects in them."""
    return {
        name: _given(item, levels - 1) if levels and isinstance(item, dict) else item
        for name, item in value.items()
        if item is not None
    }


def _named(functions: Mapping[str, Function]) -> str:
    return ", ".join(f"`{name}`" for name in functions)


ActivationInput = TypeAliasType(
    "ActivationInput",
    Annotated[
        Any,
        _ChosenSchema(ActivationChoice, takes_names=True),
        Field(
            description=f"An activation by its name, or with options: {_named(ACTIVATIONS)}.",
            examples=["relu", {"kind": "leaky_relu", "negative_slope": 0.1}],
        ),
    ],
)
LossInput = TypeAliasType(
    "LossInput",
    Annotated[
        Any,
        _ChosenSchema(LossChoice, takes_names=True),
        Field(
            description=f"A loss by its name, or with options: {_named(LOSSES)}.",
            examples=["mse", {"kind": "huber", "delta": 1}],
        ),
    ],
)
OptimizerInput = Annotated[
    Any,
    _ChosenSchema(OptimizerChoice, takes_names=False),
    Field(
        description="The optimizer, its learning rate and its other options.", examples=[ADAM]
    ),
]
InitializerInput = Annotated[
    Any,
    _ChosenSchema(InitializerChoice, takes_names=False),
    Field(
        description="How first weights are drawn, by the seed.",
        examples=[{"kind": "he_normal"}],
    ),
]
