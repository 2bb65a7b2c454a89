"""The command `gradserve`: hands over to the module of the command that is asked for."""

import importlib
import sys

import click

from service import __version__
from service.settings import SettingsError, keep_blas_on_one_thread

COMMANDS = (
    "serve",
    "evaluate",
    "gradient",
    "jacobian",
    "hessian",
    "derive",
    "train",
    "datasets",
    "jobs",
    "keys",
    "migrate",
    "worker",
    "scheduler",
    "certificates",
    "openapi",
)
FAILED = 2


class Commands(click.Group):
    """The commands, each imported when it is called for: NumPy loads after its variables."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"service.commands.{cmd_name}").command
        assert isinstance(found, click.Command)
        return found


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gradserve")
def commands() -> None:
    """Exact derivatives of matrix expressions: a service, and the same without one."""


def main() -> None:
    """Run a command; what is wrong with it is one clear text, and the exit code 2."""
    keep_blas_on_one_thread()
    try:
        code = commands.main(prog_name="gradserve", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 0
    except click.ClickException as error:
        click.echo(f"gradserve: {error.format_message()}", err=True)
        code = FAILED
    except SettingsError as error:
        click.echo(f"gradserve: {error}", err=True)
        code = FAILED
    except click.Abort:
        code = 0
    sys.exit(code)


if __name__ == "__main__":
    main()
