"""The checks of problems and answers find what is wrong with either."""

import json
from copy import deepcopy

import pytest

from tests.hostile.answers import faults_of_answer
from tests.hostile.problems import faults_of_problem

EXPRESSION = "sum(sigmod(x))"
PROBLEM = {
    "type": "/problems/unknown_function",
    "title": "A function is not in the language",
    "status": 422,
    "detail": "unknown function 'sigmod'",
    "instance": "an-id",
    "code": "unknown_function",
    "errors": [
        {
            "pointer": "/expression",
            "start": 4,
            "end": 10,
            "message": "unknown function\nline 1, column 5\nsum(sigmod(x))\n    ^^^^^^",
            "hint": None,
        }
    ],
}
PROBLEM_HEADERS = {"content-type": "application/problem+json", "x-request-id": "an-id"}
ANSWER = {
    "value": {"shape": [2], "dtype": "float64", "data": [1.0, 4.0]},
    "jacobians": {
        "x": {
            "structure": "factored",
            "shape": [2, 2],
            "terms": [
                {
                    "coefficient": 2.0,
                    "equation": "ij,i->ij",
                    "factors": [
                        {"kind": "identity", "size": 2},
                        {
                            "kind": "tensor",
                            "tensor": {"shape": [2], "dtype": "float64", "data": [1, 2]},
                        },
                    ],
                }
            ],
        }
    },
    "conventions": {"layout": "numerator", "loss_factor": None, "kinks": []},
    "warnings": [],
    "cost": {
        "flops": 1,
        "bytes_moved": 1,
        "peak_bytes": 1,
        "answer_bytes": 1,
        "seconds": 1e-5,
    },
}
REQUEST = {"expression": "x**2", "variables": {"x": [1, 2]}}


def changed(document, place, value):
    """A copy with the value at a place, a key for each level."""
    copy = deepcopy(document)
    part = copy
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    return copy


def judged_problem(problem, headers=PROBLEM_HEADERS):
    return faults_of_problem(422, headers, json.dumps(problem).encode(), EXPRESSION)


def judged_answer(answer):
    headers = {"content-type": "application/json"}
    return faults_of_answer("/v1/jacobian", REQUEST, headers, json.dumps(answer).encode())


def test_a_good_problem_and_a_good_answer_have_no_faults():
    assert judged_problem(PROBLEM) == []
    assert judged_answer(ANSWER) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("code",), "odd"),
        (("status",), 400),
        (("type",), "about:blank"),
        (("instance",), "other"),
        (("title",), ""),
        (("errors",), []),
        (("errors",), PROBLEM["errors"] * 21),
        (("more",), 1),
        (("detail",), "an escape \x1b[31m"),
        (("detail",), "Traceback (most recent call last)"),
        (("detail",), "in /usr/lib/python3"),
        (("detail",), "a RecursionError was met"),
        (("detail",), "x" * 9000),
        (("errors", 0, "hint"), "see service.api.app"),
        (("errors", 0, "pointer"), "/wrt"),
        (("errors", 0, "start"), 5),
        (("errors", 0, "end"), 15),
        (("errors", 0, "message"), "no excerpt"),
        (("errors", 0, "message"), "m\nline 1, column 5\nsum(sigmod(x))\n   ^^^"),
        (("errors", 0, "message"), "m\nline 1, column 5\n" + " " * 81 + "\n    ^"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_problem_is_found(place, value):
    assert judged_problem(changed(PROBLEM, place, value)) != []


def test_a_problem_says_that_it_is_one():
    assert judged_problem(PROBLEM, PROBLEM_HEADERS | {"content-type": "application/json"})


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("value", "data"), [1.0, None]),
        (("value", "data"), [1.0, float("nan")]),
        (("value", "data"), [1.0]),
        (("value", "shape"), [3]),
        (("jacobians",), {}),
        (("jacobians", "x", "shape"), [2, 3]),
        (("jacobians", "x"), {"structure": "zero", "shape": [2]}),
        (("jacobians", "x"), {"structure": "identity", "shape": [2, 2], "scale": None}),
        (("jacobians", "x", "terms", 0, "coefficient"), None),
        (("jacobians", "x", "terms", 0, "equation"), "ij,i->i"),
        (("jacobians", "x", "terms", 0, "factors", 0, "size"), 3),
        (("cost", "seconds"), -1.0),
        (("warnings",), [{"code": "odd"}]),
        (("conventions", "kinks"), [{"start": 0, "end": 1, "expression": "y"}]),
        (("gradients",), {}),
    ],
    ids=str,
)
def test_what_is_wrong_with_an_answer_is_found(place, value):
    assert judged_answer(changed(ANSWER, place, value)) != []
