"""A job's events as parts of a stream, until its end, the service's, or the key's."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from functools import partial
from typing import Literal

from service.api.access import Caller
from service.api.event_stream import HEARTBEAT, RETRY, written
from service.api.jobs_told import event_data
from service.api.services import Services
from service.api.watching import Watch
from service.errors import GradserveError, NotFoundError
from service.jobs.job import TERMINAL, Event, Job

LOG = logging.getLogger("gradserve.following")
HEARTBEAT_SECONDS = 15.0
SECONDS_WITHOUT_STORE = 0.5
MOST_AT_ONCE = 100
Then = Literal["read", "tell", "end"]


async def parts_of_job(
    services: Services, caller: Caller, job: Job, after: int
) -> AsyncGenerator[bytes, None]:
    """The events after this number, and heartbeats where there are none for a while.

    What is kept at a time is one small page of events, however slowly it is taken.
    """
    yield RETRY
    with services.watcher.watch(job.id, job.version) as watch:
        then: Then = "read"
        while then != "end":
            events = await _events(services, job, after)
            if events is None:
                return
            for event in events:
                yield written(event, event_data(event))
                after = event.number
            if _is_end(events) or (job.is_finished and not events):
                return
            if len(events) < MOST_AT_ONCE:
                then = await _next(services, caller, watch)
                if then == "tell":
                    yield HEARTBEAT


async def _events(services: Services, job: Job, after: int) -> list[Event] | None:
    """The next events, as soon as the store answers; None if the job is gone, or we go."""
    ask = partial(services.jobs.events, job.tenant, job.id, after=after, limit=MOST_AT_ONCE)
    while not services.draining.is_draining:
        try:
            return await services.storing(ask)
        except NotFoundError:
            return None
        except GradserveError as error:
            LOG.warning("events of a job", extra={"reason": error.message})
            await asyncio.sleep(SECONDS_WITHOUT_STORE)
    return None


def _is_end(events: list[Event]) -> bool:
    return any(e.name == "status" and e.data.get("status") in TERMINAL for e in events)


async def _next(services: Services, caller: Caller, watch: Watch) -> Then:
    """What to do next, once there is something; a key that is revoked ends the stream."""
    loop = asyncio.get_running_loop()
    end = loop.time() + HEARTBEAT_SECONDS
    # A thousand streams that look for the end of a key they do not have are work for nothing.
    key_seconds = services.settings.key_refresh_seconds if caller.key_id else HEARTBEAT_SECONDS
    while not services.draining.is_draining:
        left = end - loop.time()
        if left <= 0:
            return "tell"
        has_changed = await watch.changed(min(left, key_seconds))
        try:
            if not await services.access.is_still_good(caller):
                return "end"
        except GradserveError as error:
            LOG.warning("key of a stream", extra={"reason": error.message})
            return "end"
        if has_changed:
            return "read"
    return "end"
