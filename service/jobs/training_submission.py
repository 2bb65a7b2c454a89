"""The request of a `train` job, checked as far as it can be without the rows of a dataset."""

from collections.abc import Mapping
from typing import Any

from service.jobs.job import Document, Submission
from service.jobs.packing import pack
from service.jobs.sources import Sources
from service.jobs.training_places import placed
from service.jobs.training_requests import dataset_id_of, inline_dataset, task_of
from service.training.tasks import default_batch_rows, prepared


def submitted_training(document: Document, sources: Sources) -> Submission:
    """What is stored of a request.

    Raises:
        GradserveError: it can be known to fail; with its place in the request.
    """
    request: dict[str, Any] = dict(document)
    dataset_id = dataset_id_of(request)
    with placed(request):
        if dataset_id is None:
            dataset = inline_dataset(request)
            if request.get("batch_size") is None:
                fraction = request.get("validation_fraction", 0.0)
                request["batch_size"] = default_batch_rows(
                    dataset.rows, fraction, request.get("seed", 0)
                )
            prepared(task_of(request), dataset, sources.settings.limits).trainer()
    return submission_of(request, () if dataset_id is None else (dataset_id,))


def submission_of(request: Mapping[str, Any], datasets: tuple[str, ...]) -> Submission:
    """A checked request as it is stored."""
    return Submission(
        kind=request["kind"],
        request=pack(request),
        name=request.get("name"),
        priority=request.get("priority", 0),
        metadata=request.get("metadata") or {},
        datasets=datasets,
    )
