"""The recipes of bad_inputs.json expanded, and a case's request as the bytes to send."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

BODY_LIMIT = 32 * 2**20
LARGEST_SQUARE = 10 * 2**20
ZEROS = bytes(2**20)


class RawNumber:
    """A JSON number too long for any Python number to stand for it."""

    def __init__(self, digits: str) -> None:
        self.digits = digits


def expand(value: Any) -> Any:
    """The value with every recipe in it replaced by what it makes."""
    if isinstance(value, list):
        return [expand(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name in RECIPES:
            return RECIPES[name](argument)
    return {name: expand(item) for name, item in value.items()}


def json_bytes(value: Any) -> bytes:
    """The JSON of an expanded value, raw numbers as their digits."""
    numbers: dict[str, str] = {}
    names = (f"raw number {k}" for k in count())

    def placeholder(item: Any) -> str:
        assert isinstance(item, RawNumber)
        name = next(names)
        numbers[json.dumps(name)] = item.digits
        return name

    text = json.dumps(value, default=placeholder)
    for name, digits in numbers.items():
        text = text.replace(name, digits)
    return text.encode()


def request_bytes(request: Mapping[str, Any], host: str) -> bytes:
    """A case's request as it goes over the wire; the connection is to be closed after it."""
    if request.get("transport") == "raw_socket":
        return as_bytes(expand(request["send"]))
    headers = {"host": host} | {k: expand(v) for k, v in request.get("headers", {}).items()}
    body = b""
    if "json" in request:
        body = json_bytes(expand(request["json"]))
    elif "body" in request:
        body = as_bytes(expand(request["body"]))
    if request["method"] == "POST":
        headers["content-length"] = str(len(body))
    headers["connection"] = "close"
    lines = [f"{request['method']} {expand(request['path'])} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def as_bytes(value: str | bytes) -> bytes:
    """Text as UTF-8; bytes as they are."""
    return value.encode() if isinstance(value, str) else value


def _repeat(argument: list[Any]) -> str:
    text, times = argument
    return str(expand(text)) * times


def _concat(parts: list[Any]) -> str | bytes:
    found = [expand(part) for part in parts]
    if any(isinstance(part, bytes) for part in found):
        return b"".join(map(as_bytes, found))
    return "".join(found)


def _join(argument: list[Any]) -> str:
    separator, template, times = argument
    return str(separator).join(
        template.replace("%d", str(k)).replace("%c", chr(ord("a") + k % 26))
        for k in range(times)
    )


def _list(argument: list[Any]) -> list[Any]:
    item, times = argument
    return [expand(item)] * times


def _nest(argument: list[Any]) -> Any:
    depth, found = argument
    for _ in range(depth):
        found = [found]
    return found


def _object(argument: list[Any]) -> dict[str, int]:
    template, times = argument
    return {template.replace("%d", str(k)): 1 for k in range(times)}


def _encode(argument: list[str]) -> bytes:
    codec, text = argument
    return text.encode(codec)


def _gzip_zeros(size: int) -> bytes:
    packer = zlib.compressobj(level=1, wbits=31)
    parts = [packer.compress(ZEROS) for _ in range(size // len(ZEROS))]
    parts.append(packer.compress(bytes(size % len(ZEROS))))
    return b"".join([*parts, packer.flush()])


def _limit_plus(excess: int) -> bytes:
    """A request that would be answered, padded with spaces to over the limit."""
    body = b'{"expression": "x", "variables": {"x": [1, 2]}}'
    return body.ljust(BODY_LIMIT + excess)


def _square(argument: list[Any]) -> str:
    text, times = argument
    for _ in range(times):
        if len(text) > LARGEST_SQUARE:
            break
        text = f"({text})*({text})"
    return str(text)


RECIPES: dict[str, Callable[[Any], Any]] = {
    "$repeat": _repeat,
    "$concat": _concat,
    "$join": _join,
    "$list": _list,
    "$nest": _nest,
    "$rawnum": lambda argument: [RawNumber(str(argument[0]) * argument[1])],
    "$objn": _object,
    "$key": lambda argument: {expand(argument[0]): expand(argument[1])},
    "$b64": base64.b64decode,
    "$encode": _encode,
    "$gzip": lambda text: gzip.compress(as_bytes(expand(text)), mtime=0),
    "$gzipzeros": _gzip_zeros,
    "$limit_plus": _limit_plus,
    "$square": _square,
}
