"""Problem documents: small, ASCII, and one page and status for every kind of error."""

import json

import pytest

from service.api.problems import MAX_BYTES, STATUSES, all_errors, problem_bytes, status_of
from service.errors import Fault, ValidationError

STATUS_OF_CODE = {
    "malformed_json": 400,
    "duplicate_key": 400,
    "malformed_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "request_timeout": 408,
    "idempotency_conflict": 409,
    "already_finished": 409,
    "not_finished": 409,
    "in_use": 409,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "header_too_large": 431,
    "rate_limited": 429,
    "queue_full": 429,
    "internal": 500,
    "unavailable": 503,
    "draining": 503,
    "storage_full": 503,
}
errors = pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.code)


@errors
def test_every_error_has_the_status_of_the_contract(error):
    assert status_of(error) == STATUS_OF_CODE.get(error.code, 422)


@errors
def test_every_error_has_a_page(error):
    assert error.title
    assert error.meaning.endswith(".")
    assert error.remedy.endswith(".")


def test_every_status_is_of_an_error():
    assert set(STATUSES) == {error.kind for error in all_errors()}


@pytest.mark.parametrize("letter", ["x", "\x00", "\x7f", "\u202e", "\U0001d4b3", '"', "\ud800"])
def test_a_problem_is_small_ascii_json_whatever_it_quotes(letter):
    faults = tuple(
        Fault(letter * 5000, f"/variables/{letter * 5000}", 0, 1, letter * 5000)
        for _ in range(50)
    )

    body = problem_bytes(ValidationError(letter, faults=faults), "id")

    assert len(body) <= MAX_BYTES
    assert all(32 <= byte < 127 for byte in body)
    assert 1 <= len(json.loads(body)["errors"]) <= 20


def test_a_long_message_keeps_its_beginning_and_its_caret():
    message = "begin " + "x" * 5000 + "\nline 1, column 7\nabc\n  ^"

    (error,) = json.loads(problem_bytes(ValidationError(message), "id"))["errors"]

    assert error["message"].startswith("begin x")
    assert error["message"].endswith("line 1, column 7\nabc\n  ^")


def test_the_detail_names_the_place_and_counts_the_rest():
    faults = (Fault("found a, expected b", "/x/1"), Fault("other", "/y"))

    problem = json.loads(problem_bytes(ValidationError("found", faults=faults), "id"))

    assert problem["detail"] == "/x/1: found a, expected b (and 1 more)"
    assert problem["errors"][1] == {
        "pointer": "/y",
        "start": None,
        "end": None,
        "message": "other",
        "hint": None,
    }
