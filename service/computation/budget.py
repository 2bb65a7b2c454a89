"""Whether a request's estimated cost is inside the limits, and what makes it large."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from service.calculus.dimensions import Shape, shown
from service.calculus.structure import entries
from service.errors import BudgetExceededError
from service.numeric.plan import Estimate
from service.settings import Limits

BYTES_PER_NUMBER = 8
_WAYS_OUT = (
    'ask with "representation": "auto" or "factored", for fewer variables, or for the '
    "gradient of a scalar"
)


@dataclass(frozen=True, slots=True)
class SizedValue:
    """Something a request makes: an operation at a place, or the derivative by a variable."""

    shape: Shape
    start: int | None = None
    end: int | None = None
    by: str | None = None


def check_budget(
    estimate: Estimate,
    answer_bytes: int,
    values: Sequence[SizedValue],
    limits: Limits,
    *,
    pointer: str = "/expression",
    hint: str = _WAYS_OUT,
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
        pointer=pointer,
        start=largest.start if largest else None,
        end=largest.end if largest else None,
        hint=hint,
    )


def _described(value: SizedValue | None) -> str:
    if value is None:
        return ""
    what = f"the derivative by {value.by}" if value.by else "this sub-expression"
    return f"; the largest value is {what}, of shape ({shown(value.shape)})"


class Allowance:
    """What several requests may cost together: flops, bytes of their answers, and time."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = monotonic) -> None:
        self._flops = limits.max_flops
        self._bytes = limits.max_answer_bytes
        self._clock = clock
        self._end = clock() + limits.compute_seconds

    @property
    def seconds(self) -> float:
        """How much time is left."""
        return self._end - self._clock()

    def take(self, flops: int, answer_bytes: int) -> None:
        """Take the cost of one request from what is left.

        Raises:
            BudgetExceededError: when less is left.
        """
        if flops > self._flops or answer_bytes > self._bytes:
            raise BudgetExceededError(
                f"the request needs {flops:.1e} flops and {answer_bytes:,} bytes of answer, "
                f"but those before it in the batch left {self._flops:.1e} and {self._bytes:,}",
                hint="send it in a batch of its own",
            )
        self._flops -= flops
        self._bytes -= answer_bytes
