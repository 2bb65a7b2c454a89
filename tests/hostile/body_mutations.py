"""Changes of a request's fields, and of the bytes of its body."""

import json
import re
from collections.abc import Callable
from typing import Any

from numpy.random import Generator

from tests.hostile.choice import pick

NAMES = ("x", "y", "A", "w", "b", "π", "e", "λ", "_", "x" * 65, "", "1x", "sum", "é", "a/b~")


def mutate_fields(rng: Generator, body: dict[str, Any]) -> None:
    """Change what is asked: `wrt`, the representation, names, other fields."""
    pick(rng, FIELD_MUTATIONS)(rng, body)


def _wrt(rng: Generator, body: dict[str, Any]) -> None:
    names = list(body.get("variables") or "x")
    chosen = [pick(rng, names) for _ in range(int(rng.integers(4)))]
    other = (["q"], "x", None, [], [1], names, names[::-1], {"x": 1}, [*names, *names])
    body["wrt"] = list(dict.fromkeys(chosen)) if rng.random() < 0.6 else pick(rng, other)


def _representation(rng: Generator, body: dict[str, Any]) -> None:
    body["representation"] = pick(rng, ("auto", "dense", "factored", "factored", "Dense", None))


def _direction(rng: Generator, body: dict[str, Any]) -> None:
    """Change a direction: its values, its names, or how many there are."""
    field = next((f for f in ("tangents", "vectors", "cotangent") if f in body), "cotangent")
    values: tuple[Any, ...] = (1, [1, 2], [[1, 2, 3]], [], None, {"x": [1, 2]}, {}, [1e308] * 4)
    way = int(rng.integers(4))
    found = body.get(field)
    if way == 0:
        body["many"] = pick(rng, (True, False, 1, None))
    elif way == 1 or not isinstance(found, dict) or not found:
        body[field] = pick(rng, values)
    elif way == 2:
        found[pick(rng, list(found))] = pick(rng, values)
    else:
        found[pick(rng, NAMES)] = found.pop(pick(rng, list(found)))


def _option(rng: Generator, body: dict[str, Any]) -> None:
    if "shapes" in body:
        shapes = ({"A": [2, "k"]}, {"x": ["n"]}, {"x": [0]}, {"x": "n"}, {"q": [3]}, None)
        body["shapes"] = pick(rng, shapes)
    elif rng.random() < 0.5:
        body["stack"] = pick(rng, (True, True, False, 1, "yes"))
    else:
        names = list(body.get("variables") or "x")
        body["batch"] = pick(rng, (names[:1], names[-1:], names, ["q"], [], "x", None))


def _renamed(rng: Generator, body: dict[str, Any]) -> None:
    variables = body.get("variables")
    if isinstance(variables, dict) and variables:
        value = variables.pop(pick(rng, list(variables)))
        variables[pick(rng, NAMES)] = value


def _another_variable(rng: Generator, body: dict[str, Any]) -> None:
    variables = body.get("variables")
    if isinstance(variables, dict):
        variables[pick(rng, NAMES)] = pick(rng, (1, [1, 2], [[1]], [1e308], "1", None))


def _field(rng: Generator, body: dict[str, Any]) -> None:
    way = int(rng.integers(4))
    if way == 0 and body:
        del body[pick(rng, list(body))]
    elif way == 1:
        body[pick(rng, ("order", "Expression", "wrt ", "__proto__", "dtype"))] = 2
    elif way == 2:
        body["expression"] = pick(rng, ("", " ", 1, None, ["x"], {"op": "add"}, "0", "1;2"))
    else:
        body["variables"] = pick(rng, ({}, [], None, "x", {"x": {"x": 1}}))


FIELD_MUTATIONS: tuple[Callable[[Generator, dict[str, Any]], None], ...] = (
    *(_wrt, _wrt, _wrt, _representation, _representation, _direction, _direction, _option),
    *(_renamed, _another_variable, _another_variable, _field),
)


def mutated_bytes(rng: Generator, content: bytes) -> bytes:
    """Change the bytes of a body, once or a few times."""
    return pick(rng, BYTE_MUTATIONS)(rng, content)


def _flip(rng: Generator, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        changed[int(rng.integers(len(changed)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _cut(rng: Generator, content: bytes) -> bytes:
    return content[: int(rng.integers(len(content)))]


def _twice(rng: Generator, content: bytes) -> bytes:
    """A key a second time, as it is or with an escaped letter."""
    key = pick(
        rng, (b'"expression"', b'"variables"', b'"x"', b'"\\u0078"', b'"expressio\\u006e"')
    )
    return content.replace(b"{", b"{" + key + b": 1, ", 1)


def _number(rng: Generator, content: bytes) -> bytes:
    """A number of the body written as something else, often no JSON."""
    forms = (b"NaN", b"Infinity", b"-Infinity", b"+1", b"01", b"1.", b".5", b"1e400", b"-0")
    forms += (b"1E+2", b"0x1", b"1_0", b"1" * 400, b"1e-400", b"0." + b"3" * 800, b"null")
    places = list(re.finditer(rb"(?<=[\[ ])-?\d[\d.e+-]*(?=[,\]}])", content))
    if not places:
        return content
    place = pick(rng, places)
    return content[: place.start()] + pick(rng, forms) + content[place.end() :]


def _around(rng: Generator, content: bytes) -> bytes:
    pairs = ((b"\xef\xbb\xbf", b""), (b"", b"x"), (b"", b"\0"), (b"[", b"]"), (b"", b"{}"))
    pairs += ((b" \n\t", b"\r\n "), (b"[" * 2000, b"]" * 2000), (b'"', b'"'), (b"", b"}"))
    before, after = pick(rng, pairs)
    return before + content + after


def _spaced(_: Generator, content: bytes) -> bytes:
    return content.replace(b", ", b" ,\n\t").replace(b": ", b"\r\n:")


def _escaped(_: Generator, content: bytes) -> bytes:
    """The same JSON, its letters and signs written as escapes."""
    found = json.loads(content)
    text = found.get("expression")
    if not isinstance(text, str):
        return content
    escaped = "".join(f"\\u{ord(c):04x}" for c in text if ord(c) < 0x10000)
    return content.replace(json.dumps(text).encode(), f'"{escaped}"'.encode(), 1)


def _encoded(rng: Generator, content: bytes) -> bytes:
    return content.decode().encode(pick(rng, ("utf-16", "utf-32-le", "utf-7", "utf-8-sig")))


def _raw(rng: Generator, content: bytes) -> bytes:
    """Bytes inside the first string that are no UTF-8, or no JSON."""
    inserted = pick(
        rng, (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\\ud800", b"\\x", b"\n", b"\0")
    )
    return content.replace(b'n": "', b'n": "' + inserted, 1)


BYTE_MUTATIONS: tuple[Callable[[Generator, bytes], bytes], ...] = (
    *(_flip, _flip, _cut, _twice, _number, _number),
    *(_around, _spaced, _escaped, _encoded, _raw),
)
