"""One request for each error that an expression can meet: its code, its place, its text."""

import pytest

from service.api.problems import all_errors

pytestmark = pytest.mark.anyio

V = {"A": [[1, 2], [3, 4]], "R": [[1, 2, 3], [4, 5, 6]], "x": [1, -2], "s": 3}
# operation, expression, other fields, code, (start, end) or a pointer, first line, hint.
ERRORS = [
    ("evaluate", "x + ", {}, "syntax_error", (3, 3),
     "unexpected end of the expression; expected a value after '+'", None),
    ("evaluate", "(x + 1", {}, "syntax_error", (0, 1),
     "unclosed '(' opened at 0; expected ')'", None),
    ("evaluate", "3x", {}, "syntax_error", (1, 2), "multiplication is never implied", "3*x"),
    ("evaluate", "x < s < 2", {}, "syntax_error", (6, 7), "chain", None),
    ("evaluate", "y + 1", {}, "unknown_name", (0, 1), "unknown name 'y' at 0–1",
     "declared variables: A, R, x, s"),
    ("evaluate", "х + 1", {}, "unknown_name", (0, 1), "unknown letter U+0445", "write 'x'"),
    ("gradient", "sum(x)", {"wrt": ["z"]}, "unknown_name", "/wrt/0", "unknown name 'z' in wrt",
     "declared variables: A, R, x, s"),
    ("evaluate", "sigmod(x)", {}, "unknown_function", (0, 6),
     "unknown function 'sigmod' at 0–6; did you mean 'sigmoid'?", None),
    ("evaluate", "sin(x, s)", {}, "wrong_arguments", (0, 9),
     "sin takes 1 argument, but 2 are given", "it is written sin(x)"),
    ("evaluate", "sum(x, axes=0)", {}, "wrong_arguments", (0, 14),
     "sum has no option 'axes'", "it is written sum(x, axis=None, keepdims=False)"),
    ("evaluate", "sum(x, axis=1.5)", {}, "wrong_arguments", (12, 15),
     "axis takes a constant integer", None),
    ("evaluate", "s(2)", {}, "wrong_arguments", (0, 4),
     "'s' at 0–1 is a variable, not a function", "did you mean s * 2?"),
    ("evaluate", "eye + s", {}, "wrong_arguments", (0, 3),
     "the size of eye follows from nothing", "write the size, as in eye(3)"),
    ("evaluate", "R @ x", {}, "shape_mismatch", (0, 5),
     "cannot multiply R (2×3) by x (2): the inner dimensions 3 and 2 differ", None),
    ("evaluate", "R + x", {}, "shape_mismatch", (0, 5),
     "cannot add R (2×3) and x (2): the sizes 3 and 2 differ",
     "axes are aligned at the last one"),
    ("evaluate", "x[5]", {}, "shape_mismatch", (2, 3),
     "index 5 does not exist on an axis of size 2", "indices go from 0 to 1"),
    ("evaluate", "sum(x, axis=1)", {}, "shape_mismatch", (0, 14),
     "axis 1 does not exist in an operand of shape (2)", "the operand has ndim 1"),
    ("evaluate", "cross(x, x)", {}, "shape_mismatch", (0, 11),
     "cross takes vectors of 3 along the last axis, not (2)", None),
    ("evaluate", "inv(R)", {}, "not_square", (0, 6), "inv takes a square matrix, not 2×3",
     None),
    ("gradient", "A @ x", {}, "not_scalar", (0, 5),
     "a gradient needs a scalar expression, but this one has shape (2)", "POST /v1/jacobian"),
    ("hessian", "A @ x", {}, "not_scalar", (0, 5),
     "a Hessian needs a scalar expression, but this one has shape (2)", "POST /v1/jacobian"),
    ("evaluate", "sum(log(x))", {}, "non_finite_result", (4, 10),
     "log(x) at 4–10 is nan at position [1] (1 of 2 entries), from -2.0", None),
    ("evaluate", "inv(A - A)", {}, "singular_matrix", (0, 10), "singular", None),
    ("evaluate", "huber(x, x, -1)", {}, "domain_error", (0, 15),
     "huber takes a positive delta, not -1", None),
    ("evaluate", "quantile(x, x, 1.5)", {}, "domain_error", (0, 19),
     "quantile takes a level between 0 and 1, not 1.5", None),
    ("evaluate", "matrix_power(A, 1001)", {}, "over_limit", (0, 21),
     "the exponent 1001 of matrix_power is over the limit of 1000", None),
    ("evaluate", "x[None,None,None,None] * x[:,None,None,None,None,None,None,None,None]", {},
     "over_limit", (25, 69), "a value of 9 dimensions is over the limit of 8", None),
    ("evaluate", "x" * 10_001, {}, "over_limit", (10_000, 10_001),
     "the expression has 10001 characters; the limit max_expression_characters is 10000", None),
    ("evaluate", "(" * 65 + "x" + ")" * 65, {}, "over_limit", (64, 65),
     "the expression nests 65 deep; the limit max_expression_nesting is 64", None),
    ("evaluate", "ones((9999, 9999))", {}, "budget_exceeded", (0, 18),
     "the request is estimated to hold an answer of 799,840,008 bytes", '"representation"'),
    ("jvp", "A @ x", {"tangents": {"x": [1, 2, 3]}}, "shape_mismatch", "/tangents/x",
     "(3)", None),
    ("evaluate", "x", {"dtype": "float16"}, "validation", "/dtype", "found 'float16'", None),
    ("evaluate", "x", {"variables": {"x": [1e300]}, "dtype": "float32"}, "nonfinite_input",
     "/variables/x", "beyond the range of float32", "compute in float64"),
]  # fmt: skip
# What has to do with the connection, the header or the body's bytes has its own tests, and so
# have keys, jobs and their data.
ELSEWHERE = {
    *("bad_dataset", "diverged", "worker_lost", "storage_full", "queue_full", "draining"),
    *("unauthenticated", "forbidden", "rate_limited", "idempotency_conflict", "in_use"),
    *("idempotency_key_reused", "already_finished", "not_finished"),
    *("body_too_large", "duplicate_key", "header_too_large", "internal", "malformed_json"),
    *("malformed_request", "method_not_allowed", "not_acceptable", "not_found"),
    *("request_timeout", "unavailable", "unsupported_media_type", "deadline_exceeded"),
}


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: f"{row[3]} {row[1][:30]}")
async def test_an_error_tells_what_and_where(client, row):
    operation, expression, fields, code, place, message, hint = row
    body = {"expression": expression, "variables": V} | fields
    response = await client.post(f"/v1/{operation}", json=body)

    problem = response.json()
    error = problem["errors"][0]
    assert (response.status_code, problem["code"]) == (422, code), problem
    assert message in error["message"]
    assert hint is None or hint in error["hint"]
    if isinstance(place, str):
        assert (error["pointer"], error["start"], error["end"]) == (place, None, None)
    else:
        assert (error["pointer"], error["start"], error["end"]) == ("/expression", *place)
        assert error["message"].split("\n")[-1].strip(" ^") == ""
        assert error["message"].split("\n")[-3].startswith("line ")


def test_every_error_has_its_row():
    rows = {code for _, _, _, code, *_ in ERRORS}

    assert rows | ELSEWHERE == {error.code for error in all_errors()}
    assert not rows & ELSEWHERE
