"""Errors as answers: the one table from kinds to statuses, and problem details (RFC 9457)."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from service.errors import Fault, GradserveError

STATUSES: dict[str, int] = {
    "malformed": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "missing": 404,
    "wrong_method": 405,
    "not_acceptable": 406,
    "slow": 408,
    "conflict": 409,
    "too_large": 413,
    "media_type": 415,
    "unprocessable": 422,
    "too_many": 429,
    "header_too_large": 431,
    "internal": 500,
    "busy": 503,
}
MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
MAX_BYTES = 8 * 2**10
CLIPPED = (1200, 600, 300, 150)


def status_of(error: GradserveError | type[GradserveError]) -> int:
    """The HTTP status of an error."""
    return STATUSES[error.kind]


def all_errors() -> list[type[GradserveError]]:
    """Every kind of error that has a code, by code."""
    found, waiting = {}, [GradserveError]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if hasattr(kind, "code"):
            found[kind.code] = kind
    return [found[code] for code in sorted(found)]


def problem_bytes(error: GradserveError, request_id: str) -> bytes:
    """The problem document: ASCII, at most 8 KiB, long texts clipped in their middle."""
    for length in CLIPPED:
        body = _encoded(_problem(error, request_id, length))
        if len(body) <= MAX_BYTES:
            return body
    count = len(error.faults)
    while len(body) > MAX_BYTES:
        count //= 2
        body = _encoded(_problem(error, request_id, CLIPPED[-1], count))
    return body


def problem_document(error: GradserveError, instance: str) -> dict[str, Any]:
    """The problem as values of JSON, for a place within an answer; texts are clipped."""
    return _problem(error, instance, CLIPPED[-1])


def problem_response(
    error: GradserveError, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that failed."""
    added = dict(headers or {})
    if error.retry_after is not None:
        added["Retry-After"] = str(error.retry_after)
    if error.kind == "unauthenticated":
        added["WWW-Authenticate"] = "Bearer"
    return Response(
        problem_bytes(error, request_id), status_of(error), added, media_type=MEDIA_TYPE
    )


def _problem(
    error: GradserveError, request_id: str, length: int, count: int = MAX_ERRORS
) -> dict[str, Any]:
    return {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": status_of(error),
        "detail": _detail(error, length),
        "instance": request_id,
        "code": error.code,
        "errors": [_entry(fault, length) for fault in error.faults[:count]],
    }


def _detail(error: GradserveError, length: int) -> str:
    first = error.faults[0]
    text = _clipped(first.message.split("\n", 1)[0], length)
    place = ""
    if first.pointer and first.start is None:
        place = f"{_clipped(_printable(first.pointer), length)}: "
    others = len(error.faults) - 1
    some = "at least " if len(error.faults) >= MAX_ERRORS else ""
    return f"{place}{text}" + (f" (and {some}{others} more)" if others else "")


def _entry(fault: Fault, length: int) -> dict[str, Any]:
    return {
        "pointer": None if fault.pointer is None else _clipped(fault.pointer, length),
        "start": fault.start,
        "end": fault.end,
        "message": _clipped(fault.message, length),
        "hint": None if fault.hint is None else _clipped(fault.hint, length),
    }


def _printable(text: str) -> str:
    """The text with what does not print, or changes how text prints, escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _clipped(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return f"{text[: length // 2]} … {text[-(length // 2) :]}"


def _encoded(problem: dict[str, Any]) -> bytes:
    return json.dumps(problem, ensure_ascii=True, separators=(",", ":")).encode("ascii")
