"""Results of jobs and predictions of their models, as they are answered."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.api.access import Caller
from service.api.binary import SAFETENSORS, encode_binary
from service.api.ids import JOBS
from service.api.services import Services
from service.api.wire import Json, encode, tensor
from service.errors import NotFinishedError
from service.jobs.job import Job
from service.jobs.results import predict, result_document
from service.jobs.stored_errors import restored_error
from service.settings import Limits
from service.training.updates import Array

RETRY_SECONDS = 1


def stored_result(services: Services, caller: Caller, job_id: str) -> tuple[Job, bytes]:
    """The job and its result as it is stored.

    Raises:
        NotFoundError: there is no such job.
        NotFinishedError: it has no result; the message tells how far it is.
    """
    checked = JOBS.checked(job_id)
    with JOBS.looked_up():
        job = services.jobs.job(caller.tenant, checked)
        if job.status != "succeeded":
            raise _not_finished(job)
        return job, services.jobs.result(caller.tenant, checked)


def result_bytes(services: Services, caller: Caller, job_id: str, media_type: str) -> bytes:
    """The result of a job as the body of an answer; raises what `stored_result` raises."""
    job, data = stored_result(services, caller, job_id)
    return _written(result_document(job.kind, data), media_type)


def predicted_bytes(
    job: Job, data: bytes, inputs: Array, limits: Limits, media_type: str
) -> bytes:
    """The predictions of a job's model as the body of an answer; raises what `predict` does."""
    found = predict(job.kind, data, inputs, limits)
    return _written({"predictions": found}, media_type)


def _written(document: Mapping[str, Any], media_type: str) -> bytes:
    write = encode_binary if media_type == SAFETENSORS else encode
    told: Json = _told(document)
    return write(told)


def _told(value: Any) -> Any:  # noqa: ANN401  # any JSON with arrays in it
    if isinstance(value, np.ndarray):
        return tensor(value)
    if isinstance(value, Mapping):
        return {name: _told(item) for name, item in value.items()}
    return [_told(item) for item in value] if isinstance(value, list | tuple) else value


def _not_finished(job: Job) -> NotFinishedError:
    if job.is_finished:
        why = "" if job.error is None else f": {restored_error(job.error).message}"
        return NotFinishedError(
            f"the job has {job.status if job.status == 'failed' else 'been cancelled'} and has "
            f"no result{why}",
            hint=f"train on from it: a model of kind 'job' with the id {job.id}",
        )
    progress = job.progress or {}
    far = ""
    if progress.get("epochs") is not None:
        far = f", after {progress.get('epoch')} of {progress['epochs']} epochs"
    error = NotFinishedError(f"the job is {job.status}{far}, and has no result yet")
    error.retry_after = RETRY_SECONDS
    return error
