"""What ends a command: one text on standard error, and the exit code 2."""

import click


class CommandError(click.ClickException):
    """A command that cannot do what it was asked to; the text says why."""

    exit_code = 2
