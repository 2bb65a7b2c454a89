"""`gradserve openapi`: the contract, as the file that is committed."""

from pathlib import Path

import click

from service.api.contract import contract_text
from service.commands.errors import CommandError, reason_of
from service.settings import load_settings
from service.wiring import build_routes


@click.command("openapi")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write."
)
def command(output: Path | None) -> None:
    """Print the OpenAPI document of the service, or write it to a file."""
    text = contract_text(build_routes(load_settings()))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"file {str(output)!r}: {reason_of(error)}") from error
