"""The schedules of the learning rate, one record each.

A schedule gives the factor of the learning rate at a step and its epoch, both counted from 0.
As in PyTorch, `step`, `exponential` and `cosine` count epochs; `warmup` and `inverse_scaling`
count steps. Where there are no epochs, each step is one. In a formula η is the learning rate
that is chosen and t the count.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, pi
from typing import Literal

from service.errors import ValidationError
from service.language.places import describe
from service.training.options import MOST_STEPS, Option, chosen, table_of
from service.training.updates import Options


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule:
    """How the learning rate changes: its factor at count t, the rate as text of the language.

    `counts` is what t counts. `takes_another`: it comes before another, and multiplies it.
    """

    kind: str
    summary: str
    source: str
    text: str
    factor: Callable[[Options, int], float]
    counts: Literal["steps", "epochs"] = "epochs"
    options: tuple[Option, ...] = ()
    takes_another: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChosenSchedule:
    """A schedule with the values of its options, and the one that it multiplies."""

    schedule: Schedule
    options: Options
    then: "ChosenSchedule | None" = None

    @property
    def is_constant(self) -> bool:
        """Whether the factor is 1 throughout."""
        return self.schedule.kind == "constant" and self.then is None

    def factor(self, step: int, epoch: int) -> float:
        """The factor of the learning rate, from 0 to 1."""
        count = step if self.schedule.counts == "steps" else epoch
        own = self.schedule.factor(self.options, count)
        return own if self.then is None else own * self.then.factor(step, epoch)


def chosen_schedule(given: object, *, pointer: str = "/schedule") -> ChosenSchedule:
    """The schedule of {"kind", its options}; the constant one of None.

    `warmup` takes another schedule as `then`, which no warm-up can be.

    Raises:
        ValidationError: a kind or option is unknown, missing or of another type.
        DomainError: an option is outside its range.
    """
    return _chosen(given, SCHEDULES_BY_NAME, pointer)


def _chosen(given: object, table: Mapping[str, Schedule], pointer: str) -> ChosenSchedule:
    if given is None:
        return ChosenSchedule(CONSTANT, {})
    if not isinstance(given, Mapping):
        message = f"schedule: found {describe(given)}, expected an object with its kind"
        raise ValidationError(message, pointer=pointer)
    another = [
        "then" for s in [table.get(str(given.get("kind")))] if s is not None and s.takes_another
    ]
    schedule, options = chosen("schedule", table, given, pointer=pointer, others=another)
    if not another:
        return ChosenSchedule(schedule, options)
    later = {name: other for name, other in table.items() if not other.takes_another}
    return ChosenSchedule(
        schedule, options, _chosen(given.get("then"), later, f"{pointer}/then")
    )


def _count(name: str, symbol: str, summary: str, default: float | None = None) -> Option:
    return Option(
        name=name,
        symbol=symbol,
        summary=summary,
        default=default,
        lower=1,
        upper=MOST_STEPS,
        is_integer=True,
    )


def _gamma(default: float | None) -> Option:
    return Option(
        name="gamma",
        symbol="γ",
        summary="the factor of each time",
        default=default,
        lower=0,
        is_lower_open=True,
        upper=1,
    )


def _cosine(options: Options, count: int) -> float:
    """From 1 along half a cosine to the minimum, where it stays."""
    share = min(count / options["epochs"], 1.0)
    minimum = options["minimum"]
    return minimum + (1 - minimum) * (1 + cos(pi * share)) / 2


CONSTANT = Schedule(
    kind="constant",
    summary="The same learning rate at every step.",
    source="Robbins & Monro (1951)",
    text="η",
    factor=lambda _, count: 1.0,
)
SCHEDULES = (
    CONSTANT,
    Schedule(
        kind="step",
        summary="The learning rate falls by a factor every so many epochs.",
        source="torch.optim.lr_scheduler.StepLR",
        text="η * γ**floor(t / k)",
        options=(_gamma(0.1), _count("every", "k", "the epochs between two falls")),
        factor=lambda options, count: options["gamma"] ** (count // int(options["every"])),
    ),
    Schedule(
        kind="exponential",
        summary="The learning rate falls by a factor every epoch.",
        source="torch.optim.lr_scheduler.ExponentialLR",
        text="η * γ**t",
        options=(_gamma(None),),
        factor=lambda options, count: options["gamma"] ** count,
    ),
    Schedule(
        kind="cosine",
        summary="The learning rate falls along half a cosine, and then stays at its minimum.",
        source="Loshchilov & Hutter (2017), (5)",
        text="η * (r + (1 - r) * (1 + cos(π * minimum(t / k, 1))) / 2)",
        options=(
            _count("epochs", "k", "the epochs until the minimum"),
            Option(
                name="minimum",
                symbol="r",
                summary="the factor at the end",
                default=0.0,
                lower=0,
                upper=1,
            ),
        ),
        factor=_cosine,
    ),
    Schedule(
        kind="warmup",
        summary="The learning rate rises in equal parts to that of the next schedule, which "
        "counts from the start.",
        source="Goyal et al. (2017), 2.2",
        text="η * minimum((t + 1) / k, 1)",
        options=(_count("steps", "k", "the steps until the full rate"),),
        counts="steps",
        factor=lambda options, count: min((count + 1) / options["steps"], 1.0),
        takes_another=True,
    ),
    Schedule(
        kind="inverse_scaling",
        summary="The learning rate falls with a power of the number of the step.",
        source="sklearn.linear_model.SGDRegressor, learning_rate invscaling",
        text="η / (t + 1)**a",
        options=(
            Option(
                name="power",
                symbol="a",
                summary="the power of the step's number",
                default=0.5,
                lower=0,
            ),
        ),
        counts="steps",
        factor=lambda options, count: (count + 1.0) ** -options["power"],
    ),
)
SCHEDULES_BY_NAME = table_of(SCHEDULES)
