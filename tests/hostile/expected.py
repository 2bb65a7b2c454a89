"""What an answer may be expected to be: a problem, numbers, or the connection's end."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refused:
    """A problem: its code, words in its texts, and the first error's place.

    `at` is a place in the expression, or a JSON pointer, or None where neither applies.
    """

    code: str
    words: tuple[str, ...] = ()
    at: tuple[int, int] | str | None = None
    status: int = 422


@dataclass(frozen=True, slots=True)
class Answered:
    """A 200: the value, the Jacobian by the only variable in `wrt`, and the kinks met."""

    value: Any
    jacobian: Any
    kinks: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class NeuronAnswered:
    """A 200 of a neuron: its loss and the gradient by its weights."""

    loss: float
    gradient: list[float]


@dataclass(frozen=True, slots=True)
class Closed:
    """The end of the connection, without an answer."""


def syntax(at: tuple[int, int], *words: str) -> Refused:
    return Refused("syntax_error", words, at)


def unknown_function(at: tuple[int, int], *words: str) -> Refused:
    return Refused("unknown_function", words, at)


def over_limit(at: tuple[int, int], *words: str) -> Refused:
    return Refused("over_limit", words, at)


def not_finite(at: tuple[int, int], *words: str) -> Refused:
    return Refused("non_finite_result", (*words, '"nonfinite": "allow"'), at)


def invalid(pointer: str, *words: str) -> Refused:
    return Refused("validation", words, pointer)


def malformed(*words: str) -> Refused:
    return Refused("malformed_json", words, status=400)


def not_http(*words: str) -> Refused:
    return Refused("malformed_request", words, status=400)


def other_media(*words: str) -> Refused:
    return Refused("unsupported_media_type", words, status=415)


def not_found(*words: str) -> Refused:
    return Refused("not_found", words, status=404)
