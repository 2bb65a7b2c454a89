"""A checkpoint as bytes, to go on from later with the same bits.

A line with the format's name, its version and the SHA-256 of all that follows; one line of JSON
(the run it is of, the counts, the optimizer's state as its own text); then little-endian
float64: three numbers, the parameters, the best parameters if there are any, the history.
Reading takes no more memory than a small multiple of the bytes, whatever they say.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite, nan

import numpy as np

from service.errors import ValidationError
from service.training.runs import Checkpoint, Epoch
from service.training.states import decode_state, encode_state
from service.training.updates import Array

POINTER = "/checkpoint"
_NAME, _VERSION = b"gradserve-checkpoint", b"1"
_LONGEST_LINE = 128
_MOST = 2**53
_NUMBER = np.dtype("<f8")
_SCALARS = 3
_EPOCH_NUMBERS = 5
_COUNTS = ("epoch", "step", "measured_rows", "epochs_without_gain", "parameters", "epochs")
_FIELDS = {*_COUNTS, "run", "optimizer_state", "has_best", "validated"}


@dataclass(frozen=True, slots=True)
class _Header:
    run: Mapping[str, object]
    counts: Mapping[str, int]
    state: str
    has_best: bool
    validated: bool


def encode_checkpoint(checkpoint: Checkpoint, run: Mapping[str, object]) -> bytes:
    """The checkpoint of a run; `run` is what makes it this run, as values of JSON."""
    best = checkpoint.best_parameters
    history = checkpoint.history
    header = {
        "run": dict(run),
        "optimizer_state": encode_state(checkpoint.state),
        "epoch": checkpoint.epoch,
        "step": checkpoint.step,
        "measured_rows": checkpoint.measured_rows,
        "epochs_without_gain": checkpoint.epochs_without_gain,
        "parameters": checkpoint.parameters.size,
        "epochs": len(history),
        "has_best": best is not None,
        "validated": any(line.validation_loss is not None for line in history),
    }
    scalars = (checkpoint.loss_sum, checkpoint.gradient_norm, checkpoint.best_loss)
    lines = [
        (e.epoch, e.loss, _or_nan(e.validation_loss), e.gradient_norm, e.learning_rate)
        for e in history
    ]
    arrays = [scalars, checkpoint.parameters, () if best is None else best, lines]
    content = b"".join(
        (
            json.dumps(header, separators=(",", ":")).encode() + b"\n",
            *(np.ascontiguousarray(array, _NUMBER).tobytes() for array in arrays),
        )
    )
    return b" ".join((_NAME, _VERSION, sha256(content).hexdigest().encode())) + b"\n" + content


def decode_checkpoint(data: bytes, run: Mapping[str, object]) -> Checkpoint:
    """The checkpoint that the bytes were made from, bit by bit.

    Raises:
        ValidationError: the bytes are none of ours, cut or changed, or of another run.
    """
    content = _content(data)
    end = content.find(b"\n")
    header = _header(content[: max(end, 0)])
    _check_run(header.run, run)
    numbers = content[end + 1 :]
    size, epochs = header.counts["parameters"], header.counts["epochs"]
    expected = _SCALARS + size * (1 + header.has_best) + _EPOCH_NUMBERS * epochs
    if len(numbers) != expected * _NUMBER.itemsize:
        raise _wrong(
            f"found {len(numbers)} bytes of numbers, expected {expected * _NUMBER.itemsize}"
        )
    values = np.frombuffer(numbers, _NUMBER).astype(np.float64)
    cuts = np.cumsum((_SCALARS, size, size * header.has_best))
    scalars, parameters, best, history = np.split(values, cuts)
    if not np.isfinite(parameters).all():
        raise _wrong("found a parameter that is not finite")
    loss_sum, norm, best_loss = (float(number) for number in scalars)
    return Checkpoint(
        parameters=parameters,
        state=decode_state(header.state),
        epoch=header.counts["epoch"],
        step=header.counts["step"],
        loss_sum=loss_sum,
        measured_rows=header.counts["measured_rows"],
        gradient_norm=norm,
        history=_history(history, validated=header.validated),
        best_loss=best_loss,
        best_parameters=best if header.has_best else None,
        epochs_without_gain=header.counts["epochs_without_gain"],
    )


def _content(data: bytes) -> bytes:
    """What follows the first line, whose checksum is right."""
    end = data.find(b"\n", 0, _LONGEST_LINE)
    words = data[: max(end, 0)].split(b" ")
    if len(words) != 3 or words[0] != _NAME:
        raise _wrong("found no checkpoint of gradserve")
    if words[1] != _VERSION:
        raise _wrong(f"found another version, expected version {_VERSION.decode()}")
    content = data[end + 1 :]
    if sha256(content).hexdigest().encode() != words[2]:
        raise _wrong("found one that was cut or changed: its checksum is wrong")
    return content


def _header(line: bytes) -> _Header:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _wrong("found a header that is not one of ours") from error
    if not isinstance(found, dict) or found.keys() != _FIELDS:
        raise _wrong("found a header that is not one of ours")
    counts = {name: found[name] for name in _COUNTS}
    run, state = found["run"], found["optimizer_state"]
    flags = found["has_best"], found["validated"]
    if (
        not all(type(count) is int and 0 <= count <= _MOST for count in counts.values())
        or not all(isinstance(flag, bool) for flag in flags)
        or not isinstance(run, dict)
        or not isinstance(state, str)
    ):
        raise _wrong("found a header that is not one of ours")
    return _Header(run, counts, state, *flags)


def _check_run(found: Mapping[str, object], expected: Mapping[str, object]) -> None:
    """Refuse the checkpoint of another run, with the first thing that differs."""
    known = json.loads(json.dumps(dict(expected)))
    for name in [*known, *(name for name in found if name not in known)]:
        if found.get(name) != known.get(name):
            raise ValidationError(
                f"checkpoint: found one of another run, whose {name.replace('_', ' ')} is "
                f"{_told(found.get(name))}, expected {_told(known.get(name))}",
                pointer=POINTER,
                hint="go on with the data and options that the run was begun with",
            )


def _history(numbers: Array, *, validated: bool) -> tuple[Epoch, ...]:
    lines = []
    for row in numbers.reshape(-1, _EPOCH_NUMBERS):
        epoch, loss, validation_loss, norm, rate = (float(number) for number in row)
        if not (isfinite(epoch) and 1 <= epoch <= _MOST):
            raise _wrong("found a history that no run has")
        lines.append(
            Epoch(int(epoch), loss, validation_loss if validated else None, norm, rate)
        )
    return tuple(lines)


def _or_nan(value: float | None) -> float:
    return nan if value is None else value


def _told(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _wrong(found: str) -> ValidationError:
    return ValidationError(f"checkpoint: {found}", pointer=POINTER)
