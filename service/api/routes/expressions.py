"""The operations on expressions: value, derivatives, and products with derivatives."""

from fastapi import APIRouter, Request, Response

from service.api.computing import computing_of
from service.api.contract import problems_for
from service.api.schemas.answers import (
    EvaluateAnswer,
    GradientAnswer,
    HessianAnswer,
    HvpAnswer,
    JacobianAnswer,
    JvpAnswer,
    VjpAnswer,
)
from service.api.schemas.expressions import (
    EvaluateRequest,
    GradientRequest,
    HessianRequest,
    HvpRequest,
    JacobianRequest,
    JvpRequest,
    VjpRequest,
)
from service.api.strict_route import TensorRoute

router = APIRouter(
    route_class=TensorRoute, tags=["expressions"], responses=problems_for(takes_body=True)
)


@router.post(
    "/v1/evaluate",
    operation_id="evaluate_expression",
    response_model=EvaluateAnswer,
    response_description="The value.",
)
async def evaluate_expression(request: Request, body: EvaluateRequest) -> Response:
    """The value of an expression."""
    return await computing_of(request).answer(request, body.asked("evaluate"))


@router.post(
    "/v1/gradient",
    operation_id="compute_gradient",
    response_model=GradientAnswer,
    response_description="The value and the gradients.",
)
async def compute_gradient(request: Request, body: GradientRequest) -> Response:
    """The value of a scalar expression and its gradient by each variable."""
    return await computing_of(request).answer(request, body.asked("gradient"))


@router.post(
    "/v1/jacobian",
    operation_id="compute_jacobian",
    response_model=JacobianAnswer,
    response_description="The value and the Jacobians.",
)
async def compute_jacobian(request: Request, body: JacobianRequest) -> Response:
    """The value of an expression and its Jacobian by each variable, exact and structured."""
    return await computing_of(request).answer(request, body.asked("jacobian"))


@router.post(
    "/v1/hessian",
    operation_id="compute_hessian",
    response_model=HessianAnswer,
    response_description="The value and the Hessians.",
)
async def compute_hessian(request: Request, body: HessianRequest) -> Response:
    """The value of a scalar expression and its second derivative by each pair of variables."""
    return await computing_of(request).answer(request, body.asked("hessian"))


@router.post(
    "/v1/jvp",
    operation_id="compute_jvp",
    response_model=JvpAnswer,
    response_description="The value and the product.",
)
async def compute_jvp(request: Request, body: JvpRequest) -> Response:
    """The Jacobian of an expression times tangents, without the Jacobian."""
    return await computing_of(request).answer(request, body.asked("jvp"))


@router.post(
    "/v1/vjp",
    operation_id="compute_vjp",
    response_model=VjpAnswer,
    response_description="The value and the products.",
)
async def compute_vjp(request: Request, body: VjpRequest) -> Response:
    """A cotangent times the Jacobian of an expression, without the Jacobian."""
    return await computing_of(request).answer(request, body.asked("vjp"))


@router.post(
    "/v1/hvp",
    operation_id="compute_hvp",
    response_model=HvpAnswer,
    response_description="The value and the products.",
)
async def compute_hvp(request: Request, body: HvpRequest) -> Response:
    """The Hessian of a scalar expression times vectors, without the Hessian."""
    return await computing_of(request).answer(request, body.asked("hvp"))
