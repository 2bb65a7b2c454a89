"""Where a non-finite number comes from: the first operation that made it from finite ones."""

import numpy as np
import pytest

from service.computation.compute import Computer
from service.errors import BudgetExceededError, NonFiniteResultError, SingularMatrixError
from service.settings import Limits

HINT = (
    "keep the operands inside the domain, leave the bad entries out with where(...), "
    'or ask for "nonfinite": "allow"'
)


def failure(operation, text, error=NonFiniteResultError, limits=None, match=".", **values):
    arrays = {name: np.array(value, dtype=float) for name, value in values.items()}
    with pytest.raises(error, match=match) as caught:
        Computer(limits or Limits()).run(operation, text, arrays)
    return caught.value


# Text, values, the text blamed, and the message before the excerpt.
VALUES = [
    ("log(x)", {"x": 0}, "log(x)", "log(x) at 0–6 is -inf at the scalar, from 0.0"),
    ("1 / y + sum(x)", {"x": [1, 2], "y": [1, 0, 2]}, "1 / y",
     "1 / y at 0–5 is inf at position [1] (1 of 3 entries), from 1.0 and 0.0"),
    ("2 + sqrt(x)", {"x": [-1, -4, 1]}, "sqrt(x)",
     "sqrt(x) at 4–11 is nan at position [0] (2 of 3 entries), from -1.0"),
    ("x / y", {"x": [[1, 2], [3, 4]], "y": [1, 0]}, "x / y",
     "x / y at 0–5 is inf at position [0, 1] (2 of 4 entries), from 2.0 and 0.0"),
    ("exp(x)", {"x": 1000}, "exp(x)", "exp(x) at 0–6 is inf at the scalar, from 1000.0"),
    ("x**-1", {"x": 0}, "x**-1", "x**-1 at 0–5 is inf at the scalar, from 0.0 and -1.0"),
    ("x**y", {"x": -2, "y": 0.5}, "x**y",
     "x**y at 0–4 is nan at the scalar, from -2.0 and 0.5"),
    ("x * y * z", {"x": 1, "y": 1e200, "z": 1e200}, "x * y * z",
     "x * y * z at 0–9 is inf at the scalar, from 1e+200 and 1e+200"),
    ("sum(x) + x @ x", {"x": [1e200, 1]}, "x @ x", "x @ x at 9–14 is inf at the scalar"),
    ("logdet(A)", {"A": [[1, 1], [1, 1]]}, "logdet(A)",
     "logdet(A) at 0–9 is -inf at the scalar"),
    ("logdet(A)", {"A": [[1, 0], [0, -1]]}, "logdet(A)",
     "logdet(A) at 0–9 is nan at the scalar"),
    ("sum(exp(A)) - 1", {"A": [[1, 800]]}, "exp(A)",
     "exp(A) at 4–10 is inf at position [0, 1] (1 of 2 entries), from 800.0"),
    ("u = 1 / y; v = u * 2; sum(v)", {"y": [1, 0]}, "1 / y",
     "1 / y at 4–9 is inf at position [1] (1 of 2 entries), from 1.0 and 0.0"),
    ("sum(log(x)) + sum(1 / x)", {"x": [1, 0]}, "log(x)",
     "log(x) at 4–10 is -inf at position [1] (1 of 2 entries), from 0.0"),
    ("sum(1 / x) + sum(log(x))", {"x": [1, 0]}, "1 / x", "1 / x at 4–9 is inf at position [1]"),
    ("-(1 / x)[1]", {"x": [1, 0, 2]}, "1 / x",
     "1 / x at 2–7 is inf at position [1] (1 of 3 entries)"),
    ("log((1 / x)[0] - 5)", {"x": [1, 0]}, "log((1 / x)[0] - 5)",
     "log((1 / x)[0] - 5) at 0–19 is nan at the scalar, from -4.0"),
    ("[1 / x, log(y)][1]", {"x": 0, "y": -1}, "log(y)", "log(y) at 8–14 is nan"),
    ("[1 / x, log(y)] * 2", {"x": 0, "y": -1}, "1 / x", "1 / x at 1–6 is inf"),
    ("(1 / A).T[0] * 2", {"A": [[1, 0], [0, 1]]}, "1 / A",
     "1 / A at 1–6 is inf at position [1, 0] (1 of 4 entries)"),
    ("where(x > 0, log(x), 1 / (x + 1))", {"x": [0, 1, -1]}, "1 / (x + 1)",
     "1 / (x + 1) at 21–32 is inf at position [2] (1 of 3 entries), from 1.0 and 0.0"),
    ("where(x > 0, where(x < 5, log(x), 1 / (x - 5)), 0)", {"x": [0, 5]}, "1 / (x - 5)",
     "1 / (x - 5) at 34–45 is inf at position [1]"),
    ("where(a > 0, 1 / x, 0) + 1 / y", {"a": -1, "x": 0, "y": 0}, "1 / y",
     "1 / y at 25–30 is inf"),
    ("mean(log(x))", {"x": [[1, -1]]}, "log(x)", "log(x) at 5–11 is nan at position [0, 1]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "values", "blamed", "message"), VALUES, ids=[f"{t} at {v}" for t, v, *_ in VALUES]
)
def test_a_value_is_blamed_on_the_first_operation_that_made_it(text, values, blamed, message):
    error = failure("evaluate", text, **values)

    fault = error.faults[0]
    assert fault.message.startswith(message)
    assert text[fault.start : fault.end] == blamed
    assert fault.pointer == "/expression"
    assert fault.hint == HINT


@pytest.mark.parametrize("operation", ["evaluate", "gradient", "jacobian"])
def test_every_operation_names_the_place(operation):
    error = failure(operation, "sum(1 / x)", x=[0, 1])

    assert (error.faults[0].start, error.faults[0].end) == (4, 9)


def test_the_message_ends_with_line_column_and_a_caret():
    error = failure("evaluate", "u = x + 1\nsum(log(u))", x=[-1, 1])

    assert error.message == (
        "log(u) at 14–20 is -inf at position [0] (1 of 2 entries), from 0.0\n"
        "line 2, column 5\n"
        "sum(log(u))\n"
        "    ^^^^^^"
    )


def test_a_long_operation_is_clipped_in_the_message():
    text = "log(x * x + x * x * x + x * x * x * x + x * x * x - 4)"

    error = failure("evaluate", text, x=1.0)

    assert error.faults[0].message.startswith(
        "log(x * x + x * x * x + x * x * x * x +… at 0–54"
    )


# Text, values, the text blamed, and the message: finite values whose derivatives are not.
SLOPES = [
    ("sqrt(x)", {"x": 0}, "sqrt(x)",
     "the derivative of sqrt(x) at 0–7 is inf at the scalar, at the value 0.0"),
    ("sum(sqrt(x) * 3)", {"x": [4, 0]}, "sqrt(x)",
     "the derivative of sqrt(x) at 4–11 is inf at position [1] (1 of 2 entries)"),
    ("x**0.5 + 1", {"x": 0}, "x**0.5", "the derivative of x**0.5 at 0–6 is inf"),
    ("sum(x**y)", {"x": [0, 1], "y": [0.5, 2]}, "x**y", "the derivative of x**y at 4–8 is inf"),
    ("sum((x / norm2(x))[:1])", {"x": [0, 0]}, "x / norm2(x)",
     "the derivative of x / norm2(x) at 5–17 is inf"),
    ("sqrt(x) * 2 + sqrt(y)", {"x": 4, "y": 0}, "sqrt(y)",
     "the derivative of sqrt(y) at 14–21"),
    ("sum(sqrt(x)[1:])", {"x": [0, 0]}, "sqrt(x)",
     "the derivative of sqrt(x) at 4–11 is inf at position [1] (1 of 2 entries)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "values", "blamed", "message"), SLOPES, ids=[f"{t} at {v}" for t, v, *_ in SLOPES]
)
def test_a_derivative_is_blamed_on_the_first_operation_without_one(
    text, values, blamed, message
):
    error = failure("gradient", text, **values)

    fault = error.faults[0]
    assert fault.message.startswith(message)
    assert text[fault.start : fault.end] == blamed
    assert fault.hint == HINT


def test_a_derivative_that_is_not_asked_for_may_be_anything():
    values = {"x": np.array(0.0), "y": np.array(2.0)}

    answer = Computer(Limits()).run("gradient", "sqrt(x) + y**2", values, ["y"])

    assert answer.gradients["y"] == 4


def test_a_derivative_whose_parts_are_finite_overflows_as_a_whole():
    text = "sin(b * tanh(a * x))"

    error = failure("gradient", text, x=1e-200, a=1e200, b=1e200)

    fault = error.faults[0]
    assert fault.message.startswith(
        "the derivative overflows: every operation is finite, their product is not"
    )
    assert (fault.start, fault.end, fault.hint) == (0, len(text), "scale the variables")


@pytest.mark.parametrize(
    ("operation", "text", "values", "place"),
    [
        ("evaluate", "inv(A)", {"A": [[1, 2], [2, 4]]}, (0, 6)),
        ("evaluate", "sum(inv(A) @ x)", {"A": [[1, 1], [1, 1]], "x": [1, 2]}, (4, 10)),
        ("evaluate", "inv(A)", {"A": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}, (0, 6)),
        ("gradient", "sum(inv(A) @ x)", {"A": [[0, 0], [0, 0]], "x": [1, 2]}, (4, 10)),
        ("jacobian", "x @ inv(A)", {"A": [[0, 0], [0, 1]], "x": [1, 2]}, (4, 10)),
    ],
)
def test_a_singular_matrix_is_an_error_of_its_own(operation, text, values, place):
    error = failure(
        operation,
        text,
        SingularMatrixError,
        None,
        r"the matrix in inv\(A\) at .* is singular to working precision",
        **values,
    )

    assert (error.faults[0].start, error.faults[0].end) == place


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("where(x > 0, log(x), 0)", {"x": [0, 1]}, [0, 0]),
        ("exp(x) * 0", {"x": 1000}, 0),
        ("exp(x) - exp(x)", {"x": 1000}, 0),
        ("(1 / x)[1]", {"x": [0, 2]}, 0.5),
        ("[1 / x, x][1]", {"x": 0}, 0),
        ("maximum(log(x), 0)", {"x": 0}, 0),
        ("x / x", {"x": 0}, 1),
        ("exp(-1 / x**2)", {"x": 0}, 0),
    ],
)
def test_only_the_answer_decides_whether_a_result_is_finite(text, values, expected):
    arrays = {name: np.array(value, dtype=float) for name, value in values.items()}

    assert Computer(Limits()).run("evaluate", text, arrays).value.tolist() == expected


def test_the_search_for_the_place_keeps_to_the_memory_limit():
    limits = Limits(max_peak_bytes=100_000)

    error = failure(
        "evaluate",
        "sum(outer(x, y)) + 1 / z",
        BudgetExceededError,
        limits,
        match=(
            "the result is not finite, and the search for the place needs an estimated .* "
            "bytes, over the limit of 100,000"
        ),
        x=np.ones(1000),
        y=np.ones(1000),
        z=0.0,
    )

    assert error.faults[0].hint == "try the expression on less data"
