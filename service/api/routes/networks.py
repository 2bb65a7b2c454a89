"""A network: its values, the gradient of its loss, and its step."""

from fastapi import APIRouter, Request, Response

from service.api.computing import computing_of
from service.api.contract import problems_for
from service.api.schemas.networks import (
    NetworkForwardAnswer,
    NetworkForwardRequest,
    NetworkGradientAnswer,
    NetworkGradientRequest,
    NetworkStepAnswer,
    NetworkStepRequest,
)
from service.api.strict_route import TensorRoute

router = APIRouter(
    route_class=TensorRoute, tags=["training"], responses=problems_for(takes_body=True)
)


@router.post(
    "/v1/network/forward",
    operation_id="run_network",
    response_model=NetworkForwardAnswer,
    response_description="What the layers sum up and give.",
)
async def run_network(request: Request, body: NetworkForwardRequest) -> Response:
    """What a network gives for each sample, layer by layer."""
    return await computing_of(request).learning(request, body, request.app.state.limits)


@router.post(
    "/v1/network/gradient",
    operation_id="compute_network_gradient",
    response_model=NetworkGradientAnswer,
    response_description="The loss and its gradient.",
)
async def compute_network_gradient(request: Request, body: NetworkGradientRequest) -> Response:
    """The loss of a network and its gradient by the weights and biases of each layer."""
    return await computing_of(request).learning(request, body, request.app.state.limits)


@router.post(
    "/v1/network/step",
    operation_id="take_network_step",
    response_model=NetworkStepAnswer,
    response_description="The loss, its gradient, and the network after the step.",
)
async def take_network_step(request: Request, body: NetworkStepRequest) -> Response:
    """One step of an optimizer that makes the loss of a network smaller."""
    return await computing_of(request).learning(request, body, request.app.state.limits)
