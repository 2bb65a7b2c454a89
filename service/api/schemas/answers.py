"""Answers of the operations on expressions."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from service.api.schemas.tensors import StructuredTensor, Tensor


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

    layout: Literal["numerator", "denominator"] = Field(
        description=(
            "`numerator`: a derivative's shape is the output's, then the variable's. "
            "`denominator`, where it is asked: the other way round."
        )
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
        description=("JSON pointer into the request; of `non_finite_result`, into the answer."),
        examples=["/wrt/1"],
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


class Certificate(BaseModel):
    """What central differences of the expression say of the derivatives."""

    verdict: Literal["correct", "wrong", "undecided"] = Field(
        description=(
            "`correct`: they agree to rounding. `wrong`: they differ, and the remainder of the "
            "expansion goes to 0 too slowly. `undecided`: at a kink, or where differences are "
            "noise."
        )
    )
    largest_error: float | None = Field(
        description="The largest absolute difference at the best step; null where none is.",
        examples=[1e-12],
    )
    taylor_rate: float | None = Field(
        description=(
            "The power of h with which f(x + h d) − f(x) − h f′(x) d goes to 0: 2 for a right "
            "derivative; null where it is rounding noise, as that of a linear function."
        ),
        examples=[2.0],
    )


CERTIFICATE = "Where `certify` asks for it; null of a mere value."


class EvaluateAnswer(BaseModel):
    """The value of an expression."""

    value: Tensor = Field(description="The value.")
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")
    certificate: Certificate | None = Field(None, description=CERTIFICATE)


class GradientAnswer(BaseModel):
    """The value of a scalar expression and its gradients."""

    value: Tensor = Field(description="The value, of shape `[]`.")
    gradients: dict[str, Tensor] = Field(
        description="The gradient by each variable's name, of the variable's shape."
    )
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")
    certificate: Certificate | None = Field(None, description=CERTIFICATE)


class Columns(BaseModel):
    """Where a variable's entries stand along the last axis of a stacked Jacobian."""

    name: str = Field(description="The variable.", examples=["w"])
    start: int = Field(description="Its first column.", examples=[0])
    stop: int = Field(description="The column after its last.", examples=[3])


class StackedJacobian(BaseModel):
    """The Jacobians of all variables side by side, in the order of `wrt`."""

    jacobian: StructuredTensor = Field(
        description="Of the value's shape, then one axis: every variable's entries, row-major."
    )
    columns: list[Columns] = Field(description="The columns of each variable.")


class JacobianAnswer(BaseModel):
    """The value of an expression and its Jacobians."""

    value: Tensor = Field(description="The value.")
    jacobians: dict[str, StructuredTensor] = Field(
        description=(
            "The Jacobian by each variable's name; its shape: the value's, then the variable's."
        )
    )
    stacked: StackedJacobian | None = Field(
        None, description="All Jacobians side by side, where `stack` asks for it."
    )
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")
    certificate: Certificate | None = Field(None, description=CERTIFICATE)


class HessianAnswer(BaseModel):
    """The value of a scalar expression and its second derivatives."""

    value: Tensor = Field(description="The value, of shape `[]`.")
    hessians: dict[str, dict[str, StructuredTensor]] = Field(
        description=(
            "The second derivative by two variables' names; its shape: the first's, then the "
            "second's."
        )
    )
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")
    certificate: Certificate | None = Field(None, description=CERTIFICATE)


class JvpAnswer(BaseModel):
    """The value of an expression and its Jacobian times the tangents."""

    value: Tensor = Field(description="The value.")
    jvp: Tensor = Field(
        description=(
            "The Jacobian times the tangents, of the value's shape; `many` puts an axis before "
            "it."
        )
    )
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")
    certificate: Certificate | None = Field(None, description=CERTIFICATE)


class VjpAnswer(BaseModel):
    """The value of an expression and the cotangent times its Jacobian."""

    value: Tensor = Field(description="The value.")
    vjp: dict[str, Tensor] = Field(
        description=("By each variable's name, of its shape; `many` puts an axis before it.")
    )
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")
    certificate: Certificate | None = Field(None, description=CERTIFICATE)


class HvpAnswer(BaseModel):
    """The value of a scalar expression and its Hessian times the vectors."""

    value: Tensor = Field(description="The value, of shape `[]`.")
    hvp: dict[str, Tensor] = Field(
        description=("By each variable's name, of its shape; `many` puts an axis before it.")
    )
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What it took.")
    certificate: Certificate | None = Field(None, description=CERTIFICATE)
