"""The closed forms of derivatives."""

from fastapi import APIRouter, Request, Response

from service.api.computing import computing_of
from service.api.contract import problems_for
from service.api.schemas.derivation import DeriveAnswer, DeriveRequest
from service.api.strict_route import StrictRoute

router = APIRouter(
    route_class=StrictRoute, tags=["expressions"], responses=problems_for(takes_body=True)
)


@router.post(
    "/v1/derive",
    operation_id="derive_expression",
    response_model=DeriveAnswer,
    response_description="The closed forms.",
)
async def derive_expression(request: Request, body: DeriveRequest) -> Response:
    """The closed form of each derivative, as formulas and as code, and the steps to it."""
    return await computing_of(request).derivation(
        body.asked_derivation(), request.app.state.limits
    )
