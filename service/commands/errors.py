"""What ends a command: one text on standard error, and the exit code 2."""

import os

import click


class CommandError(click.ClickException):
    """A command that cannot do what it was asked to; the text says why."""

    exit_code = 2


def reason_of(error: OSError) -> str:
    """Why the system refused, in its own words: `address already in use`."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error)).lower()
