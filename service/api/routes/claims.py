"""The judgement of claimed derivatives."""

from fastapi import APIRouter, Request, Response

from service.api.computing import computing_of
from service.api.contract import problems_for
from service.api.schemas.claims import CheckAnswer, CheckRequest
from service.api.strict_route import StrictRoute

router = APIRouter(
    route_class=StrictRoute, tags=["expressions"], responses=problems_for(takes_body=True)
)


@router.post(
    "/v1/check",
    operation_id="check_derivative",
    response_model=CheckAnswer,
    response_description="The verdict.",
)
async def check_derivative(request: Request, body: CheckRequest) -> Response:
    """Whether a claimed derivative is right, how far off it is, and the likely mistake."""
    return await computing_of(request).judgement(body.asked(), request.app.state.limits)
