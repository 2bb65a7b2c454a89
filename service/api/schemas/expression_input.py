"""Expressions as a request gives them: text, or a JSON tree."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

from service.api.schemas.tensor_input import fault
from service.errors import GradserveError
from service.language.parser import Dialect
from service.language.places import describe
from service.language.tree_text import written
from service.settings import Limits


@dataclass(frozen=True, slots=True)
class Source:
    """An expression as text; of a tree, also what gives the pointer to the node at a place."""

    text: str
    pointer_at: Callable[[int, int], str] | None = None

    def dialect(self, asked: Dialect) -> Dialect:
        """The dialect of the text: the one asked for, but a tree is always numpy's."""
        return asked if self.pointer_at is None else "numpy"


class ExpressionTree(BaseModel):
    """An operation and its operands, for programs that build expressions.

    The operators are add, subtract, multiply, divide, power, negate, matmul, transpose,
    greater, greater_equal, less, less_equal, equal, not_equal, stack, index and let; every
    function of `/v1/info` is an operation too.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "op": "maximum",
                    "args": [
                        0,
                        {"op": "add", "args": [{"op": "matmul", "args": ["w", "x"]}, "b"]},
                    ],
                },
                {"op": "sum", "args": ["A"], "options": {"axis": 0}},
            ]
        },
    )

    op: str = Field(description="The operator or function.", examples=["add", "sum"])
    args: list["Expression"] = Field(
        default_factory=list,
        description="The operands: names, numbers or trees; add and multiply take two or more.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        description=(
            "What a function takes besides operands, by name: `axis`, `keepdims`, "
            "`subscripts`; sizes and axes are a number, a name, or an array of them. Of "
            "`index`: `index`, an array with an item an axis: a position, a slice {`start`, "
            "`stop`, `step`}, or null for a new axis. Of `let`: `bindings`, an array of "
            "{`name`, `value`}."
        ),
    )


class _ExpressionSchema:
    """What Pydantic validates and documents an expression with."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        kinds = [core_schema.str_schema(), core_schema.float_schema()]
        tree = handler.generate_schema(ExpressionTree)
        return core_schema.with_info_plain_validator_function(
            _read, json_schema_input_schema=core_schema.union_schema([*kinds, tree])
        )


def _read(value: object, info: core_schema.ValidationInfo) -> Source:
    if isinstance(value, str):
        return Source(value)
    if value is None or isinstance(value, list | bool):
        raise fault(f"found {describe(value)}, expected a string, or a tree with op and args")
    limits = info.context if isinstance(info.context, Limits) else Limits()
    try:
        tree = written(value, limits)
    except GradserveError as error:
        (first,) = error.faults
        raise fault(
            first.message, pointer=first.pointer or "", code=error.code, hint=first.hint
        ) from None
    return Source(tree.text, tree.pointer_at)


Expression = TypeAliasType(
    "Expression",
    Annotated[
        Any,
        _ExpressionSchema(),
        Field(
            description=(
                "The expression: text in the language of the guide, or a tree. In a tree a "
                "string is a variable and a number a constant."
            ),
            examples=["maximum(0, w @ x + b)"],
        ),
    ],
)
