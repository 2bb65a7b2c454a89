"""The request and the answer of a derivation: closed forms and the steps to them."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from service.api.schemas.analysis import (
    AnalyzedVariable,
    AnalyzeRequest,
    Assumption,
    CostEstimate,
    Dimension,
)
from service.api.schemas.answers import Conventions, Warning
from service.api.schemas.names import WithRespectTo
from service.api.schemas.tensor_input import fault
from service.api.schemas.tensors import Tensor
from service.derivation.derive import DeriveRequest as Asked
from service.derivation.steps import MOST_NUMBERS
from service.language.places import describe

LayoutName = Annotated[
    Literal["numerator", "denominator"],
    Field(
        description=(
            "`numerator`, as the paper: rows are outputs, the derivative of a scalar is a row, "
            "shape = output shape + variable shape. `denominator`: its transpose, variable "
            "shape + output shape."
        ),
        examples=["numerator"],
    ),
]
StructureName = Literal["zero", "identity", "diagonal", "dense", "factored"]
STRUCTURE = (
    "What the formula is beside its numbers: the structure with which `/v1/jacobian` answers; "
    "a size that is a name counts as large."
)


SHAPE = (
    "The shape of the local derivative: the symbol's, then the operand's; the other way round "
    "in denominator layout."
)
VALUE = (
    f"the numbers, where values are given and there are at most {MOST_NUMBERS:,} of them; "
    "else null."
)


def _check_order(value: object) -> object:
    """Anything but a boolean, which Python takes for 1 or 0."""
    if isinstance(value, bool):
        raise fault(f"found {describe(value)}, expected 1 or 2")
    return value


class DeriveRequest(AnalyzeRequest):
    """An expression, what is known of its variables, and what to derive of it."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "expression": "mean((y - maximum(0, X @ w + b))**2)",
                    "shapes": {"X": ["N", "n"], "w": ["n"], "y": ["N"], "b": []},
                    "wrt": ["w", "b"],
                    "steps": True,
                }
            ]
        },
    )

    wrt: WithRespectTo = None
    layout: LayoutName = "numerator"
    order: Annotated[
        Literal[1, 2],
        BeforeValidator(_check_order),
        Field(
            description="2: the second derivative of a scalar expression, twice in a variable.",
            json_schema_extra={"format": "int64"},
            examples=[1],
        ),
    ] = 1
    steps: Annotated[
        bool, Field(description="Whether to tell the steps of the derivation.", examples=[True])
    ] = False
    detail: Annotated[
        Literal["brief", "standard", "full"],
        Field(
            description=(
                "`standard`: one step for each operation, dot products as w ⊗ x and a sum. "
                "`brief` joins affine maps and losses; `full` splits means, statistics, losses "
                "and activations, too, into the operations of their definitions."
            ),
            examples=["standard"],
        ),
    ] = "standard"

    def asked_derivation(self) -> Asked:
        """The request as the derivation takes it."""
        return Asked(
            analysis=self.asked(),
            wrt=self.wrt,
            layout=self.layout,
            order=self.order,
            steps=self.steps,
            detail=self.detail,
            values=self.variables,
        )


class Formula(BaseModel):
    """One formula in four forms."""

    text: str = Field(
        description="In the expression language; it can be sent as an expression.",
        examples=["2 * ((A @ x - y) @ A)"],
    )
    notation: str = Field(
        description="In a line of Unicode, as a person writes it.", examples=["2(Ax − y)ᵀA"]
    )
    latex: str = Field(
        description="As LaTeX, for a document with amsmath.",
        examples=[r"2(A \mathbf{x} - \mathbf{y})^{T}A"],
    )
    mathml: str = Field(description="As presentation MathML, one `math` element.")


class PartialDerivative(Formula):
    """The local derivative of a step by one of its operands."""

    by: str = Field(
        description="The operand: a variable or an earlier symbol.", examples=["u1"]
    )
    structure: StructureName = Field(description=STRUCTURE, examples=["diagonal"])
    shape: list[Dimension] = Field(description=SHAPE, examples=[["n", "n"]])
    value: Tensor | None = Field(description=VALUE)


class DerivationStep(BaseModel):
    """One operation of a derivation."""

    number: int = Field(
        description="Counted from 1.", json_schema_extra={"format": "int64"}, examples=[1]
    )
    symbol: str = Field(description="What the result of the step is called.", examples=["u1"])
    definition: Formula = Field(description="The operation, in variables and earlier symbols.")
    local_derivative: Formula = Field(
        description="The derivative of the symbol by the first operand of `partials`."
    )
    structure: StructureName = Field(description=STRUCTURE, examples=["diagonal"])
    shape: list[Dimension] = Field(
        description=SHAPE,
        examples=[["n", "n"]],
    )
    partials: list[PartialDerivative] = Field(
        description=(
            "The derivative of the symbol by each operand that depends on the variable. With "
            "several, their products with the operands' own derivatives are added up. In "
            "denominator layout each is transposed and stands on the right in its product."
        )
    )
    rule: str = Field(
        description="The rule, by the paper's name where it has one.",
        examples=["element-wise binary operator rule"],
    )
    conditions: list[str] = Field(
        description="What licenses the rule, and the chain rule that joins the steps.",
        examples=[["vector chain rule", "element-wise diagonal condition"]],
    )
    source: str = Field(
        description="Where the rule is stated.", examples=["Parr & Howard, 4.2"]
    )
    becomes: Formula = Field(
        description=(
            "The derivative of the symbol by the variable, the product so far, in the layout "
            "that is asked; of the last step the answer."
        )
    )
    value: Tensor | None = Field(description=f"Of the symbol: {VALUE}")
    local_value: Tensor | None = Field(description=f"Of the local derivative: {VALUE}")


class DerivedDerivative(Formula):
    """The closed form of a derivative."""

    index_notation: str | None = Field(
        description=(
            "Index by index: δ first, sums explicit, axes i, j, k, …; null where it would have "
            "more than 20,000 characters."
        ),
        examples=["2 Σ_j A_ji (-y_j + Σ_k A_jk x_k)"],
    )
    numpy: str = Field(
        description=(
            "The source of a module with one function, `derivative`, whose parameters are the "
            "variables' names, with an underscore where Python needs another, and that returns "
            "the full tensor; it needs NumPy alone, and "
            "scipy.special for erf, erfc, lgamma, digamma and polygamma."
        )
    )
    structure: StructureName = Field(description=STRUCTURE, examples=["dense"])
    shape: list[Dimension] = Field(
        description="The shape, in the order of the layout.", examples=[["n"]]
    )
    steps: list[DerivationStep] | None = Field(description="The steps, where asked for.")


class DeriveAnswer(BaseModel):
    """The closed forms of the derivatives."""

    derivatives: dict[str, DerivedDerivative] = Field(
        description="The derivative by each variable's name."
    )
    variables: dict[str, AnalyzedVariable] = Field(description="The variables by name.")
    assumptions: list[Assumption] = Field(description="What was taken as given.")
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: CostEstimate | None = Field(
        description="What the derivatives would take to compute; null where a size is a name."
    )
