"""Whether the work of a job is split between workers, into how many parts, and why."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import ceil
from time import perf_counter
from typing import Any

from service.jobs.work import Work

# Of a number that goes to a worker and comes back: serialised, encrypted, sent and added, with
# a margin; service/guide/scaling.md has the measurements.
_NUMBER_SECONDS = 15e-9
KEY = "split"  # in what a job's first attempt records


@dataclass(frozen=True, slots=True)
class Split:
    """Into how many parts a job is split; 1: it is not. `reason` is a sentence for people."""

    parts: int
    reason: str


def split_of(
    work: Work,
    wanted: int,
    data_bytes: int,
    measured: Callable[[int], float | str],
    numbers: int = 0,
) -> Split:
    """How the job is split: as it was in its first attempt, or as is decided now.

    `wanted` is at most how many workers are asked for, `data_bytes` the size of the data.
    `measured` tries so many parts: it answers how many seconds a step takes, or why it cannot
    be split. `numbers` are sent to each worker in a step, and as many come back.
    """
    recorded: Any = (work.claim.environment or {}).get(KEY)
    if recorded is not None:
        return Split(**recorded)
    found = _decided(work, wanted, data_bytes, measured, numbers)
    if wanted > 1 or found.parts > 1:
        work.record_environment({**(work.claim.environment or {}), KEY: asdict(found)})
    return found


def _decided(
    work: Work,
    wanted: int,
    data_bytes: int,
    measured: Callable[[int], float | str],
    numbers: int,
) -> Split:
    settings = work.settings
    why = "is asked for"
    parts = wanted
    if wanted == 1:
        parts = ceil(data_bytes / settings.split_dataset_bytes)
        why = (
            f"is chosen: the data have {data_bytes:,} bytes, over split_dataset_bytes of "
            f"{settings.split_dataset_bytes:,}"
        )
    if parts == 1:
        return Split(1, "one worker is asked for")
    if work.crew is None:
        return Split(1, "not split: the workers of this service are in no cluster")
    found = measured(parts)
    if isinstance(found, str):
        return Split(1, f"not split: {found}")
    shown = f"a step takes {found * 1000:.3g} ms"
    # The work is shared, but the numbers go to each: t/W and what W workers are sent.
    needed = max(settings.split_step_seconds, parts * numbers * _NUMBER_SECONDS)
    least = f"{round(needed * 1000, 3):g} ms"
    if found < needed:
        return Split(
            1,
            f"not split: {shown}, less than the {least} from which on several workers are "
            "faster than one",
        )
    return Split(parts, f"split into {parts} parts, which {why}; {shown}, over {least}")


def seconds_of(step: Callable[[], object]) -> float:
    """How long a step takes: the second time, when plans are made and data are read."""
    step()
    began = perf_counter()
    step()
    return perf_counter() - began
