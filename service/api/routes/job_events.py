"""The events of a job, as they happen."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from service.api.access import caller_of
from service.api.contract import problems_for
from service.api.event_stream import MEDIA_TYPE
from service.api.following import parts_of_job
from service.api.ids import JOBS, JobId
from service.api.parameters import LAST_EVENT_ID, only
from service.api.problems import MEDIA_TYPE as PROBLEM
from service.api.services import services_of
from service.api.strict_route import StrictRoute
from service.errors import DrainingError


class EventRoute(StrictRoute):
    """A route that answers a stream of events."""

    served = (MEDIA_TYPE, PROBLEM)


EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "The events: `status` with {status, attempt}, `progress` with a `JobProgress`. The "
            "stream ends after the status that ends the job."
        ),
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    },
    204: {"description": "The job has ended, and `Last-Event-ID` is that of its last event."},
}
router = APIRouter(
    route_class=EventRoute,
    tags=["jobs"],
    responses=EVENTS | problems_for(takes_body=False, others=(404,)),
)


@router.get("/v1/jobs/{id}/events", operation_id="stream_job_events", response_class=Response)
async def stream_job_events(
    request: Request,
    job_id: JobId,
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID", description="The last event seen; those after it are sent."
        ),
    ] = None,
) -> Response:
    """The events of a job as they happen, from its first or from the last one seen."""
    found = only(request.headers, "Last-Event-ID", LAST_EVENT_ID, "the number of an event")
    services, caller = services_of(request), caller_of(request)
    if services.draining.is_draining:
        raise DrainingError("the service is stopping and opens no streams")
    checked = JOBS.checked(job_id)
    with JOBS.looked_up():
        job = await services.storing(lambda: services.jobs.job(caller.tenant, checked))
    after = min(int(found or 0), job.version)
    if job.is_finished and after == job.version and found is not None:
        return Response(status_code=204)  # which tells an EventSource to stay away
    return services.streams.response(lambda: parts_of_job(services, caller, job, after))
