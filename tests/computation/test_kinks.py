"""Kinks that a derivative meets: rule, place, positions, value, subdifferential."""

import numpy as np
import pytest

from service.calculus.rules.table import FUNCTIONS
from service.computation.answers import Kink
from service.computation.compute import Computer
from service.settings import Limits
from tests.numeric.dense import dense

SELU = (1.0507009873554805, 1.7580993408473766)
ABSOLUTE, STEP, JUMP = (-1.0, 1.0), (0.0, 1.0), None


def kinks(text, wrt=None, operation="jacobian", **values):
    arrays = {name: np.array(value, dtype=float) for name, value in values.items()}
    return Computer(Limits()).run(operation, text, arrays, wrt).kinks


# Text, values, and of the one kink: rule, positions, value, subdifferential.
MET = [
    ("abs(x)", {"x": [0, -1, 0]}, "abs", [(0,), (2,)], 0.0, ABSOLUTE),
    ("sign(x)", {"x": [1, 0]}, "sign", [(1,)], 0.0, JUMP),
    ("sgn(x)", {"x": 0}, "sign", [()], 0.0, JUMP),
    ("relu(x)", {"x": [0, 1]}, "relu", [(0,)], 0.0, STEP),
    ("maximum(0, x)", {"x": [0, 1]}, "maximum", [(0,)], 0.0, STEP),
    ("maximum(x, [1, 2])", {"x": [1, 3]}, "maximum", [(0,)], 0.0, STEP),
    ("maximum(x, y)", {"x": [0, 1], "y": [0, 2]}, "maximum", [(0,)], 0.5, STEP),
    ("minimum(x, 1)", {"x": [0, 1]}, "minimum", [(1,)], 0.0, STEP),
    ("minimum(x, y)", {"x": [0, 1], "y": 1}, "minimum", [(1,)], 0.5, STEP),
    ("max(x)", {"x": [1, 2, 2]}, "max", [()], 0.5, STEP),
    ("max(x)", {"x": [2, 2, 2]}, "max", [()], 1 / 3, STEP),
    ("max(A, axis=1)", {"A": [[1, 2], [3, 3]]}, "max", [(1,)], 0.5, STEP),
    ("min(A, axis=0)", {"A": [[1, 2], [1, 3]]}, "min", [(0,)], 0.5, STEP),
    ("max(A, axis=1, keepdims=True)", {"A": [[1, 2], [3, 3]]}, "max", [(1,)], 0.5, STEP),
    ("norm1(x)", {"x": [0, 2]}, "norm1", [(0,)], 0.0, ABSOLUTE),
    ("norm2(x)", {"x": [0, 0]}, "norm2", [()], 0.0, ABSOLUTE),
    ("norm(x)", {"x": [0, 0]}, "norm2", [()], 0.0, ABSOLUTE),
    ("std(x)", {"x": [2, 2]}, "std", [()], 0.0, ABSOLUTE),
    ("std(A, axis=1)", {"A": [[1, 1], [0, 3]]}, "std", [(0,)], 0.0, ABSOLUTE),
    ("norm_inf(x)", {"x": [-2, 2, 1]}, "norm_inf", [()], 0.5, ABSOLUTE),
    ("norm2(x)", {"x": 0}, "norm2", [()], 0.0, ABSOLUTE),
    ("norm2(A, axis=1)", {"A": [[0, 0], [3, 4]]}, "norm2", [(0,)], 0.0, ABSOLUTE),
    ("clip(x, -1, 2)", {"x": [-1, 2.5]}, "clip", [(0,)], 0.0, STEP),
    ("clip(x, -1, 2)", {"x": [2, 2, 0]}, "clip", [(0,), (1,)], 0.0, STEP),
    ("clip(x, y, 2)", {"x": [1, 0], "y": [1, -1]}, "clip", [(0,)], 0.5, STEP),
    ("hardtanh(x)", {"x": [1, 0]}, "hardtanh", [(0,)], 0.0, STEP),
    ("hardtanh(x)", {"x": [0, -1]}, "hardtanh", [(1,)], 0.0, STEP),
    ("floor(x)", {"x": [1.5, -2]}, "floor", [(1,)], 0.0, JUMP),
    ("ceil(x)", {"x": [3, 0.5]}, "ceil", [(0,)], 0.0, JUMP),
    ("round(x)", {"x": [1, 1.5, -0.5]}, "round", [(1,), (2,)], 0.0, JUMP),
    ("heaviside(x, 0.5)", {"x": [1, 0]}, "heaviside", [(1,)], 0.0, JUMP),
    ("hypot(x, y)", {"x": [0, 3], "y": [0, 0]}, "hypot", [(0,)], 0.0, ABSOLUTE),
    ("selu(x)", {"x": [0, 1]}, "selu", [(0,)], 1.7580993408473766, SELU),
    ("elu(x, 0.5)", {"x": [0, 1]}, "elu", [(0,)], 0.5, (0.5, 1.0)),
    ("elu(x, alpha=2)", {"x": [1, 0]}, "elu", [(1,)], 2.0, (1.0, 2.0)),
    ("leaky_relu(x, 0.25)", {"x": [0, 1]}, "leaky_relu", [(0,)], 0.25, (0.25, 1.0)),
    ("mae(x, 1)", {"x": [2, 1]}, "mae", [(1,)], 0.0, (-0.5, 0.5)),
    ("hinge(x, 1)", {"x": [2, 1]}, "hinge", [(1,)], 0.0, (-0.5, 0.5)),
    ("quantile(x, 1, 0.75)", {"x": [1, 2]}, "quantile", [(0,)], 0.0, (-0.375, 0.125)),
    ("power(x**2, 0.5)", {"x": [0, 1]}, "abs", [(0,)], 0.0, ABSOLUTE),
    ("x > 1", {"x": [1, 2]}, "comparison", [(0,)], 0.0, JUMP),
    ("x <= y", {"x": [1, 2], "y": 2}, "comparison", [(1,)], 0.0, JUMP),
    ("x == y", {"x": [1, 2], "y": [1, 1]}, "comparison", [(0,)], 0.0, JUMP),
    ("x != 1", {"x": [[1, 2]]}, "comparison", [(0, 0)], 0.0, JUMP),
    ("sqrt(x**2)", {"x": [0, 1]}, "abs", [(0,)], 0.0, ABSOLUTE),
    ("sqrt(4 * x**2)", {"x": [0, 1]}, "abs", [(0,)], 0.0, (-2.0, 2.0)),
    ("(x**2)**0.5", {"x": [0, 1]}, "abs", [(0,)], 0.0, ABSOLUTE),
    ("sqrt(x @ x)", {"x": [0, 0]}, "norm2", [()], 0.0, ABSOLUTE),
    ("(x @ x)**(1/2)", {"x": [0, 0]}, "norm2", [()], 0.0, ABSOLUTE),
    ("sqrt(sum(A**2, axis=1))", {"A": [[1, 1], [0, 0]]}, "norm2", [(1,)], 0.0, ABSOLUTE),
]


@pytest.mark.parametrize(
    ("text", "values", "rule", "positions", "value", "subdifferential"),
    MET,
    ids=[f"{text} at {values}" for text, values, *_ in MET],
)
def test_a_kink_is_reported_with_what_was_used(
    text, values, rule, positions, value, subdifferential
):
    (kink,) = kinks(text, **values)

    assert kink == Kink(
        expression=text,
        start=0,
        end=len(text),
        rule=rule,
        count=len(positions),
        positions=tuple(positions),
        value=value,
        subdifferential=subdifferential,
    )


@pytest.mark.parametrize(
    ("text", "values", "rule", "positions", "value", "subdifferential"),
    [row for row in MET if row[-1] and "," not in "".join(row[1])],
    ids=[f"{row[0]} at {row[1]}" for row in MET if row[-1]],
)
def test_the_value_of_a_kink_is_the_derivative_that_was_used(
    text, values, rule, positions, value, subdifferential
):
    arrays = {name: np.array(v, dtype=float) for name, v in values.items()}
    low, high = subdifferential

    answer = Computer(Limits()).run("jacobian", text, arrays, ["x" if "x" in values else "A"])

    (found,) = (dense(j) for j in answer.jacobians.values())
    assert low <= value <= high
    slopes = found[positions[0]] if found.ndim > len(positions[0]) else found
    assert value in np.ravel(slopes)


def test_every_function_with_a_kink_is_among_them():
    with_kinks = {
        name
        for name, f in FUNCTIONS.items()
        if f.kinks.__name__ != "<lambda>" or name in "abs sign"
    }

    met = {row[0].split("(")[0] for row in MET}

    assert with_kinks <= met | {"sgn"}


NOT_MET = [
    ("abs(x)", {"x": [1, -1]}),
    ("maximum(x, y)", {"x": [0, 1], "y": [1, 0]}),
    ("maximum(x, x)", {"x": [0, 1]}),
    ("max(x)", {"x": [1, 2]}),
    ("max(x)", {"x": [1]}),
    ("max(x)", {"x": 0}),
    ("norm2(x)", {"x": [0, 1]}),
    ("x**2", {"x": 0}),
    ("sqrt(x**4)", {"x": [0, 1]}),
    ("(x**2)**1.5", {"x": [0, 1]}),
    ("x == x", {"x": [0, 1]}),
    ("clip(x, 0, 1)", {"x": [-1, 0.5, 2]}),
    ("floor(x) + ceil(x)", {"x": [0.5, -0.5]}),
    ("round(x)", {"x": [0, -1, 2.4]}),
    ("hypot(3, 4) * x", {"x": [1, 2]}),
    ("softsign(x)", {"x": [0]}),
    ("elu(x)", {"x": [0]}),
    ("leaky_relu(x, 1)", {"x": [0]}),
    ("huber(x, 0)", {"x": [1, 0]}),
    ("maximum(1, 2) * x", {"x": 0}),
    ("abs([0, 1]) * x", {"x": [1, 1]}),
    ("(1 > 1) * x", {"x": 1}),
]


@pytest.mark.parametrize(("text", "values"), NOT_MET, ids=[f"{t} at {v}" for t, v in NOT_MET])
def test_no_kink_is_reported_where_none_is_met(text, values):
    assert kinks(text, **values) == ()


def test_only_kinks_of_what_is_differentiated_by_are_reported():
    values = {"x": [0.0], "y": [0.0]}

    (kink,) = kinks("abs(x) + abs(y)", ["y"], **values)

    assert kink.expression == "abs(y)"


def test_evaluation_reports_no_kinks():
    assert kinks("abs(x)", operation="evaluate", x=[0.0]) == ()


def test_a_gradient_reports_its_kinks_too():
    (kink,) = kinks("sum(abs(x))", operation="gradient", x=[0.0, 1])

    assert (kink.rule, kink.start, kink.end) == ("abs", 4, 10)


def test_each_place_of_the_text_reports_its_own():
    found = kinks("abs(x) + 2 * abs(x)", x=[0.0])

    assert [(k.start, k.end) for k in found] == [(0, 6), (13, 19)]


def test_three_operands_of_max_report_each_tie():
    found = kinks("max(x, y, 1)", x=1.0, y=1.0)

    assert [(k.rule, k.value) for k in found] == [("maximum", 0.5), ("maximum", 0.0)]


def test_the_first_ten_positions_are_listed_and_all_are_counted():
    (kink,) = kinks("relu(A)", A=np.zeros((5, 4)))

    assert kink.count == 20
    assert kink.positions == tuple((k // 4, k % 4) for k in range(10))


def test_a_broadcast_operand_has_positions_of_the_result():
    (kink,) = kinks("maximum(A, x)", A=[[1, 2], [3, 4]], x=[1, 4])

    assert kink.positions == ((0, 0), (1, 1))


def test_an_operand_that_is_no_variable_counts_as_one_of_two():
    (kink,) = kinks("maximum(x**2, y + 1)", x=1.0, y=0.0)

    assert kink.value == 0.5
