"""The kinds of jobs: one record each, which is all that there is of a kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.jobs.evaluating import run_evaluation
from service.jobs.evaluation_requests import submitted_evaluation
from service.jobs.job import Document, Kind, Outcome, Submission
from service.jobs.packing import unpack
from service.jobs.sources import Sources
from service.jobs.training import run_training
from service.jobs.training_submission import submitted_training
from service.jobs.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """A kind of job.

    `submission` checks the document of a request, whose arrays are NumPy's, and makes what is
    stored of it; `run` runs a claimed job (see `runner.run`); `result_document` reads the bytes
    of a result: what the answer holds, its arrays as NumPy's.
    """

    name: Kind
    submission: Callable[[Document, Sources], Submission]
    run: Callable[[Work], Outcome | None]
    result_document: Callable[[bytes], dict[str, Any]]


def _result(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = unpack(data)["result"]
    return found


JOB_KINDS: dict[Kind, JobKind] = {
    kind.name: kind
    for kind in (
        JobKind(
            name="train",
            submission=submitted_training,
            run=run_training,
            result_document=_result,
        ),
        JobKind(
            name="evaluate",
            submission=submitted_evaluation,
            run=run_evaluation,
            result_document=_result,
        ),
    )
}
