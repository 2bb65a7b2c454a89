"""What every problem document must be, whatever it is about (design/api.md, Errors)."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

DOCUMENTED = {
    400: {"malformed_json", "duplicate_key", "malformed_request"},
    401: {"unauthenticated"},
    403: {"forbidden"},
    404: {"not_found"},
    405: {"method_not_allowed"},
    406: {"not_acceptable"},
    408: {"request_timeout"},
    409: {"idempotency_conflict", "already_finished", "not_finished", "in_use"},
    413: {"body_too_large"},
    415: {"unsupported_media_type"},
    422: {
        "validation",
        "syntax_error",
        "unknown_name",
        "unknown_function",
        "wrong_arguments",
        "shape_mismatch",
        "not_scalar",
        "not_square",
        "nonfinite_input",
        "non_finite_result",
        "singular_matrix",
        "domain_error",
        "over_limit",
        "budget_exceeded",
        "deadline_exceeded",
        "idempotency_key_reused",
        "diverged",
        "worker_lost",
        "bad_dataset",
    },
    429: {"rate_limited", "queue_full"},
    431: {"header_too_large"},
    503: {"unavailable", "draining", "storage_full"},
}
FIELDS = {"type", "title", "status", "detail", "instance", "code", "errors"}
ERROR_FIELDS = {"pointer", "start", "end", "message", "hint"}
MOST_BYTES = 8 * 2**10
MOST_ERRORS = 20
WIDEST = 80
UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# What would tell of the host or of the code; the requests themselves contain none of it.
LEAK = re.compile(
    r"Traceback|/usr/|/home/|/work/|/lib/|site-packages|\w\.py\b|\bline \d+, in |<class|"
    r"object at 0x|\b(?:numpy|pydantic|starlette|fastapi|uvicorn|orjson|lark|httptools)\b|"
    r"\bservice\.[a-z]|\b[A-Z]\w*(?:Error|Exception|Warning)\b|\b(?:SELECT|INSERT) "
)


def strict_json(body: bytes) -> Any:
    """The JSON of an answer, which has no NaN or Infinity.

    Raises:
        ValueError: it is not strict JSON.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(body, parse_constant=refuse)


def faults_of_problem(
    status: int, headers: Mapping[str, str], body: bytes, expression: object = None
) -> list[str]:
    """What is wrong with an answer as a problem document; nothing, for a good one."""
    if headers.get("content-type") != "application/problem+json":
        return [f"content type {headers.get('content-type')!r}"]
    if len(body) > MOST_BYTES:
        return [f"{len(body)} bytes"]
    if not body.isascii():
        return ["not ASCII"]
    try:
        problem = strict_json(body)
    except ValueError as error:
        return [str(error)]
    if not isinstance(problem, dict) or problem.keys() != FIELDS:
        return [f"fields of {problem!r}"]
    return [*_faults(status, headers, problem, expression)]


def _faults(
    status: int, headers: Mapping[str, str], problem: dict[str, Any], expression: object
) -> Iterator[str]:
    code, errors = problem["code"], problem["errors"]
    if code not in DOCUMENTED.get(status, ()):
        yield f"code {code!r} with status {status}"
    if problem["status"] != status:
        yield f"status {problem['status']!r}"
    if problem["type"] != f"/problems/{code}":
        yield f"type {problem['type']!r}"
    if problem["instance"] != headers.get("x-request-id"):
        yield f"instance {problem['instance']!r}"
    if not REQUEST_ID.fullmatch(problem["instance"]):
        yield f"request id {problem['instance']!r}"
    if not problem["title"] or not problem["detail"]:
        yield "title or detail is empty"
    if not 1 <= len(errors) <= MOST_ERRORS:
        yield f"{len(errors)} errors"
    yield from _unsafe("title", problem["title"])
    yield from _unsafe("detail", problem["detail"])
    for error in errors:
        yield from _faults_of_error(error, expression)


def _faults_of_error(error: dict[str, Any], expression: object) -> Iterator[str]:
    if error.keys() != ERROR_FIELDS or not error["message"]:
        yield f"error {error!r}"
        return
    yield from _unsafe("message", error["message"])
    yield from _unsafe("hint", error["hint"] or "")
    start, end = error["start"], error["end"]
    if start is None and end is None:
        return
    if error["pointer"] != "/expression" or not isinstance(expression, str):
        yield f"a place at pointer {error['pointer']!r}"
    elif not 0 <= start <= end <= len(expression):
        yield f"place {start}–{end} in {len(expression)} characters"
    else:
        yield from _faults_of_excerpt(error["message"], expression, start)


def _faults_of_excerpt(message: str, expression: str, start: int) -> Iterator[str]:
    """The message ends with line and column, the line's text, and carets under the place."""
    place, text, carets = ["", "", "", *message.split("\n")][-3:]
    line = expression.count("\n", 0, start) + 1
    column = start - (expression.rfind("\n", 0, start) + 1) + 1
    if place != f"line {line}, column {column}":
        yield f"place {place!r}, not line {line}, column {column}"
    if len(text) > WIDEST or len(carets) > WIDEST:
        yield f"an excerpt of {max(len(text), len(carets))} characters"
    if not re.fullmatch(r" *\^+", carets):
        yield f"carets {carets!r}"
    under = text[carets.index("^") :][:1] if "^" in carets else ""
    meant = expression[start : start + 1]
    if meant.isascii() and meant.isprintable() and meant != " " and under not in (meant, "…"):
        yield f"the caret is under {under!r}, not {meant!r}"


def _unsafe(name: str, text: str) -> Iterator[str]:
    for character in text:
        if character != "\n" and unicodedata.category(character) in UNSAFE:
            yield f"{name} has the raw character U+{ord(character):04X}"
            return
    if found := LEAK.search(text):
        yield f"{name} tells {found[0]!r}"
