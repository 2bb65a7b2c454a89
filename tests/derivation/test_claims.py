"""Claims judged: planted mistakes are named, right ones in other forms are right."""

import re
from itertools import islice
from time import monotonic

import numpy as np
import pytest

from service.computation.compute import Computer
from service.derivation.claims import Claim, judged
from service.errors import DeadlineExceededError, ExpressionSyntaxError, UnknownNameError
from service.settings import Limits
from tests.reference.test_published import TABLES

LIMITS = Limits()
COMPUTER = Computer(LIMITS)
NEURON = "mean((y - maximum(0, X @ w + b))**2)"
MASKED = "((X @ w + b > 0) * (X @ w + b - y))"
# Expression, variable, the mistaken derivative, the mistake.
PLANTED = (
    (NEURON, "w", f"-2 / 5 * ({MASKED} @ X)", "sign"),
    ("sum(cos(x))", "x", "sin(x)", "sign"),
    ("0.5 * x @ x", "x", "2 * x", "factor_two"),
    ("0.5 * norm2(A @ x - v)**2", "x", "2 * (A.T @ (A @ x - v))", "factor_two"),
    (NEURON, "w", f"1 / 5 * ({MASKED} @ X)", "factor_half"),
    ("sum(x * x)", "x", "x", "factor_half"),
    (NEURON, "w", f"2 * ({MASKED} @ X)", "missing_mean"),
    ("mse(x, v)", "x", "2 * (x - v)", "missing_mean"),
    ("sum((x - v)**2) / 7", "x", "2 * (x - v)", "missing_mean"),
    (NEURON, "b", f"2 / 5 * {MASKED}", "missing_sum"),
    ("sum(x * z)", "z", "x", "missing_sum"),
    ("sin(z**2)", "z", "cos(z**2)", "missing_chain_factor"),
    ("sum(exp(sin(x)))", "x", "exp(sin(x))", "missing_chain_factor"),
    ("sum(tanh(A @ x)**2)", "x", "2 * tanh(A @ x) @ A", "missing_chain_factor"),
    ("sum(sigmoid(A @ x)**3)", "x", "3 * sigmoid(A @ x)**2 @ A", "missing_chain_factor"),
    (NEURON, "w", "2 / 5 * ((X @ w + b - y) @ X)", "cases_outside_sum"),
    ("sum(relu(X @ w))", "w", "sum(X, axis=0)", "cases_outside_sum"),
    ("sum(sum(A, axis=0)**2)", "A", "2 * sum(A, axis=1)[:, None] * ones((3, 3))", "wrong_axis"),
    ("sum(mean(A, axis=1)**3)", "A", "mean(A, axis=0)**2 * ones((3, 3))", "wrong_axis"),
    ("A @ x", "x", "A.T", "wrong_layout"),
    ("X @ w", "w", "X.T", "wrong_layout"),
    ("trace(A @ A @ A)", "A", "3 * A @ A", "transposed"),
    ("x @ A @ v", "A", "outer(v, x)", "transposed"),
    ("log(det(A))", "A", "inv(A)", "transposed"),
    ("norm2(A @ x - v)**2", "x", "2 * (A @ (A @ x - v))", "forgotten_transpose"),
    ("x @ A.T @ A @ x", "x", "2 * (A @ A @ x)", "forgotten_transpose"),
    ("x @ A @ x", "x", "2 * (A @ x)", "forgotten_transpose"),
    ("sum(sum(A, axis=0)**2)", "A", "2 * ones((3, 3)) * sum(A, axis=1)", "forgotten_transpose"),
    ("0.2 * sum((X @ w - y)**2)", "w", "2 * (X.T @ (X @ w - y))", "missing_mean"),
    ("mean((X @ w - y)**2) + 0.1 * w @ w", "w", "2*X.T@(X@w-y) + 0.2 * w", "missing_mean"),
    ("mse(X @ w, y) + 0.1 * w @ w", "w", "2*X.T@(X@w-y) + 0.2 * w", "missing_mean"),
    (
        "sum(where(X @ w > 0, X @ w, 0.1 * (X @ w)))",
        "w",
        "sum(X, axis=0)",
        "cases_outside_sum",
    ),
    (
        "sum(where(X @ w > 0, X @ w, 0.1 * (X @ w)))",
        "w",
        "0.1 * sum(X, axis=0)",
        "cases_outside_sum",
    ),
    ("sum(sigmoid(A @ x))", "x", "sigmoid(A @ x) @ A", "missing_chain_factor"),
    ("exp(-z**2)", "z", "exp(-z**2)", "missing_chain_factor"),
    ("sigmoid(w @ x + b)", "w", "sigmoid(w@x+b) * (1-sigmoid(w@x+b))", "missing_chain_factor"),
    ("sum(tanh(x)**2)", "x", "2 * tanh(x)", "missing_chain_factor"),
    ("z**2", "z", "[2 * z]", None),
    ("x @ x", "x", "[2 * x]", None),
    ("sum(x * ones(3))", "x", "2 * x", None),
    ("x @ (A + eye(3)) @ x", "x", "x + A @ x", None),
    ("log(det(A + eye(3)))", "A", "A", None),
    ("x @ onehot(3, 1) + sum(zeros(3) * x)", "x", "7 * x", None),
    ("cross_entropy_with_logits(A, eye(3))", "A", "softmax(A) - eye(3)", "missing_mean"),
)
# At the given point alone these are right, or have the wrong sign.
PLANTED_IN_FORMULAS = (
    ("sum(abs(X @ w - y))", "w", "ones(5) @ X", "cases_outside_sum"),
    ("mae(X @ w, y)", "w", "sum(X, axis=0) / 5", "cases_outside_sum"),
    ("relu(A @ x)", "x", "A", "missing_chain_factor"),
    ("abs(z - 5)", "z", "1", "missing_chain_factor"),
)
RIGHT = (
    ("sum(log(1 + exp(-v * x)))", "x", "-v / (1 + exp(v * x))"),
    ("log(sum(exp(x)))", "x", "exp(x) / sum(exp(x))"),
    ("norm2(x)", "x", "x / sqrt(x @ x)"),
    ("log(det(A @ A.T + eye(3)))", "A", "2 * solve(A @ A.T + eye(3), A)"),
    ("x @ A @ x", "x", "A @ x + A.T @ x"),
    ("sum(sigmoid(x))", "x", "exp(-x) / (1 + exp(-x))**2"),
    ("sum(tanh(x))", "x", "1 / cosh(x)**2"),
    (NEURON, "w", "sum(2 / 5 * " + MASKED + "[:, None] * X, axis=0)"),
    ("softmax(x)", "x", "softmax(x)[:, None] * (eye(3) - softmax(x))"),
    ("det(A)", "A", "det(A) * inv(A).T"),
)


def values_for(texts, seed=3):
    rng = np.random.default_rng(seed)
    known = {
        "X": rng.normal(size=(5, 3)),
        "y": rng.normal(size=5),
        "w": rng.normal(size=3),
        "b": np.array(0.3),
        "A": rng.normal(size=(3, 3)) + 2 * np.eye(3),
        "x": rng.normal(size=3),
        "v": rng.normal(size=3),
        "z": np.array(0.7),
    }
    names = set(re.findall(r"[A-Za-z_]+", " ".join(texts)))
    return {n: v for n, v in known.items() if n in names}


def judgement(expression, wrt, claimed, values, **fields):
    claim = Claim(expression=expression, variables=values, wrt=wrt, claimed=claimed, **fields)
    return judged(claim, COMPUTER, LIMITS)


@pytest.mark.parametrize(
    ("expression", "wrt", "claimed", "mistake"), [*PLANTED, *PLANTED_IN_FORMULAS]
)
def test_a_planted_mistake_is_named(expression, wrt, claimed, mistake):
    values = values_for([expression, claimed])

    found = judgement(expression, wrt, claimed, values)

    assert (found.verdict, found.mistake) == ("wrong", mistake)


@pytest.mark.parametrize(("expression", "wrt", "claimed", "mistake"), PLANTED)
def test_a_planted_mistake_is_named_by_its_numbers(expression, wrt, claimed, mistake):
    values = values_for([expression, claimed])
    numbers = COMPUTER.run("evaluate", claimed, values).value

    claim = Claim(expression=expression, variables=values, wrt=wrt, numbers=numbers)
    found = judged(claim, COMPUTER, LIMITS)

    assert (found.verdict, found.mistake) == ("wrong", mistake)


@pytest.mark.parametrize(("expression", "wrt", "claimed"), RIGHT)
def test_a_right_claim_in_another_form_is_correct(expression, wrt, claimed):
    found = judgement(expression, wrt, claimed, values_for([expression, claimed]))

    assert (found.verdict, found.mistake) == ("correct", None)
    assert found.taylor_rate is None or found.taylor_rate > 1.8


def published():
    """The claims of published formulas: expression, variable, values, and the numbers."""
    rng = np.random.default_rng(5)
    rows = [row for table in TABLES.values() for row in table if len(row.wrt) == 1]
    while True:
        for row in rows:
            for sizes in row.sizes[:3]:
                values = row.values(sizes, rng)
                yield row.expression, row.by, values, row.expected(values, sizes)


def test_five_hundred_published_derivatives_are_correct():
    for expression, wrt, values, numbers in islice(published(), 500):
        claim = Claim(expression=expression, variables=values, wrt=wrt, numbers=numbers)

        found = judged(claim, COMPUTER, LIMITS)

        assert found.verdict == "correct", (expression, wrt, found)


def test_a_hundred_disturbed_derivatives_are_wrong_without_a_common_cause():
    large = (row for row in published() if row[3].size > 3)
    for expression, wrt, values, numbers in islice(large, 100):
        moved = numbers + 0.37 * (1 + np.max(np.abs(numbers))) * np.sin(
            1 + np.arange(numbers.size)
        ).reshape(numbers.shape)
        claim = Claim(expression=expression, variables=values, wrt=wrt, numbers=moved)

        found = judged(claim, COMPUTER, LIMITS)

        assert (found.verdict, found.mistake) == ("wrong", None), (expression, wrt, found)


KINKED = (
    ("sum(relu(x))", {"x": [0, 1]}, [1, 5], "wrong"),
    ("sum(relu(x))", {"x": [0, 1]}, [0, 0.001], "wrong"),
    ("sum(relu(x))", {"x": [0, 1]}, [0.3, 1], "undecided"),
    ("sum(relu(x)) + x @ x", {"x": [0, 2]}, [1, 4.5], "wrong"),
    ("sum(relu(x)) + x @ x", {"x": [0, 2]}, [1, 5], "undecided"),
    ("relu(x)", {"x": 0}, -3, "wrong"),
    ("relu(x)", {"x": 0}, 1, "undecided"),
    ("relu(x) * 5", {"x": 0}, 10, "wrong"),
    ("relu(x) * 5", {"x": 0}, 5, "undecided"),
    ("-relu(x)", {"x": 0}, -0.5, "undecided"),
    ("-relu(x)", {"x": 0}, 0.5, "wrong"),
    ("abs(x)", {"x": 0}, 2, "wrong"),
    ("abs(x)", {"x": 0}, -1, "undecided"),
    ("norm2(x)", {"x": [0, 0]}, [60, 0.8], "wrong"),
    ("norm2(x)", {"x": [0, 0]}, [0.6, 0.8], "undecided"),
    ("norm2(x)", {"x": [0, 0]}, [0.9, 0.9], "wrong"),
    ("norm1(x)", {"x": [0, 0]}, [0.9, 0.9], "undecided"),
    ("maximum(x, v)", {"x": 2, "v": 2}, 1.0, "undecided"),
    ("maximum(x, v)", {"x": 2, "v": 2}, 0.5, "correct"),
    ("maximum(x, v)", {"x": 2, "v": 2}, 1.5, "wrong"),
    ("sum(maximum(x, v))", {"x": [2, 1], "v": [2, 3]}, [1, 0], "undecided"),
    ("sum(maximum(x, v))", {"x": [2, 1], "v": [2, 3]}, [1, 1], "wrong"),
    ("relu(x) + x", {"x": 0}, 2.0, "undecided"),
    ("relu(x) + x", {"x": 0}, 2.1, "wrong"),
    ("max(x)", {"x": [1, 1, 0]}, [1, 0, 0], "undecided"),
    ("max(x)", {"x": [1, 1, 0]}, [1, 1, 0], "wrong"),
    ("max(x)", {"x": [1, 1, 0]}, [0, 0, 1], "wrong"),
    ("relu(x)", {"x": [0, 1, -1]}, [[1, 0, 0], [0, 1, 0], [0, 0, 0]], "undecided"),
    ("relu(x)", {"x": [0, 1, -1]}, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "wrong"),
    ("relu(x)", {"x": np.zeros(40)}, np.eye(40), "undecided"),
    ("relu(x)", {"x": np.zeros(40)}, 2 * np.eye(40), "wrong"),
    ("floor(x)", {"x": 2}, 5, "wrong"),
    ("sum(relu(A @ x))", {"A": [[1, -1], [1, 1]], "x": [1, 1]}, [2, 0], "undecided"),
    ("sum(relu(A @ x))", {"A": [[1, -1], [1, 1]], "x": [1, 1]}, [1, 1], "correct"),
    ("sum(relu(A @ x))", {"A": [[1, -1], [1, 1]], "x": [1, 1]}, [2, 2], "wrong"),
)


@pytest.mark.parametrize(("expression", "values", "numbers", "verdict"), KINKED)
def test_at_a_kink_subgradients_are_undecided_and_others_wrong(
    expression, values, numbers, verdict
):
    values = {n: np.array(v, dtype=float) for n, v in values.items()}
    numbers = np.array(numbers, dtype=float)
    claim = Claim(expression=expression, variables=values, wrt="x", numbers=numbers)

    found = judged(claim, COMPUTER, LIMITS)

    assert found.verdict == verdict
    assert verdict == "wrong" or found.mistake is None


@pytest.mark.parametrize(
    ("expression", "x", "claimed"),
    [
        ("relu(x)", 0.0, "x >= 0"),
        ("abs(x)", 0.0, "2 * (x >= 0) - 1"),
        ("relu(x)", 0.0, "0.5 + sign(x)/2"),
    ],
)
def test_an_expression_that_is_another_subgradient_at_the_kink_is_undecided(
    expression, x, claimed
):
    found = judgement(expression, "x", claimed, {"x": np.array(x)})

    assert (found.verdict, found.mistake) == ("undecided", None)


def test_a_choice_at_a_tie_that_is_no_subgradient_is_wrong_but_no_chain_mistake():
    found = judgement("max(x)", "x", "x == max(x)", {"x": np.array([1.0, 1.0, 0.0])})

    assert (found.verdict, found.mistake) == ("wrong", None)


def terms(count, function="sin"):
    return "sum(" + " + ".join(f"{function}({k} * x) * x" for k in range(count)) + ")"


def nested(count):
    return "sum(" + "tanh(" * count + "x" + ")" * count + ")"


def product_of(count):
    return "trace(" + " @ ".join("A" * count) + ")"


LONG = (
    (terms(20), "x", "x", {"x": (20,)}),
    (terms(60), "x", "x", {"x": (20,)}),
    (nested(25), "x", "x", {"x": (20,)}),
    (product_of(30), "A", "A", {"A": (20, 20)}),
    ("trace(inv(A) @ B)", "A", "-inv(A).T @ B @ inv(A).T", {"A": (300, 300), "B": (300, 300)}),
    ("sum(tanh(A @ B) @ A @ B @ A)", "A", "A", {"A": (300, 300), "B": (300, 300)}),
    (
        "trace(inv(A) @ B @ inv(A) @ B)",
        "A",
        "inv(A) @ B",
        {"A": (300, 300), "B": (300, 300)},
    ),
)


@pytest.mark.parametrize(("expression", "wrt", "claimed", "shapes"), LONG)
def test_a_wrong_claim_is_wrong_however_long_a_mistake_would_be_searched(
    expression, wrt, claimed, shapes
):
    rng = np.random.default_rng(1)
    values = {
        n: rng.normal(size=s) / s[0] + np.eye(*s) if len(s) > 1 else rng.normal(size=s)
        for n, s in shapes.items()
    }
    started = monotonic()

    found = judgement(expression, wrt, claimed, values)

    assert found.verdict == "wrong"
    assert monotonic() - started < LIMITS.compute_seconds + 0.5  # when a request ends


def test_a_claim_has_the_time_of_one_request():
    values = values_for([NEURON])
    claim = Claim(expression=NEURON, variables=values, wrt="w", claimed="w")

    with pytest.raises(DeadlineExceededError):
        judged(claim, COMPUTER, LIMITS, seconds=0.0)


def test_a_claim_of_another_shape_is_wrong_and_no_error():
    found = judgement("sum(x)", "x", "[1, 2]", values_for(["x"]))

    assert found.verdict == "wrong"
    assert found.largest_error is None
    assert found.position is None


def test_at_a_kink_other_numbers_are_undecided():
    values = {"x": np.array([0.0, 1.0])}
    claim = Claim(
        expression="sum(relu(x))", variables=values, wrt="x", numbers=np.array([1.0, 1.0])
    )

    assert judged(claim, COMPUTER, LIMITS).verdict == "undecided"


def test_the_largest_error_has_its_position():
    found = judgement("x @ x", "x", "2 * x + [0, 0.5, 0]", values_for(["x"]))

    assert found.position == (1,)
    assert found.largest_error == pytest.approx(0.5)


def test_a_mistake_in_the_claim_s_text_has_its_place():
    with pytest.raises(ExpressionSyntaxError, match="unclosed") as caught:
        judgement("x @ x", "x", "2 * (x", values_for(["x"]))

    assert caught.value.faults[0].pointer == "/claim/expression"


def test_a_variable_that_is_not_given_is_unknown():
    with pytest.raises(UnknownNameError, match="unknown variable 'q'") as caught:
        judgement("x @ x", "q", "x", values_for(["x"]))

    assert caught.value.faults[0].pointer == "/wrt"
