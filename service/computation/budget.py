"""Whether a request's estimated cost is inside the limits, and what makes it large."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.calculus.dimensions import Shape, shown
from service.calculus.structure import entries
from service.errors import BudgetExceededError
from service.numeric.plan import Estimate
from service.settings import Limits

BYTES_PER_NUMBER = 8


@dataclass(frozen=True, slots=True)
class SizedValue:
    """Something a request makes: an operation at a place, or the derivative by a variable."""

    shape: Shape
    start: int | None = None
    end: int | None = None
    by: str | None = None


def check_budget(
    estimate: Estimate, answer_bytes: int, values: Sequence[SizedValue], limits: Limits
) -> None:
    """Refuse what would cost too much, before anything is allocated.

    Raises:
        BudgetExceededError: with the estimates, the limit and the largest value.
    """
    figures = (
        ("hold an answer of {:,} bytes", answer_bytes, limits.max_answer_bytes),
        ("need {:,} bytes of memory", estimate.peak_bytes, limits.max_peak_bytes),
        ("take {:.1e} flops", float(estimate.flops), limits.max_flops),
    )
    over = [figure for figure in figures if figure[1] > figure[2]]
    if not over:
        return
    what, estimated, limit = over[0]
    largest = max(values, key=lambda v: entries(v.shape), default=None)
    raise BudgetExceededError(
        f"the request is estimated to {what.format(estimated)}, over the limit of {limit:,.0f} "
        f"({estimate.flops:.1e} flops and {estimate.peak_bytes:,} bytes in all)"
        f"{_described(largest)}",
        pointer="/expression",
        start=largest.start if largest else None,
        end=largest.end if largest else None,
        hint='ask with "representation": "auto" or "factored", for fewer variables, or for the '
        "gradient of a scalar",
    )


def _described(value: SizedValue | None) -> str:
    if value is None:
        return ""
    what = f"the derivative by {value.by}" if value.by else "this sub-expression"
    return f"; the largest value is {what}, of shape ({shown(value.shape)})"
