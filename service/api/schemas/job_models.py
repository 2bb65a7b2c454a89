"""What a `train` job may train: a neuron, a network, an expression, or another job's model."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

from service.api.schemas.choices import ActivationInput, InitializerInput
from service.api.schemas.expression_input import Expression
from service.api.schemas.job_data import ColumnsByVariable, given
from service.api.schemas.learning import STRICT
from service.api.schemas.names import check_variables
from service.api.schemas.tensor_input import TensorInput, fault, read_tensor
from service.jobs.job import JOB_ID
from service.language.places import describe, shown
from service.settings import Limits
from service.training.layer_tasks import MOST_UNITS
from service.training.requests import MOST_LAYERS

OWN_UNITS = "first values are in the data's own units, also with `standardize`"


class NeuronModel(BaseModel):
    """One neuron, activation(w · x + b); its weights are given or drawn."""

    model_config = STRICT

    kind: Literal["neuron"] = Field(description="`neuron`.")
    weights: TensorInput | None = Field(
        None, description=f"First weights, [n]; {OWN_UNITS}.", examples=[[0, 0]]
    )
    bias: TensorInput | None = Field(
        None, description="First bias, a scalar; 0 if left out.", examples=[0]
    )
    initializer: InitializerInput | None = Field(
        None, description="How weights are drawn that are not given; suits the activation."
    )
    activation: ActivationInput

    def document(self) -> dict[str, Any]:
        """The fields as they are stored."""
        return given(
            kind=self.kind,
            weights=self.weights,
            bias=self.bias,
            initializer=self.initializer,
            activation=self.activation,
        )


class TrainedLayer(BaseModel):
    """A layer, activation(x W + b): its weights are given, or drawn in a size."""

    model_config = STRICT

    size: int | None = Field(
        None,
        description="How many outputs it has; needed where no weights are given.",
        ge=1,
        le=MOST_UNITS,
        examples=[32],
    )
    weights: TensorInput | None = Field(
        None,
        description=f"First weights, a column for each output, [in × out]; {OWN_UNITS}.",
        examples=[[[1, -1], [0.5, 1]]],
    )
    bias: TensorInput | None = Field(
        None, description="First biases, [out]; 0 if left out.", examples=[[0, 0.5]]
    )
    initializer: InitializerInput | None = Field(
        None, description="How weights are drawn that are not given; suits the activation."
    )
    activation: ActivationInput

    def document(self) -> dict[str, Any]:
        """The fields as they are stored."""
        return given(
            size=self.size,
            weights=self.weights,
            bias=self.bias,
            initializer=self.initializer,
            activation=self.activation,
        )


class NetworkModel(BaseModel):
    """Layers, one after the other; the last has an output for each target or class."""

    model_config = STRICT

    kind: Literal["network"] = Field(description="`network`.")
    layers: list[TrainedLayer] = Field(
        description=f"The layers from the inputs on, 1 to {MOST_LAYERS}.",
        min_length=1,
        max_length=MOST_LAYERS,
        examples=[[{"size": 32, "activation": "relu"}, {"size": 1, "activation": "identity"}]],
    )

    def document(self) -> dict[str, Any]:
        """The fields as they are stored."""
        return {"kind": self.kind, "layers": [layer.document() for layer in self.layers]}


class DrawnParameter(BaseModel):
    """A parameter whose first values are drawn."""

    model_config = STRICT

    shape: list[int] = Field(description="Its shape; `[]` for a number.", examples=[[3]])
    initializer: InitializerInput


def _read_parameter(value: object, info: core_schema.ValidationInfo) -> object:
    limits = info.context if isinstance(info.context, Limits) else Limits()
    if not (isinstance(value, dict) and "initializer" in value):
        return read_tensor(value, limits.max_dimensions)
    for name in value:
        if name not in DrawnParameter.model_fields:
            raise fault(f"found the field {shown(name)}, expected shape and initializer")
    shape, initializer = value.get("shape"), value["initializer"]
    if not isinstance(shape, list) or len(shape) > limits.max_dimensions:
        raise fault(
            f"found {describe(shape)}, expected an array of at most {limits.max_dimensions} "
            "sizes",
            pointer="/shape",
        )
    for place, size in enumerate(shape):
        if type(size) is not int or not 1 <= size <= MOST_UNITS:
            raise fault(
                f"found {describe(size)}, expected a whole number from 1 to {MOST_UNITS}",
                pointer=f"/shape/{place}",
            )
    if not isinstance(initializer, dict) or not isinstance(initializer.get("kind"), str):
        raise fault(
            f"found {describe(initializer)}, expected an object: kind and its options",
            pointer="/initializer",
        )
    return value


class _ParameterSchema:
    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        kinds: list[CoreSchema | tuple[CoreSchema, str]] = [
            handler.generate_schema(TensorInput),
            handler.generate_schema(DrawnParameter),
        ]
        return core_schema.with_info_plain_validator_function(
            _read_parameter, json_schema_input_schema=core_schema.union_schema(kinds)
        )


ParameterInput = TypeAliasType(
    "ParameterInput",
    Annotated[
        Any,
        _ParameterSchema(),
        Field(
            description="First values: given as a tensor, or drawn in a shape.",
            examples=[[0, 0, 0], {"shape": [3], "initializer": {"kind": "normal"}}],
        ),
    ],
)


def _check_parameters(value: object, info: core_schema.ValidationInfo) -> object:
    if value == {}:
        raise fault("found no parameters, expected at least one")
    return check_variables(value, info)


class ExpressionModel(BaseModel):
    """A scalar expression that is minimised; its variables are parameters and columns."""

    model_config = STRICT

    kind: Literal["expression"] = Field(description="`expression`.")
    expression: Expression
    parameters: Annotated[
        dict[str, ParameterInput],
        BeforeValidator(_check_parameters),
        Field(
            description="The variables that are trained, with their first values.",
            examples=[{"w": [0, 0], "b": 0}],
        ),
    ]
    columns: ColumnsByVariable | None = Field(
        None,
        description=(
            "What the other variables stand for, columns of the dataset; one whose name is a "
            "column's need not be told."
        ),
    )

    def document(self) -> dict[str, Any]:
        """The fields as they are stored."""
        return given(
            kind=self.kind,
            expression=self.expression.text,
            parameters=dict(self.parameters),
            columns=None if self.columns is None else dict(self.columns),
        )


class JobModel(BaseModel):
    """The model of another job, with the weights that it found."""

    model_config = STRICT

    kind: Literal["job"] = Field(description="`job`.")
    id: str = Field(
        description=(
            "A job that has ended: its result is gone on from, or if it failed or was "
            "cancelled, its last checkpoint. The optimizer starts anew."
        ),
        pattern=f"^{JOB_ID.pattern}$",
        examples=["job_7h3kq0zr5v9m2x8c4n6p1tbwge"],
    )

    def document(self) -> dict[str, Any]:
        """The fields as they are stored."""
        return {"kind": self.kind, "id": self.id}


TrainedModel = TypeAliasType(
    "TrainedModel",
    Annotated[
        NeuronModel | NetworkModel | ExpressionModel | JobModel,
        Field(discriminator="kind", description="What is trained, told apart by `kind`."),
    ],
)
