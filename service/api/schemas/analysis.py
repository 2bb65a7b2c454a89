"""The request and the answer of the analysis of an expression."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

from service.api.schemas.answers import Conventions, Warning
from service.api.schemas.expression_input import Expression
from service.api.schemas.expressions import DialectName
from service.api.schemas.names import Variables, check_variables
from service.api.schemas.tensor_input import LONGEST_AXIS, fault
from service.calculus.dimensions import Dimension as Size
from service.calculus.dimensions import NamedSize, parsed_size
from service.computation.analysis import AnalysisRequest as Asked
from service.errors import ValidationError
from service.language.places import describe, shown
from service.settings import Limits

LONGEST_SIZE = 64
SIZE_RULE = "a whole number of at least 1, or a size with names such as 'n' or 'n+1'"


class _ShapeSchema:
    """What Pydantic validates and documents a shape with."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _read_shape,
            json_schema_input_schema=core_schema.list_schema(
                handler.generate_schema(Dimension)
            ),
        )


def _read_shape(value: object, info: core_schema.ValidationInfo) -> tuple[Size, ...]:
    limits = info.context if isinstance(info.context, Limits) else Limits()
    if not isinstance(value, list):
        raise fault(f"found {describe(value)}, expected an array of sizes")
    if len(value) > limits.max_dimensions:
        raise fault(
            f"found {len(value)} axes, but the limit max_dimensions is {limits.max_dimensions}",
            code="over_limit",
        )
    return tuple(_read_size(size, f"/{place}") for place, size in enumerate(value))


def _read_size(value: object, pointer: str) -> Size:
    size: Size | None = None
    if type(value) is int:
        size = value
    elif isinstance(value, str) and len(value) <= LONGEST_SIZE:
        size = parsed_size(value)
    if isinstance(size, NamedSize) and any(count > 0 for _, count in size.counts):
        return size
    if isinstance(size, int) and 1 <= size <= LONGEST_AXIS:
        return size
    found = shown(value) if isinstance(value, str) else describe(value)
    raise fault(f"found {found}, expected {SIZE_RULE}", pointer=pointer)


Dimension = TypeAliasType(
    "Dimension",
    Annotated[
        int | str,
        Field(description=f"The size of an axis: {SIZE_RULE}.", examples=[3, "n", "n+1"]),
    ],
)
Shape = Annotated[
    Any,
    _ShapeSchema(),
    Field(description="A size for each axis; `[]` for a scalar.", examples=[[3, "n"]]),
]


class AnalyzeRequest(BaseModel):
    """An expression, and what is known of its variables: shapes, values, or nothing."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "expression": "mean((y - maximum(0, X @ w + b))**2)",
                    "shapes": {"X": ["N", "n"], "w": ["n"], "y": ["N"], "b": []},
                }
            ]
        },
    )

    expression: Expression
    dialect: DialectName = "numpy"
    shapes: Annotated[
        dict[str, Shape],
        BeforeValidator(check_variables),
        Field(
            default_factory=dict,
            description=(
                "The shapes of variables by name. A name that stands in a size is that size in "
                "the expression, as in zeros(n). A variable without a shape or value has one "
                "by its name: a to g are scalars, h to z vectors, A to Z matrices, longer and "
                "Greek names scalars; `assumptions` lists them."
            ),
            examples=[{"A": [3, "n"], "x": ["n"]}],
        ),
    ]
    variables: Annotated[Variables, Field(default_factory=dict)]

    def asked(self) -> Asked:
        """The request as the analysis takes it; a value gives its own shape.

        Raises:
            ValidationError: a name has both a shape and a value.
        """
        both = next((name for name in self.shapes if name in self.variables), None)
        if both is not None:
            raise ValidationError(
                f"found {shown(both)} in shapes and in variables, expected it in one of them",
                pointer=f"/shapes/{both}",
            )
        given = {name: tuple(shape) for name, shape in self.shapes.items()}
        names = (
            name
            for shape in given.values()
            for size in shape
            if isinstance(size, NamedSize)
            for name, _ in size.counts
        )
        values: dict[str, tuple[Size, ...]] = {n: v.shape for n, v in self.variables.items()}
        return Asked(
            expression=self.expression.text,
            shapes=values | given,
            sizes=frozenset(names),
            valued=frozenset(values),
            dialect=self.expression.dialect(self.dialect),
            pointer_at=self.expression.pointer_at,
        )


class AnalyzedVariable(BaseModel):
    """A variable of the expression."""

    shape: list[Dimension] = Field(
        description="A size for each axis; those that nothing tells are named n, m, k, ….",
        examples=[["n", 3]],
    )


class Assumption(BaseModel):
    """A variable that nobody gave a shape, and the one that its name gives it."""

    name: str = Field(description="The variable.", examples=["x"])
    shape: list[Dimension] = Field(description="Its shape.", examples=[["n"]])
    message: str = Field(
        description="In words.",
        examples=["x is a vector: the letters h to z are, where no shape is given"],
    )


class CostEstimate(BaseModel):
    """What the value would take to compute."""

    flops: int = Field(description="Floating-point operations.", examples=[12])
    bytes_moved: int = Field(description="Bytes read and written.", examples=[192])
    peak_bytes: int = Field(description="Most memory held at a time, in bytes.", examples=[48])
    answer_bytes: int = Field(description="Numbers of the value, in bytes.", examples=[24])


class AnalyzeAnswer(BaseModel):
    """What an expression is, without values."""

    text: str = Field(
        description="The expression in the usual way of writing it, in the numpy dialect.",
        examples=["maximum(0, w @ x + b)"],
    )
    notation: str = Field(
        description="The expression in one line of Unicode, as a person writes it.",
        examples=["max(0, w·x + b)"],
    )
    latex: str = Field(
        description="The expression as LaTeX, for a document with amsmath.",
        examples=[r"\max(0, \mathbf{w} \cdot \mathbf{x} + b)"],
    )
    mathml: str = Field(
        description="The expression as presentation MathML, one `math` element."
    )
    tree: Expression = Field(description="The expression as a tree, to be sent instead of it.")
    shape: list[Dimension] = Field(description="The shape of the value.", examples=[["n"]])
    variables: dict[str, AnalyzedVariable] = Field(description="The variables by name.")
    assumptions: list[Assumption] = Field(description="What was taken as given.")
    conventions: Conventions = Field(description="What was chosen where there is a choice.")
    warnings: list[Warning] = Field(description="What to know about this answer.")
    cost: CostEstimate | None = Field(
        description="What its value would take; null where a size is a name."
    )
