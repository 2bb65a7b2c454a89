"""Waiting for the end of a job, without a thread."""

import asyncio
from functools import partial

from service.api.access import Caller
from service.api.ids import JOBS
from service.api.services import Services
from service.errors import UnauthenticatedError
from service.jobs.job import Job


async def job_after_waiting(
    services: Services, caller: Caller, job_id: str, seconds: float
) -> Job:
    """The job as soon as it has ended, else as it is when the time is over.

    Raises:
        NotFoundError: there is no such job, or there is none any more.
        UnauthenticatedError: the key has become useless meanwhile.
    """
    read = partial(services.jobs.job, caller.tenant, job_id)
    with JOBS.looked_up():
        job = await services.storing(read)
        if not seconds or job.is_finished:
            return job
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        with services.watcher.watch(job_id, job.version) as watch:
            while not job.is_finished and not services.draining.is_draining:
                left = end - loop.time()
                if left <= 0:
                    break
                if await watch.changed(left):
                    job = await services.storing(read)
    if not await services.access.is_still_good(caller):
        raise UnauthenticatedError("the key has become useless while the request waited")
    return job
