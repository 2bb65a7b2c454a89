"""The operations on expressions: value, gradient, Jacobian."""

from fastapi import APIRouter, Request, Response

from service.api.computing import computing_of
from service.api.contract import problems_for
from service.api.schemas.expressions import (
    EvaluateAnswer,
    EvaluateRequest,
    GradientAnswer,
    GradientRequest,
    JacobianAnswer,
    JacobianRequest,
)
from service.api.strict_route import StrictRoute
from service.api.wire import evaluate_document, gradient_document, jacobian_document

router = APIRouter(
    route_class=StrictRoute, tags=["expressions"], responses=problems_for(takes_body=True)
)


@router.post(
    "/v1/evaluate",
    operation_id="evaluate_expression",
    response_model=EvaluateAnswer,
    response_description="The value.",
)
async def evaluate_expression(request: Request, body: EvaluateRequest) -> Response:
    """The value of an expression."""
    return await computing_of(request).answer(
        evaluate_document, "evaluate", body.expression, body.variables
    )


@router.post(
    "/v1/gradient",
    operation_id="compute_gradient",
    response_model=GradientAnswer,
    response_description="The value and the gradients.",
)
async def compute_gradient(request: Request, body: GradientRequest) -> Response:
    """The value of a scalar expression and its gradient by each variable."""
    return await computing_of(request).answer(
        gradient_document, "gradient", body.expression, body.variables, body.wrt
    )


@router.post(
    "/v1/jacobian",
    operation_id="compute_jacobian",
    response_model=JacobianAnswer,
    response_description="The value and the Jacobians.",
)
async def compute_jacobian(request: Request, body: JacobianRequest) -> Response:
    """The value of an expression and its Jacobian by each variable, exact and structured."""
    return await computing_of(request).answer(
        jacobian_document,
        "jacobian",
        body.expression,
        body.variables,
        body.wrt,
        body.representation,
    )
