"""The options of `gradserve train` as the terminal knows them: names, types, help."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from service.training.tasks import DEFAULT_BATCH_ROWS, DEFAULT_RATES

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)
_POSITIVE = click.FloatRange(min=0, min_open=True)
_NOT_NEGATIVE = click.FloatRange(min=0)
_RATES = ", ".join(f"{kind} {rate:g}" for kind, rate in DEFAULT_RATES.items())


def _model_flags() -> list[Callable[[Command], Command]]:
    option = click.option
    return [
        option("--target", multiple=True, metavar="NAMES", help="The columns to predict."),
        option("--inputs", multiple=True, metavar="NAMES", help="All but the targets."),
        option("--model", type=click.Choice(["neuron", "network", "expression"]),
               help="What is trained; neuron if not given."),
        option("--hidden", metavar="SIZES",
               help="A network's hidden layers: 32,16, or none; 32 if not given."),
        option("--hidden-activation", metavar="NAME", help="relu if not given."),
        option("--activation", metavar="NAME",
               help="Of the output: leaky_relu:negative_slope=0.1; else what suits the loss."),
        option("--loss", metavar="NAME", help="mse if not given; huber:delta=2."),
        option("--expression", metavar="TEXT", help='Minimise this: "mean((y - X @ w)**2)".'),
        option("--parameter", multiple=True, metavar="NAME=START",
               help="Of the expression: w=zeros:3, W=normal:3x2, b=0.5."),
        option("--column", multiple=True, metavar="NAME=COLUMNS",
               help="X=a,b,c is a matrix, y=a a vector, Y=a, a matrix of one column."),
        option("--initializer", metavar="NAME", help="First weights: normal, he_uniform, …"),
        option("--l1", type=_NOT_NEGATIVE, help="Times the sum of |weights|."),
        option("--l2", type=_NOT_NEGATIVE, help="Times half the sum of weights**2."),
        option("--standardize/--no-standardize", default=None,
               help="Train on columns of mean 0 and deviation 1; on, if not given. Weights "
               "are told in the data's own units; penalties are of standardized columns."),
    ]  # fmt: skip


def _run_flags() -> list[Callable[[Command], Command]]:
    option = click.option
    return [
        option("--optimizer", default="adam", show_default=True, metavar="NAME"),
        option("--learning-rate", type=_POSITIVE, help=f"If not given: {_RATES}."),
        option("--optimizer-option", multiple=True, metavar="NAME=NUMBER",
               help="Such as momentum=0.9."),
        option("--schedule", metavar="NAME",
               help="Of the rate: cosine, step:every=10, warmup:steps=100+cosine."),
        option("--epochs", type=click.IntRange(min=1), default=100, show_default=True),
        option("--batch-size", metavar="ROWS|all",
               help=f"{DEFAULT_BATCH_ROWS} if not given, or all where there are fewer."),
        option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
        option("--shuffle/--no-shuffle", default=True, help="Rows in another order each time."),
        option("--validation-fraction", type=click.FloatRange(0, 1, max_open=True), default=0.0,
               help="The share of the rows that is kept to validate with."),
        option("--patience", type=click.IntRange(min=1),
               help="Stop after so many epochs without a lower (validation) loss."),
        option("--clip-norm", type=_POSITIVE, help="The longest gradient."),
        option("--clip-value", type=_POSITIVE, help="The largest entry of a gradient."),
        option("--out", type=_FILE, help="Write the weights: .json, .npz or .safetensors."),
        option("--history", type=_FILE, help="Write a line for each epoch: .csv or .json."),
        option("--checkpoint", type=_FILE,
               help="Keep here what the run goes on from; written on Ctrl-C as well."),
        option("--resume", is_flag=True, help="Go on from the checkpoint, with the same bits."),
        option("--quiet", is_flag=True, help="Tell of no progress."),
    ]  # fmt: skip


def train_flags(command: Command) -> Command:
    """The command with all its options, in the order of the help."""
    for flag in reversed([*_model_flags(), *_run_flags()]):
        command = flag(command)
    return command
