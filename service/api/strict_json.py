"""Strict JSON: UTF-8, no NaN, no key twice, nothing after the value; faults with their place.

orjson parses, and refuses all of this but a repeated key, of which it keeps the last. Repeated
keys show in a count: outside of strings every colon of the text ends a key, so the text has as
many colons as the parsed value has keys and colons in strings, and more if a key was dropped.
"""

import re

import orjson

from service.errors import DuplicateKeyError, MalformedJsonError, OverLimitError
from service.language.places import shown
from service.settings import Limits

KEYS_AND_BRACES = re.compile(rb'\{|\}|("(?:[^"\\]++|\\.)*+")(\s*+:)?')
ESCAPED_COLON = re.compile(rb"\\u003[aA]")
NOT_A_NUMBER = re.compile(r"[-+]?(NaN|Infinity|nan|inf)")
EXCERPT = 60


def parse_json(raw: bytes, limits: Limits) -> object:
    """The value of a body; numbers are int within 64 bits, else float.

    Raises:
        MalformedJsonError: the body is not one JSON value in UTF-8.
        DuplicateKeyError: an object names a key twice.
        OverLimitError: there are more strings and objects, or arrays, than the limits.
    """
    if not raw.strip():
        raise MalformedJsonError("the body is empty, expected a JSON object")
    _refuse_crowds(raw, limits)
    try:
        value: object = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _malformed(raw, error) from None
    if not _has_all_keys(value, raw.count(b":")) or (
        b"\\" in raw and ESCAPED_COLON.search(raw)
    ):
        _refuse_duplicate_keys(raw)
    return value


def _refuse_crowds(raw: bytes, limits: Limits) -> None:
    """Raises OverLimitError for a text whose objects would take far more memory than itself."""
    strings = raw.count(b'"') // 2 + raw.count(b"{")
    if strings > limits.max_json_strings:
        raise OverLimitError(
            f"the body has {strings} strings and objects, but the limit max_json_strings is "
            f"{limits.max_json_strings}",
            pointer="",
        )
    arrays = raw.count(b"[")
    if arrays > limits.max_json_arrays:
        raise OverLimitError(
            f"the body has {arrays} arrays, but the limit max_json_arrays is "
            f"{limits.max_json_arrays}",
            pointer="",
            hint="send a Tensor: its shape, and the numbers in one array",
        )


def _has_all_keys(value: object, colons: int) -> bool:
    """Whether the value's keys and strings account for this many colons.

    Arrays are looked into only while colons are missing, so numbers cost nothing.
    """
    waiting: list[object] = [value]
    arrays: list[list[object]] = []
    while waiting or arrays:
        if not waiting:
            if colons == 0:
                return True
            array = arrays.pop()
            if not set(map(type, array)) <= {int, float}:
                waiting = list(array)
            continue
        item = waiting.pop()
        if isinstance(item, dict):
            colons -= len(item) + sum(key.count(":") for key in item)
            waiting.extend(item.values())
        elif isinstance(item, str):
            colons -= item.count(":")
        elif isinstance(item, list):
            arrays.append(item)
    return colons == 0


def _refuse_duplicate_keys(raw: bytes) -> None:
    """Raises DuplicateKeyError if an object of the text, which is JSON, names a key twice."""
    objects: list[set[str]] = []
    for token in KEYS_AND_BRACES.finditer(raw):
        text = token[0]
        if text == b"{":
            objects.append(set())
        elif text == b"}":
            objects.pop()
        elif token[2]:
            key = orjson.loads(token[1])
            if key in objects[-1]:
                before = raw[: token.start()].decode()
                line = before.count("\n") + 1
                column = len(before) - before.rfind("\n")
                raise DuplicateKeyError(
                    f"offset {len(before)}, line {line}, column {column}: found the key "
                    f"{shown(key)} for the second time, expected each key once",
                    hint="leave one of the two out",
                )
            objects[-1].add(key)


def _malformed(raw: bytes, error: orjson.JSONDecodeError) -> MalformedJsonError:
    if raw.startswith(b"\xef\xbb\xbf"):
        return MalformedJsonError(
            "offset 0: found a UTF-8 byte order mark (BOM), expected JSON without one"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as broken:
        return MalformedJsonError(
            f"offset {broken.start}: found the byte 0x{raw[broken.start]:02x}, expected UTF-8"
        )
    place = f"offset {error.pos}, line {error.lineno}, column {error.colno}"
    special = NOT_A_NUMBER.match(text, error.pos) or NOT_A_NUMBER.match(
        text, max(error.pos - 1, 0)
    )
    if special:
        found = f"found {special[0]}, but {special[1]} is not JSON"
        return MalformedJsonError(
            f"{place}: {found}; expected a finite number",
            hint="inputs that are not finite are refused",
        )
    excerpt = text[max(0, error.pos - EXCERPT // 2) : error.pos + EXCERPT // 2]
    return MalformedJsonError(f"{place}: {error.msg}, near {excerpt!r}")
