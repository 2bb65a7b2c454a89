"""The report of a training run as text: what was trained, what was found, how it went."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from service.commands.loss_curve import drawn
from service.training.models import BIAS, WEIGHTS
from service.training.runs import Result
from service.training.tasks import PreparedTask

_MOST_SHOWN = 10
_REASONS = {
    "epochs": "all epochs are run",
    "early_stopping": "the loss fell no more; the best parameters are taken",
    "stop_when": "the loss or the gradient is small enough",
    "cancelled": "interrupted",
}


@dataclass(frozen=True, slots=True)
class Split:
    """How many rows a run trains on, and how many it validates with."""

    training: int
    validation: int


def report(
    prepared: PreparedTask, result: Result, rows: Split, seconds: float, *, is_plain: bool
) -> str:
    """The report of a run; `is_plain` draws with ASCII only."""
    lines = [f"{name:<16}{value}" for name, value in _facts(prepared, result, rows, seconds)]
    lines += [f"{'note':<16}{note}" for note in prepared.data.notes]
    lines += ["", *_weights(prepared, result)]
    losses = [line.loss for line in result.history]
    curve = drawn(losses, title="loss", axis="epoch", is_plain=is_plain)
    return "\n".join([*lines, "", curve] if curve else lines)


def _facts(
    prepared: PreparedTask, result: Result, rows: Split, seconds: float
) -> Iterator[tuple[str, str]]:
    validated = f", {rows.validation:,} to validate with" if rows.validation else ""
    yield "rows", f"{rows.training:,} to train on{validated}"
    yield "parameters", f"{prepared.parameter_count:,}"
    if result.loss is not None:
        yield "loss", f"{result.loss:.6g} ({_loss_of(prepared)})"
    if result.validation_loss is not None:
        yield "validation loss", f"{result.validation_loss:.6g}"
    if result.gradient_norm is not None:
        is_own = not prepared.data.about.get("standardize")
        yield (
            "gradient norm",
            f"{result.gradient_norm:.3g}{'' if is_own else ' (of standardized columns)'}",
        )
    epochs = "1 epoch" if result.epochs == 1 else f"{result.epochs:,} epochs"
    steps = f"{epochs}, {result.steps:,} steps"
    yield "stopped", f"after {steps}: {_REASONS[result.stopped_by]}"
    yield "seconds", f"{seconds:.2f}"


def _loss_of(prepared: PreparedTask) -> str:
    loss = prepared.data.about.get("loss", "the expression")
    return str(loss["kind"]) if isinstance(loss, dict) else str(loss)


def _weights(prepared: PreparedTask, result: Result) -> list[str]:
    """The first numbers by the names of their columns; of a network the shapes."""
    found = result.parameters
    inputs = prepared.data.inputs
    if inputs and WEIGHTS in found:
        values = [float(w) for w in found[WEIGHTS]]
        shown = _named(list(zip(inputs, values, strict=True)))
        return ["weights", *shown, *_named([(BIAS, float(found[BIAS]))])]
    if inputs:
        shapes = [(n, " × ".join(map(str, a.shape))) for n, a in found.items()]
        return ["parameters", *(f"  {name:<20} {shape}" for name, shape in shapes)]
    entries = [
        (f"{name}{list(place) if place else ''}", float(array[place]))
        for name, array in found.items()
        for place in (tuple(map(int, p)) for p in list(np.ndindex(array.shape))[:_MOST_SHOWN])
    ]
    total = sum(array.size for array in found.values())
    return ["parameters", *_named(entries, total)]


def _named(entries: Sequence[tuple[str, float]], total: int | None = None) -> list[str]:
    total = len(entries) if total is None else total
    lines = [f"  {_clipped(name):<20} {value:.6g}" for name, value in entries[:_MOST_SHOWN]]
    more = total - len(lines)
    return [*lines, f"  … {more:,} more"] if more > 0 else lines


def _clipped(name: str) -> str:
    """A column's name in one line of a terminal."""
    text = "".join(c if c.isprintable() else "�" for c in name)
    return text if len(text) <= 40 else f"{text[:39]}…"
