"""Norms, directions, choices and ties."""

from math import cos, log, sin

import numpy as np

from tests.reference.extremes.points import Located, Point, diagonal

UNIT = np.array([0.6, 0.8])
ACROSS = np.eye(2) - np.outer(UNIT, UNIT)

NORMS = (
    Point("norm-large", "norm2(x)", {"x": [3e200, 4e200]}, 5e200, UNIT, ACROSS / 5e200),
    Point("norm-small", "norm2(x)", {"x": [3e-200, 4e-200]}, 5e-200, UNIT, ACROSS / 5e-200),
    Point(
        "norm-written-large",
        "sqrt(sum(x * x))",
        {"x": [3e200, 4e200]},
        5e200,
        UNIT,
        ACROSS / 5e200,
    ),
    Point(
        "norm-zero",
        "norm2(x)",
        {"x": [0, 0]},
        0,
        [0, 0],
        Located(("the second derivative is not finite here",)),
    ),
    Point("norm-written-zero", "sqrt(sum(x * x))", {"x": [0, 0]}, 0, [0, 0]),
    Point("norm-squared-zero", "norm2(x)**2", {"x": [0, 0]}, 0, [0, 0], 2 * np.eye(2)),
    Point("norm-fourth-zero", "norm2(x)**4", {"x": [0, 0]}, 0, [0, 0], np.zeros((2, 2))),
    Point("norm-cubed-zero", "norm2(x)**3", {"x": [0, 0]}, 0, [0, 0]),
    Point("direction-large", "x / norm2(x)", {"x": [3e200, 4e200]}, UNIT, ACROSS / 5e200),
    Point("direction-small", "x / norm2(x)", {"x": [3e-200, 4e-200]}, UNIT, ACROSS / 5e-200),
    Point(
        "direction-zero",
        "x / norm2(x)",
        {"x": [0, 0]},
        [0, 0],
        Located(("the derivative of x / norm2(x)",)),
    ),
    Point(
        "abs-written",
        "sqrt(x**2)",
        {"x": [0, -1e200, 1e-200]},
        [0, 1e200, 1e-200],
        diagonal(0, -1, 1),
    ),
    Point("frobenius-zero", "norm2(A)", {"A": [[0, 0], [0, 0]]}, 0, np.zeros((2, 2))),
)
CHOICES = (
    Point(
        "hidden-log",
        "where(x > 0, log(x), 0)",
        {"x": [0, -1, 2]},
        [0, 0, log(2)],
        diagonal(0, 0, 0.5),
    ),
    Point(
        "hidden-log-sum",
        "sum(where(x > 0, log(x), 0))",
        {"x": [0, -1, 2]},
        log(2),
        [0, 0, 0.5],
        diagonal(0, 0, -0.25),
    ),
    Point(
        "hidden-root",
        "where(x > 0, sqrt(x), 0)",
        {"x": [0, -1, 4]},
        [0, 0, 2],
        diagonal(0, 0, 0.25),
    ),
    Point(
        "sinc",
        "where(x != 0, sin(x) / x, 1)",
        {"x": [0, 1]},
        [1, sin(1)],
        diagonal(0, cos(1) - sin(1)),
    ),
    Point("entropy-term", "where(x > 0, x * log(x), 0)", {"x": [0, 1]}, [0, 0], diagonal(0, 1)),
    Point("relu", "maximum(0, x)", {"x": [0, -1, 1]}, [0, 0, 1], diagonal(0, 0, 1)),
    Point("maximum-tie", "maximum(x, y)", {"x": [1], "y": [1]}, [1], [[0.5]]),
    Point("max-ties", "max(x)", {"x": [2, 2, 1]}, 2, [0.5, 0.5, 0]),
    Point("abs-squared", "abs(x)**2", {"x": 0}, 0, 0, 2),
    Point("abs-times-abs", "sum(abs(x) * abs(x))", {"x": [0, -1]}, 1, [0, -2], 2 * np.eye(2)),
    Point("root-of-fourth-power", "sqrt(x**4)", {"x": 0}, 0, 0, 2),
    Point("abs-cubed", "abs(x)**3", {"x": 0}, 0, 0, 0),
    Point("abs", "abs(x)", {"x": [0, -2]}, [0, 2], diagonal(0, -1)),
)
