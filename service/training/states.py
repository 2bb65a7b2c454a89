"""The state of an optimizer between two steps, and its opaque text for a client to keep.

The text is base64url of: one line of JSON (version, kind, step, size, numbers), the slots as
little-endian float64, and a CRC-32 of all before it. Reading it takes no more memory than a
small multiple of the text's length, whatever it says.
"""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard
from zlib import crc32

import numpy as np

from service.errors import ValidationError
from service.training.optimizers import OPTIMIZERS_BY_NAME
from service.training.updates import Array

POINTER = "/optimizer_state"
_VERSION = 1
_LONGEST_HEADER = 512
_CHECKSUM_BYTES = 4
_MOST = 2**53
_NUMBER = np.dtype("<f8")


@dataclass(frozen=True, slots=True, eq=False)
class OptimizerState:
    """What an optimizer remembers of `step` steps: each slot of shape (size,)."""

    kind: str
    step: int
    size: int
    slots: Mapping[str, Array] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)


def encode_state(state: OptimizerState) -> str:
    """The state as text of the letters, digits, `-` and `_` only."""
    header = {
        "version": _VERSION,
        "kind": state.kind,
        "step": state.step,
        "size": state.size,
        "numbers": dict(state.numbers),
    }
    line = json.dumps(header, separators=(",", ":")).encode() + b"\n"
    arrays = [
        np.ascontiguousarray(values, _NUMBER).tobytes() for values in state.slots.values()
    ]
    body = b"".join((line, *arrays))
    checksum = crc32(body).to_bytes(_CHECKSUM_BYTES, "little")
    return urlsafe_b64encode(body + checksum).rstrip(b"=").decode()


def decode_state(text: str) -> OptimizerState:
    """The state that the text was made from, bit by bit.

    Raises:
        ValidationError: the text is none of ours, cut or changed, or holds impossible values.
    """
    body = _body(text)
    end = body.find(b"\n", 0, _LONGEST_HEADER)
    header = _header(body[: max(end, 0)])
    kind, step, size = header["kind"], header["step"], header["size"]
    optimizer = OPTIMIZERS_BY_NAME.get(kind) if isinstance(kind, str) else None
    if optimizer is None:
        raise _wrong("found the state of an optimizer that is not known here")
    if not _is_count(step) or not _is_count(size):
        raise _wrong("found counts that no optimizer has")
    given = memoryview(body)[end + 1 :]
    expected = len(optimizer.slots) * size * _NUMBER.itemsize
    if len(given) != expected:
        raise _wrong(f"found {len(given)} bytes of numbers, expected {expected}")
    arrays = np.frombuffer(given, _NUMBER).reshape(len(optimizer.slots), size)
    slots = {}
    for slot, values in zip(optimizer.slots, arrays.astype(np.float64), strict=True):
        if not np.isfinite(values).all():
            raise _wrong(f"found a number in {slot.name} that is not finite")
        if slot.is_square and (values < 0).any():
            raise _wrong(f"found a negative number in {slot.name}, expected squares")
        slots[slot.name] = values
    numbers = _numbers(header["numbers"], tuple(optimizer.numbers))
    return OptimizerState(optimizer.kind, step, size, slots, numbers)


def _body(text: str) -> bytes:
    """The bytes of the text without their checksum, which is right."""
    try:
        data = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise _wrong("found text that is not base64url") from error
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if (
        len(checksum) < _CHECKSUM_BYTES
        or crc32(body).to_bytes(_CHECKSUM_BYTES, "little") != checksum
    ):
        raise _wrong("found a text that was cut or changed: its checksum is wrong")
    return body


def _header(line: bytes) -> dict[str, object]:
    try:
        header = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _wrong("found a header that is not one of ours") from error
    fields = {"version", "kind", "step", "size", "numbers"}
    if not isinstance(header, dict) or header.keys() != fields:
        raise _wrong("found a header that is not one of ours")
    if header["version"] != _VERSION:
        raise _wrong(f"found a state of another version, expected version {_VERSION}")
    return header


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= _MOST


def _numbers(found: object, names: tuple[str, ...]) -> dict[str, float]:
    if not isinstance(found, dict) or tuple(found) != names:
        raise _wrong("found a header that is not one of ours")
    if not all(type(value) is float and 0 <= value <= 1 for value in found.values()):
        raise _wrong("found a number that is not from 0 to 1")
    return found


def _wrong(found: str) -> ValidationError:
    message = f"optimizer_state: {found}"
    return ValidationError(message, pointer=POINTER, hint="send the text of the last answer")
