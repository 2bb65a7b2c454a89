"""`gradserve gradient`: a scalar expression and its gradients, without a server."""

import click

from service.api.schemas.expressions import GradientRequest
from service.commands.computing import (
    FREE_TEXT,
    expression_argument,
    let_option,
    print_answer,
    read_assignments,
    wrt_option,
)


@click.command("gradient", context_settings=FREE_TEXT)
@expression_argument
@let_option
@wrt_option
def command(expression: str, assignments: tuple[str, ...], wrt: tuple[str, ...]) -> None:
    """Print the value and the gradients of a scalar EXPRESSION as JSON."""
    fields = {"expression": expression, "variables": read_assignments(assignments)}
    print_answer(
        fields | {"wrt": list(wrt) or None},
        GradientRequest,
        "gradient",
    )
