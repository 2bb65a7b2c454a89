"""Jobs: submitted, listed, looked at, waited for, cancelled, deleted."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from service.api.access import caller_of
from service.api.contract import problems_for
from service.api.ids import JOBS, JobId
from service.api.jobs_told import PATH, job_document
from service.api.negotiation import JSON
from service.api.parameters import IDEMPOTENCY_KEY, PLAIN_NUMBER, PLAIN_WHOLE, only
from service.api.schemas.jobs import JobRequest
from service.api.schemas.jobs_told import Job, JobPage
from service.api.services import services_of
from service.api.strict_route import JobRoute, StrictRoute
from service.api.submitting import submit
from service.api.waiting import job_after_waiting
from service.api.wire import Json, encode
from service.jobs.job import Kind, Status

router = APIRouter(
    route_class=StrictRoute,
    tags=["jobs"],
    responses=problems_for(takes_body=False),
)


submitting = APIRouter(
    route_class=JobRoute, tags=["jobs"], responses=problems_for(takes_body=True)
)


@submitting.post(
    "/v1/jobs",
    operation_id="submit_job",
    status_code=202,
    response_model=Job,
    response_description="The job, which is kept and will run.",
    responses=problems_for(takes_body=True, others=(404, 409)),
)
async def submit_job(
    request: Request,
    body: JobRequest,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description=(
                "1 to 255 visible ASCII characters. The same request with the same key makes "
                "one job, however often it is sent within a day."
            ),
        ),
    ] = None,
) -> Response:
    """Submit a job: it is kept before it is answered, and runs as soon as its turn comes."""
    expected = "1 to 255 visible ASCII characters"
    key = only(request.headers, "Idempotency-Key", IDEMPOTENCY_KEY, expected)
    services = services_of(request)
    services.refuse_new()
    tenant = caller_of(request).tenant
    work = partial(submit, services, tenant, body.document(), key)
    job, is_earlier = await services.storing(work)
    headers = {"Location": f"{PATH}/{job.id}"}
    if is_earlier:
        headers["Idempotent-Replayed"] = "true"
    return Response(encode(job_document(job)), 202, headers, media_type=JSON)


@router.get(
    "/v1/jobs",
    operation_id="list_jobs",
    response_model=JobPage,
    response_description="The newest jobs first.",
)
async def list_jobs(
    request: Request,
    status: Annotated[Status | None, Query(description="Only those of this status.")] = None,
    kind: Annotated[Kind | None, Query(description="Only those of this kind.")] = None,
    limit: Annotated[
        int, Query(description="How many at most.", ge=1, le=100), PLAIN_WHOLE
    ] = 50,
    after: Annotated[
        str | None, Query(description="`next` of the page before this one.")
    ] = None,
) -> Response:
    """The jobs of the caller, the newest first, page by page."""
    services = services_of(request)
    ask = partial(
        services.jobs.jobs,
        caller_of(request).tenant,
        status=status,
        kind=kind,
        limit=limit,
        after=after,
    )
    page = await services.storing(ask)
    return _json(
        {
            "data": [job_document(job) for job in page.items],
            "has_more": page.next is not None,
            "next": page.next,
        }
    )


@router.get(
    "/v1/jobs/{id}",
    operation_id="get_job",
    response_model=Job,
    response_description="The job as it is now.",
    responses=problems_for(takes_body=False, others=(404,)),
)
async def get_job(
    request: Request,
    job_id: JobId,
    wait_seconds: Annotated[
        float,
        Query(description="How long to wait for its end, in seconds.", ge=0, le=30),
        PLAIN_NUMBER,
    ] = 0,
) -> Response:
    """A job; with `wait_seconds` as soon as it ends, or as it is after this time."""
    job = await job_after_waiting(
        services_of(request), caller_of(request), JOBS.checked(job_id), wait_seconds
    )
    return _json(job_document(job))


@router.post(
    "/v1/jobs/{id}/cancel",
    operation_id="cancel_job",
    status_code=202,
    response_model=Job,
    response_description="The job, cancelled, or asked to end.",
    responses=problems_for(takes_body=False, others=(404, 409)),
)
async def cancel_job(request: Request, job_id: JobId) -> Response:
    """Cancel a job: one that waits never runs, one that runs ends within seconds."""
    services, checked = services_of(request), JOBS.checked(job_id)
    with JOBS.looked_up():
        job = await services.storing(
            partial(services.jobs.cancel, caller_of(request).tenant, checked)
        )
    return _json(job_document(job), status=202)


@router.delete(
    "/v1/jobs/{id}",
    operation_id="delete_job",
    status_code=204,
    response_description="The job is forgotten.",
    responses=problems_for(takes_body=False, others=(404, 409)),
)
async def delete_job(request: Request, job_id: JobId) -> Response:
    """Forget a job with all it has; one that runs has to be cancelled before."""
    services, checked = services_of(request), JOBS.checked(job_id)
    with JOBS.looked_up():
        await services.storing(
            partial(services.jobs.delete, caller_of(request).tenant, checked)
        )
    return Response(status_code=204)


def _json(document: Json, *, status: int = 200) -> Response:
    return Response(encode(document), status, media_type=JSON)


router.routes.extend(submitting.routes)
