"""The kind `evaluate`: an expression over every row of a dataset; the result is a dataset."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from math import ceil
from time import monotonic
from typing import Any, BinaryIO

import numpy as np

from service.computation.answers import Answer, DenseTensor
from service.computation.compute import Computer
from service.computation.requests import Request
from service.errors import (
    DomainError,
    GradserveError,
    NonFiniteResultError,
    SingularMatrixError,
)
from service.jobs.crew import Order
from service.jobs.datasets import DatasetFiles, DatasetRecords
from service.jobs.evaluation_requests import asked_of, block_of, result_columns
from service.jobs.job import Outcome
from service.jobs.packing import pack, unpack
from service.jobs.splitting import seconds_of, split_of
from service.jobs.team import Hands, hands_of, together
from service.jobs.work import Work
from service.settings import Settings
from service.training.data import Array, Dataset
from service.training.reading.tables import FormatName

_FORMAT: FormatName = "npy"
_ALIGNMENT = 64
# What a worker that shares an evaluation computes at a time: to ask it takes some milliseconds.
_TASK_SECONDS, _TASK_BYTES = 0.25, 32 * 2**20
OF_A_ROW = (NonFiniteResultError, SingularMatrixError, DomainError)  # by its numbers
HINT = "keep the operands inside the domain, or leave the bad entries out with where(...)"


def run_evaluation(work: Work) -> Outcome | None:
    """Evaluate all rows, block by block, until the end, a stop or an error.

    The rows are written to a file, which is kept as a dataset whose id is made of the job's:
    a job that runs twice has one result.

    Raises:
        GradserveError: a row has no finite answer; the row is told.
    """
    request = unpack(work.claim.request)
    _, dataset = work.dataset(request["data"]["dataset"])
    job = work.claim.job
    with work.files.scratch() as folder:
        path = folder / "rows.npy"
        with path.open("wb") as file:
            if not _is_written(file, work, request, dataset):
                return work.stopped(None)
        described = work.files.keep(path, _FORMAT)
    # Of a job that is another's by now nothing is to be seen: told just before it is recorded.
    work.report(_progress(dataset.rows, dataset.rows, 0.0), is_due=True)
    work.check()
    dataset_id = f"ds_{job.id.removeprefix('job_')}"
    record = work.tried(
        lambda: work.records.add_dataset(job.tenant, job.name, described, dataset_id=dataset_id)
    )
    return work.outcome("succeeded", result=pack({"result": {"dataset": record.id}}))


def _is_written(
    file: BinaryIO, work: Work, request: Mapping[str, Any], dataset: Dataset
) -> bool:
    """Write the answers of all rows; False where the job is to stop."""
    own = EvaluationShare(request, dataset, work.settings)
    size = int(request["block_rows"])
    names = result_columns(request, own.answer(0, min(size, dataset.rows)))
    file.write(_header(names, dataset.rows))
    group, hands = _shared(work, request, own, dataset, len(names))
    started = monotonic()
    starts = iter(range(0, dataset.rows, group * size))

    def computed(start: int, stop: int) -> bytes | None:
        return own.rows(start, stop, work.is_stopping)

    try:
        while places := list(islice(starts, 1 + (len(hands.ready()) if hands else 0))):
            tasks = [(start, min(start + group * size, dataset.rows)) for start in places]
            for rows in together(hands, "rows", tasks, computed):
                if rows is None or work.is_stopping():
                    return False
                file.write(rows)
            done, passed = tasks[-1][1], monotonic() - started
            work.report(_progress(done, dataset.rows, done / passed if passed else 0.0))
    finally:
        if hands is not None:
            hands.close()
    return True


def _shared(
    work: Work,
    request: Mapping[str, Any],
    own: "EvaluationShare",
    dataset: Dataset,
    width: int,
) -> tuple[int, Hands | None]:
    """How many blocks are computed at a time, and who shares them; the result has `width`."""
    size = int(request["block_rows"])
    blocks = ceil(dataset.rows / size)
    group = 1

    def measured(parts: int) -> float | str:
        nonlocal group
        if blocks == 1:
            return "all rows are one block"
        seconds = seconds_of(lambda: own.rows(0, size))
        enough = ceil(_TASK_SECONDS / seconds)
        most = max(1, _TASK_BYTES // (8 * width * size))
        group = max(1, min(enough, most, blocks // parts))
        return group * seconds

    split = split_of(work, request.get("workers", 1), dataset.values.nbytes, measured)
    if split.parts == 1:
        return 1, None
    return group, hands_of(work, split.parts)


class EvaluationShare:
    """Computes rows of the result; also what a worker has that lends a hand."""

    def __init__(
        self, request: Mapping[str, Any], dataset: Dataset, settings: Settings
    ) -> None:
        self._request, self._dataset = request, dataset
        self._size = int(request["block_rows"])
        self._computer = Computer(settings.limits)

    def answer(self, start: int, stop: int) -> Answer:
        """The answer of some rows. Raises GradserveError with the first row that has none."""
        return _answer(self._computer, self._request, self._dataset, start, stop)

    def rows(
        self, start: int, stop: int, is_stopping: Callable[[], bool] = lambda: False
    ) -> bytes | None:
        """The same as rows of the result's file, block by block; None where it is to stop."""
        found = []
        for first in range(start, stop, self._size):
            if is_stopping():
                return None
            last = min(first + self._size, stop)
            found.append(_rows(self.answer(first, last), last - first).tobytes())
        return b"".join(found)


def evaluation_share(
    order: Order, records: DatasetRecords, files: DatasetFiles, settings: Settings
) -> EvaluationShare:
    """What a worker has of an evaluation that it lends a hand to."""
    request = unpack(order.request)
    dataset = files.open(records.dataset(order.tenant, request["data"]["dataset"]))
    return EvaluationShare(request, dataset, settings)


def _answer(
    computer: Computer, request: Mapping[str, Any], dataset: Dataset, start: int, stop: int
) -> Answer:
    """The answer of some rows.

    Raises:
        GradserveError: with the first row that has none, in its message.
    """
    try:
        return computer.answer(_request(request, dataset, start, stop))
    except OF_A_ROW as error:
        found: GradserveError = error
    while stop - start > 1:
        middle = (start + stop) // 2
        try:
            computer.answer(_request(request, dataset, start, middle))
        except OF_A_ROW as error:
            stop, found = middle, error
        else:
            start = middle
    try:
        computer.answer(_request(request, dataset, start, stop))
    except OF_A_ROW as error:
        found = error
    raise _of_row(start, found) from found


def _of_row(place: int, error: GradserveError) -> GradserveError:
    """The error with the row, counted from 1; without the hint at what a job does not take."""
    told = f"row {place + 1}: "
    faults = tuple(
        replace(
            fault,
            message=told + fault.message,
            hint=HINT if isinstance(error, NonFiniteResultError) else fault.hint,
        )
        for fault in error.faults
    )
    return type(error)(told + error.message, faults=faults)


def _request(request: Mapping[str, Any], dataset: Dataset, start: int, stop: int) -> Request:
    block = block_of(request, dataset, start, stop)
    return asked_of(request, block)


def _rows(answer: Answer, count: int) -> Array:
    """Value and derivatives side by side, shape (rows, numbers)."""
    parts = [answer.value]
    for found in answer.results.values():
        if isinstance(found, np.ndarray):
            parts.append(found)
        else:
            assert isinstance(found, DenseTensor)
            parts.append(found.tensor)
    return np.hstack([np.reshape(part, (count, -1)) for part in parts])


def _header(names: list[str], rows: int) -> bytes:
    """The header of an NPY file of records of float64, version 3.0: names in UTF-8."""
    fields = [(name, "<f8") for name in names]
    text = repr({"descr": fields, "fortran_order": False, "shape": (rows,)}).encode()
    start = b"\x93NUMPY\x03\x00"
    padding = -(len(start) + 4 + len(text) + 1) % _ALIGNMENT
    length = len(text) + padding + 1
    return start + struct.pack("<I", length) + text + b" " * padding + b"\n"


def _progress(done: int, rows: int, speed: float) -> dict[str, object]:
    """How far it is: an epoch whose steps are rows."""
    return {
        "epoch": int(done == rows),
        "epochs": 1,
        "step": done,
        "steps": rows,
        "loss": None,
        "gradient_norm": None,
        "samples_per_second": speed,
        "seconds_left": (rows - done) / speed if speed else None,
    }
