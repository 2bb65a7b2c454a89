"""Jobs, events and epochs as they are told: values of JSON."""

from collections.abc import Mapping
from math import isfinite

from service.api.problems import problem_document
from service.api.schemas.jobs_told import JobProgress
from service.api.times import time_text
from service.api.wire import Json
from service.jobs.job import Event, Job
from service.jobs.stored_errors import restored_error
from service.training.runs import Epoch

PATH = "/v1/jobs"
_LINKED = ("events", "history", "result", "cancel", "predict")
_PROGRESS = tuple(JobProgress.model_fields)


def job_document(job: Job) -> Json:
    """A `Job`."""
    place = f"{PATH}/{job.id}"
    return {
        "id": job.id,
        "kind": job.kind,
        "name": job.name,
        "status": job.status,
        "priority": job.priority,
        "cancel_requested": job.cancel_requested,
        "attempt": job.attempt,
        "progress": None if job.progress is None else progress_document(job.progress),
        "created_at": time_text(job.created_at),
        "started_at": time_text(job.started_at),
        "finished_at": time_text(job.finished_at),
        "error": None if job.error is None else _problem(job),
        "split": None if job.split is None else dict(job.split),
        "metadata": dict(job.metadata),
        "links": {"self": place} | {name: f"{place}/{name}" for name in _LINKED},
    }


def progress_document(progress: Mapping[str, object]) -> Json:
    """A `JobProgress`; what a job does not tell is null."""
    return {name: progress.get(name) for name in _PROGRESS}


def event_data(event: Event) -> Json:
    """The data of an event."""
    return progress_document(event.data) if event.name == "progress" else dict(event.data)


def epoch_document(epoch: Epoch) -> Json:
    """A `HistoryEntry`."""
    return {
        "epoch": epoch.epoch,
        "loss": _finite(epoch.loss),
        "validation_loss": _finite(epoch.validation_loss),
        "gradient_norm": _finite(epoch.gradient_norm),
        "learning_rate": _finite(epoch.learning_rate),
    }


def _problem(job: Job) -> Json:
    assert job.error is not None
    return problem_document(restored_error(job.error), job.id)


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
