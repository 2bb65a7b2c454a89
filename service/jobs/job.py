"""A job, its life and its parts, as plain values; nothing of how they are kept or run."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar, get_args

from service.training.runs import Epoch

Kind = Literal["train", "evaluate"]
Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STATUSES: tuple[Status, ...] = get_args(Status)
TERMINAL: tuple[Status, ...] = ("succeeded", "failed", "cancelled")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LETTERS = 26  # of 5 bits each
JOB_ID = re.compile(f"job_[{_ALPHABET}]{{{_ID_LETTERS}}}")
DATASET_ID = re.compile(f"ds_[{_ALPHABET}]{{{_ID_LETTERS}}}")

Document = Mapping[str, object]  # values of JSON
Item = TypeVar("Item")


def new_id(prefix: Literal["job", "ds"]) -> str:
    """A new id with 130 random bits."""
    bits = secrets.randbits(5 * _ID_LETTERS)
    letters = (_ALPHABET[bits >> 5 * place & 31] for place in range(_ID_LETTERS))
    return f"{prefix}_{''.join(letters)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a client asks to be run, checked.

    `request` is the whole request as JSON; `datasets` the ids it reads, which cannot be deleted
    until the job has ended.
    """

    kind: Kind
    request: bytes
    name: str | None = None
    priority: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """The key of a request, which has one effect however often it is sent."""

    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is now. Times are seconds since 1970 of the store's clock.

    `attempt` counts claims; `error` is what `stored_error` of faults makes; `version` is the
    number of the last event. `split` is how the work is shared out, {"parts", "reason"}, where
    that was a question.
    """

    id: str
    tenant: str
    kind: Kind
    name: str | None
    status: Status
    priority: int
    cancel_requested: bool
    attempt: int
    progress: Document | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    error: Document | None
    metadata: Mapping[str, str]
    version: int
    split: Document | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, so that it never changes any more."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job; numbers count from 1 in each job.

    `name` status: `data` is {"status", "attempt"}; `name` progress: `data` is the progress.
    """

    number: int
    name: Literal["status", "progress"]
    data: Document
    at: float


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a job: every write with it fails once another has the job.

    `checkpoint` is where to go on from. `environment` is what the first attempt recorded of the
    machine's numerics, which every attempt keeps to; None at the first.
    """

    job: Job
    owner: str
    attempt: int
    request: bytes
    checkpoint: bytes | None
    environment: Document | None


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items, the newest first; `next` is where the next page starts, if there is one."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ends: a result, an error, or neither where it was cancelled.

    `result` are bytes that the kind of the job writes and reads. `checkpoint` is the last one;
    None keeps what is stored. `history` are epochs that were not reported yet.
    """

    status: Literal["succeeded", "failed", "cancelled"]
    result: bytes | None = None
    error: Document | None = None
    checkpoint: bytes | None = None
    progress: Document | None = None
    history: tuple[Epoch, ...] = ()
