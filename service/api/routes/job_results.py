"""What a job found: its history, its result, and predictions of the model it trained."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api.access import caller_of
from service.api.contract import problems_for
from service.api.job_ids import JobId, checked_id, of_a_job
from service.api.jobs_told import epoch_document
from service.api.negotiation import JSON
from service.api.schemas.jobs_told import HistoryPage
from service.api.services import services_of
from service.api.strict_route import StrictRoute
from service.api.wire import encode

router = APIRouter(route_class=StrictRoute, tags=["jobs"])
EPOCHS = 2**53


@router.get(
    "/v1/jobs/{id}/history",
    operation_id="get_job_history",
    response_model=HistoryPage,
    response_description="What the epochs found, in order.",
    responses=problems_for(takes_body=False, others=(404,)),
)
async def get_job_history(
    request: Request,
    job_id: JobId,
    after: Annotated[
        int, Query(description="The epoch after which to begin.", ge=0, le=EPOCHS)
    ] = 0,
    limit: Annotated[int, Query(description="How many at most.", ge=1, le=1000)] = 1000,
) -> Response:
    """The loss, the gradient's norm and the learning rate of each epoch, page by page."""
    services, checked = services_of(request), checked_id(job_id)
    tenant = caller_of(request).tenant
    ask = partial(services.jobs.history, tenant, checked, after=after, limit=limit + 1)
    with of_a_job():
        epochs = await services.storing(ask)
    shown, has_more = epochs[:limit], len(epochs) > limit
    page = {
        "data": [epoch_document(epoch) for epoch in shown],
        "has_more": has_more,
        "next": shown[-1].epoch if has_more else None,
    }
    return Response(encode(page), media_type=JSON)
