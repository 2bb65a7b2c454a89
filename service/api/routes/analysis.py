"""The analysis of an expression without values."""

from fastapi import APIRouter, Request, Response

from service.api.computing import computing_of
from service.api.contract import problems_for
from service.api.schemas.analysis import AnalyzeAnswer, AnalyzeRequest
from service.api.strict_route import StrictRoute

router = APIRouter(
    route_class=StrictRoute, tags=["expressions"], responses=problems_for(takes_body=True)
)


@router.post(
    "/v1/analyze",
    operation_id="analyze_expression",
    response_model=AnalyzeAnswer,
    response_description="What the expression is.",
)
async def analyze_expression(request: Request, body: AnalyzeRequest) -> Response:
    """What an expression is without values: its text and tree, shapes, assumptions, cost."""
    return await computing_of(request).analysis(body.asked(), request.app.state.limits)
