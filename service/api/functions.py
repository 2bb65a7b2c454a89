"""The functions of the language, and the choices of training, as `/v1/info` lists them."""

from collections.abc import Sequence
from functools import cache

from service.api.schemas.system import ChoiceInfo, FunctionInfo, OptionInfo
from service.calculus.rules.records import Function
from service.calculus.rules.table import FUNCTIONS
from service.training.functions import ACTIVATIONS, LOSSES
from service.training.initializers import INITIALIZERS, Initializer
from service.training.optimizers import OPTIMIZERS, Optimizer
from service.training.options import Option
from service.training.rule_formulas import rule_formulas
from service.training.schedules import SCHEDULES, Schedule


def function_infos() -> list[FunctionInfo]:
    """Every function, by name."""
    return [
        FunctionInfo(
            name=record.name,
            arguments=record.arguments,
            summary=record.summary,
            latex=record.formula,
            aliases=list(record.aliases),
            note=record.note,
        )
        for _, record in sorted(FUNCTIONS.items())
    ]


@cache
def choice_infos() -> dict[str, list[ChoiceInfo]]:
    """Every activation, loss, optimizer, schedule and initializer, from their records."""
    return {
        "activations": [_of_function(record) for record in ACTIVATIONS.values()],
        "losses": [_of_function(record, record.targets.text) for record in LOSSES.values()],
        "optimizers": [_of_record(r, r.rule(_defaults(r))) for r in OPTIMIZERS],
        "schedules": [_of_record(record, record.text) for record in SCHEDULES],
        "initializers": [_of_record(record, record.text) for record in INITIALIZERS],
    }


def _of_function(record: Function, targets: str | None = None) -> ChoiceInfo:
    written = [p.name for p in record.parameters if p.kind != "axis"]
    return ChoiceInfo(
        kind=record.name,
        aliases=[*record.aliases, *record.nicknames],
        summary=record.summary,
        text="x" if record.name == "identity" else f"{record.name}({', '.join(written)})",
        latex=record.formula,
        options=[
            OptionInfo(
                name=p.name,
                symbol=p.name,
                summary="its parameter",
                range="a finite number",
                default=float(p.default) if isinstance(p.default, int | float) else None,
            )
            for p in record.parameters
            if p.kind == "number"
        ],
        targets=targets,
        note=record.note,
        source=record.source,
    )


def _defaults(record: Optimizer) -> dict[str, float]:
    return {o.name: o.default for o in record.options if o.default is not None}


def _of_record(record: Optimizer | Schedule | Initializer, text: str) -> ChoiceInfo:
    return ChoiceInfo(
        kind=record.kind,
        aliases=list(record.aliases),
        summary=record.summary,
        text=text,
        latex=rule_formulas(text).latex,
        options=_options(record.options),
        targets=None,
        note="",
        source=record.source,
    )


def _options(options: Sequence[Option]) -> list[OptionInfo]:
    return [
        OptionInfo(
            name=o.name, symbol=o.symbol, summary=o.summary, range=o.range, default=o.default
        )
        for o in options
    ]
