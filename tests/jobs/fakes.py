"""The stores of jobs and datasets in memory, for the tests of what runs over them."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from service.errors import NotFoundError
from service.jobs.crew import Crew
from service.jobs.datasets import (
    DatasetFiles,
    DatasetRecords,
    Described,
    StoredDataset,
)
from service.jobs.job import (
    Claim,
    Document,
    Job,
    Outcome,
    Page,
    Submission,
    new_id,
)
from service.jobs.runner import StopReason, run
from service.jobs.sources import Sources
from service.jobs.store import LostClaimError, WorkStore
from service.settings import Settings
from service.training.data import Dataset
from service.training.reading.tables import FormatName, read_table
from service.training.runs import Epoch

TENANT = "local"


class MemoryRecords:
    """Records of datasets."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredDataset] = {}

    def add_dataset(
        self,
        tenant: str,
        name: str | None,
        described: Described,
        *,
        dataset_id: str | None = None,
    ) -> StoredDataset:
        chosen = dataset_id or new_id("ds")
        record = StoredDataset(
            id=chosen,
            tenant=tenant,
            name=name,
            format=described.format,
            rows=described.rows,
            columns=described.columns,
            bytes=described.bytes,
            sha256=described.sha256,
            created_at=0.0,
        )
        return self.kept.setdefault(chosen, record)

    def dataset(self, tenant: str, dataset_id: str) -> StoredDataset:
        found = self.kept.get(dataset_id)
        if found is None or found.tenant != tenant:
            raise NotFoundError("there is no such dataset")
        return found

    def datasets(
        self, tenant: str, *, limit: int = 50, after: str | None = None
    ) -> Page[StoredDataset]:
        return Page(tuple(r for r in self.kept.values() if r.tenant == tenant), None)

    def delete_dataset(self, tenant: str, dataset_id: str) -> None:
        self.kept.pop(self.dataset(tenant, dataset_id).id)

    def kept_files(self) -> set[str]:
        return {record.sha256 for record in self.kept.values()}


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    with TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


class MemoryFiles:
    """Tables of datasets by the SHA-256 of their files."""

    def __init__(self, folder: Path) -> None:
        self.tables: dict[str, Dataset] = {}
        self.folder = folder

    async def receive(
        self, chunks: AsyncIterator[bytes], format: FormatName, max_bytes: int
    ) -> Described:
        raise NotImplementedError

    def keep(self, path: Path, format: FormatName) -> Described:
        raw = path.read_bytes()
        table = read_table(path, format)
        path.unlink()
        return self.add(table, sha256(raw).hexdigest(), format, len(raw))

    def add(
        self, table: Dataset, key: str, format: FormatName = "npy", size: int = 0
    ) -> Described:
        self.tables[key] = table
        return Described(
            format=format, rows=table.rows, columns=table.columns, bytes=size, sha256=key
        )

    def content(self, sha256: str) -> Iterator[bytes]:
        raise NotImplementedError

    def open(self, record: StoredDataset) -> Dataset:
        return self.tables[record.sha256]

    def scratch(self) -> AbstractContextManager[Path]:
        self.folder.mkdir(parents=True, exist_ok=True)
        return scratch_folder(self.folder)

    def clear(self) -> None:
        raise NotImplementedError

    def forget_all_but(self, kept: set[str], older_than_seconds: float) -> int:
        raise NotImplementedError


class MemoryWork:
    """One job at a time, and all that is told of it; `lost` makes every write fail."""

    def __init__(self) -> None:
        self.environment: Document | None = None
        self.told: list[Document] = []
        self.history: dict[int, Epoch] = {}
        self.checkpoints: list[bytes] = []
        self.released: list[bytes | None] = []
        self.is_cancelled = False
        self.lost = False
        self.busy: Exception | None = None

    def claim(
        self, owner: str, lease_seconds: float, environment: Document | None = None
    ) -> Claim | None:
        raise NotImplementedError

    def beat(self, claim: Claim, lease_seconds: float) -> bool:
        return self._checked()

    def record_environment(self, claim: Claim, environment: Document) -> None:
        self._checked()
        self.environment = environment

    def report(self, claim: Claim, progress: Document, history: Sequence[Epoch]) -> bool:
        self._checked()
        self.told.append(progress)
        for line in history:
            self.history.setdefault(line.epoch, line)
        return self.is_cancelled

    def save_checkpoint(self, claim: Claim, checkpoint: bytes) -> None:
        self._checked()
        self.checkpoints.append(checkpoint)

    def finish(self, claim: Claim, outcome: Outcome) -> Job:
        raise NotImplementedError

    def release(self, claim: Claim, checkpoint: bytes | None = None) -> None:
        self._checked()
        self.released.append(checkpoint)

    def _checked(self) -> bool:
        if self.lost:
            raise LostClaimError
        if self.busy is not None:
            raise self.busy
        return self.is_cancelled


class MemoryJobs:
    """Jobs that have ended, as those see them who go on from one."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[Job, bytes, Outcome | None]] = {}

    def add(self, job: Job, request: bytes, outcome: Outcome | None) -> str:
        self.kept[job.id] = (job, request, outcome)
        return job.id

    def _found(self, tenant: str, job_id: str) -> tuple[Job, bytes, Outcome | None]:
        if job_id not in self.kept or self.kept[job_id][0].tenant != tenant:
            raise NotFoundError("there is no such job")
        return self.kept[job_id]

    def job(self, tenant: str, job_id: str) -> Job:
        return self._found(tenant, job_id)[0]

    def request(self, tenant: str, job_id: str) -> bytes:
        return self._found(tenant, job_id)[1]

    def result(self, tenant: str, job_id: str) -> bytes:
        outcome = self._found(tenant, job_id)[2]
        assert outcome is not None
        assert outcome.result is not None
        return outcome.result

    def checkpoint(self, tenant: str, job_id: str) -> bytes | None:
        outcome = self._found(tenant, job_id)[2]
        return None if outcome is None else outcome.checkpoint


class Bench:
    """All stores, and a way to run a request to its end."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.settings = Settings(data_directory=folder, **settings)  # type: ignore[arg-type]
        self.jobs, self.records = MemoryJobs(), MemoryRecords()
        self.files = MemoryFiles(folder / "uploads")
        self.work = MemoryWork()
        self.sources = Sources(TENANT, self.jobs, self.records, self.settings)  # type: ignore[arg-type]

    def dataset(self, table: Dataset) -> str:
        described = self.files.add(table, f"{len(self.files.tables):064x}")
        return self.records.add_dataset(TENANT, None, described).id

    def run(
        self,
        claim: Claim,
        is_stopping: Callable[[], StopReason | None] = lambda: None,
        crew: Crew | None = None,
    ) -> Outcome | None:
        records: DatasetRecords = self.records
        files: DatasetFiles = self.files
        store: WorkStore = self.work
        return run(claim, store, records, files, self.settings, is_stopping, crew)


def claim_of(submission: Submission, status: str = "running") -> Claim:
    """A claim of a new job."""
    job = Job(
        id=new_id("job"),
        tenant=TENANT,
        kind=submission.kind,
        name=submission.name,
        status=status,  # type: ignore[arg-type]
        priority=0,
        cancel_requested=False,
        attempt=1,
        progress=None,
        created_at=0.0,
        started_at=0.0,
        finished_at=None,
        error=None,
        metadata={},
        version=1,
    )
    return Claim(job, "owner", 1, submission.request, None, None)
