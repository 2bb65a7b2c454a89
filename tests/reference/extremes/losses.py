"""The losses of the language, and log_softmax, at saturated and at impossible predictions."""

from math import exp, log, log1p

import numpy as np

from tests.reference.extremes.points import Located, Point, diagonal, s, slope

E2 = log1p(exp(2))

LOSSES = (
    Point(
        "log-softmax-named",
        "log_softmax(x)",
        {"x": [1000, 0, -1000]},
        [0, -1000, -2000],
        [[0, 0, 0], [-1, 1, 0], [-1, 0, 1]],
        np.zeros((3, 3, 3)),
    ),
    Point(
        "log-softmax-named-huge",
        "log_softmax(x)",
        {"x": [1e16, 1e16 + 2]},
        [-E2, 2 - E2],
        [[s(2), -s(2)], [-s(-2), s(-2)]],
    ),
    Point(
        "logits-saturated",
        "binary_cross_entropy_with_logits(z, t)",
        {"z": [800, -800], "t": [1, 0]},
        0,
        [0, 0],
        np.zeros((2, 2)),
    ),
    Point(
        "logits-wrong",
        "binary_cross_entropy_with_logits(z, t)",
        {"z": [800, -800], "t": [0, 1]},
        800,
        [0.5, -0.5],
        np.zeros((2, 2)),
    ),
    Point(
        "logits-tail",
        "binary_cross_entropy_with_logits(z, t)",
        {"z": [40], "t": [1]},
        log1p(exp(-40)),
        [-s(-40)],
        [[slope(40)]],
    ),
    Point(
        "classes-saturated",
        "cross_entropy_with_logits(z, t)",
        {"z": [[1000, 0, -1000]], "t": [[1, 0, 0]]},
        0,
        np.zeros((1, 3)),
    ),
    Point(
        "classes-wrong",
        "cross_entropy_with_logits(z, t)",
        {"z": [[1000, 0, -1000]], "t": [[0, 0, 1]]},
        2000,
        [[1, 0, -1]],
    ),
    Point(
        "classes-huge",
        "cross_entropy_with_logits(z, t)",
        {"z": [[1e16, 1e16 + 2]], "t": [[1, 0]]},
        E2,
        [[-s(2), s(2)]],
    ),
    Point("certain", "binary_cross_entropy(p, t)", {"p": [0, 1], "t": [0, 1]}, 0, [0.5, -0.5]),
    Point(
        "impossible",
        "binary_cross_entropy(p, t)",
        {"p": [0], "t": [1]},
        Located(("binary_cross_entropy(p, t)", "inf")),
    ),
    Point(
        "impossible-class-unseen",
        "cross_entropy(p, t)",
        {"p": [[1, 0]], "t": [[1, 0]]},
        0,
        [[-1, 0]],
    ),
    Point(
        "divergence-of-equals",
        "kl_divergence(p, t)",
        {"p": [[0.5, 0.5, 0]], "t": [[0.5, 0.5, 0]]},
        0,
        [[-1, -1, 0]],
    ),
    Point("no-counts", "poisson(p, t)", {"p": [0, 2], "t": [0, 0]}, 1, [0.5, 0.5]),
    Point(
        "log-cosh-far",
        "log_cosh(p, t)",
        {"p": [1000, -1000], "t": [0, 0]},
        1000 - log(2),
        [0.5, -0.5],
        np.zeros((2, 2)),
    ),
    Point("huber-far", "huber(p, t, 1)", {"p": [1e300], "t": [0]}, 1e300, [1], [[0]]),
    Point("mse-overflow", "mse(p, t)", {"p": [1e200], "t": [0]}, Located(("mse(p, t)", "inf"))),
    Point("hinge-edge", "hinge(p, t)", {"p": [1, 0], "t": [1, 1]}, 0.5, [0, -0.5]),
    Point(
        "normalize-large",
        "normalize(x)",
        {"x": [3e200, 4e200]},
        [0.6, 0.8],
        [[0.64 / 5e200, -0.48 / 5e200], [-0.48 / 5e200, 0.36 / 5e200]],
    ),
    Point(
        "normalize-zero",
        "normalize(x)",
        {"x": [0, 0]},
        [0, 0],
        Located(("the derivative of normalize(x)",)),
    ),
    Point(
        "cosine-large",
        "cosine_similarity(x, y)",
        {"x": [1e200, 0], "y": [1e-200, 1e-200]},
        0.5**0.5,
        [0, 0.5**0.5 / 1e200],
    ),
    Point("elu-far", "elu(x)", {"x": [-800, 800]}, [-1, 800], diagonal(0, 1)),
    Point("elu-small", "elu(x)", {"x": -1e-20}, -1e-20, 1, 1),
    Point(
        "leaky-relu",
        "leaky_relu(x)",
        {"x": [-1e300, 1e300]},
        [-1e298, 1e300],
        diagonal(0.01, 1),
    ),
    Point(
        "polygamma-one",
        "polygamma(1, x)",
        {"x": 1},
        1.6449340668482264,
        -2.404113806319188,
        6.493939402266829,
    ),
)
