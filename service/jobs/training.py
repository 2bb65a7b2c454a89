"""The kind `train`: run a training task, go on where it was, tell what it found."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from hashlib import sha256
from typing import Any

import numpy as np

from service.calculus.graph import construction_limit
from service.errors import DivergedError, GradserveError
from service.jobs.crew import Order
from service.jobs.datasets import DatasetFiles, DatasetRecords
from service.jobs.job import Outcome
from service.jobs.packing import pack, unpack
from service.jobs.splitting import seconds_of, split_of
from service.jobs.stored_errors import stored_error
from service.jobs.team import Hands, TrainingShare, TrainingTeam, hands_of
from service.jobs.training_places import placed
from service.jobs.training_requests import dataset_id_of, inline_dataset, task_of
from service.jobs.work import Work, finite, progress_document
from service.settings import Settings
from service.training.checkpoints import decode_checkpoint, encode_checkpoint
from service.training.data import Array
from service.training.parts import Parts
from service.training.runs import Checkpoint, Epoch, Result
from service.training.tasks import PreparedTask, prepared

_EARLY_BYTES = 256 * 2**20
_log = logging.getLogger(__name__)


def run_training(work: Work) -> Outcome | None:
    """Train until the end, a stop or an error; see `runner.run`.

    Raises:
        GradserveError: the request or its data have something wrong that no check found.
    """
    request = unpack(work.claim.request)
    with placed(request), ExitStack() as ending:
        return _Run(work, request, ending).outcome()


def training_share(
    order: Order, records: DatasetRecords, files: DatasetFiles, settings: Settings
) -> TrainingShare:
    """What a worker has of a training that it lends a hand to: its data, made ready here."""
    request = unpack(order.request)
    dataset_id = dataset_id_of(request)
    place = nullcontext() if dataset_id is None else files.scratch()
    limits = settings.limits
    with place as folder, construction_limit(limits.max_graph_nodes):
        if dataset_id is None:
            dataset = inline_dataset(request)
        else:
            dataset = files.open(records.dataset(order.tenant, dataset_id))
        ready = prepared(task_of(request), dataset, limits, folder)
    return TrainingShare(ready.parts(order.parts))


class _Run:
    """One attempt at a training."""

    def __init__(self, work: Work, request: Mapping[str, Any], ending: ExitStack) -> None:
        self._work, self._request, self._ending = work, request, ending
        self._tried: Parts | None = None
        self._identity = {
            "job": work.claim.job.id,
            "request": sha256(work.claim.request).hexdigest(),
        }
        dataset_id = dataset_id_of(request)
        # Rows that came with the request are in memory; only a dataset's may need files.
        place = nullcontext() if dataset_id is None else work.files.scratch()
        with place as folder, _limited(work), work.stoppable():
            if dataset_id is None:
                dataset = inline_dataset(request)
            else:
                record, dataset = work.dataset(dataset_id)
                self._identity["data"] = record.sha256
            work.check()
            wanted = request.get("workers", 1)
            # Others make large data ready for themselves meanwhile, which may take minutes.
            is_early = wanted > 1 and dataset.values.nbytes >= _EARLY_BYTES
            hands = self._hired(wanted) if is_early else None
            limits = work.settings.limits
            self._ready = prepared(task_of(request), dataset, limits, folder)
            numbers = self._ready.parameter_count
            size = dataset.values.nbytes
            split = split_of(work, wanted, size, self._step_seconds, numbers)
        if hands is not None and split.parts != wanted:
            hands.close()
            hands = None
        team = None
        if split.parts > 1:
            parts = self._tried or self._ready.parts(split.parts)
            team = TrainingTeam(parts, hands or self._hired(split.parts))
        self._tried = None
        self._trainer = self._ready.trainer(self._start(), team)
        self._told = 0

    def _step_seconds(self, count: int) -> float | str:
        """How long a step takes in so many parts, or why it cannot be split."""
        parts = self._tried = self._ready.parts(count)
        reason = parts.reason()
        if reason is not None:
            return reason
        vector = self._ready.first_vector()
        return seconds_of(lambda: parts.gradients(0, 0, vector, range(count), is_measured=True))

    def _hired(self, parts: int) -> Hands | None:
        """Who lends a hand, until the attempt ends however it does."""
        hands = hands_of(self._work, parts)
        if hands is not None:
            self._ending.callback(hands.close)
        return hands

    def outcome(self) -> Outcome | None:
        """How the attempt ends."""
        work, trainer = self._work, self._trainer
        try:
            with _limited(work):
                for progress in trainer.run(work.is_stopping):
                    loss = self._ready.own_loss(progress.loss)
                    work.report(progress_document(progress, loss), self._new_lines())
                    if work.is_checkpoint_due():
                        self._keep()
        except DivergedError as error:
            return self._diverged(error)
        work.note(self._new_lines())
        if trainer.stopped_by == "cancelled":
            return work.stopped(self._checkpoint())
        found = self._ready.result(trainer.result())
        return work.outcome("succeeded", result=pack(self._document(found)))

    def _new_lines(self) -> tuple[Epoch, ...]:
        """The epochs that were not told yet, in own units."""
        lines = self._trainer.history_after(self._told)
        self._told += len(lines)
        return self._ready.own_history(lines)

    def _start(self) -> Checkpoint | None:
        """Where an earlier attempt was; one that cannot be read is no reason not to start."""
        stored = self._work.claim.checkpoint
        if stored is None:
            return None
        try:
            packed = unpack(stored)["run"]
            return decode_checkpoint(np.asarray(packed, np.uint8).tobytes(), self._identity)
        except (GradserveError, KeyError) as error:
            _log.warning("job %s: begun anew: %s", self._identity["job"], error)
            return None

    def _keep(self) -> None:
        checkpoint = self._checkpoint()
        if checkpoint is not None:
            self._work.save_checkpoint(checkpoint)

    def _checkpoint(self) -> bytes | None:
        """All that the run goes on from, and its weights in own units; None of broken ones."""
        found = self._trainer.checkpoint()
        numbers = [found.parameters, *found.state.slots.values()]
        if not all(np.isfinite(array).all() for array in numbers):
            return None
        run = np.frombuffer(encode_checkpoint(found, self._identity), np.uint8)
        return self._packed_parameters({"run": run})

    def _packed_parameters(self, document: dict[str, Any]) -> bytes | None:
        try:
            found = self._ready.result(self._trainer.result())
        except GradserveError as error:
            # They are too large in own units; the run itself may go on from what it has.
            _log.info("job %s: %s", self._identity["job"], error.message)
            return pack(document) if "run" in document else None
        return pack({**document, **self._document(found)})

    def _diverged(self, error: DivergedError) -> Outcome:
        self._work.note(self._new_lines())
        return self._work.outcome(
            "failed", error=stored_error(error), checkpoint=self._packed_parameters({})
        )

    def _document(self, found: Result) -> dict[str, Any]:
        """What is found, and the model that it is of, for those who go on from it."""
        return {
            "result": {
                "parameters": _parameters(found.parameters, self._ready),
                "loss": finite(found.loss),
                "validation_loss": finite(found.validation_loss),
                "gradient_norm": finite(found.gradient_norm),
                "epochs": found.epochs,
                "steps": found.steps,
                "stopped_by": found.stopped_by,
            },
            "model": _told_model(self._request["model"]),
        }


def _parameters(found: Mapping[str, Array], ready: PreparedTask) -> dict[str, Any]:
    """The parameters as the answer has them: a neuron's, layers, or by name."""
    arrays = {name: np.asarray(array, np.float64) for name, array in found.items()}
    if ready.data.about["kind"] != "network":
        return arrays
    layers = range(len(arrays) // 2)
    return {
        "layers": [
            {"weights": arrays[f"weights_{k}"], "bias": arrays[f"bias_{k}"]} for k in layers
        ]
    }


def _told_model(model: Mapping[str, Any]) -> dict[str, Any]:
    """The model of a request without the numbers that it starts with."""
    kind = model["kind"]
    if kind == "expression":
        names = ("kind", "expression", "columns")
        return {name: model[name] for name in names if model.get(name) is not None}
    if kind == "neuron":
        return {"kind": kind, "activation": model["activation"]}
    return {"kind": kind, "layers": [{"activation": x["activation"]} for x in model["layers"]]}


@contextmanager
def _limited(work: Work) -> Iterator[None]:
    with construction_limit(work.settings.limits.max_graph_nodes):
        yield
