"""Variances and deviations of constants and of large numbers."""

import numpy as np

from tests.reference.extremes.points import Point

PRODUCTS = (
    Point(
        "variance-constant",
        "var(x)",
        {"x": [3, 3, 3]},
        0,
        [0, 0, 0],
        (np.eye(3) - 1 / 3) * 2 / 3,
    ),
    Point(
        "variance-large",
        "var(x)",
        {"x": [1e9, 1e9 + 1, 1e9 + 2]},
        2 / 3,
        [-2 / 3, 0, 2 / 3],
        (np.eye(3) - 1 / 3) * 2 / 3,
    ),
    Point(
        "product-one-zero",
        "prod(x)",
        {"x": [2, 0, 3]},
        0,
        [0, 6, 0],
        [[0, 3, 0], [3, 0, 2], [0, 2, 0]],
    ),
    Point(
        "product-two-zeros",
        "prod(x)",
        {"x": [0, 0, 3]},
        0,
        [0, 0, 0],
        [[0, 3, 0], [3, 0, 0], [0, 0, 0]],
    ),
    Point("product-all-zero", "prod(x)", {"x": [0, 0, 0]}, 0, [0, 0, 0], np.zeros((3, 3))),
    Point(
        "product-tiny-and-large",
        "prod(x)",
        {"x": [1e-200, 1e-200, 1e300]},
        1e-100,
        [1e100, 1e100, 0],
        rtol=1e-14,
    ),
    Point("deviation-constant", "std(x)", {"x": [3, 3, 3]}, 0, [0, 0, 0]),
    Point("deviation-large", "std(x)", {"x": [1e9, 1e9 + 2]}, 1, [-0.5, 0.5]),
)
