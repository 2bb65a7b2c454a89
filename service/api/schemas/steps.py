"""The request and the answer of a step that makes a scalar expression smaller."""

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from service.api.schemas.answers import Conventions, Cost, Warning
from service.api.schemas.expression_input import Expression
from service.api.schemas.expressions import DialectName
from service.api.schemas.learning import (
    STRICT,
    AfterStep,
    Stepping,
)
from service.api.schemas.names import Variables, check_names
from service.api.schemas.tensors import Tensor
from service.computation.requests import Request

LEAST_SQUARES: dict[str, JsonValue] = {
    "expression": "mean((y - (X @ w + b))**2)",
    "variables": {"X": [[1, 2], [3, 1], [2, 2]], "y": [1, 2, 0], "w": [1, -1], "b": 0.5},
    "parameters": ["w", "b"],
    "optimizer": {"kind": "adam", "learning_rate": 0.1},
}


class StepRequest(Stepping):
    """A scalar expression, its variables, which of them to change, and the optimizer."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"examples": [LEAST_SQUARES]})

    expression: Expression
    dialect: DialectName = "numpy"
    variables: Variables
    parameters: Annotated[
        list[str],
        BeforeValidator(check_names),
        Field(
            description="The variables that the step changes, each once.",
            examples=[["w", "b"]],
        ),
    ]

    def asked(self) -> Request:
        """The gradient that the step is taken by, as the computation takes it."""
        return Request(
            operation="gradient",
            expression=self.expression.text,
            dialect=self.expression.dialect(self.dialect),
            pointer_at=self.expression.pointer_at,
            variables=self.variables,
            wrt=self.parameters,
        )


class StepAnswer(AfterStep):
    """The value and its gradient before the step, and the parameters after it."""

    value: Tensor = Field(description="The value before the step, of shape `[]`.")
    gradients: dict[str, Tensor] = Field(
        description="The gradient by each parameter's name, of its shape."
    )
    parameters: dict[str, Tensor] = Field(
        description="The value of each parameter after the step, by its name."
    )
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")
