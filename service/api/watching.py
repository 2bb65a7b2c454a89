"""Changes of jobs, seen by one question to the store for all who wait in this process."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from anyio import CapacityLimiter, to_thread

from service.api.draining import Draining
from service.errors import GradserveError
from service.jobs.store import JobStore

LOG = logging.getLogger("gradserve.watching")
SECONDS = 0.1
MOST_ASKED = 500


class Watch:
    """Somebody who waits for a job to be other than at a version."""

    def __init__(self, version: int) -> None:
        self._version: int | None = version
        self._changed = asyncio.Event()

    def see(self, version: int | None) -> None:
        """The job's version is this; None if the job is gone."""
        if version != self._version:
            self._version = version
            self._changed.set()

    def wake(self) -> None:
        """Wait no longer, whatever the version."""
        self._changed.set()

    async def changed(self, seconds: float) -> bool:
        """Whether the job changed since the last call, within this time."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True


class Watcher:
    """Asks the versions of all watched jobs, several times a second, while there are any."""

    def __init__(self, store: JobStore, draining: Draining) -> None:
        self._store, self._draining = store, draining
        self._watches: dict[str, set[Watch]] = {}
        self._limiter = CapacityLimiter(1)
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watch(self, job_id: str, version: int) -> Iterator[Watch]:
        """Within this context changes of a job are seen; draining wakes too."""
        watch = Watch(version)
        self._watches.setdefault(job_id, set()).add(watch)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            yield watch
        finally:
            self._watches[job_id].remove(watch)
            if not self._watches[job_id]:
                del self._watches[job_id]

    async def _run(self) -> None:
        while self._watches:
            if self._draining.is_draining:
                for watch in self._all():
                    watch.wake()
            await self._look()
            await asyncio.sleep(SECONDS)

    async def _look(self) -> None:
        ids = list(self._watches)
        for start in range(0, len(ids), MOST_ASKED):
            asked = ids[start : start + MOST_ASKED]
            try:
                versions = await to_thread.run_sync(
                    self._store.versions, asked, limiter=self._limiter
                )
            except GradserveError as error:
                LOG.warning("versions of jobs", extra={"reason": error.message})
                return
            for job_id in asked:
                for watch in self._watches.get(job_id, ()):
                    watch.see(versions.get(job_id))

    def _all(self) -> list[Watch]:
        return [watch for watches in self._watches.values() for watch in watches]
