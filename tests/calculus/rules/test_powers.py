"""Powers: exact literal exponents, variable ones, and the edges of both."""

import numpy as np
import pytest

from service.calculus.differentiate import gradient
from service.calculus.graph import variable
from tests.calculus.nodes import node_of, numbers_of

X, Y = variable("x", ()), variable("y", ())


def slopes(text, x, y):
    root = node_of(text, x=(), y=())
    found = gradient(root, [X, Y])
    return [
        float(numbers_of(d, **{n: {"x": x, "y": y}[n] for n in d.variables}))
        for d in (found[X], found[Y])
    ]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (2.0, 3.0, [12, 8 * np.log(2)]),
        (0.5, -1.0, [-4, 2 * np.log(0.5)]),
        (0.0, 2.0, [0, 0]),
        (0.0, 1.0, [1, 0]),
        (0.0, 1.5, [0, 0]),
        (1.0, 0.0, [0, 0]),
    ],
)
def test_the_slopes_of_a_power_of_two_variables(x, y, expected):
    # A power and a logarithm, each rounded once.
    assert slopes("x**y", x, y) == pytest.approx(expected, rel=1e-15)


def test_the_second_slopes_of_a_power_of_two_variables():
    root = node_of("x**y", x=(), y=())
    first = gradient(root, [X, Y])
    seconds = [gradient(first[a], [b])[b] for a, b in ((X, X), (X, Y), (Y, X), (Y, Y))]

    found = [float(numbers_of(d, x=2.0, y=3.0)) for d in seconds]

    log2 = np.log(2)
    mixed = 4 + 12 * log2
    # A power, a logarithm and a sum.
    assert found == pytest.approx([12, mixed, mixed, 8 * log2**2], rel=1e-14)


def test_at_zero_all_second_slopes_of_a_high_power_are_zero():
    root = node_of("x**y", x=(), y=())
    first = gradient(root, [X, Y])

    found = [
        float(numbers_of(gradient(first[a], [b])[b], x=0.0, y=3.0))
        for a, b in ((X, X), (X, Y), (Y, X))
    ]

    assert found == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("x**2", -3.0, 9.0),
        ("x**-2", -2.0, 0.25),
        ("x**0", 0.0, 1.0),
        ("x**0.5", 4.0, 2.0),
        ("x**1.5", 0.0, 0.0),
        ("x**(1/3)", 8.0, 2.0),
        ("2**x", 3.0, 8.0),
        ("0**x", 2.0, 0.0),
        ("x**3", -2.0, -8.0),
        ("x**4", -2.0, 16.0),
        ("x**5", -2.0, -32.0),
        ("x**7", -2.0, -128.0),
        ("x**-3", -2.0, -0.125),
        ("-x**2", 3.0, -9.0),
        ("x**2**3", 2.0, 256.0),
    ],
)
def test_a_power_by_a_literal_is_numpy_s(text, x, expected):
    root = node_of(text, x=())

    # Powers beyond 4 are one call of power, good to the last digit or two.
    values = {"x": x} if root.variables else {}
    assert float(numbers_of(root, **values)) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("x**2", 0.0, 0),
        ("x**1.5", 0.0, 0),
        ("x**3", -2.0, 12),
        ("x**-1", -2.0, -0.25),
        ("x**0", 0.0, 0),
        ("x**1", 0.0, 1),
        ("x**0.5", 4.0, 0.25),
    ],
)
def test_the_slope_of_a_power_by_a_literal(text, x, expected):
    assert slopes(text, x, 0.0)[0] == pytest.approx(expected, rel=1e-15)
