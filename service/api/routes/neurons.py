"""One neuron: its values, the gradient of its loss, and its step."""

from fastapi import APIRouter, Request, Response

from service.api.computing import computing_of
from service.api.contract import problems_for
from service.api.schemas.neurons import (
    NeuronForwardAnswer,
    NeuronForwardRequest,
    NeuronGradientAnswer,
    NeuronGradientRequest,
    NeuronStepAnswer,
    NeuronStepRequest,
)
from service.api.strict_route import TensorRoute

router = APIRouter(
    route_class=TensorRoute, tags=["training"], responses=problems_for(takes_body=True)
)


@router.post(
    "/v1/neuron/forward",
    operation_id="run_neuron",
    response_model=NeuronForwardAnswer,
    response_description="What the neuron sums up and gives.",
)
async def run_neuron(request: Request, body: NeuronForwardRequest) -> Response:
    """What a neuron sums up and gives for each sample."""
    return await computing_of(request).learning(request, body, request.app.state.limits)


@router.post(
    "/v1/neuron/gradient",
    operation_id="compute_neuron_gradient",
    response_model=NeuronGradientAnswer,
    response_description="The loss and its gradient.",
)
async def compute_neuron_gradient(request: Request, body: NeuronGradientRequest) -> Response:
    """The loss of a neuron, its gradient by weights and bias, and each sample's part in it."""
    return await computing_of(request).learning(request, body, request.app.state.limits)


@router.post(
    "/v1/neuron/step",
    operation_id="take_neuron_step",
    response_model=NeuronStepAnswer,
    response_description="The loss, its gradient, and the neuron after the step.",
)
async def take_neuron_step(request: Request, body: NeuronStepRequest) -> Response:
    """One step of an optimizer that makes the loss of a neuron smaller."""
    return await computing_of(request).learning(request, body, request.app.state.limits)
