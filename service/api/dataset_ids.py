"""Ids of datasets in addresses: one that cannot be, another's and an unknown one are alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Path

from service.errors import NotFoundError
from service.jobs.job import DATASET_ID

DatasetId = Annotated[str, Path(alias="id", description="The dataset's id.")]
_NOBODYS = "ds_" + "0" * 26


def checked_id(dataset_id: str) -> str:
    """The id; in the place of one that cannot be, one that nobody has.

    The store is asked in any case, so that the time of an answer tells nothing either.
    """
    return dataset_id if DATASET_ID.fullmatch(dataset_id) else _NOBODYS


@contextmanager
def of_a_dataset() -> Iterator[None]:
    """Within this context whatever is not found is the dataset."""
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError("found no such dataset") from error
