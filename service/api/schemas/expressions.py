"""Requests and answers of the operations on expressions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.api.schemas.expression_input import Expression
from service.api.schemas.names import BatchNames, Directions, Variables, WithRespectTo
from service.api.schemas.tensor_input import TensorInput
from service.computation.operations import OUTPUT, OperationName
from service.computation.requests import Request as Asked
from service.errors import ValidationError
from service.language.parser import Dialect

NEURON: dict[str, JsonValue] = {
    "expression": "maximum(0, w @ x + b)",
    "variables": {"w": [1, 2, 3], "x": [0.5, -1, 2], "b": 0.25},
}

DialectName = Annotated[
    Dialect,
    Field(
        description=(
            "`numpy`: NumPy's meaning. `matrixcalculus`: the syntax of matrixcalculus.org with "
            "its meaning: vectors are columns, `*` is the matrix product, `.*` `./` `.^` work "
            "entry by entry, `'` transposes. A tree has one meaning, whatever the dialect."
        )
    ),
]
Representation = Annotated[
    Literal["auto", "dense", "factored"],
    Field(
        description=(
            "`auto`: zero, identity or diagonal where the formula says so, else factored where "
            "that holds at most half the numbers of dense, else dense. `dense`: all the "
            "numbers. `factored`: terms of factors."
        )
    ),
]
Nonfinite = Annotated[
    Literal["error", "allow"],
    Field(
        description=(
            "`error`: an answer that is not finite is refused, with the sub-expression that "
            "made it so. `allow`: null stands for each such number, and the warning "
            "`non_finite_result` tells its kind and position."
        )
    ),
]
Dtype = Annotated[
    Literal["float64", "float32"],
    Field(description="Precision of the computation and of the answer's tensors."),
]
Accuracy = Annotated[
    Literal["exact", "fast"],
    Field(
        description=(
            "`exact`: every kernel is right to rounding. `fast` allows kernels with a small "
            "absolute error; at present it computes as `exact` does."
        )
    ),
]
Many = Annotated[
    bool,
    Field(description="Whether there are many directions, counted by a leading axis."),
]
Certify = Annotated[
    bool,
    Field(
        description=(
            "Whether to have the derivatives borne out by central differences at several "
            "steps, along one random direction; `certificate` tells the result. Takes some "
            "thirty evaluations."
        )
    ),
]
QUADRATIC: dict[str, JsonValue] = {
    "expression": "0.5 * x @ A @ x",
    "variables": {"A": [[2, 1], [1, 3]], "x": [1, -1]},
}


class Request(BaseModel):
    """What every operation takes; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    expression: Expression
    dialect: DialectName = "numpy"
    variables: Variables
    batch: BatchNames = None
    dtype: Dtype = "float64"
    accuracy: Accuracy = "exact"
    nonfinite: Nonfinite = "error"
    certify: Certify = False

    def asked(self, operation: OperationName) -> Asked:
        """The request as the computation takes it."""
        directions = getattr(self, "tangents", None) or getattr(self, "vectors", None) or {}
        if hasattr(self, OUTPUT):
            directions = {OUTPUT: getattr(self, OUTPUT)}
        return Asked(
            operation=operation,
            expression=self.expression.text,
            dialect=self.expression.dialect(self.dialect),
            pointer_at=self.expression.pointer_at,
            variables=self.variables,
            wrt=getattr(self, "wrt", None),
            representation=getattr(self, "representation", "auto"),
            directions=directions,
            many=getattr(self, "many", False),
            stack=getattr(self, "stack", False),
            batch=self.batch or (),
            dtype=self.dtype,
            allows_nonfinite=self.nonfinite == "allow",
            certify=self._certify(),
        )

    def _certify(self) -> bool:
        """Whether a certificate is asked for.

        Raises:
            ValidationError: of what has none.
        """
        if self.certify and (self.batch or self.dtype == "float32"):
            other = "batch" if self.batch else "dtype"
            raise ValidationError(
                f"found certify with {other}, expected one of them: a certificate is that of "
                "one point in float64",
                pointer="/certify",
            )
        return self.certify


class EvaluateRequest(Request):
    """An expression and the values of its variables."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEURON]})


class GradientRequest(Request):
    """A scalar expression, the values of its variables, and what to differentiate by."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEURON | {"wrt": ["w", "b"]}]})

    wrt: WithRespectTo = None


class JacobianRequest(Request):
    """An expression, the values of its variables, and what to differentiate by."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"expression": "x**2", "variables": {"x": [1, 2, 3]}, "wrt": ["x"]}]
        }
    )

    wrt: WithRespectTo = None
    representation: Representation = "auto"
    stack: bool = Field(
        default=False,
        description="Whether to give the Jacobians side by side as well, as `stacked`.",
    )


class HessianRequest(Request):
    """A scalar expression, the values of its variables, and what to differentiate by, twice."""

    model_config = ConfigDict(json_schema_extra={"examples": [QUADRATIC | {"wrt": ["x"]}]})

    wrt: WithRespectTo = None
    representation: Representation = "auto"


class JvpRequest(Request):
    """An expression and the tangents that its Jacobian is multiplied by."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [NEURON | {"tangents": {"w": [1, 0, 0]}}]}
    )

    wrt: WithRespectTo = None
    tangents: Directions
    many: Many = False


class VjpRequest(Request):
    """An expression and the cotangent that multiplies its Jacobian."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "expression": "A @ x",
                    "variables": {"A": [[1, 2], [3, 4]], "x": [1, -1]},
                    "cotangent": [1, 0.5],
                }
            ]
        }
    )

    wrt: WithRespectTo = None
    cotangent: TensorInput = Field(
        description=(
            "A number for each entry of the value, of the value's shape; with `many`, behind a "
            "leading axis that counts cotangents."
        )
    )
    many: Many = False


class HvpRequest(Request):
    """A scalar expression and the vectors that its Hessian is multiplied by."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [QUADRATIC | {"vectors": {"x": [1, 0]}}]}
    )

    wrt: WithRespectTo = None
    vectors: Directions
    many: Many = False
