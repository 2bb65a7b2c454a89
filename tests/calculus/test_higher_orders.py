"""Third and fourth derivatives against differences of the one before; limits end the rest."""

import numpy as np
import pytest

from service.calculus.differentiate import jacobian
from service.calculus.graph import construction_limit, variable
from service.deadline import deadline_in
from service.errors import DeadlineExceededError, OverLimitError
from service.settings import Limits
from tests.calculus.nodes import node_of, numbers_of

LIMITS = Limits()
STEP = 1e-4
CASES = [
    ("sum(tanh(A @ x)**2)", {"A": (3, 2), "x": (2,)}, "x"),
    ("sum(softmax(A @ x)**2)", {"A": (3, 2), "x": (2,)}, "x"),
    ("log(1 + sum(x**2))", {"x": (3,)}, "x"),
    ("norm2(x)**3", {"x": (3,)}, "x"),
    ("logsumexp(A @ x)", {"A": (4, 3), "x": (3,)}, "x"),
    ("sum(inv(X))", {"X": (2, 2)}, "X"),
    ("det(X)", {"X": (4, 4)}, "X"),
    ("prod(x)", {"x": (5,)}, "x"),
    ("sum(kron(x, y)**3)", {"x": (2,), "y": (3,)}, "y"),
    ("sum(var(X, axis=0)**2)", {"X": (3, 2)}, "X"),
]
GROWING = ("sum(softmax(tanh(A @ x))**2) * sum(sin(x)**2)", {"A": (3, 2), "x": (2,)}, "x")


def derivatives(text, shapes, name, orders):
    by = variable(name, shapes[name])
    node = node_of(text, **shapes)
    with construction_limit(LIMITS.max_graph_nodes), deadline_in(LIMITS.compute_seconds):
        for _ in range(orders):
            node = jacobian(node, [by])[by]
            yield node


@pytest.mark.parametrize(("text", "shapes", "name"), CASES)
def test_a_fourth_derivative_is_that_of_central_differences(text, shapes, name):
    rng = np.random.default_rng(3)
    values = {n: rng.uniform(0.5, 1.5, size=s) + np.eye(*s) * 2 if len(s) == 2 else
              rng.uniform(0.5, 1.5, size=s) for n, s in shapes.items()}  # fmt: skip
    direction = rng.normal(size=shapes[name])
    *_, third, fourth = derivatives(text, shapes, name, 4)

    def at(h):
        return numbers_of(third, **values | {name: values[name] + h * direction})

    found = np.tensordot(numbers_of(fourth, **values), direction, axes=direction.ndim)
    expected = (8 * (at(STEP) - at(-STEP)) - (at(2 * STEP) - at(-2 * STEP))) / (12 * STEP)

    assert fourth.shape == shapes[name] * 4
    # h⁴ times a fifth derivative, and rounding / h.
    largest = 1 + np.max(np.abs(expected))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8 * largest)


def test_the_order_of_the_variables_does_not_matter():
    *_, fourth = derivatives("sum(tanh(A @ x)**2)", {"A": (3, 2), "x": (2,)}, "x", 4)
    rng = np.random.default_rng(4)
    numbers = numbers_of(fourth, A=rng.normal(size=(3, 2)), x=rng.normal(size=2))

    for axes in ((1, 0, 2, 3), (0, 2, 1, 3), (3, 1, 2, 0)):
        np.testing.assert_allclose(numbers, numbers.transpose(axes), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("text", "shapes", "name"), [GROWING, CASES[5]])
def test_an_eighth_derivative_that_grows_is_ended_by_a_limit(text, shapes, name):
    with pytest.raises((OverLimitError, DeadlineExceededError), match=r"20000|limit"):
        list(derivatives(text, shapes, name, 8))
