"""What a request for a job is checked against: the tenant's jobs, its datasets, the limits."""

from dataclasses import dataclass

from service.jobs.datasets import DatasetRecords
from service.jobs.store import JobStore
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Sources:
    """The stores as a tenant sees them, and the settings."""

    tenant: str
    jobs: JobStore
    records: DatasetRecords
    settings: Settings
