"""What `gradserve train` writes and reads beside the data: weights, history, checkpoints."""

import csv
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from service.commands.errors import CommandError, reason_of
from service.errors import GradserveError
from service.language.places import shown
from service.training.checkpoints import decode_checkpoint, encode_checkpoint
from service.training.runs import Checkpoint, Epoch, Result
from service.training.updates import Array

HISTORY_ENDINGS = (".csv", ".json")
_FORMAT = "gradserve-weights"


def check_writable(path: Path, option: str, endings: tuple[str, ...] = ()) -> None:
    """Refuse a file that cannot be written, before any time is spent on training.

    Raises:
        CommandError: its name ends in another way, or its folder is missing.
    """
    if endings and path.suffix.lower() not in endings:
        raise CommandError(
            f"{option}: found {shown(path.name)}, expected a name that ends in "
            f"{', '.join(endings)}"
        )
    if not path.parent.is_dir():
        raise CommandError(f"{option}: file {str(path)!r}: no such file or directory")
    if path.is_dir():
        raise CommandError(f"{option}: file {str(path)!r}: is a directory")


def write_weights(path: Path, about: Mapping[str, object], result: Result) -> None:
    """Write the parameters, with what they are of, in the format of the file's name."""
    told = {
        "format": _FORMAT,
        "version": 1,
        "model": dict(about),
        "loss": result.loss,
        "validation_loss": result.validation_loss,
        "epochs": result.epochs,
        "stopped_by": result.stopped_by,
    }
    _write(path, WEIGHT_WRITERS[path.suffix.lower()](told, result.parameters))


def write_history(path: Path, history: tuple[Epoch, ...]) -> None:
    """Write a line for each epoch, as CSV or JSON by the file's name."""
    lines = [asdict(line) for line in history]
    if path.suffix.lower() == ".json":
        _write(path, (json.dumps(lines, indent=1) + "\n").encode())
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    _write(path, text.getvalue().encode())


def write_checkpoint(path: Path, checkpoint: Checkpoint, run: Mapping[str, object]) -> None:
    """Write a checkpoint of the run; the one before it stays until this one is whole."""
    _write(path, encode_checkpoint(checkpoint, run))


def read_checkpoint(path: Path, run: Mapping[str, object]) -> Checkpoint:
    """The checkpoint in the file.

    Raises:
        CommandError: there is no such file, or it is no checkpoint of this run.
    """
    try:
        return decode_checkpoint(path.read_bytes(), run)
    except OSError as error:
        raise CommandError(f"--checkpoint: file {str(path)!r}: {reason_of(error)}") from error
    except GradserveError as error:
        hint = error.faults[0].hint
        raise CommandError(
            f"file {str(path)!r}: {error.message}{f' ({hint})' if hint else ''}"
        ) from error


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CommandError(f"file {str(path)!r}: {reason_of(error)}") from error


def _as_json(told: Mapping[str, object], parameters: Mapping[str, Array]) -> bytes:
    values = {name: array.tolist() for name, array in parameters.items()}
    return (json.dumps({**told, "parameters": values}, indent=1) + "\n").encode()


def _as_npz(told: Mapping[str, object], parameters: Mapping[str, Array]) -> bytes:
    """As `numpy.savez`, which has no room for a parameter that is called `file`."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in parameters.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.array(array, order="C"))
    return content.getvalue()


def _as_safetensors(told: Mapping[str, object], parameters: Mapping[str, Array]) -> bytes:
    arrays = {name: np.array(array, order="C") for name, array in parameters.items()}
    return save(arrays, metadata={"gradserve": json.dumps(told)})


WEIGHT_WRITERS: dict[str, Callable[[Mapping[str, object], Mapping[str, Array]], bytes]] = {
    ".json": _as_json,
    ".npz": _as_npz,
    ".safetensors": _as_safetensors,
}
