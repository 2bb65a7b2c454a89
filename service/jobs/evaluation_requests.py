"""The request of an `evaluate` job: checked, its blocks, the columns of its result."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from service.computation.answers import Answer, Array
from service.computation.requests import Compiled, Request, compile_question
from service.deadline import deadline_in
from service.errors import (
    BudgetExceededError,
    GradserveError,
    OverLimitError,
    ValidationError,
)
from service.jobs.datasets import StoredDataset
from service.jobs.job import Document, Submission
from service.jobs.sources import Sources
from service.jobs.training_submission import dataset_of, submission_of
from service.language.places import located, shown
from service.settings import Settings
from service.training.data import MAX_COLUMNS, Dataset
from service.training.reading.numpy_files import MAX_HEADER

_NUMBER_BYTES = 8
# What one block may take: small enough to look at a stop within a second.
_BLOCK_BYTES = 16 * 2**20
_BLOCK_FLOPS = 2e8
_MOST_BLOCK_ROWS = 65_536
_LONGEST_REST = 36  # of a column's name and its dtype in the header


def submitted_evaluation(document: Document, sources: Sources) -> Submission:
    """What is stored of a request: also how many rows are computed at a time.

    Raises:
        GradserveError: it can be known to fail; with its place in the request.
    """
    request: dict[str, Any] = dict(document)
    record = dataset_of(request["data"]["dataset"], sources)
    for name in request.get("variables") or {}:
        if name in request["columns"]:
            raise ValidationError(
                f"found {shown(name)} as columns and as a variable, expected one of the two",
                pointer=f"/variables/{name}",
            )
    if request["operation"] == "evaluate" and request.get("wrt") is not None:
        raise ValidationError(
            "found wrt with the operation evaluate, expected none: nothing is differentiated",
            pointer="/wrt",
        )
    if not request["columns"]:
        raise ValidationError("found no columns, expected at least one", pointer="/columns")
    one, two = (_compiled(request, record, rows, sources.settings) for rows in (1, 2))
    _check(one, record.rows, sources.settings)
    _check_names(request, one)
    request["block_rows"] = _block_rows(one, two)
    return submission_of(request, (record.id,))


def _compiled(
    request: Mapping[str, Any], record: StoredDataset, rows: int, settings: Settings
) -> Compiled:
    """The plan for so many rows of the dataset, whatever they are."""
    table = Dataset(np.zeros((rows, len(record.columns))), record.columns)
    try:
        asked = asked_of(request, block_of(request, table, 0, rows))
        with deadline_in(settings.limits.compute_seconds):
            return compile_question(asked.question, settings.limits)
    except GradserveError as error:
        raise located(error, request["expression"]) from error.__cause__


def block_of(
    request: Mapping[str, Any], dataset: Dataset, start: int, stop: int
) -> dict[str, Array]:
    """The rows from start to stop of each variable that stands for columns."""
    rows = Dataset(dataset.values[start:stop], dataset.columns)
    found = {}
    for variable, names in request["columns"].items():
        is_vector = isinstance(names, str)
        try:
            columns, _ = rows.select((names,) if is_vector else names)
        except GradserveError as error:
            error.faults = tuple(
                replace(fault, pointer=f"/columns/{variable}") for fault in error.faults
            )
            raise
        found[variable] = np.array((columns.vector if is_vector else columns).array())
    return found


def asked_of(request: Mapping[str, Any], block: Mapping[str, Array]) -> Request:
    """The question about a block of rows."""
    return Request(
        operation=request["operation"],
        expression=request["expression"],
        variables={**(request.get("variables") or {}), **block},
        wrt=request.get("wrt"),
        representation="dense",
        batch=tuple(block),
    )


def result_columns(request: Mapping[str, Any], answer: Answer) -> list[str]:
    """A name for each number of a row: `value[0]`, `gradient.x[1]`, `hessian.x.y[0,1]`."""
    found = _named("value", answer.value.shape[1:])
    for path, result in answer.results.items():
        label = ".".join((request["operation"], *path[1:]))
        found += _named(label, result.shape[1:])
    return found


def _named(label: str, shape: tuple[int, ...]) -> list[str]:
    if not shape:
        return [label]
    return [f"{label}[{','.join(map(str, place))}]" for place in np.ndindex(shape)]


def _check(compiled: Compiled, rows: int, settings: Settings) -> None:
    """Refuse what would be too wide, too large or too long.

    Raises:
        OverLimitError, BudgetExceededError: with the limit and the figure.
    """
    width = compiled.answer_bytes // _NUMBER_BYTES
    if width > MAX_COLUMNS:
        raise OverLimitError(
            f"a row of the result has {width:,} numbers, but a dataset has at most "
            f"{MAX_COLUMNS:,} columns",
            pointer="/expression",
            hint="ask for fewer variables in wrt, or for a gradient",
        )
    size = rows * compiled.answer_bytes
    if size > settings.max_dataset_bytes:
        raise BudgetExceededError(
            f"the result of {rows:,} rows has {size:,} bytes, over the limit "
            f"max_dataset_bytes of {settings.max_dataset_bytes:,}",
            pointer="/expression",
        )
    flops = rows * float(compiled.plan.estimate.flops)
    if flops > settings.limits.max_job_flops:
        raise BudgetExceededError(
            f"the job is estimated to take {flops:.1e} flops, over the limit max_job_flops of "
            f"{settings.limits.max_job_flops:.1e}",
            pointer="/expression",
        )


def _check_names(request: Mapping[str, Any], compiled: Compiled) -> None:
    """Refuse a result whose names of columns are too long for the header of its file."""
    names = [*request["columns"], *(request.get("variables") or {})]
    longest = 2 * max(map(len, names)) + _LONGEST_REST
    size = compiled.answer_bytes // _NUMBER_BYTES * longest
    if size > MAX_HEADER:
        raise OverLimitError(
            f"the names of the result's columns have up to {size:,} characters, expected at "
            f"most {MAX_HEADER:,}",
            pointer="/expression",
            hint="take shorter names, or ask for fewer variables in wrt",
        )


def _block_rows(one: Compiled, two: Compiled) -> int:
    """Rows of a block: the same wherever the job runs, so that its bits are."""
    before, after = one.plan.estimate, two.plan.estimate
    row_bytes = max(1, after.peak_bytes - before.peak_bytes, one.answer_bytes)
    row_flops = max(1, after.flops - before.flops)
    by_cost = min(_BLOCK_BYTES // row_bytes, int(_BLOCK_FLOPS // row_flops))
    return max(1, min(by_cost, _MOST_BLOCK_ROWS))
