"""The request and the answer of a check: a claimed derivative and what became of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from service.api.schemas.answers import Conventions, Cost, Warning
from service.api.schemas.expression_input import Expression
from service.api.schemas.expressions import DialectName
from service.api.schemas.names import Variables
from service.api.schemas.tensor_input import TensorInput
from service.api.schemas.tensors import StructuredTensor
from service.derivation.claims import Claim as Asked
from service.derivation.claims import Verdict
from service.derivation.mistakes import Mistake

CLAIM = (
    "`correct`: within the tolerance, for an expression at every point tried: of every sign "
    "and scale, first of the variable, then of the others that the expression uses. A claim "
    "that needs data as structured as the given, such as a symmetric matrix or one-hot labels, "
    "is `correct` with the warning `only_for_structure`. `wrong`: not, or of another shape, or "
    "not finite where the derivative is (warning `claim_not_finite`); with the warning "
    "`only_for_given_values` where it is right for other values of `wrt`, but not of the "
    "others. `undecided`: the point is at a kink, where the claim is another subgradient, or "
    "too few points are in the range of numbers."
)
MISTAKE = (
    "The likely cause: `sign`, `factor_two` (twice as much), `factor_half`, `missing_mean` "
    "(not divided by the count), `missing_sum` (an axis too many), `missing_chain_factor`, "
    "`cases_outside_sum` (terms counted whichever case they are in), `wrong_axis`, "
    "`wrong_layout` (output and variable axes swapped), `transposed` (axes of a matrix "
    "variable swapped), `forgotten_transpose` (M for Mᵀ inside); null where none of them "
    "explains it."
)


class NumbersClaim(BaseModel):
    """A derivative claimed by its numbers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["numbers"] = Field(description="`numbers`.")
    tensor: TensorInput = Field(
        description="The derivative at the given point, of shape output + variable."
    )


class ExpressionClaim(BaseModel):
    """A derivative claimed by an expression in the same variables."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["expression"] = Field(description="`expression`.")
    expression: Expression


Claim = TypeAliasType(
    "Claim",
    Annotated[
        NumbersClaim | ExpressionClaim,
        Field(discriminator="kind", description="A claimed derivative."),
    ],
)


class CheckRequest(BaseModel):
    """An expression with the values of its variables, and a claimed derivative of it."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "expression": "norm2(A @ x - y)**2",
                    "variables": {"A": [[1, 2], [3, 4]], "x": [1, -1], "y": [0.5, 2]},
                    "wrt": "x",
                    "claim": {"kind": "expression", "expression": "2 * (A @ (A @ x - y))"},
                }
            ]
        },
    )

    expression: Expression
    dialect: DialectName = "numpy"
    variables: Variables
    wrt: Annotated[
        str, Field(description="The variable the claim differentiates by.", examples=["x"])
    ]
    claim: Claim
    tolerance: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description=(
                "The error allowed: of numbers as a part of the largest entry of the "
                "derivative, of an expression as a part of each entry; rounding comes on top."
            ),
            json_schema_extra={"format": "double"},
            examples=[1e-6],
        ),
    ] = 1e-6

    def asked(self) -> Asked:
        """The request as the judge takes it."""
        claim = self.claim
        source = claim.expression if isinstance(claim, ExpressionClaim) else None
        return Asked(
            expression=self.expression.text,
            variables=self.variables,
            wrt=self.wrt,
            numbers=claim.tensor if isinstance(claim, NumbersClaim) else None,
            claimed=source.text if source else None,
            tolerance=self.tolerance,
            dialect=self.expression.dialect(self.dialect),
            claimed_dialect=source.dialect(self.dialect) if source else "numpy",
            pointer_at=self.expression.pointer_at,
            claimed_pointer_at=source.pointer_at if source else None,
        )


class CheckAnswer(BaseModel):
    """What became of a claim."""

    verdict: Verdict = Field(description=CLAIM)
    largest_error: float | None = Field(
        description=(
            "The largest absolute error: at the given point, or where the claim is right "
            "there, at the first point tried where it is not; null where the shape is another, "
            "or the claim is not finite."
        ),
        json_schema_extra={"format": "double"},
        examples=[2.0],
    )
    position: list[int] | None = Field(
        description="Where in the claim it is; null where the shape is another.",
        examples=[[0]],
    )
    mistake: Mistake | None = Field(description=MISTAKE)
    taylor_rate: float | None = Field(
        description=(
            "The power of h with which f(x + h d) − f(x) − h · claim · d goes to 0 at the "
            "given point: 2 for a right claim, 1 for a wrong one; null where it is rounding "
            "noise."
        ),
        json_schema_extra={"format": "double"},
        examples=[1.0],
    )
    exact: StructuredTensor = Field(description="The exact derivative at the given point.")
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: Cost = Field(description="What the exact derivative took.")
