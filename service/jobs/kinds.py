"""The kinds of jobs: one record each, which is all that there is of a kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.jobs.crew import Order
from service.jobs.datasets import DatasetFiles, DatasetRecords
from service.jobs.evaluating import evaluation_share, run_evaluation
from service.jobs.evaluation_requests import submitted_evaluation
from service.jobs.job import Document, Kind, Outcome, Submission
from service.jobs.packing import unpack
from service.jobs.sources import Sources
from service.jobs.training import run_training, training_share
from service.jobs.training_submission import submitted_training
from service.jobs.work import Work
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """A kind of job.

    `submission` checks the document of a request, whose arrays are NumPy's, and makes what is
    stored of it; `run` runs a claimed job (see `runner.run`); `result_document` reads the bytes
    of a result: what the answer holds, its arrays as NumPy's. `share` makes what a worker has
    of the job that it lends a hand to.
    """

    name: Kind
    submission: Callable[[Document, Sources], Submission]
    run: Callable[[Work], Outcome | None]
    result_document: Callable[[bytes], dict[str, Any]]
    share: Callable[[Order, DatasetRecords, DatasetFiles, Settings], object]


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
            share=training_share,
        ),
        JobKind(
            name="evaluate",
            submission=submitted_evaluation,
            run=run_evaluation,
            result_document=_result,
            share=evaluation_share,
        ),
    )
}
