"""The request of a `train` job, checked as far as it can be without the rows of a dataset."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from service.calculus.graph import construction_limit
from service.deadline import deadline_in
from service.errors import NotFoundError
from service.jobs.continuing import continued, told_of_its_job
from service.jobs.datasets import StoredDataset
from service.jobs.job import Document, Submission
from service.jobs.packing import pack
from service.jobs.sources import Sources
from service.jobs.training_checks import check_cost, check_without_rows, training_rows, undrawn
from service.jobs.training_fields import check_fields
from service.jobs.training_places import placed
from service.jobs.training_requests import (
    dataset_id_of,
    inline_dataset,
    schedule_of,
    task_of,
)
from service.training.tasks import default_batch_rows, prepared
from service.training.updater import chosen_optimizer


def submitted_training(document: Document, sources: Sources) -> Submission:
    """What is stored of a request.

    Raises:
        GradserveError: it can be known to fail; with its place in the request.
    """
    request: dict[str, Any] = dict(document)
    is_continued = request["model"]["kind"] == "job"
    if is_continued:
        request = continued(request, sources)
    limits = sources.settings.limits
    with (
        told_of_its_job() if is_continued else nullcontext(),
        placed(request),
        deadline_in(limits.compute_seconds),
        construction_limit(limits.max_graph_nodes),
    ):
        check_fields(request)
        record = _record(request, sources)
        table = inline_dataset(request) if record is None else None
        rows = table.rows if table else record.rows if record else 0
        if request.get("batch_size") is None:
            fraction, seed = request.get("validation_fraction", 0.0), request.get("seed", 0)
            request["batch_size"] = default_batch_rows(rows, fraction, seed)
        trained = training_rows(schedule_of(request), rows)
        task = undrawn(task_of(request))
        chosen_optimizer(task.optimizer)
        if record is not None:
            problem = check_without_rows(task, record, limits)
        elif table is not None:
            ready = prepared(task, table, limits)
            problem = ready.data.problem
        check_cost(problem, task.schedule, trained, sources.settings)
    return submission_of(request, () if record is None else (record.id,))


def _record(request: Mapping[str, Any], sources: Sources) -> StoredDataset | None:
    dataset_id = dataset_id_of(request)
    return None if dataset_id is None else dataset_of(dataset_id, sources)


def dataset_of(dataset_id: str, sources: Sources) -> StoredDataset:
    """The record of a dataset that a request names.

    Raises:
        NotFoundError: the tenant has none; with its place in the request.
    """
    try:
        return sources.records.dataset(sources.tenant, dataset_id)
    except NotFoundError as error:
        error.faults = tuple(fault.within("/data/dataset") for fault in error.faults)
        raise


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
