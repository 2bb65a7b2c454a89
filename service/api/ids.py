"""Ids in addresses: one that cannot be, another tenant's and an unknown one are alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from re import Pattern
from typing import Annotated

from fastapi import Path

from service.errors import NotFoundError
from service.jobs.job import DATASET_ID, JOB_ID

JobId = Annotated[str, Path(alias="id", description="The job's id.")]
DatasetId = Annotated[str, Path(alias="id", description="The dataset's id.")]


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of one kind of thing."""

    thing: str
    pattern: Pattern[str]
    nobodys: str

    def checked(self, given: str) -> str:
        """The id; in the place of one that cannot be, one that nobody has.

        The store is asked in any case, so that the time of an answer tells nothing either.
        """
        return given if self.pattern.fullmatch(given) else self.nobodys

    @contextmanager
    def looked_up(self) -> Iterator[None]:
        """Within this context whatever is not found is the thing."""
        try:
            yield
        except NotFoundError as error:
            raise NotFoundError(f"found no such {self.thing}") from error


JOBS = Ids("job", JOB_ID, "job_" + "0" * 26)
DATASETS = Ids("dataset", DATASET_ID, "ds_" + "0" * 26)
