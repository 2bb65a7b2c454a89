"""The jobs, for those who run them: claims, and what may be written with one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, delete, select

from service.errors import StorageFullError, UnavailableError
from service.jobs.job import Claim, Document, Job, Outcome
from service.settings import Settings
from service.storage import losing
from service.storage.blobs import BlobName, Blobs, Kept
from service.storage.claiming import Claiming, claim_next, is_any_waiting
from service.storage.database import Database, Transaction
from service.storage.happenings import add_event, count, tell
from service.storage.holding import change, check, ended_by
from service.storage.rows import history_rows, job_of, microseconds, read, written
from service.storage.schema import blobs, history, jobs, workers
from service.storage.sweeping import Sweeper
from service.training.runs import Epoch

_BLOB = select(blobs).where(
    blobs.c.job_id == bindparam("of_job"), blobs.c.name == bindparam("named")
)
_INPUTS = select(blobs).where(
    blobs.c.job_id == bindparam("of_job"), blobs.c.name.in_(("request", "checkpoint"))
)


class SqlWorkStore:
    """Hands jobs out and takes them back; the protocol WorkStore says what each method does."""

    def __init__(self, database: Database, contents: Blobs, settings: Settings) -> None:
        self._database, self._blobs, self._settings = database, contents, settings
        self._sweeper = Sweeper(database, contents, settings)
        self._has_found = False

    def claim(
        self, owner: str, lease_seconds: float, environment: Document | None = None
    ) -> Claim | None:
        """The next job to run, or None."""
        # Whoever has found a job asks for the next one without a look before.
        if not self._has_found and not self._database.read(is_any_waiting):
            return None
        asked = Claiming(
            owner,
            microseconds(lease_seconds),
            self._settings.max_running_jobs_of_tenant,
            None if environment is None else written(environment),
        )

        def step(transaction: Transaction) -> tuple[Row[Any], dict[str, Row[Any]]] | None:
            row = claim_next(transaction, asked)
            if row is None:
                return None
            tell(transaction, [row])
            contents = transaction.connection.execute(_INPUTS, {"of_job": row.id})
            return row, {each.name: each for each in contents}

        found = self._database.write(step)
        self._has_found = found is not None
        if found is None:
            return None
        row, contents = found
        job = job_of(row)
        try:
            request = self._input(job.id, "request", contents)
            checkpoint = self._input(job.id, "checkpoint", contents)
        except (UnavailableError, StorageFullError):
            self._give_up(job)
            raise
        if request is None:  # it was deleted, after a lease that ended meanwhile
            return None
        return Claim(job, owner, job.attempt, request, checkpoint, read(row.environment))

    def beat(self, claim: Claim, lease_seconds: float) -> bool:
        """Extend the lease; whether the job is to be cancelled."""

        def step(transaction: Transaction) -> bool:
            until = transaction.now + microseconds(lease_seconds)
            row = change(transaction, claim, {"lease_until": until})
            return bool(row.cancel_requested)

        return self._database.write(step, may_repeat=True)

    def record_environment(self, claim: Claim, environment: Document) -> None:
        """Keep what the first attempt computes with."""

        def step(transaction: Transaction) -> None:
            change(transaction, claim, {"environment": written(environment)})

        self._database.write(step, may_repeat=True)

    def report(self, claim: Claim, progress: Document, history: Sequence[Epoch]) -> bool:
        """Tell of progress, and of epochs that are done; whether the job is to be cancelled."""

        def step(transaction: Transaction) -> bool:
            row = change(transaction, claim, {"progress": written(progress)}, events=1)
            _add_history(transaction, claim.job.id, history)
            add_event(transaction, claim.job.id, row.version, "progress", progress)
            return bool(row.cancel_requested)

        return self._database.write(step, may_repeat=True)

    def save_checkpoint(self, claim: Claim, checkpoint: bytes) -> None:
        """Keep where to go on from."""
        with _Keeping(self._blobs, checkpoint=checkpoint) as keeping:

            def step(transaction: Transaction) -> None:
                check(transaction, claim)
                keeping.put(transaction, claim)

            self._database.write(step, may_repeat=True)
            keeping.is_done = True

    def finish(self, claim: Claim, outcome: Outcome) -> Job:
        """End the job."""
        result = outcome.result if outcome.status == "succeeded" else None
        with _Keeping(self._blobs, checkpoint=outcome.checkpoint, result=result) as keeping:

            def step(transaction: Transaction) -> Job:
                if transaction.is_again and (row := ended_by(transaction, claim)) is not None:
                    return job_of(row)
                progress = outcome.progress
                values = _end_of(outcome, transaction.now)
                events = 1 if progress is None else 2
                row = change(transaction, claim, values, events=events)
                keeping.put(transaction, claim)
                _add_history(transaction, claim.job.id, outcome.history)
                if progress is not None:
                    number = row.version - 1
                    add_event(transaction, claim.job.id, number, "progress", progress)
                tell(transaction, [row])
                return job_of(row)

            job = self._database.write(step, may_repeat=True)
            keeping.is_done = True
        return job

    def release(self, claim: Claim, checkpoint: bytes | None = None) -> None:
        """Give the job back to the queue."""
        with _Keeping(self._blobs, checkpoint=checkpoint) as keeping:

            def step(transaction: Transaction) -> None:
                is_cancelled = check(transaction, claim).cancel_requested
                keeping.put(transaction, claim)
                values: dict[str, Any] = {"status": "queued", "lease_until": None}
                if is_cancelled:
                    values |= {"status": "cancelled", "finished_at": transaction.now}
                tell(transaction, [change(transaction, claim, values, events=1)])

            self._database.write(step)
            keeping.is_done = True

    def release_of(self, owner: str) -> int:
        """Take back the jobs of a worker that is dead."""

        def step(transaction: Transaction) -> int:
            most = self._settings.max_lost_claims
            return losing.take_back(transaction, jobs.c.owner == owner, most)

        return self._database.write(step, may_repeat=True)

    def reclaim(self) -> int:
        """Take back the jobs whose leases are over."""
        if not self._database.read(losing.is_any_over):
            return 0

        def step(transaction: Transaction) -> int:
            most = self._settings.max_lost_claims
            return losing.take_back(transaction, losing.is_over(transaction), most)

        return self._database.write(step, may_repeat=True)

    def sweep(self) -> int:
        """Forget what is kept no longer."""
        return self._sweeper.sweep()

    def worker_seen(self, owner: str, lease_seconds: float) -> None:
        """A worker is alive."""

        def step(transaction: Transaction) -> None:
            until = transaction.now + microseconds(lease_seconds)
            transaction.put(workers, {"owner": owner, "seen_until": until})

        self._database.write(step, may_repeat=True)

    def worker_gone(self, owner: str) -> None:
        """A worker has left."""

        def step(transaction: Transaction) -> None:
            transaction.connection.execute(delete(workers).where(workers.c.owner == owner))

        self._database.write(step, may_repeat=True)

    def count(self, name: str, label: str = "", by: int = 1) -> None:
        """Count something that happened."""
        self._database.write(lambda transaction: count(transaction, {(name, label): by}))

    def _input(
        self, job_id: str, name: BlobName, contents: dict[str, Row[Any]]
    ) -> bytes | None:
        """What a claim found; files are read after it, as they may be large."""
        if name in contents and contents[name].file is None:
            return self._blobs.content_of(contents[name])
        names = {"of_job": job_id, "named": name}
        return (
            None
            if name not in contents
            else self._blobs.read(
                self._database, lambda now: now.connection.execute(_BLOB, names).one_or_none()
            )
        )

    def _give_up(self, job: Job) -> None:
        """Let go of a job whose contents cannot be read; it has lost a claim."""
        mine = (jobs.c.id == job.id) & (jobs.c.attempt == job.attempt)
        most = self._settings.max_lost_claims
        self._database.write(lambda now: losing.take_back(now, mine, most), may_repeat=True)


@dataclass(slots=True)
class _Keeping:
    """Contents that a step puts in rows; their files are discarded unless it is done."""

    contents: Blobs
    checkpoint: bytes | None = None
    result: bytes | None = None
    is_done: bool = False
    _kept: dict[BlobName, Kept] | None = None

    def __enter__(self) -> "_Keeping":
        self._kept = {}
        for name, content in self._given():
            if content is not None:
                self._kept[name] = self.contents.keep(content)
        return self

    def __exit__(self, *_: object) -> None:
        if not self.is_done:
            for kept in (self._kept or {}).values():
                self.contents.discard(kept)

    def put(self, transaction: Transaction, claim: Claim) -> None:
        """Let the job's rows name them."""
        for name, kept in (self._kept or {}).items():
            self.contents.put(transaction, claim.job.id, name, kept)

    def _given(self) -> tuple[tuple[BlobName, bytes | None], ...]:
        return (("checkpoint", self.checkpoint), ("result", self.result))


def _end_of(outcome: Outcome, now: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        "status": outcome.status,
        "finished_at": now,
        "lease_until": None,
        "error": None if outcome.error is None else written(outcome.error),
    }
    if outcome.progress is not None:
        values["progress"] = written(outcome.progress)
    return values


def _add_history(transaction: Transaction, job_id: str, epochs: Sequence[Epoch]) -> None:
    if epochs:
        transaction.add_if_new(history, history_rows(job_id, epochs))
