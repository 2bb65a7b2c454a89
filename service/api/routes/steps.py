"""A step that makes a scalar expression smaller."""

from fastapi import APIRouter, Request, Response

from service.api.computing import computing_of
from service.api.contract import problems_for
from service.api.schemas.steps import StepAnswer, StepRequest
from service.api.strict_route import TensorRoute

router = APIRouter(
    route_class=TensorRoute, tags=["training"], responses=problems_for(takes_body=True)
)


@router.post(
    "/v1/step",
    operation_id="take_step",
    response_model=StepAnswer,
    response_description="The value, its gradient, and the parameters after the step.",
)
async def take_step(request: Request, body: StepRequest) -> Response:
    """One step of an optimizer that makes a scalar expression smaller in its parameters."""
    return await computing_of(request).learning(request, body, request.app.state.limits)
