"""Requests for jobs: `train` and `evaluate`, told apart by `kind`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, RootModel

from service.api.schemas.choices import LossInput, OptimizerInput
from service.api.schemas.expression_input import Expression
from service.api.schemas.job_data import (
    DATASET,
    ColumnsByVariable,
    DatasetId,
    TrainingData,
    given,
)
from service.api.schemas.job_models import TrainedModel
from service.api.schemas.learning import STRICT, GradientClip, Regularization
from service.api.schemas.names import Variables, WithRespectTo
from service.api.schemas.tensor_input import NUMBERS, TensorInput, fault
from service.jobs.job import Document
from service.language.places import describe

MOST_PAIRS, LONGEST_KEY, LONGEST_VALUE, LONGEST_NAME = 16, 64, 512, 200
HIGHEST_SEED = 2**63 - 1
MOST_PRIORITY = 100
TRAIN: dict[str, JsonValue] = {
    "kind": "train",
    "model": {"kind": "neuron", "weights": [0, 0], "bias": 0, "activation": "identity"},
    "data": {"inputs": [[1, 2], [3, 4], [2, 1]], "targets": [1, 2, 0.5]},
    "optimizer": {"kind": "sgd", "learning_rate": 0.05},
    "epochs": 100,
}
EVALUATE: dict[str, JsonValue] = {
    "kind": "evaluate",
    "operation": "gradient",
    "expression": "(w @ x - y)**2",
    "columns": {"x": ["area", "rooms"], "y": "price"},
    "variables": {"w": [1, -1]},
    "wrt": ["w"],
    "data": {"dataset": DATASET},
}


def _check_metadata(value: object) -> object:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise fault(f"found {describe(value)}, expected an object of texts")
    if len(value) > MOST_PAIRS:
        raise fault(f"found {len(value)} pairs, expected at most {MOST_PAIRS}")
    for name, text in value.items():
        place = "/" + name[:LONGEST_KEY].replace("~", "~0").replace("/", "~1")
        if not 1 <= len(name) <= LONGEST_KEY:
            raise fault(
                f"found a key of {len(name)} characters, expected 1 to {LONGEST_KEY}",
                pointer=place,
            )
        if not isinstance(text, str):
            raise fault(f"found {describe(text)}, expected a string", pointer=place)
        if len(text) > LONGEST_VALUE:
            raise fault(
                f"found {len(text)} characters, expected at most the limit {LONGEST_VALUE}",
                pointer=place,
            )
    return value


def _check_seed(value: object) -> object:
    # A number beyond 64 bits comes as a float.
    if type(value) in NUMBERS and not (isinstance(value, int) and 0 <= value <= HIGHEST_SEED):
        raise fault(f"found {describe(value)}, expected a whole number in 0..2**63-1")
    return value


class _Submitted(BaseModel):
    """What every job takes."""

    model_config = STRICT

    name: str | None = Field(
        None,
        description="A name for people.",
        max_length=LONGEST_NAME,
        examples=["first try"],
    )
    priority: int = Field(
        default=0,
        description="Of the jobs that wait, those with more of it run first.",
        ge=-MOST_PRIORITY,
        le=MOST_PRIORITY,
    )
    metadata: Annotated[
        dict[str, str] | None,
        BeforeValidator(_check_metadata),
        Field(
            description=(
                f"Texts to keep with the job: at most {MOST_PAIRS} pairs, keys of at most "
                f"{LONGEST_KEY} characters, values of at most {LONGEST_VALUE}."
            ),
            examples=[{"project": "paper"}],
        ),
    ] = None

    def _told(self) -> dict[str, Any]:
        return given(name=self.name, priority=self.priority, metadata=self.metadata)


class EarlyStopping(BaseModel):
    """Stop where the loss falls no more, and take the best weights."""

    model_config = STRICT

    patience: int = Field(
        description="After so many epochs without a lower loss.", ge=1, le=10**9, examples=[10]
    )
    min_delta: float = Field(
        default=0.0,
        description="What the loss has to fall by to count as lower; of validation, if any.",
        ge=0,
        allow_inf_nan=False,
    )


class StopWhen(BaseModel):
    """Stop after an epoch where the loss or the gradient is small."""

    model_config = STRICT

    gradient_norm: float | None = Field(
        None,
        description="At most this norm of the last gradient.",
        ge=0,
        allow_inf_nan=False,
        examples=[1e-6],
    )
    loss: float | None = Field(
        None,
        description="At most this mean loss of the epoch.",
        allow_inf_nan=False,
        examples=[0.01],
    )


Workers = Annotated[
    int,
    Field(
        description="At most how many workers share the work; how many do is for the service.",
        ge=1,
        le=1024,
    ),
]


class TrainRequest(_Submitted):
    """A model to train on data."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"examples": [TRAIN]})

    kind: Literal["train"] = Field(description="`train`.")
    model: TrainedModel
    data: TrainingData
    standardize: bool = Field(
        default=False,
        description=(
            "Whether inputs, and targets of a linear output with a loss of differences, are "
            "brought to mean 0 and standard deviation 1 while training. Weights that are given "
            "or returned, and predictions, are in the data's own units all the same."
        ),
    )
    loss: LossInput | None = Field(
        None,
        description="The loss, mse if left out; of an expression none, it is one itself.",
    )
    optimizer: OptimizerInput
    regularization: Regularization | None = Field(
        None, description="What is added to the loss; nothing if left out."
    )
    gradient_clip: GradientClip | None = Field(
        None, description="A bound of the gradient; none if left out."
    )
    epochs: int = Field(description="How often each row is learned from.", ge=1, examples=[100])
    batch_size: int | None = Field(
        None,
        description="Rows of a step, at most all of them; 32, or all if fewer, if left out.",
        ge=1,
        examples=[32],
    )
    shuffle: bool = Field(
        default=True, description="Whether each epoch takes the rows in an order of its own."
    )
    seed: Annotated[
        int,
        BeforeValidator(_check_seed),
        Field(
            description="What all that is drawn is drawn by: first weights, orders, the split.",
            ge=0,
            le=HIGHEST_SEED,
        ),
    ] = 0
    validation_fraction: float = Field(
        default=0.0,
        description="The part of the rows that is not trained on, for `validation_loss`.",
        ge=0,
        lt=1,
        examples=[0.1],
    )
    early_stopping: EarlyStopping | None = Field(
        None, description="When to stop since the loss falls no more; never if left out."
    )
    stop_when: StopWhen | None = Field(
        None, description="What is good enough to stop at; nothing if left out."
    )
    workers: Workers = 1

    def document(self) -> Document:
        """The request as it is stored: values of JSON, with arrays in them."""
        early, stop, penalty = self.early_stopping, self.stop_when, self.regularization
        return self._told() | given(
            kind=self.kind,
            model=self.model.document(),
            data=self.data.document(),
            standardize=self.standardize,
            loss=self.loss,
            optimizer=self.optimizer,
            regularization=penalty and {"l1": penalty.l1, "l2": penalty.l2},
            gradient_clip=self.gradient_clip and self.gradient_clip.asked(),
            epochs=self.epochs,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            seed=self.seed,
            validation_fraction=self.validation_fraction,
            early_stopping=early and {"patience": early.patience, "min_delta": early.min_delta},
            stop_when=stop and given(gradient_norm=stop.gradient_norm, loss=stop.loss),
            workers=self.workers,
        )


class EvaluatedData(BaseModel):
    """The dataset whose rows an expression is evaluated over."""

    model_config = STRICT

    dataset: DatasetId


class EvaluateJobRequest(_Submitted):
    """An expression to evaluate, or differentiate, for every row of a dataset."""

    model_config = ConfigDict(
        **STRICT,
        json_schema_extra={"examples": [EVALUATE]},
    )

    kind: Literal["evaluate"] = Field(description="`evaluate`.")
    operation: Literal["evaluate", "gradient", "jacobian", "hessian"] = Field(
        description="What is computed for each row."
    )
    expression: Expression
    columns: ColumnsByVariable
    variables: Variables = Field(
        default_factory=dict, description="The variables that are the same for every row."
    )
    wrt: WithRespectTo = None
    data: EvaluatedData = Field(description="The dataset.")
    workers: Workers = 1

    def document(self) -> Document:
        """The request as it is stored: values of JSON, with arrays in them."""
        return self._told() | given(
            kind=self.kind,
            operation=self.operation,
            expression=self.expression.text,
            columns=dict(self.columns),
            variables=dict(self.variables),
            wrt=self.wrt,
            data={"dataset": self.data.dataset},
            workers=self.workers,
        )


class JobRequest(
    RootModel[Annotated[TrainRequest | EvaluateJobRequest, Field(discriminator="kind")]]
):
    """A job, told apart by `kind`."""

    model_config = ConfigDict(json_schema_extra={"examples": [TRAIN, EVALUATE]})

    def document(self) -> Document:
        """The request as it is stored: values of JSON, with arrays in them."""
        return self.root.document()


class PredictRequest(BaseModel):
    """Inputs to predict by."""

    model_config = STRICT

    inputs: TensorInput = Field(
        description="A row of inputs for each of N samples, in the data's own units, [N × n].",
        examples=[[[1, 2], [3, 4]]],
    )
