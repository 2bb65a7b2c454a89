"""Problem details: what every error answers (RFC 9457)."""

from pydantic import BaseModel, Field


class ProblemError(BaseModel):
    """One thing that is wrong, and where."""

    pointer: str | None = Field(
        description="JSON pointer (RFC 6901) into the request's body; null when none applies.",
        examples=["/expression"],
    )
    start: int | None = Field(
        description="First character of the place in the expression, in Unicode code points.",
        examples=[4],
    )
    end: int | None = Field(
        description="Character after the place's last, in Unicode code points.", examples=[10]
    )
    message: str = Field(
        description=(
            "Where, what was found, what was expected; for an expression it ends with line, "
            "column and an excerpt with a caret."
        ),
        examples=["unknown function 'sigmod' at 4–10; did you mean 'sigmoid'?"],
    )
    hint: str | None = Field(description="What to write instead.", examples=["sigmoid"])


class Problem(BaseModel):
    """An error, as `application/problem+json`."""

    type: str = Field(
        description="Address of the page that explains this kind of error, on the service.",
        examples=["/problems/unknown_function"],
    )
    title: str = Field(
        description="The kind of error in words; the same for every occurrence.",
        examples=["A function is not in the language"],
    )
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="What is wrong with this request.",
        examples=["unknown function 'sigmod' at 4–10; did you mean 'sigmoid'?"],
    )
    instance: str = Field(
        description="The request's id, also in the header X-Request-ID and in the log.",
        examples=["4f0c9e7d2b6a4c55a1d0c3e2f1b09a87"],
    )
    code: str = Field(
        description="Stable name of the kind of error, for programs.",
        examples=["unknown_function"],
    )
    errors: list[ProblemError] = Field(description="What is wrong, at most 20 entries.")


class ProblemDescription(BaseModel):
    """What a problem's `type` refers to."""

    code: str = Field(description="Stable name of the kind of error.", examples=["validation"])
    title: str = Field(description="The kind of error in words.")
    status: int = Field(description="The HTTP status it comes with.", examples=[422])
    meaning: str = Field(description="When it occurs.")
    remedy: str = Field(description="What to do about it.")
