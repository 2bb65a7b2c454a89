"""What `evaluate`, `gradient` and `jacobian` share: variables read, the answer printed."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from service.api.schemas.expressions import Request
from service.api.strict_json import parse_json
from service.api.validation import read_fields
from service.api.wire import Json, document, encode
from service.commands.errors import CommandError, reason_of
from service.computation.compute import Computer
from service.computation.operations import OperationName
from service.errors import Fault, GradserveError
from service.language.places import shown
from service.settings import Settings, load_settings

Command = TypeVar("Command", bound=Callable[..., Any])
RequestModel = TypeVar("RequestModel", bound=Request)

FREE_TEXT = {"ignore_unknown_options": True}
expression_argument = click.argument("expression")
let_option = click.option(
    "--let",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="A variable: x=2, x=[1,2,3], or x=@file.json.",
)
wrt_option = click.option(
    "--wrt",
    multiple=True,
    metavar="NAME",
    help="Differentiate by this variable; all if not given.",
)


def print_answer(
    fields: Json,
    model: type[RequestModel],
    operation: OperationName,
) -> None:
    """Print the same JSON as the API would, indented on a terminal.

    Raises:
        CommandError: what the API would answer with a problem.
    """
    settings = load_settings()
    try:
        request = read_fields(fields, model, settings.limits)
        answer = Computer(settings.limits).answer(request.asked(operation))
    except GradserveError as error:
        raise CommandError("\n".join(told(fault) for fault in error.faults)) from error
    click.echo(encode(document(answer), is_pretty=sys.stdout.isatty()))


def read_assignments(assignments: Sequence[str]) -> Json:
    """The `variables` of a request: name → JSON value.

    Raises:
        CommandError: an assignment is not NAME=VALUE, or its value is not JSON.
    """
    settings = load_settings()
    variables: Json = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals:
            raise CommandError(f"--let: found {shown(assignment)}, expected NAME=VALUE")
        if name in variables:
            raise CommandError(f"--let: found {shown(name)} twice, expected each name once")
        variables[name] = _value(name, text.strip(), settings)
    return variables


def _value(name: str, text: str, settings: Settings) -> object:
    place = f"--let {name}"
    try:
        raw = Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
        return parse_json(raw, settings.limits)
    except OSError as error:
        raise CommandError(f"{place}: file {text[1:]!r}: {reason_of(error)}") from error
    except GradserveError as error:
        raise CommandError(f"{place}: {error.message}") from error


def told(fault: Fault) -> str:
    """What is wrong, as the terminal says it."""
    place = f"{fault.pointer}: " if fault.pointer and fault.start is None else ""
    hint = f"\n({fault.hint})" if fault.hint else ""
    return f"{place}{fault.message}{hint}"
