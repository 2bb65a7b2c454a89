"""`gradserve train`: a table of numbers to trained weights, in the terminal."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import FrameType

import click

from service.commands.errors import CommandError, reason_of
from service.commands.train_files import (
    HISTORY_ENDINGS,
    WEIGHT_WRITERS,
    check_writable,
    read_checkpoint,
    write_checkpoint,
    write_history,
    write_weights,
)
from service.commands.train_flags import train_flags
from service.commands.train_progress import ProgressLine
from service.commands.train_report import Split, report
from service.commands.train_task import TrainOptions, read_task
from service.errors import DivergedError, Fault, GradserveError
from service.language.places import located
from service.settings import load_settings
from service.training.data import Dataset
from service.training.fit import Trainer
from service.training.reading.tables import read_table
from service.training.runs import Result
from service.training.splits import split
from service.training.tasks import PreparedTask, prepared

INTERRUPTED = 130
_MAPPED_BYTES = 256 * 2**20
_SECONDS_BETWEEN_CHECKPOINTS = 30.0
# Where in a task a fault is, as the option that says it.
_OPTIONS = {
    "/data/targets": "--target: ",
    "/data/inputs": "--inputs: ",
    "/columns": "--column: ",
    "/parameters": "--parameter: ",
}


@click.command("train")
@click.argument("data", type=click.Path(path_type=Path))
@train_flags
def command(**given: object) -> int:
    """Train a neuron, a network or an expression on DATA: CSV, NPY, NPZ, Parquet or JSON."""
    options = TrainOptions(**given)  # type: ignore[arg-type] # click has checked the types
    _check_files(options)
    with TemporaryDirectory(prefix="gradserve-") as folder:
        try:
            return _train(options, Path(folder))
        except GradserveError as error:
            if options.expression is not None:
                error = located(error, options.expression)
            raise CommandError("\n".join(_told(fault) for fault in error.faults)) from error


def _check_files(options: TrainOptions) -> None:
    if options.out is not None:
        check_writable(options.out, "--out", tuple(WEIGHT_WRITERS))
    if options.history is not None:
        check_writable(options.history, "--history", HISTORY_ENDINGS)
    if options.resume and options.checkpoint is None:
        raise CommandError("--resume: found no --checkpoint, expected the file to go on from")
    if options.checkpoint is not None:
        check_writable(options.checkpoint, "--checkpoint")
        if options.checkpoint.exists() and not options.resume:
            raise CommandError(
                f"--checkpoint: file {str(options.checkpoint)!r}: is there already, expected "
                "--resume to go on from it, or another name"
            )


def _train(options: TrainOptions, folder: Path) -> int:
    started = perf_counter()
    dataset = _read(options.data, folder)
    task = read_task(options, dataset.rows)
    ready = prepared(task, dataset, load_settings().limits, folder)
    training = dataset.rows
    if task.schedule.validation_fraction:
        drawn = split(training, task.schedule.validation_fraction, task.schedule.seed)
        training = drawn.training.count
    rows = Split(training, dataset.rows - training)
    saved = _Saved(options.checkpoint, ready)
    start = None
    if options.resume and options.checkpoint is not None:
        start = read_checkpoint(options.checkpoint, saved.run)
    trainer = ready.trainer(start)
    _run(trainer, ready, options, saved)
    result = ready.result(trainer.result())
    _write(options, ready, result)
    is_plain = not _shows(sys.stdout.encoding)
    click.echo(report(ready, result, rows, perf_counter() - started, is_plain=is_plain))
    if result.stopped_by != "cancelled":
        return 0
    if options.checkpoint is not None:
        click.echo(
            f"interrupted: the same command with --resume goes on from {options.checkpoint}",
            err=True,
        )
    else:
        click.echo(
            "interrupted: with --checkpoint FILE a run can go on from where it was", err=True
        )
    return INTERRUPTED


def _read(path: Path, folder: Path) -> Dataset:
    """The table in the file; a large one is mapped, so that memory does not grow with it."""
    try:
        is_large = path.stat().st_size > _MAPPED_BYTES
        return read_table(path, into=folder / "table.npy" if is_large else None)
    except OSError as error:
        raise CommandError(f"file {str(path)!r}: {reason_of(error)}") from error
    except GradserveError as error:
        raise CommandError(
            "\n".join(f"file {str(path)!r}: {_told(fault)}" for fault in error.faults)
        ) from error


@dataclass(slots=True)
class _Saved:
    """The file of a run's checkpoints, if there is one, and when it is due."""

    path: Path | None
    ready: PreparedTask
    run: dict[str, object] = field(init=False)
    last: float = field(init=False)

    def __post_init__(self) -> None:
        # It reads all data, which is only worth the time where there is a checkpoint.
        self.run = {} if self.path is None else self.ready.run_identity()
        self.last = perf_counter()

    def write(self, trainer: Trainer, *, is_last: bool = False) -> None:
        """Write a checkpoint, if one is due."""
        now = perf_counter()
        if self.path is None or (
            not is_last and now - self.last < _SECONDS_BETWEEN_CHECKPOINTS
        ):
            return
        write_checkpoint(self.path, trainer.checkpoint(), self.run)
        self.last = perf_counter()


def _run(trainer: Trainer, ready: PreparedTask, options: TrainOptions, saved: _Saved) -> None:
    line = ProgressLine(sys.stderr)
    try:
        with _interrupts() as is_interrupted:
            for progress in trainer.run(is_interrupted):
                if not options.quiet:
                    line.show(progress, ready.own_loss(progress.loss))
                saved.write(trainer)
    except DivergedError as error:
        try:
            result = ready.result(trainer.result())
        except GradserveError:
            # The last good ones may be too large for other units: what comes first is told.
            raise error from None
        # The last good parameters are worth as much as the time that they took.
        _write(options, ready, result)
        if options.out is None:
            raise
        raise DivergedError(
            f"{error.message} in {str(options.out)!r}", hint=error.faults[0].hint
        ) from error
    finally:
        line.close()
    saved.write(trainer, is_last=True)


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Within this context the first Ctrl-C only asks for a stop; the second is as ever."""
    pressed: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _write(options: TrainOptions, ready: PreparedTask, result: Result) -> None:
    if options.out is not None:
        write_weights(options.out, ready.data.about, result)
    if options.history is not None:
        write_history(options.history, result.history)


def _shows(encoding: str | None) -> bool:
    """Whether what is printed may have braille in it."""
    try:
        "⣿".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _told(fault: Fault) -> str:
    """What is wrong, in one line where no caret points into an expression."""
    place = next((o for p, o in _OPTIONS.items() if (fault.pointer or "").startswith(p)), "")
    end = "\n" if "\n" in fault.message else " "
    return f"{place}{fault.message}{f'{end}({fault.hint})' if fault.hint else ''}"
