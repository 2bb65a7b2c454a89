"""`gradserve hessian`: a scalar expression and its Hessians, without a server."""

import click

from service.api.schemas.expressions import HessianRequest
from service.commands.computing import (
    FREE_TEXT,
    expression_argument,
    let_option,
    print_answer,
    read_assignments,
    wrt_option,
)


@click.command("hessian", context_settings=FREE_TEXT)
@expression_argument
@let_option
@wrt_option
@click.option(
    "--representation",
    default="auto",
    help="auto, dense or factored.",
    metavar="NAME",
)
def command(
    expression: str, assignments: tuple[str, ...], wrt: tuple[str, ...], representation: str
) -> None:
    """Print the value and the Hessians of a scalar EXPRESSION as JSON."""
    fields = {"expression": expression, "variables": read_assignments(assignments)}
    print_answer(
        fields | {"wrt": list(wrt) or None, "representation": representation},
        HessianRequest,
        "hessian",
    )
