"""Ids of jobs in addresses: one that cannot be, another's and an unknown one are alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Path

from service.errors import NotFoundError
from service.jobs.job import JOB_ID

JobId = Annotated[str, Path(alias="id", description="The job's id.")]
_NOBODYS = "job_" + "0" * 26


def checked_id(job_id: str) -> str:
    """The id; in the place of one that cannot be, one that nobody has.

    The store is asked in any case, so that the time of an answer tells nothing either.
    """
    return job_id if JOB_ID.fullmatch(job_id) else _NOBODYS


@contextmanager
def of_a_job() -> Iterator[None]:
    """Within this context whatever is not found is the job."""
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError("found no such job") from error
