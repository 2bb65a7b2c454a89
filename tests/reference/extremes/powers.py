"""Powers at 0 and of negative numbers, and matrices that are singular or nearly so."""

from math import log

import numpy as np

from tests.reference.extremes.points import Located, Point, cofactors, det_second, inverse_2

RANK_1 = [[1, 2, 3], [2, 4, 6], [-1, -2, -3]]
RANK_2 = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
NEARLY = [[1.0, 1.0], [1.0, 1.0 + 2.0**-33]]

POWERS = (
    Point("power-zero", "x**0", {"x": 0}, 1, 0, 0),
    Point("power-one", "x**1", {"x": 0}, 0, 1, 0),
    Point("power-two", "x**2", {"x": 0}, 0, 0, 2),
    Point(
        "power-three-halves",
        "x**1.5",
        {"x": 0},
        0,
        0,
        Located(("the second derivative is not finite here", "x**1.5")),
    ),
    Point("root", "sqrt(x)", {"x": 0}, 0, Located(("the derivative of sqrt(x)", "inf"))),
    Point("reciprocal", "1 / x", {"x": 0}, Located(("1 / x", "is inf"))),
    Point("negative-root", "x**0.5", {"x": -8}, Located(("x**0.5", "is nan", "-8.0"))),
    Point(
        "zero-to-the-zero",
        "x**y",
        {"x": 0, "y": 0},
        1,
        0,
    ),
    Point(
        "zero-to-the-zero-by-exponent",
        "x**y",
        {"y": 0, "x": 0},
        1,
        Located(("the derivative of x**y",)),
    ),
    Point("zero-to-the-one", "x**y", {"x": 0, "y": 1}, 0, 1),
    Point("zero-to-the-two", "x**y", {"x": 0, "y": 2}, 0, 0, 2),
    Point("zero-to-the-two-by-exponent", "x**y", {"y": 2, "x": 0}, 0, 0, 0),
    Point("negative-squared", "x**y", {"x": -3, "y": 2}, 9, -6, 2),
    Point("removed-quotient", "x**2 / x", {"x": 0}, 0, 1, 0),
    Point("log-zero", "log(x)", {"x": 0}, Located(("log(x)", "is -inf", "from 0.0"))),
    Point(
        "log-smallest",
        "log(x)",
        {"x": 5e-324},
        -1074 * log(2),
        Located(("the derivative of log(x)", "inf")),
    ),
)
MATRICES = (
    Point(
        "det-zero",
        "det(A)",
        {"A": np.zeros((3, 3))},
        0,
        np.zeros((3, 3)),
        np.zeros((3, 3, 3, 3)),
    ),
    Point(
        "det-rank-1",
        "det(A)",
        {"A": RANK_1},
        0,
        np.zeros((3, 3)),
        det_second(RANK_1),
        atol=1e-13,
    ),
    Point(
        "det-rank-2",
        "det(A)",
        {"A": RANK_2},
        0,
        cofactors(RANK_2),
        det_second(RANK_2),
        atol=1e-13,
    ),
    Point("det-one-by-one", "det(A)", {"A": [[0]]}, 0, [[1]], [[[[0]]]]),
    Point(
        "det-two-by-two",
        "det(A)",
        {"A": [[0, 0], [0, 0]]},
        0,
        np.zeros((2, 2)),
        [[[[0, 0], [0, 1]], [[0, 0], [-1, 0]]], [[[0, -1], [0, 0]], [[1, 0], [0, 0]]]],
    ),
    Point(
        "log-det-underflow",
        "log(det(A))",
        {"A": 1e-150 * np.eye(3)},
        3 * log(1e-150),
        1e150 * np.eye(3),
    ),
    Point("log-det-singular", "logdet(A)", {"A": RANK_1}, Located(("logdet(A)", "-inf"))),
    Point(
        "inverse-nearly-singular",
        "inv(A)",
        {"A": NEARLY},
        inverse_2(NEARLY),
        -np.einsum("ki,jl->klij", inverse_2(NEARLY), inverse_2(NEARLY)),
        rtol=1e-5,
    ),
    Point(
        "inverse-singular",
        "inv(A)",
        {"A": RANK_1},
        Located(("the matrix in inv(A) at 0–6 is singular",), "singular_matrix"),
    ),
)
