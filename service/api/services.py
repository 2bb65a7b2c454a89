"""What the routes of jobs and datasets work with, as the application holds it."""

from fastapi import Request

from service.access import KeyStore
from service.api.access import Access
from service.api.draining import Draining
from service.api.event_stream import EventStreams
from service.api.storing import Storing
from service.api.watching import Watcher
from service.errors import DrainingError
from service.jobs.datasets import DatasetFiles, DatasetRecords
from service.jobs.store import JobStore
from service.settings import Settings


class Services:
    """The stores, and what stands between them and the routes."""

    def __init__(
        self,
        settings: Settings,
        *,
        jobs: JobStore,
        records: DatasetRecords,
        keys: KeyStore,
        files: DatasetFiles,
        draining: Draining | None = None,
    ) -> None:
        self.settings = settings
        self.jobs, self.records, self.files, self.keys = jobs, records, files, keys
        self.draining = draining or Draining()
        self.storing = Storing()
        self.access = Access(settings, keys)
        self.watcher = Watcher(jobs, self.draining)
        self.streams = EventStreams(settings.max_event_streams, self.draining)

    def refuse_new(self) -> None:
        """Raises DrainingError if the service is stopping."""
        if self.draining.is_draining:
            raise DrainingError("the service is stopping and takes nothing new")


def services_of(request: Request) -> Services:
    """The services of the app that serves this request."""
    found = request.app.state.services
    assert isinstance(found, Services)
    return found
