"""Requests and answers of a network: layers of activation(x W + b), one after the other."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.api.schemas.answers import Conventions, Cost, Warning
from service.api.schemas.choices import ActivationInput
from service.api.schemas.learning import (
    SGD,
    STRICT,
    AfterStep,
    Judged,
    LossNumber,
    Stepping,
)
from service.api.schemas.tensor_input import TensorInput
from service.api.schemas.tensors import Tensor
from service.training.requests import LayerRequest, NetworkRequest

SMALL: dict[str, JsonValue] = {
    "layers": [
        {"weights": [[1, -1], [0.5, 1]], "bias": [0, 0.5], "activation": "tanh"},
        {"weights": [[1, 0, -1], [0.5, 1, 0]], "bias": [0, 0, 0], "activation": "softmax"},
    ],
    "inputs": [[1, 2], [3, 1]],
}
JUDGED: dict[str, JsonValue] = SMALL | {"targets": [2, 0], "loss": "cross_entropy"}

PreActivations = Annotated[
    Tensor, Field(description="x W + b of the last layer, for each sample, [N × out].")
]
Activations = Annotated[
    Tensor, Field(description="What the last layer gives for each sample, [N × out].")
]
Errors = Annotated[
    Tensor,
    Field(
        description=(
            "Activation − target of each output and sample where it is active, else 0, "
            "[N × out]."
        )
    ),
]
Active = Annotated[
    Tensor,
    Field(
        description=(
            "1 for each output and sample where the last activation's derivative is not 0, "
            "else 0, [N × out]; 1 everywhere of an activation of rows, such as softmax."
        )
    ),
]


class Layer(BaseModel):
    """A layer: its weights, its biases and its activation."""

    model_config = STRICT

    weights: TensorInput = Field(
        description="A column of weights for each output, [in × out].",
        examples=[[[1, -1], [0.5, 1]]],
    )
    bias: TensorInput = Field(description="A bias for each output, [out].", examples=[[0, 0.5]])
    activation: ActivationInput


class NetworkForwardRequest(BaseModel):
    """A network and the samples that it is to run on."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"examples": [SMALL]})

    layers: list[Layer] = Field(
        description="The layers from the inputs on; each takes what the one before gives."
    )
    inputs: TensorInput = Field(
        description="A row of inputs for each of N samples, [N × in].",
        examples=[[[1, 2], [3, 1]]],
    )

    def asked(self) -> NetworkRequest:
        """The request as the training takes it."""
        return NetworkRequest(
            layers=[
                LayerRequest(weights=x.weights, bias=x.bias, activation=x.activation)
                for x in self.layers
            ],
            inputs=self.inputs,
            learning=self.learning() if isinstance(self, Judged) else None,
        )


class NetworkGradientRequest(NetworkForwardRequest, Judged):
    """A network, samples with their targets, and the loss."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"examples": [JUDGED]})

    targets: TensorInput = Field(
        description=(
            "What the last layer should give for each sample, [N × out]; [N] too where it "
            "gives one number, and class numbers from 0, [N], where the loss compares "
            "distributions."
        ),
        examples=[[2, 0]],
    )


class NetworkStepRequest(NetworkGradientRequest, Stepping):
    """A network, samples with their targets, the loss, and the optimizer."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"examples": [JUDGED | SGD]})


class LayerValues(BaseModel):
    """What a layer sums up and gives for each sample."""

    pre_activations: Tensor = Field(description="x W + b, [N × out].")
    activations: Tensor = Field(description="What the layer gives on, [N × out].")


EachLayer = Annotated[list[LayerValues], Field(description="The same of every layer.")]


class NetworkForwardAnswer(BaseModel):
    """What the network gives for each sample."""

    pre_activations: PreActivations
    activations: Activations
    layer_values: EachLayer
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")


class LayerParameters(BaseModel):
    """What there is for each parameter of a layer: its gradient, or its value after a step."""

    weights: Tensor = Field(description="Of the weights, [in × out].")
    bias: Tensor = Field(description="Of the biases, [out].")


class NetworkGradients(BaseModel):
    """The gradient of the loss."""

    layers: list[LayerParameters] = Field(description="By the parameters of each layer.")
    inputs: Tensor | None = Field(
        None, description="By the inputs, [N × in], where `with_input_gradient` asks for it."
    )


class NetworkGradientAnswer(BaseModel):
    """The loss, its gradient, and what each sample contributes."""

    loss: LossNumber
    gradients: NetworkGradients = Field(description="The gradient by each parameter.")
    pre_activations: PreActivations
    activations: Activations
    layer_values: EachLayer
    errors: Errors
    active: Active
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(
        description=(
            "What to know about this answer; `dead_neuron` for each that no sample makes "
            "active, at most twenty."
        )
    )
    cost: Cost = Field(description="What it took.")


class NetworkStepAnswer(AfterStep, NetworkGradientAnswer):
    """The loss and its gradient before the step, and the network after it."""

    layers: list[LayerParameters] = Field(
        description="Weights and biases of each layer after the step."
    )
