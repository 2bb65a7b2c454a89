"""Requests and answers of one neuron: activation(w · x + b) of each sample."""

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
from service.training.requests import NeuronRequest

RELU: dict[str, JsonValue] = {
    "weights": [1, -1],
    "bias": 0.5,
    "activation": "relu",
    "inputs": [[1, 2], [3, 1], [2, 2]],
}
JUDGED: dict[str, JsonValue] = RELU | {"targets": [1, 2, 0]}

PreActivations = Annotated[Tensor, Field(description="w · x + b of each sample, [N].")]
Activations = Annotated[Tensor, Field(description="What the neuron gives for each, [N].")]
Errors = Annotated[
    Tensor,
    Field(
        description=(
            "Activation − target of each sample where the neuron is active, else 0, [N]: the "
            "paper's e_i."
        )
    ),
]
Active = Annotated[
    Tensor,
    Field(
        description=(
            "1 for each sample where the activation's derivative is not 0, else 0, [N]."
        )
    ),
]


class NeuronForwardRequest(BaseModel):
    """A neuron and the samples that it is to run on."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"examples": [RELU]})

    weights: TensorInput = Field(
        description="A weight for each input, [n]; augmented, the bias behind them, [n + 1].",
        examples=[[1, -1]],
    )
    bias: TensorInput | None = Field(
        None, description="The bias, a scalar; required unless augmented.", examples=[0.5]
    )
    augmented: bool = Field(
        default=False,
        description=(
            "Whether the last weight is the bias: the paper's ŵ, with a 1 behind each sample. "
            "`gradients.weights` is that of all of them then, and there is no `bias`."
        ),
    )
    activation: ActivationInput
    inputs: TensorInput = Field(
        description="A row of n inputs for each of N samples, [N × n].",
        examples=[[[1, 2], [3, 1], [2, 2]]],
    )

    def asked(self) -> NeuronRequest:
        """The request as the training takes it."""
        return NeuronRequest(
            weights=self.weights,
            bias=self.bias,
            is_augmented=self.augmented,
            activation=self.activation,
            inputs=self.inputs,
            learning=self.learning() if isinstance(self, Judged) else None,
        )


class NeuronGradientRequest(NeuronForwardRequest, Judged):
    """A neuron, samples with their targets, and the loss."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"examples": [JUDGED]})

    targets: TensorInput = Field(
        description="What the neuron should give for each sample, [N].", examples=[[1, 2, 0]]
    )


class NeuronStepRequest(NeuronGradientRequest, Stepping):
    """A neuron, samples with their targets, the loss, and the optimizer."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"examples": [JUDGED | SGD]})


class NeuronForwardAnswer(BaseModel):
    """What the neuron sums up and gives for each sample."""

    pre_activations: PreActivations
    activations: Activations
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")


class NeuronGradients(BaseModel):
    """The gradient of the loss."""

    weights: Tensor = Field(description="By the weights, of their shape.")
    bias: Tensor | None = Field(
        None, description="By the bias, a scalar; absent where it is one of the weights."
    )
    inputs: Tensor | None = Field(
        None, description="By the inputs, [N × n], where `with_input_gradient` asks for it."
    )


class NeuronGradientAnswer(BaseModel):
    """The loss, its gradient, and what each sample contributes."""

    loss: LossNumber
    gradients: NeuronGradients = Field(description="The gradient by each parameter.")
    pre_activations: PreActivations
    activations: Activations
    errors: Errors
    active: Active
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(
        description="What to know about this answer; `dead_neuron` where no sample is active."
    )
    cost: Cost = Field(description="What it took.")


class NeuronStepAnswer(AfterStep, NeuronGradientAnswer):
    """The loss and its gradient before the step, and the neuron after it."""

    weights: Tensor = Field(description="The weights after the step.")
    bias: Tensor | None = Field(
        None, description="The bias after the step; absent where it is one of the weights."
    )
