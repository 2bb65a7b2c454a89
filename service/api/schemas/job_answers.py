"""What jobs find: weights, a dataset, predictions."""

from pydantic import BaseModel, ConfigDict, Field, RootModel

from service.api.schemas.job_data import DATASET
from service.api.schemas.networks import LayerParameters
from service.api.schemas.tensors import Tensor


class NeuronParameters(BaseModel):
    """A neuron's weights and bias, in the data's own units."""

    weights: Tensor = Field(description="A weight for each input, [n].")
    bias: Tensor = Field(description="The bias, a scalar.")


class NetworkParameters(BaseModel):
    """A network's weights and biases, in the data's own units."""

    layers: list[LayerParameters] = Field(description="The layers from the inputs on.")


class TrainResult(BaseModel):
    """What a training found."""

    parameters: NeuronParameters | NetworkParameters | dict[str, Tensor] = Field(
        description="Of a neuron, of a network, or of an expression by name."
    )
    loss: float | None = Field(
        description="Mean loss of the last epoch's steps, with the regularization.",
        examples=[0.01],
    )
    validation_loss: float | None = Field(
        description="Loss of the rows kept apart after the last epoch; null without any."
    )
    gradient_norm: float | None = Field(
        description=(
            "Norm of the last gradient, before clipping; with `standardize` that of the "
            "standardized problem."
        ),
        examples=[1e-6],
    )
    epochs: int = Field(description="Epochs that were run.", examples=[100])
    steps: int = Field(description="Steps that were taken.", examples=[1000])
    stopped_by: str = Field(
        description="`epochs`, `early_stopping` (the best weights are taken) or `stop_when`.",
        examples=["epochs"],
    )


class EvaluateResult(BaseModel):
    """Where the values of every row are."""

    dataset: str = Field(
        description=(
            "The id of a new dataset, a row for each row: columns `value`, or `value[0]`, …, "
            "and of derivatives `gradient.x[0]`, `jacobian.x[0,1]`, `hessian.x.y[0,1]`."
        ),
        examples=[DATASET],
    )


class JobResult(RootModel[TrainResult | EvaluateResult]):
    """What a job found: of `train` or of `evaluate`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dataset": DATASET}]})


class PredictAnswer(BaseModel):
    """What a trained model predicts."""

    predictions: Tensor = Field(
        description="Of each sample, in the targets' own units, [N] or [N × outputs]."
    )
