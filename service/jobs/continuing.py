"""The model of an earlier job, with the weights that it found, as a model of a request."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from service.errors import GradserveError, NotFinishedError, ValidationError
from service.jobs.packing import unpack
from service.jobs.sources import Sources

POINTER = "/model/id"


def continued(request: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    """The request with the model of the job that it names: what was found there is its start.

    Raises:
        NotFoundError: the tenant has no such job.
        NotFinishedError: the job has not ended.
        ValidationError: it has trained nothing, or ended before anything was kept.
    """
    job_id = request["model"]["id"]
    try:
        found = _found(job_id, sources)
        asked = unpack(sources.jobs.request(sources.tenant, job_id))["model"]
    except GradserveError as error:
        error.faults = tuple(fault.within(POINTER) for fault in error.faults)
        raise
    return {**request, "model": _with_parameters(asked, found)}


@contextmanager
def told_of_its_job() -> Iterator[None]:
    """Faults of a model that is another job's are told at the id: the rest is not asked for."""
    try:
        yield
    except GradserveError as error:
        error.faults = tuple(
            replace(fault, pointer=POINTER)
            if (fault.pointer or "").startswith("/model/")
            else fault
            for fault in error.faults
        )
        raise


def _found(job_id: str, sources: Sources) -> Mapping[str, Any]:
    """The parameters that a job found: those of its result, or of its last checkpoint."""
    job = sources.jobs.job(sources.tenant, job_id)
    if job.kind != "train":
        raise ValidationError(
            f"found a job {job.kind!r}, expected one that has trained a model"
        )
    if not job.is_finished:
        raise NotFinishedError(
            f"found a job that is {job.status}, expected one that has ended",
            hint="wait for its end, or cancel it",
        )
    read = sources.jobs.result if job.status == "succeeded" else sources.jobs.checkpoint
    stored = read(sources.tenant, job_id)
    document = {} if stored is None else unpack(stored)
    if "result" not in document:
        raise ValidationError(
            f"found a job that {job.status} before any weights were kept, expected one with a "
            "result or a checkpoint"
        )
    parameters: Mapping[str, Any] = document["result"]["parameters"]
    return parameters


def _with_parameters(model: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    if model["kind"] == "expression":
        return {**model, "parameters": dict(found)}
    if model["kind"] == "neuron":
        return {"kind": "neuron", "activation": model["activation"], **found}
    layers = zip(model["layers"], found["layers"], strict=True)
    return {
        "kind": "network",
        "layers": [{"activation": told["activation"], **layer} for told, layer in layers],
    }
