"""What the service tells about itself."""

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """That the process answers."""

    status: Literal["ok"] = Field(description="Always `ok`.")


class Readiness(BaseModel):
    """That requests can be served."""

    status: Literal["ready"] = Field(description="Always `ready`.")


class ServiceLimits(BaseModel):
    """What one request may ask for."""

    max_body_bytes: int = Field(description="Size of a request's body, in bytes.")
    max_expression_characters: int = Field(
        description="Length of an expression, in characters."
    )
    max_expression_nodes: int = Field(description="Nodes of an expression's syntax tree.")
    max_expression_nesting: int = Field(description="Depth of an expression's syntax tree.")
    max_dimensions: int = Field(description="Axes of a tensor.")
    max_variables: int = Field(description="Variables, and names in `wrt`.")
    max_json_strings: int = Field(description="Strings and objects in a request's body.")
    max_json_arrays: int = Field(description="Arrays in a request's body, nested ones too.")
    max_answer_bytes: int = Field(description="Numbers of one answer, in bytes.")
    max_flops: float = Field(description="Estimated floating-point operations of a request.")
    compute_seconds: float = Field(description="Time a computation may take, in seconds.")


class FunctionInfo(BaseModel):
    """A function of the expression language."""

    name: str = Field(description="How it is written.", examples=["softmax"])
    arguments: str = Field(description="What it takes.", examples=["x, axis=-1"])
    summary: str = Field(description="What it is.")
    latex: str = Field(description="Its formula in LaTeX.")
    aliases: list[str] = Field(description="Other names for it.")
    note: str = Field(
        description="Conventions where it is not smooth, numerics, sources; or empty."
    )


class Info(BaseModel):
    """The service's version, limits and functions."""

    name: str = Field(description="`gradserve`.", examples=["gradserve"])
    version: str = Field(description="Version of the service.", examples=["0.1.0"])
    limits: ServiceLimits = Field(description="What one request may ask for.")
    functions: list[FunctionInfo] = Field(description="Every function of the language.")
