"""Rows as the values that the protocols speak of, and back."""

import json
import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from service.jobs.datasets import StoredDataset
from service.jobs.job import Event, Job
from service.storage.clock import MICROSECONDS
from service.training.data import Column
from service.training.runs import Epoch


def written(value: object) -> str:
    """A value as JSON in ASCII; numbers that are not finite as Python writes them."""
    return json.dumps(value, separators=(",", ":"))


def read(text: str | None) -> Any:  # noqa: ANN401 - JSON is of any type
    """The value of a text that `written` made; None of none."""
    return None if text is None else json.loads(text)


def seconds(moment: int) -> float:
    """A moment, or a span, in seconds."""
    return moment / MICROSECONDS


def seconds_or_none(moment: int | None) -> float | None:
    """A moment in seconds; None of none."""
    return None if moment is None else seconds(moment)


def microseconds(moment: float) -> int:
    """A moment, or a span, given in seconds."""
    return round(moment * MICROSECONDS)


def job_of(row: Row[Any]) -> Job:
    """The job in a row of its table."""
    return Job(
        id=row.id,
        tenant=row.tenant,
        kind=row.kind,
        name=read(row.name),
        status=row.status,
        priority=row.priority,
        cancel_requested=row.cancel_requested,
        attempt=row.attempt,
        progress=read(row.progress),
        created_at=seconds(row.created_at),
        started_at=seconds_or_none(row.started_at),
        finished_at=seconds_or_none(row.finished_at),
        error=read(row.error),
        metadata=read(row.metadata),
        version=row.version,
        split=(read(row.environment) or {}).get("split"),
    )


def submitted_job(text: str) -> Job:
    """A job as `written_job` kept it when it was submitted."""
    return Job(**read(text))


def written_job(job: Job) -> str:
    """A job as one text."""
    return written({name: getattr(job, name) for name in Job.__dataclass_fields__})


def event_of(row: Row[Any]) -> Event:
    """The event in a row of its table."""
    return Event(row.number, row.name, read(row.data), seconds(row.at))


def epoch_of(row: Row[Any]) -> Epoch:
    """The epoch in a row of the history."""
    return Epoch(
        row.epoch,
        _number(row.loss),
        row.validation_loss,
        _number(row.gradient_norm),
        _number(row.learning_rate),
    )


def history_rows(job_id: str, epochs: Sequence[Epoch]) -> list[dict[str, Any]]:
    """Rows of the history."""
    return [
        {
            "job_id": job_id,
            "epoch": epoch.epoch,
            "loss": _kept(epoch.loss),
            "validation_loss": _kept(epoch.validation_loss),
            "gradient_norm": _kept(epoch.gradient_norm),
            "learning_rate": _kept(epoch.learning_rate),
        }
        for epoch in epochs
    ]


def dataset_of(row: Row[Any]) -> StoredDataset:
    """The dataset in a row of its table."""
    return StoredDataset(
        id=row.id,
        tenant=row.tenant,
        name=read(row.name),
        format=row.format,
        rows=row.rows,
        columns=tuple(Column(*column) for column in read(row.columns)),
        bytes=row.bytes,
        sha256=row.sha256,
        created_at=seconds(row.created_at),
    )


def _kept(number: float | None) -> float | None:
    return None if number is None or math.isnan(number) else float(number)


def _number(kept: float | None) -> float:
    return math.nan if kept is None else kept
