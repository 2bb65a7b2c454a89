"""What is told of jobs: a job, a page of them, its progress, its history."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from service.api.schemas.problems import Problem
from service.jobs.job import Kind, Status

ID = "job_7h3kq0zr5v9m2x8c4n6p1tbwge"
TIME = "2026-01-31T12:00:00.250000Z"


class JobProgress(BaseModel):
    """How far a job is."""

    epoch: int | None = Field(description="Epochs that are done.", examples=[3])
    epochs: int | None = Field(description="Epochs that were asked for.", examples=[10])
    step: int | None = Field(description="Steps done of the epoch that runs.", examples=[20])
    loss: float | None = Field(description="Loss of the last step.", examples=[0.25])
    gradient_norm: float | None = Field(
        description="Norm of the last gradient, before clipping.", examples=[0.01]
    )
    samples_per_second: float | None = Field(
        description="Rows that are learned from in a second.", examples=[125000.0]
    )
    seconds_left: float | None = Field(
        description="Estimate of the seconds until all epochs are done.", examples=[2.5]
    )


class JobLinks(BaseModel):
    """Where to go on from a job; paths on this service."""

    self: str = Field(description="The job.", examples=[f"/v1/jobs/{ID}"])
    events: str = Field(description="Its events, as they happen.")
    history: str = Field(description="What its epochs found.")
    result: str = Field(description="Its result, once it has succeeded.")
    cancel: str = Field(description="POST here to cancel it.")
    predict: str = Field(description="POST inputs here, once a model is trained.")


class JobSplit(BaseModel):
    """Into how many parts the work of a job is split, so that workers of a cluster share it."""

    parts: int = Field(description="How many parts; 1 where it is not split.", examples=[2])
    reason: str = Field(
        description="Why, for people.",
        examples=["not split: a step takes 0.21 ms, less than the 50 ms from which on …"],
    )


class Job(BaseModel):
    """A job as it is now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": ID,
                    "kind": "train",
                    "name": "first try",
                    "status": "queued",
                    "priority": 0,
                    "cancel_requested": False,
                    "attempt": 0,
                    "progress": None,
                    "created_at": TIME,
                    "started_at": None,
                    "finished_at": None,
                    "error": None,
                    "split": None,
                    "metadata": {"project": "paper"},
                    "links": {
                        "self": f"/v1/jobs/{ID}",
                        "events": f"/v1/jobs/{ID}/events",
                        "history": f"/v1/jobs/{ID}/history",
                        "result": f"/v1/jobs/{ID}/result",
                        "cancel": f"/v1/jobs/{ID}/cancel",
                        "predict": f"/v1/jobs/{ID}/predict",
                    },
                }
            ]
        }
    )

    id: str = Field(description="Its id.", examples=[ID])
    kind: Kind = Field(description="What it does.")
    name: str | None = Field(description="The name it was given.", examples=["first try"])
    status: Status = Field(
        description="`queued`, `running`; at its end `succeeded`, `failed` or `cancelled`."
    )
    priority: int = Field(description="Higher ones of a tenant run first.", examples=[0])
    cancel_requested: bool = Field(description="Whether it is asked to end.")
    attempt: int = Field(description="How often a worker has begun with it.", examples=[1])
    progress: JobProgress | None = Field(description="How far it is, once it has begun.")
    created_at: datetime = Field(description="When it was submitted.", examples=[TIME])
    started_at: datetime | None = Field(
        description="When a worker first began with it.", examples=[TIME]
    )
    finished_at: datetime | None = Field(description="When it ended.", examples=[TIME])
    error: Problem | None = Field(description="Why it failed; its `instance` is the job's id.")
    split: JobSplit | None = Field(
        None, description="How the work is shared out, where that was a question."
    )
    metadata: dict[str, str] = Field(description="The pairs it was submitted with.")
    links: JobLinks = Field(description="Where to go on.")


class JobPage(BaseModel):
    """Some jobs, the newest first."""

    data: list[Job] = Field(description="The jobs.")
    has_more: bool = Field(description="Whether there are older ones.")
    next: str | None = Field(
        description="Give it as `after` for the next page; null on the last one."
    )


class HistoryEntry(BaseModel):
    """What one epoch found."""

    epoch: int = Field(description="Its number, from 1.", examples=[1])
    loss: float | None = Field(description="Mean loss of its steps.", examples=[0.25])
    validation_loss: float | None = Field(
        description="Loss of the rows kept apart; null without any.", examples=[0.5]
    )
    gradient_norm: float | None = Field(
        description="Norm of its last gradient, before clipping.", examples=[0.01]
    )
    learning_rate: float | None = Field(
        description="Learning rate of its last step.", examples=[0.1]
    )


class HistoryPage(BaseModel):
    """Some epochs, in order."""

    data: list[HistoryEntry] = Field(description="The epochs.")
    has_more: bool = Field(description="Whether there are more after them now.")
    next: int | None = Field(
        description="Give it as `after` for the next page; null where there is none now.",
        examples=[1000],
    )


class StatusEvent(BaseModel):
    """The data of an event `status`."""

    status: Status = Field(description="The new status.")
    attempt: int = Field(description="How often a worker has begun with it.", examples=[1])
