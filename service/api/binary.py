"""Requests and answers as safetensors: arrays by name, all the rest as JSON in the metadata.

The format: https://github.com/huggingface/safetensors, "Format". The library reads and writes
the arrays; the header is read here, since the library drops its metadata.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import load, save

from service.api.strict_json import parse_json
from service.api.wire import Json, encode
from service.errors import MalformedRequestError, OverLimitError, ValidationError
from service.language.lexemes import NAME
from service.language.places import describe, shown
from service.settings import Limits

SAFETENSORS = "application/vnd.safetensors"
METADATA = "__metadata__"
KEY = "gradserve"
MOST_REST_BYTES = 2**20
MOST_HEADER_BYTES = 2 * MOST_REST_BYTES
LENGTH_BYTES = 8
DTYPES = frozenset(
    {*("F64", "F32", "F16"), *("I64", "I32", "I16", "I8"), *("U64", "U32", "U16", "U8")}
)
GROUPS = ("variables", "tangents", "vectors")
ALONE = ("cotangent", "weights", "bias", "inputs", "targets", "sample_weights")
LAYER = re.compile(r"/layers/(0|[1-9][0-9]{0,3})/(weights|bias)")
MOST_LEVELS = 8
TENSOR = {"shape", "dtype", "data"}


def fields_of(raw: bytes, limits: Limits, *, is_free: bool = False) -> Json:
    """The fields of a request, its arrays in their places.

    An array named `x` is the variable x; one named by a JSON pointer, such as `/tangents/x`,
    `/cotangent` or `/inputs`, is what the pointer says. Where a request `is_free`, each name is
    a pointer to any place that the JSON leaves free.

    Raises:
        MalformedRequestError: the bytes are not safetensors.
        MalformedJsonError: the header, or the JSON in it, is not strict JSON.
        ValidationError: the rest of the request is missing, or an array has no place in it.
        OverLimitError: the header, or the JSON in it, is larger than the limit.
    """
    header = _header(raw, limits)
    fields = _rest(header.pop(METADATA, None), limits)
    for name, entry in header.items():
        dtype = entry.get("dtype") if isinstance(entry, dict) else None
        if isinstance(dtype, str) and dtype not in DTYPES:
            raise ValidationError(
                f"the array {shown(name)} has the dtype {shown(dtype)}, expected one of "
                f"{', '.join(sorted(DTYPES))}"
            )
    try:
        arrays = load(raw)
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError) as error:
        raise MalformedRequestError(
            f"the body is not safetensors: {shown(str(error))}", hint="write it by the library"
        ) from None
    for name in header:
        (_place_freely if is_free else _place)(fields, name, arrays[name])
    return fields


def _header(raw: bytes, limits: Limits) -> Json:
    length = int.from_bytes(raw[:LENGTH_BYTES], "little")
    if len(raw) < LENGTH_BYTES or length > len(raw) - LENGTH_BYTES:
        raise MalformedRequestError(
            f"the body is not safetensors: its header ends after the body's {len(raw)} bytes",
            hint=f"for JSON, send Content-Type: application/json instead of {SAFETENSORS}",
        )
    if length > MOST_HEADER_BYTES:
        raise OverLimitError(
            f"the header has {length} bytes, but at most {MOST_HEADER_BYTES} are allowed"
        )
    header = parse_json(raw[LENGTH_BYTES : LENGTH_BYTES + length].rstrip(b" "), limits)
    if not isinstance(header, dict):
        raise MalformedRequestError(
            f"the body is not safetensors: its header is {describe(header)}, not an object"
        )
    return header


def _rest(metadata: object, limits: Limits) -> Json:
    """The JSON of a request in the header's metadata."""
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ValidationError(
            f"the metadata has no text under the key {KEY!r}, expected the rest of the request",
            hint=f'metadata={{"{KEY}": json.dumps({{"expression": …}})}}',
        )
    content = text.encode("utf-8", "surrogatepass")
    if len(content) > MOST_REST_BYTES:
        raise OverLimitError(
            f"the JSON under the key {KEY!r} has {len(content)} bytes, but at most "
            f"{MOST_REST_BYTES} are allowed",
            hint="send large arrays as tensors",
        )
    fields = parse_json(content, limits)
    if not isinstance(fields, dict):
        raise ValidationError(
            f"the JSON under the key {KEY!r} is {describe(fields)}, expected an object"
        )
    return fields


def _place(fields: Json, name: str, array: NDArray[Any]) -> None:
    """Put an array where its name says; a place may be taken once."""
    group, key = "variables", name
    if name.startswith("/"):
        group, _, key = name[1:].partition("/")
        key = key.replace("~1", "/").replace("~0", "~")
    if name.startswith("/") and name[1:] in ALONE:
        holder, key = fields, name[1:]
    elif (layer := _layer_of(fields, name)) is not None:
        holder, key = layer
    elif group in GROUPS and NAME.fullmatch(key):
        holder = fields.setdefault(group, {})
    else:
        raise ValidationError(
            f"the array {shown(name)} has no place in a request, expected the name of a "
            f"variable, a pointer such as /tangents/x, or one of /{', /'.join(ALONE)}"
        )
    if not isinstance(holder, dict) or key in holder:
        raise ValidationError(
            f"the array {shown(name)} and the JSON both give {shown(key)}, expected one of them"
        )
    holder[key] = array.astype(np.float64)


def _place_freely(fields: Json, name: str, array: NDArray[Any]) -> None:
    """Put an array where its pointer says; objects on the way are made, arrays are not."""
    start, *parts = (p.replace("~1", "/").replace("~0", "~") for p in name.split("/"))
    holder: Any = fields
    for depth, part in enumerate(parts, start=1):
        is_place = isinstance(holder, dict) or (
            isinstance(holder, list) and part.isdecimal() and int(part[:9]) < len(holder)
        )
        if start or not is_place or depth > MOST_LEVELS:
            break
        at = part if isinstance(holder, dict) else int(part[:9])
        if depth == len(parts):
            if isinstance(holder, dict) and part not in holder:
                holder[part] = array.astype(np.float64)
                return
            break
        holder = holder.setdefault(at, {}) if isinstance(holder, dict) else holder[at]
    raise ValidationError(
        f"the array {shown(name)} has no free place in the JSON, expected a pointer such as "
        "/data/inputs to a field that the JSON does not give"
    )


def _layer_of(fields: Json, name: str) -> tuple[Any, str] | None:
    """The layer of a network that an array belongs to, and what it is there."""
    found = LAYER.fullmatch(name)
    layers = fields.get("layers")
    if not found or not isinstance(layers, list) or int(found[1]) >= len(layers):
        return None
    return layers[int(found[1])], found[2]


def encode_binary(document: Json) -> bytes:
    """An answer with each `Tensor` as an array named by its JSON pointer.

    In the JSON, `{"$tensor": name}` stands in the place of each.
    """
    arrays: dict[str, NDArray[Any]] = {}
    rest = _without_tensors(document, "", arrays)
    metadata = {KEY: encode(rest).decode()}
    return save(
        {n: np.ascontiguousarray(a).reshape(a.shape) for n, a in arrays.items()}, metadata
    )


def _without_tensors(value: Any, pointer: str, arrays: dict[str, NDArray[Any]]) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, Mapping):
        if value.keys() == TENSOR and isinstance(value["data"], np.ndarray):
            arrays[pointer] = value["data"].reshape(value["shape"])
            return {"$tensor": pointer}
        return {n: _without_tensors(v, f"{pointer}/{n}", arrays) for n, v in value.items()}
    if isinstance(value, list):
        return [_without_tensors(v, f"{pointer}/{k}", arrays) for k, v in enumerate(value)]
    return value
