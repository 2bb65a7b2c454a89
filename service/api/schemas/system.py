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


class OptionInfo(BaseModel):
    """A number that a choice takes."""

    name: str = Field(description="Its field.", examples=["momentum"])
    symbol: str = Field(description="What the formula calls it.", examples=["μ"])
    summary: str = Field(description="What it is.")
    range: str = Field(
        description="What it may be.", examples=["a number at least 0 and below 1"]
    )
    default: float | None = Field(
        description="What it is where it is left out; null where it is required."
    )


class ChoiceInfo(BaseModel):
    """A loss, activation, optimizer, schedule or initializer that a request may choose."""

    kind: str = Field(description="The name to choose it by.", examples=["momentum"])
    aliases: list[str] = Field(description="Other names for it.")
    summary: str = Field(description="What it is.")
    text: str = Field(
        description="Its formula in the language of expressions.",
        examples=["v = μ * v_0 + g; w - η * v"],
    )
    latex: str = Field(description="Its formula in LaTeX.")
    options: list[OptionInfo] = Field(description="The numbers that it takes.")
    targets: str | None = Field(
        description="Of a loss: the targets that it is for.", examples=["-1 or 1"]
    )
    note: str = Field(description="Conventions where it is not smooth; or empty.")
    source: str = Field(description="The work that states it.")


class Info(BaseModel):
    """The service's version, limits and functions, and what training requests may choose."""

    name: str = Field(description="`gradserve`.", examples=["gradserve"])
    version: str = Field(description="Version of the service.", examples=["0.1.0"])
    limits: ServiceLimits = Field(description="What one request may ask for.")
    functions: list[FunctionInfo] = Field(description="Every function of the language.")
    activations: list[ChoiceInfo] = Field(description="Every activation.")
    losses: list[ChoiceInfo] = Field(description="Every loss.")
    optimizers: list[ChoiceInfo] = Field(description="Every optimizer.")
    schedules: list[ChoiceInfo] = Field(description="Every schedule of the learning rate.")
    initializers: list[ChoiceInfo] = Field(description="Every initializer of weights.")
