"""`gradserve evaluate`: the value of an expression, without a server."""

import click

from service.api.schemas.expressions import EvaluateRequest
from service.commands.computing import (
    FREE_TEXT,
    expression_argument,
    let_option,
    print_answer,
    read_assignments,
)


@click.command("evaluate", context_settings=FREE_TEXT)
@expression_argument
@let_option
def command(expression: str, assignments: tuple[str, ...]) -> None:
    """Print the value of EXPRESSION as JSON."""
    print_answer(
        {"expression": expression, "variables": read_assignments(assignments)},
        EvaluateRequest,
        "evaluate",
    )
