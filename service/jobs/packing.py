"""A document of JSON with arrays in it as bytes: safetensors, the JSON in its metadata.

Each array is named by the JSON pointer of its place, where the JSON has null. Reading takes no
more memory than a small multiple of the bytes, whatever they say.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import load, save

from service.errors import ValidationError
from service.jobs.job import Document

_KEY = "gradserve"
_METADATA = "__metadata__"
_LENGTH_BYTES = 8
_MOST_HEADER_BYTES = 64 * 2**20
_MOST_LEVELS = 64
_DTYPES = {np.dtype(np.float64): "F64", np.dtype(np.uint8): "U8"}


def pack(document: Document) -> bytes:
    """The document as bytes; its arrays are of float64 or of bytes.

    Raises:
        ValueError: a number of the JSON is not finite, or an array is of another dtype.
    """
    arrays: dict[str, NDArray[Any]] = {}
    rest = _without_arrays(document, "", arrays)
    text = json.dumps(rest, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    # An array without axes has to keep its shape, which a contiguous copy loses.
    contiguous = {n: np.ascontiguousarray(a).reshape(a.shape) for n, a in arrays.items()}
    packed: bytes = save(contiguous, {_KEY: text})
    return packed


def unpack(data: bytes) -> dict[str, Any]:
    """The document that the bytes were made from.

    Raises:
        ValidationError: they are none of ours, cut or changed.
    """
    document = _rest(_header(data))
    try:
        arrays = load(data)
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError) as error:
        raise _wrong(f"found no safetensors: {error}") from error
    for pointer, array in arrays.items():
        if array.dtype not in _DTYPES:
            raise _wrong(f"found an array of {array.dtype}, expected float64 or bytes")
        _put(document, pointer, array)
    return document


def _without_arrays(value: object, pointer: str, arrays: dict[str, NDArray[Any]]) -> object:
    if isinstance(value, np.ndarray):
        if value.dtype not in _DTYPES:
            raise ValueError(f"{pointer}: found {value.dtype}, expected float64 or bytes")
        arrays[pointer] = value
        return None
    if isinstance(value, Mapping):
        return {
            name: _without_arrays(item, f"{pointer}/{escaped(name)}", arrays)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_arrays(v, f"{pointer}/{k}", arrays) for k, v in enumerate(value)]
    return value


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer, RFC 6901."""
    return name.replace("~", "~0").replace("/", "~1")


def _header(data: bytes) -> object:
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or length > len(data) - _LENGTH_BYTES:
        raise _wrong(f"found {len(data)} bytes, which end before the header does")
    if length > _MOST_HEADER_BYTES:
        raise _wrong(f"found a header of {length} bytes, expected at most {_MOST_HEADER_BYTES}")
    return _parsed(data[_LENGTH_BYTES : _LENGTH_BYTES + length])


def _rest(header: object) -> dict[str, Any]:
    metadata = header.get(_METADATA) if isinstance(header, dict) else None
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    document = _parsed(text) if isinstance(text, str) else None
    if not isinstance(document, dict):
        raise _wrong(f"found no object under the key {_KEY!r} of the metadata")
    return document


def _parsed(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong("found a header that is not JSON") from error


def _put(document: dict[str, Any], pointer: str, array: NDArray[Any]) -> None:
    """Put an array where its name says: a place that is there, with null in it."""
    parts = [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]
    holder: Any = document
    for part in parts[:-1][:_MOST_LEVELS]:
        holder = _item(holder, part, pointer)
    last = parts[-1] if parts else ""
    if _item(holder, last, pointer) is not None:
        raise _wrong(f"found an array where something else is: {pointer[:100]!r}")
    holder[int(last) if isinstance(holder, list) else last] = array


def _item(holder: object, part: str, pointer: str) -> object:
    if isinstance(holder, dict) and part in holder:
        return holder[part]
    if isinstance(holder, list) and part.isdecimal() and int(part[:9]) < len(holder):
        return holder[int(part[:9])]
    raise _wrong(f"found an array without a place: {pointer[:100]!r}")


def _wrong(found: str) -> ValidationError:
    return ValidationError(f"stored document: {found}")
