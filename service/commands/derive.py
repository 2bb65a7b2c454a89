"""`gradserve derive`: the closed form of a derivative, and the steps to it, in the terminal."""

from collections.abc import Sequence

import click

from service.api.schemas.derivation import DeriveRequest
from service.api.validation import read_fields
from service.api.wire import Json
from service.commands.computing import (
    FREE_TEXT,
    expression_argument,
    told,
    wrt_option,
)
from service.commands.errors import CommandError
from service.derivation.derive import Derivation, derived
from service.derivation.steps import Step
from service.errors import GradserveError
from service.language.places import shown
from service.rendering.render import Formulas
from service.settings import load_settings


@click.command("derive", context_settings=FREE_TEXT)
@expression_argument
@wrt_option
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="NAME=SIZES",
    help="A variable's shape: A=m,n, w=3, or b= for a scalar; else by its letter.",
)
@click.option("--order", type=click.Choice(["1", "2"]), default="1", help="2: twice.")
@click.option(
    "--layout",
    type=click.Choice(["numerator", "denominator"]),
    default="numerator",
    help="How the derivative is laid out.",
)
@click.option("--steps", is_flag=True, help="Tell the steps of the derivation.")
@click.option(
    "--detail",
    type=click.Choice(["brief", "standard", "full"]),
    default="standard",
    help="How fine the steps are.",
)
@click.option("--latex", "is_latex", is_flag=True, help="Print formulas as LaTeX.")
def command(
    expression: str,
    wrt: tuple[str, ...],
    shapes: tuple[str, ...],
    order: str,
    is_latex: bool,
    **how: object,
) -> None:
    """Print the closed form of the derivatives of EXPRESSION."""
    fields = {"expression": expression, "wrt": list(wrt) or None, "order": int(order), **how}
    fields |= {"shapes": _read_shapes(shapes)}
    settings = load_settings()
    try:
        request = read_fields(fields, DeriveRequest, settings.limits)
        found = derived(request.asked_derivation(), settings.limits)
    except GradserveError as error:
        raise CommandError("\n".join(told(fault) for fault in error.faults)) from error
    if not found.derivatives:
        raise CommandError(f"{shown(expression)} has no variable to differentiate by")
    click.echo("\n".join(_lines(found, is_latex=is_latex)))


def _read_shapes(shapes: Sequence[str]) -> Json:
    """The `shapes` of a request: name → sizes.

    Raises:
        CommandError: one is not NAME=SIZES, or has the name of another.
    """
    read: Json = {}
    for shape in shapes:
        name, equals, sizes = shape.partition("=")
        if not equals:
            raise CommandError(f"--shape: found {shown(shape)}, expected NAME=SIZES")
        if name.strip() in read:
            found = shown(name.strip())
            raise CommandError(f"--shape: found {found} twice, expected each name once")
        parts = [part.strip() for part in sizes.split(",") if part.strip()]
        read[name.strip()] = [int(p) if p.isdecimal() else p for p in parts]
    return read


def _lines(found: Derivation, *, is_latex: bool) -> list[str]:
    lines = []
    for name, derivative in found.derivatives.items():
        for step in derivative.steps or ():
            lines += _step_lines(step, name, is_latex=is_latex)
        lines.append(f"∂/∂{name} = {_written(derivative.formulas, is_latex=is_latex)}")
    return lines


def _step_lines(step: Step, by: str, *, is_latex: bool) -> list[str]:
    """A step as three lines: what it is, its local derivatives, what the product becomes."""
    conditions = f" ({', '.join(step.rule.conditions)})" if step.rule.conditions else ""
    definition = _written(step.definition, is_latex=is_latex)
    lines = [f"{step.number}. {step.symbol} = {definition}"]
    lines.append(f"     {step.rule.name}{conditions}; {step.rule.source}")
    for partial in step.partials:
        local = _written(partial.formulas, is_latex=is_latex)
        lines.append(f"     ∂{step.symbol}/∂{partial.by} = {local}")
    becomes = _written(step.becomes, is_latex=is_latex)
    if any(partial.by != by for partial in step.partials):
        lines.append(f"     so ∂{step.symbol}/∂{by} = {becomes}")
    return lines


def _written(formulas: Formulas, *, is_latex: bool) -> str:
    return formulas.latex if is_latex else formulas.notation
