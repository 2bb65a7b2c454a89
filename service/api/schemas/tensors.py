"""Tensors and structured derivatives as they travel: flat, row-major, with their shape."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue
from typing_extensions import TypeAliasType

MATRIX: dict[str, JsonValue] = {"shape": [2, 3], "dtype": "float64", "data": [1, 2, 3, 4, 5, 6]}
VECTOR: dict[str, JsonValue] = {"shape": [3], "dtype": "float64", "data": [2, 4, 6]}

Shape = Annotated[
    list[int],
    Field(description="Size of each axis; `[]` for a scalar.", examples=[[2, 3]]),
]
FullShape = Annotated[
    list[int],
    Field(description="Shape of the output, then shape of the variable.", examples=[[3, 3]]),
]


class Tensor(BaseModel):
    """Numbers with their shape; flat and row-major."""

    model_config = {"json_schema_extra": {"examples": [MATRIX]}}

    shape: Shape
    dtype: Literal["float64", "float32"] = Field(
        "float64", description="Precision of the numbers; float32 rounds them to 32 bits."
    )
    data: list[float | None] = Field(
        description=(
            "The numbers, row-major: as many as the product of `shape`, one for a scalar. "
            "Null stands for a result that is not finite where the request allows one; "
            "a null in a request is an error."
        ),
        examples=[[1, 2, 3, 4, 5, 6]],
    )


class ZeroTensor(BaseModel):
    """Zero by its formula, whatever the values."""

    model_config = {"json_schema_extra": {"examples": [{"structure": "zero", "shape": [3, 2]}]}}

    structure: Literal["zero"] = Field(description="`zero`.")
    shape: FullShape


class IdentityTensor(BaseModel):
    """scale · δ over all axes; the shapes of output and variable are equal."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"structure": "identity", "shape": [3, 3], "scale": 1.0}]
        }
    }

    structure: Literal["identity"] = Field(description="`identity`.")
    shape: FullShape
    scale: float = Field(description="The number on the diagonal.", examples=[1.0])


class DiagonalTensor(BaseModel):
    """diagonal · δ over all axes; the shapes of output and variable are equal."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"structure": "diagonal", "shape": [3, 3], "diagonal": VECTOR}]
        }
    }

    structure: Literal["diagonal"] = Field(description="`diagonal`.")
    shape: FullShape
    diagonal: Tensor = Field(description="The numbers on the diagonal, in the output's shape.")


class DenseTensor(BaseModel):
    """All the numbers."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"structure": "dense", "shape": [2, 3], "tensor": MATRIX}]
        }
    }

    structure: Literal["dense"] = Field(description="`dense`.")
    shape: FullShape
    tensor: Tensor = Field(description="The derivative itself, of the full shape.")


class TensorFactor(BaseModel):
    """A stored factor."""

    kind: Literal["tensor"] = Field(description="`tensor`.")
    tensor: Tensor = Field(description="The factor; its axes are its letters of the equation.")


class IdentityFactor(BaseModel):
    """1 where its two letters are equal, else 0."""

    kind: Literal["identity"] = Field(description="`identity`.")
    size: int = Field(description="Size of both of its axes.", examples=[3])


class OnesFactor(BaseModel):
    """1 everywhere: the term is constant along its letter."""

    kind: Literal["ones"] = Field(description="`ones`.")
    size: int = Field(description="Size of its axis.", examples=[3])


Factor = TypeAliasType(
    "Factor",
    Annotated[
        TensorFactor | IdentityFactor | OnesFactor,
        Field(discriminator="kind", description="A factor of a term, told apart by `kind`."),
    ],
)


class Term(BaseModel):
    """coefficient · einsum(equation, factors)."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "coefficient": 2.0,
                    "equation": "ik,jl->ijkl",
                    "factors": [
                        {"kind": "identity", "size": 2},
                        {"kind": "tensor", "tensor": MATRIX},
                    ],
                }
            ]
        }
    }

    coefficient: float = Field(description="What the contraction is multiplied by.")
    equation: str = Field(
        description="Letters of each factor, then of the derivative, as in `numpy.einsum`.",
        examples=["ik,jl->ijkl"],
    )
    factors: list[Factor] = Field(
        description="One for each comma-separated part of `equation`."
    )


class FactoredTensor(BaseModel):
    """The sum of its terms."""

    structure: Literal["factored"] = Field(description="`factored`.")
    shape: FullShape
    terms: list[Term] = Field(description="Add them up for the derivative.")


StructuredTensor = TypeAliasType(
    "StructuredTensor",
    Annotated[
        ZeroTensor | IdentityTensor | DiagonalTensor | DenseTensor | FactoredTensor,
        Field(
            discriminator="structure",
            description=(
                "A derivative, told apart by `structure`; `shape` is always the shape of the "
                "output followed by the shape of the variable. The structure is read off the "
                "formula, never off the numbers."
            ),
        ),
    ],
)
