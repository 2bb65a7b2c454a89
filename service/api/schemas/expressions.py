"""Requests and answers of the operations on expressions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.api.schemas.names import Variables, WithRespectTo
from service.api.schemas.tensors import StructuredTensor, Tensor

NEURON: dict[str, JsonValue] = {
    "expression": "maximum(0, w @ x + b)",
    "variables": {"w": [1, 2, 3], "x": [0.5, -1, 2], "b": 0.25},
}

Expression = Annotated[
    str,
    Field(
        description="The expression, in the language of the guide; NumPy's meaning.",
        examples=["maximum(0, w @ x + b)"],
    ),
]


class Request(BaseModel):
    """What every operation takes; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class EvaluateRequest(Request):
    """An expression and the values of its variables."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEURON]})

    expression: Expression
    variables: Variables


class GradientRequest(Request):
    """A scalar expression, the values of its variables, and what to differentiate by."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEURON | {"wrt": ["w", "b"]}]})

    expression: Expression
    variables: Variables
    wrt: WithRespectTo = None


class JacobianRequest(Request):
    """An expression, the values of its variables, and what to differentiate by."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"expression": "x**2", "variables": {"x": [1, 2, 3]}, "wrt": ["x"]}]
        }
    )

    expression: Expression
    variables: Variables
    wrt: WithRespectTo = None
    representation: Literal["auto", "dense", "factored"] = Field(
        "auto",
        description=(
            "`auto`: zero, identity or diagonal where the formula says so, else factored where "
            "that holds at most half the numbers of dense, else dense. `dense`: all the "
            "numbers. `factored`: terms of factors."
        ),
    )


class Kink(BaseModel):
    """A place of the expression that met a point without a derivative, and what was used."""

    expression: str = Field(description="The sub-expression.", examples=["maximum(0, x)"])
    start: int = Field(description="Its first character, in Unicode code points.", examples=[0])
    end: int = Field(description="The character after its last.", examples=[13])
    rule: str = Field(description="Name of the convention.", examples=["maximum_tie"])
    count: int = Field(description="How many positions are at the kink.", examples=[1])
    positions: list[list[int]] = Field(
        description="The first ten positions, each an index by axis.", examples=[[[2]]]
    )
    value: float = Field(description="The partial derivative that was used.", examples=[0.0])
    subdifferential: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        description="Lowest and highest partial derivative there; null at a jump.",
        examples=[[0.0, 1.0]],
    )


class Conventions(BaseModel):
    """What was chosen where mathematics leaves a choice."""

    layout: Literal["numerator"] = Field(
        description="`numerator`: a derivative's shape is the output's, then the variable's."
    )
    loss_factor: str | None = Field(
        description="The factor of the loss, such as 1/N; null where no loss is named."
    )
    kinks: list[Kink] = Field(description="Points without a derivative that were met.")


class Warning(BaseModel):
    """What to know about an answer that is right all the same."""

    code: str = Field(description="Stable name.", examples=["unused_variable"])
    message: str = Field(description="In words.", examples=["'b' is not in the expression"])
    pointer: str | None = Field(
        description="JSON pointer into the request.", examples=["/wrt/1"]
    )
    start: int | None = Field(description="First character in the expression, in code points.")
    end: int | None = Field(description="Character after the last, in code points.")


class Cost(BaseModel):
    """What the computation took: estimated before it ran, the time measured."""

    flops: int = Field(description="Floating-point operations.", examples=[12])
    bytes_moved: int = Field(description="Bytes read and written.", examples=[192])
    peak_bytes: int = Field(description="Most memory held at a time, in bytes.", examples=[48])
    answer_bytes: int = Field(description="Numbers of the answer, in bytes.", examples=[24])
    seconds: float = Field(
        description="Time the computation took, in seconds.", examples=[2e-5]
    )


class EvaluateAnswer(BaseModel):
    """The value of an expression."""

    value: Tensor = Field(description="The value.")
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")


class GradientAnswer(BaseModel):
    """The value of a scalar expression and its gradients."""

    value: Tensor = Field(description="The value, of shape `[]`.")
    gradients: dict[str, Tensor] = Field(
        description="The gradient by each variable's name, of the variable's shape."
    )
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")


class JacobianAnswer(BaseModel):
    """The value of an expression and its Jacobians."""

    value: Tensor = Field(description="The value.")
    jacobians: dict[str, StructuredTensor] = Field(
        description=(
            "The Jacobian by each variable's name; its shape: the value's, then the variable's."
        )
    )
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")
