"""Comparisons, where, maximum and minimum: what masks hide, and what a tie gives."""

import numpy as np
import pytest

from service.calculus.differentiate import jacobian
from service.calculus.graph import Elementwise
from service.calculus.rules.choices import complement, is_indicator
from service.calculus.terms import filled, is_zero
from tests.calculus.nodes import node_of, numbers_of, variables

SHAPES = {"x": (3,), "y": (3,), "A": (2, 3), "B": (3, 2), "v": (2,), "a": (), "b": ()}


def node(text):
    return node_of(text, **SHAPES)


def assert_value_and_jacobians(text, values, value, **jacobians):
    root = node_of(text, **{name: np.shape(v) for name, v in values.items()})
    found = numbers_of(root, **{n: values[n] for n in root.variables})
    np.testing.assert_allclose(found, value, rtol=1e-15)
    for v in variables(**{name: np.shape(values[name]) for name in jacobians}):
        derivative = jacobian(root, [v])[v]
        used = {name: values[name] for name in derivative.variables}
        # Each entry is one rounded function.
        np.testing.assert_allclose(
            numbers_of(derivative, **used), jacobians[v.name], rtol=1e-15
        )


# Each: text, values, value, Jacobians; in NumPy a masked entry would give inf or nan.
MASKED = [
    (
        "sum(where(x > 0, x * log(x) + y * log(x), 0))",
        {"x": [0, 2], "y": [1, 1]},
        3 * np.log(2),
        {"x": [0, np.log(2) + 1.5], "y": [0, np.log(2)]},
    ),
    (
        "L = log(x); sum(where(x > 0, L, 0)) + sum(where(x > 0, L * y, 1))",
        {"x": [0, 2], "y": [1, 3]},
        4 * np.log(2) + 1,
        {"x": [0, 2], "y": [0, np.log(2)]},
    ),
    (
        "sum(where(x > 0, sqrt(x) + sqrt(x)**3, 0))",
        {"x": [0, 4]},
        10,
        {"x": [0, 3.25]},
    ),
    (
        "r = 1 / x; sum(where(x > 0, r, 0)) + sum(where(x > 1, r * y, 1))",
        {"x": [0, 2], "y": [1, 3]},
        3,
        {"x": [0, -1], "y": [0, 0.5]},
    ),
    (
        "where(x > 0, log(x), 0)",
        {"x": [0, -1, 2]},
        [0, 0, np.log(2)],
        {"x": np.diag([0, 0, 0.5])},
    ),
    (
        "where(x <= 0, 0, log(x))",
        {"x": [0, -1, 2]},
        [0, 0, np.log(2)],
        {"x": np.diag([0, 0, 0.5])},
    ),
    ("(x > 0) * log(x)", {"x": [0, -1, 2]}, [0, 0, np.log(2)], {"x": np.diag([0, 0, 0.5])}),
    (
        "where(x > 0, 1 / y, 0)",
        {"x": [-1, 1], "y": [0, 2]},
        [0, 0.5],
        {"x": np.zeros((2, 2)), "y": np.diag([0, -0.25])},
    ),
    ("where(x > 0, 1 / a, 0)", {"x": [-1, -1], "a": 0}, [0, 0], {"a": [0, 0]}),
    ("where(a > 0, 1 / x, 0)", {"x": [0, 1], "a": -1}, [0, 0], {"x": np.zeros((2, 2))}),
    (
        "where(a > 0, 1 / x, b)",
        {"x": [0, 1], "a": -1, "b": 3},
        [3, 3],
        {"x": np.zeros((2, 2)), "b": [1, 1]},
    ),
    ("where(x > 0, sqrt(x), 0)", {"x": [0, 4]}, [0, 2], {"x": np.diag([0, 0.25])}),
    ("where(x != 0, x * log(x), 0)", {"x": [0, 1]}, [0, 0], {"x": np.diag([0, 1])}),
    ("where(x < 700, exp(x), 0)", {"x": [1000, 1]}, [0, np.e], {"x": np.diag([0, np.e])}),
    (
        "where(x > 0, x**y, 1)",
        {"x": [-1, 2], "y": [0.5, 3]},
        [1, 8],
        {"x": np.diag([0, 12]), "y": np.diag([0, 8 * np.log(2)])},
    ),
    ("where(x, 1 / x, 0)", {"x": [0, 2]}, [0, 0.5], {"x": np.diag([0, -0.25])}),
    (
        "where(x > 0, where(x < 5, log(x), 1 / (x - 7)), 0)",
        {"x": [0, 8, 2]},
        [0, 1, np.log(2)],
        {"x": np.diag([0, -1, 0.5])},
    ),
    ("where(a > 0, inv([[a]]), [[0]])", {"a": 0}, [[0]], {"a": [[0]]}),
    ("where(a > 0, det([[a, b], [b, 1 / a]]), 0)", {"a": 0, "b": 1}, 0, {"a": 0, "b": 0}),
    ("where(a > 0, x / norm2(x), 0)", {"x": [0, 0], "a": -1}, [0, 0], {"x": np.zeros((2, 2))}),
    (
        "sum(where(x > 0, log(x), 0) * y)",
        {"x": [0, 2], "y": [1, 3]},
        3 * np.log(2),
        {"x": [0, 1.5], "y": [0, np.log(2)]},
    ),
    (
        "A @ where(x > 0, 1 / x, 0)",
        {"x": [0, 1], "A": [[1, 2], [3, 4]]},
        [2, 4],
        {"x": [[0, -2], [0, -4]]},
    ),
    (
        "sum(where(x > 0, A @ (1 / y), 0))",
        {"x": [0, -1], "y": [0, 2], "A": [[1, 0], [2, 4]]},
        0,
        {"x": [0, 0], "y": [0, 0], "A": np.zeros((2, 2))},
    ),
    (
        "outer(x > 0, y > 0) * (1 / A)",
        {"x": [0, 1], "y": [0, 2], "A": [[1, 0], [0, 4]]},
        [[0, 0], [0, 0.25]],
        {"x": np.zeros((2, 2, 2))},
    ),
    (
        "outer(x > 0, y > 0) @ (1 / z)",
        {"x": [0, 1], "y": [0, 2], "z": [0, 4]},
        [0, 0.25],
        {"z": [[0, 0], [0, -0.0625]]},
    ),
    ("(x > 0) @ (1 / y)", {"x": [0, 1], "y": [0, 2]}, 0.5, {"y": [0, -0.25]}),
    (
        "(x > 0)[:, None] * log(A)",
        {"x": [0, 1], "A": [[0, -1], [1, 4]]},
        [[0, 0], [0, np.log(4)]],
        {"x": np.zeros((2, 2, 2))},
    ),
    ("1 / where(x > 0, x, 1)", {"x": [0, 2]}, [1, 0.5], {"x": np.diag([0, -0.25])}),
    ("exp(where(x > 0, log(x), 0))", {"x": [0, 2]}, [1, 2], {"x": np.diag([0, 1])}),
    (
        "mean(where(A > 0, log(A), 0) @ v)",
        {"A": [[0, 1], [2, 1]], "v": [1, 2]},
        np.log(2) / 2,
        {"v": [np.log(2) / 2, 0], "A": [[0, 1], [0.25, 1]]},
    ),
]


@pytest.mark.parametrize(
    ("text", "values", "value", "jacobians"), MASKED, ids=[text for text, *_ in MASKED]
)
def test_what_a_mask_hides_has_no_effect(text, values, value, jacobians):
    assert_value_and_jacobians(text, values, value, **jacobians)


def test_a_mask_of_one_term_does_not_hide_another():
    assert_value_and_jacobians(
        "r = log(x); sum(where(x > 3, r, 0) + r * y)",
        {"x": [2, 4], "y": [1, 2]},
        np.log(2) + 3 * np.log(4),
        x=[0.5, 0.75],
        y=[np.log(2), np.log(4)],
    )


def test_a_mask_of_another_entry_does_not_hide():
    assert_value_and_jacobians(
        "r = log(x); sum(where(y > 0, r, 0) + where(y[::-1] > 0, r * 2, 0))",
        {"x": [2, 4], "y": [1, -1]},
        np.log(2) + 2 * np.log(4),
        x=[0.5, 0.5],
    )


def test_a_condition_may_be_any_number():
    assert_value_and_jacobians(
        "where(x, 2 * y, y)",
        {"x": [0, -0.5, 3], "y": [1, 2, 3]},
        [1, 4, 6],
        x=np.zeros((3, 3)),
        y=np.diag([1, 2, 2]),
    )


@pytest.mark.parametrize(
    "text",
    [
        "where(a, x, y)",
        "where(a > 0, x, y)",
        "where(a > b, A, x)",
        "where(x[None] > 0, A, 2)",
        "where(B > 0, A.T, B)",
        "where(B.T, A, 2 * A)",
    ],
)
def test_a_condition_may_be_broadcast_or_transposed(text):
    values = {
        "x": [1.0, -1, 2],
        "y": [4.0, 5, 6],
        "a": 1.0,
        "b": 0.5,
        "A": [[1.0, 2, 3], [4, 5, 6]],
        "B": [[1.0, -2], [0, 4], [-5, 6]],
    }
    names = {name: np.array(v) for name, v in values.items()} | {"where": np.where}
    expected = eval(text.replace("None", "np.newaxis"), {"np": np}, names)
    root = node(text)

    found = numbers_of(root, **{n: values[n] for n in root.variables})

    np.testing.assert_array_equal(found, expected)


def test_a_choice_between_equals_is_that_value():
    assert node("where(x > 0, y, y)") is node("y")


def test_a_literal_condition_chooses_at_once():
    assert node("where(1, x, y)") is node("x")
    assert node("where(0, x, y)") is node("y")
    assert node("where(2 > 1, x, 1 / y)") is node("x")


@pytest.mark.parametrize(
    ("text", "value"),
    [("x > x", 0), ("x >= x", 1), ("x < x", 0), ("x <= x", 1), ("x == x", 1), ("x != x", 0)],
)
def test_a_comparison_with_itself_is_a_number(text, value):
    assert node(text) is filled(node("1").coefficient * value, (3,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > y", [0, 0, 1]),
        ("x >= y", [0, 1, 1]),
        ("x < y", [1, 0, 0]),
        ("x <= y", [1, 1, 0]),
        ("x == y", [0, 1, 0]),
        ("x != y", [1, 0, 1]),
    ],
)
def test_a_comparison_is_1_or_0_and_its_derivative_0(text, expected):
    root = node(text)

    assert numbers_of(root, x=[1, 2, 3], y=[2, 2, 2]).tolist() == expected
    assert all(is_zero(d) for d in jacobian(root, variables(x=(3,), y=(3,))).values())


@pytest.mark.parametrize(
    ("text", "complement_text"),
    [
        ("x > y", "x <= y"),
        ("x >= y", "x < y"),
        ("x == y", "x != y"),
        ("x != y", "x == y"),
        ("(x > y) * (y > 0)", "(x > y) * (y > 0) == 0"),
    ],
)
def test_the_complement_of_an_indicator_is_1_where_it_is_0(text, complement_text):
    assert complement(node(text)) is node(complement_text)


@pytest.mark.parametrize(
    "text", ["x > y", "x == y", "(x > y) * (y != 0)", "(a > b) + 0 * x", "(B > 0).T", "x >= 1"]
)
def test_indicators_are_known_also_when_broadcast(text):
    assert is_indicator(node(text))


@pytest.mark.parametrize(
    "text",
    ["x", "2 * (x > y)", "(x > y) + (y > x)", "1 / (x > y)", "(x > 0) @ (y > 0)", "sign(x)"],
)
def test_other_nodes_are_not_called_indicators(text):
    assert not is_indicator(node(text))


TIES = [
    ("maximum(0, x)", [0, 0, 1]),
    ("maximum(x, 0)", [0, 0, 1]),
    ("minimum(0, x)", [1, 0, 0]),
    ("relu(x)", [0, 0, 1]),
    ("maximum(x, [-1, 0, 1])", [0, 0, 0]),
    ("maximum(x, y)", [0, 0.5, 1]),
    ("minimum(x, y)", [1, 0.5, 0]),
    ("maximum(x, 2 * y)", [0, 0.5, 1]),
    ("maximum(x, x)", [1, 1, 1]),
    ("maximum(x, x + y - y)", [1, 1, 1]),
    ("abs(x)", [-1, 0, 1]),
    ("sign(x)", [0, 0, 0]),
    ("where(x > 0, x, 0)", [0, 0, 1]),
    ("where(x >= 0, x, 0)", [0, 1, 1]),
    ("minimum(maximum(x, 0), 1)", [0, 0, 0]),
    ("maximum(x, y) + maximum(y, x)", [0, 1, 2]),
]


@pytest.mark.parametrize(("text", "slopes"), TIES, ids=[text for text, _ in TIES])
def test_a_tie_gives_the_documented_derivative(text, slopes):
    (x,) = variables(x=(3,))
    root = node(text)

    derivative = jacobian(root, [x])[x]

    values = {"x": [-1, 0, 1], "y": [0, 0, 0]}
    used = {n: values[n] for n in derivative.variables}
    np.testing.assert_array_equal(numbers_of(derivative, **used), np.diag(slopes))


EXTREMES = [
    ("max(x)", [1, 1, 0], [0.5, 0.5, 0]),
    ("max(x)", [2, 2, 2], [1 / 3, 1 / 3, 1 / 3]),
    ("min(x)", [1, 1, 0], [0, 0, 1]),
    ("min(x)", [0, 1, 0], [0.5, 0, 0.5]),
]


@pytest.mark.parametrize(("text", "point", "slopes"), EXTREMES)
def test_an_extreme_is_shared_evenly_among_its_ties(text, point, slopes):
    (x,) = variables(x=(3,))

    found = numbers_of(jacobian(node(text), [x])[x], x=point)

    np.testing.assert_array_equal(found, slopes)


def test_ties_are_counted_in_each_row():
    (a,) = variables(A=(2, 3))

    found = numbers_of(jacobian(node("max(A, axis=1)"), [a])[a], A=[[1, 1, 0], [2, 1, 0]])

    np.testing.assert_array_equal(found[0], [[0.5, 0.5, 0], [0, 0, 0]])
    np.testing.assert_array_equal(found[1], [[0, 0, 0], [1, 0, 0]])


def test_a_maximum_of_a_broadcast_is_computed_without_the_broadcast():
    root = node("maximum(a, b) + 0 * x")

    ((inner, _, _),) = root.factors
    assert isinstance(inner, Elementwise)
    assert inner.shape == ()
