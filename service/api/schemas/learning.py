"""What requests and answers of neurons, networks and steps have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.api.schemas.choices import LossInput, OptimizerInput
from service.api.schemas.tensor_input import TensorInput
from service.training.requests import Learning

STRICT = ConfigDict(extra="forbid", strict=True)
SGD: dict[str, JsonValue] = {"optimizer": {"kind": "sgd", "learning_rate": 0.3}}

LossNumber = Annotated[
    float,
    Field(
        description="The loss, with the regularization, of the given weights.", examples=[0.5]
    ),
]
GradientNorm = Annotated[
    float,
    Field(
        description="The Euclidean norm of the gradient by all parameters, before clipping.",
        examples=[2.05],
    ),
]
LearningRate = Annotated[
    float,
    Field(description="The learning rate of this step, by the schedule.", examples=[0.3]),
]
NextState = Annotated[
    str,
    Field(
        description=(
            "The optimizer's state after the step: letters, digits, `-` and `_`. Send it as "
            "`optimizer_state` of the next step."
        )
    ),
]
OptimizerState = Annotated[
    str | None,
    Field(
        description=(
            "The `optimizer_state` of the last step's answer; left out, the optimizer starts "
            "anew. It is of the same kind and of as many parameters."
        )
    ),
]
WithInputGradient = Annotated[
    bool, Field(description="Whether `gradients` is to have the gradient by the inputs too.")
]


class Regularization(BaseModel):
    """What is added to the loss: l2 · ½ Σ w² + l1 · Σ |w| of the weights; biases are free."""

    model_config = STRICT

    l1: float = Field(default=0.0, description="Times Σ |w|; at least 0.", examples=[0.01])
    l2: float = Field(default=0.0, description="Times ½ Σ w²; at least 0.", examples=[0.01])


class GradientClip(BaseModel):
    """A bound of the gradient before the step: one of the two."""

    model_config = STRICT

    value: float | None = Field(
        None, description="The bound of each entry, above 0.", examples=[1.0]
    )
    norm: float | None = Field(
        None,
        description="The bound of the Euclidean norm of the whole gradient, above 0.",
        examples=[1.0],
    )

    def asked(self) -> dict[str, object]:
        """The bound that is given, by its name."""
        given = {"value": self.value, "norm": self.norm}
        return {name: bound for name, bound in given.items() if bound is not None}


class Judged(BaseModel):
    """What the predictions are judged by."""

    model_config = STRICT

    targets: TensorInput
    loss: LossInput = "mse"
    regularization: Regularization | None = Field(
        None, description="What is added to the loss; nothing if left out."
    )
    sample_weights: TensorInput | None = Field(
        None,
        description=(
            "How much each sample counts, [N], at least 0: the loss is Σ s ℓ / Σ s. All alike "
            "if left out."
        ),
    )
    with_input_gradient: WithInputGradient = False

    def learning(self) -> Learning:
        """The loss as the training takes it."""
        penalty = self.regularization or Regularization()
        return Learning(
            targets=self.targets,
            loss=self.loss,
            regularization={"l1": penalty.l1, "l2": penalty.l2},
            sample_weights=self.sample_weights,
        )


class Stepping(BaseModel):
    """What a step is taken by."""

    model_config = STRICT

    optimizer: OptimizerInput
    optimizer_state: OptimizerState = None
    gradient_clip: GradientClip | None = Field(
        None, description="A bound of the gradient; none if left out."
    )


class UpdateRule(BaseModel):
    """How a step changes the parameters: w of gradient g, learning rate η and step t.

    `m_0` is m before the step.
    """

    text: str = Field(description="In the language of expressions.", examples=["w - η * g"])
    notation: str = Field(description="In a line of notation.", examples=["w − ηg"])
    latex: str = Field(description="As LaTeX.")
    mathml: str = Field(description="As MathML.")


class AfterStep(BaseModel):
    """What every step tells beside the parameters after it."""

    optimizer_state: NextState
    update_rule: UpdateRule = Field(description="The rule that the step was taken by.")
    gradient_norm: GradientNorm
    learning_rate: LearningRate
