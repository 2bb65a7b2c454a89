"""Many requests in one."""

from fastapi import APIRouter, Request, Response

from service.api.computing import computing_of
from service.api.contract import problems_for
from service.api.edge import request_id_of
from service.api.schemas.batches import BatchAnswer, BatchRequest
from service.api.strict_route import StrictRoute

router = APIRouter(
    route_class=StrictRoute, tags=["expressions"], responses=problems_for(takes_body=True)
)


@router.post(
    "/v1/batch",
    operation_id="compute_batch",
    response_model=BatchAnswer,
    response_description="The answers, in the order of the requests.",
)
async def compute_batch(request: Request, body: BatchRequest) -> Response:
    """Many requests in one, each with its own answer or problem."""
    limits = request.app.state.limits
    return await computing_of(request).answers(
        body.requests, limits, request_id_of(request.scope)
    )
