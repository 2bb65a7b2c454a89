"""The functions of one and two numbers where formulas as written overflow or lose digits.

Expected numbers are typed from the mathematics: limits, first terms of series, or formulas that
are safe on their side. The tolerance is a few rounded operations.
"""

from math import asin, cos, erfc, exp, log, pi, sqrt, tan

import numpy as np
import pytest

from service.calculus.differentiate import gradient
from service.computation.compute import Computer
from service.errors import GradserveError
from service.settings import Limits
from tests.calculus.nodes import node_of, numbers_of, variables

BELL = exp(-0.5) / sqrt(2 * pi)
ZETA_3 = 1.2020569031595942
# arccos(1 − 2⁻⁴⁰) by its half, and √(1 − x²) there by its factors.
ARC, NEAR = 2 * asin(sqrt(2**-41)), sqrt(2**-40 * (2 - 2**-40))
SCALE, LOWER = 1.0507009873554805, 1.0507009873554805 * 1.6732632423543772

# Text, the point, and value, first and second derivative there.
POINTS = [
    ("tan(x)", 1.5, tan(1.5), cos(1.5) ** -2, 2 * tan(1.5) * cos(1.5) ** -2),
    ("arctan(x)", 1e200, pi / 2, 0, 0),
    ("arctan(x)", -1e9, -pi / 2 + 1e-9, 1e-18, 2e-27),
    ("arctan(x)", 1e-200, 1e-200, 1, -2e-200),
    ("arcsin(x)", 1 - 2**-40, pi / 2 - ARC, 1 / NEAR, (1 - 2**-40) * NEAR**-3),
    ("arccos(x)", 1 - 2**-40, ARC, -1 / NEAR, -(1 - 2**-40) * NEAR**-3),
    ("arcsinh(x)", 1e200, log(2) + 200 * log(10), 1e-200, 0),
    ("arcsinh(x)", -1e200, -log(2) - 200 * log(10), 1e-200, 0),
    ("arcsinh(x)", 1e-200, 1e-200, 1, -1e-200),
    ("arccosh(x)", 1e200, log(2) + 200 * log(10), 1e-200, 0),
    ("arctanh(x)", 1e-200, 1e-200, 1, 2e-200),
    ("arctanh(x)", 1 - 2**-52, 26.5 * log(2), 2**51, 2**103),
    ("sinh(x)", 1e-200, 1e-200, 1, 1e-200),
    ("log(cosh(x))", 800, 800 - log(2), 1, 0),
    ("log(cosh(x))", -800, 800 - log(2), -1, 0),
    ("log(cosh(x))", 1e-8, 5e-17, 1e-8, 1),
    ("log_cosh(x, 0)", 800, 800 - log(2), 1, 0),
    ("log_cosh(x, 0)", 1e200, 1e200, 1, 0),
    ("log1p(x)", 1e-18, 1e-18, 1, -1),
    ("log1p(exp(x))", 800, 800, 1, 0),
    ("log1p(exp(x))", -50, exp(-50), exp(-50), exp(-50)),
    ("log1p(-exp(x))", -1e-20, log(1e-20), -1e20, -1e40),
    ("log1p(-sigmoid(x))", 800, -800, -1, 0),
    ("expm1(x)", 1e-18, 1e-18, 1, 1),
    ("expm1(x)", -800, -1, 0, 0),
    ("log1p(expm1(x))", 800, 800, 1, 0),
    ("log2(1 + x)", 1e-18, 1e-18 / log(2), 1 / log(2), -1 / log(2)),
    ("log10(1 + x)", 1e-18, 1e-18 / log(10), 1 / log(10), -1 / log(10)),
    ("log2(x)", 2.0**-1000, -1000, 2.0**1000 / log(2), None),
    ("log2(softmax([x, 0]))[1]", 800, -800 / log(2), -1 / log(2), 0),
    ("log10(sigmoid(x))", -800, -800 / log(10), 1 / log(10), 0),
    ("logit(x)", 1e-300, -300 * log(10), 1e300, None),
    ("logit(x)", 1 - 2**-53, 53 * log(2), 2.0**53, 2.0**106),
    ("logit(x)", 0.5 + 2**-40, 2**-38, 4, 2**-35),
    ("logit(sigmoid(x))", 800, 800, 1, 0),
    ("logaddexp(x, 0)", 800, 800, 1, 0),
    ("logaddexp(x, 0)", -800, 0, 0, 0),
    ("logaddexp(x, x)", 1e200, 1e200, 1, 0),
    ("xlogy(0, x)", 0, 0, 0, 0),
    ("xlogy(x, 2)", 0, 0, log(2), 0),
    ("sum(xlogy([0, 3], softmax([x, 0])))", 800, -2400, -3, 0),
    ("cbrt(x)", -8, -2, 1 / 12, 1 / 144),
    ("cbrt(x)", 1e-300, 1e-100, 1e200 / 3, None),
    ("reciprocal(1 + exp(-x))", -800, 0, 0, 0),
    ("square(x)", 0, 0, 0, 2),
    ("power(x, 0)", 0, 1, 0, 0),
    ("power(x, 2)", 0, 0, 0, 2),
    ("power(x, 0 * x)", 0.5, 1, log(0.5) * 0, 0),
    ("hypot(x, 1e200)", 1e200, sqrt(2) * 1e200, sqrt(0.5), 2**-1.5 * 1e-200),
    ("hypot(x, 1)", 1e9, 1e9, 1, 1e-27),
    ("arctan2(x, 1e200)", 1e200, pi / 4, 0.5e-200, 0),
    ("arctan2(x, -1)", 0.0, pi, -1, 0),
    ("arctan2(x, 0)", 2, pi / 2, 0, 0),
    ("arctan2(1, x)", 0, pi / 2, -1, 0),
    ("arctan2(-1, x)", -1, -3 * pi / 4, 0.5, 0.5),
    ("erf(x)", 1e200, 1, 0, 0),
    ("erfc(x)", 20, erfc(20), -2 / sqrt(pi) * exp(-400), 80 / sqrt(pi) * exp(-400)),
    ("lgamma(x)", 1e-300, 300 * log(10), -1e300, None),
    (
        "lgamma(x)",
        1e10,
        (1e10 - 0.5) * log(1e10) - 1e10 + log(2 * pi) / 2,
        log(1e10) - 5e-11,
        1e-10 + 5e-21,
    ),
    ("digamma(x)", 1e200, 200 * log(10), 1e-200, 0),
    ("digamma(x)", 1, -0.5772156649015329, pi**2 / 6, -2.4041138063191885),
    ("polygamma(0, x)", 1, -0.5772156649015329, pi**2 / 6, -2.4041138063191885),
    ("polygamma(1, x)", -0.5, pi**2 / 2 + 4, 16 - 14 * ZETA_3, None),
    ("gelu(x)", 1000, 1000, 1, 0),
    ("gelu(x)", -1000, 0, 0, 0),
    ("gelu(x)", 1e200, 1e200, 1, 0),
    ("gelu(x)", -1e200, 0, 0, 0),
    ("gelu(x)", 1, 1 - erfc(sqrt(0.5)) / 2, 1 - erfc(sqrt(0.5)) / 2 + BELL, BELL),
    ("silu(x)", 1000, 1000, 1, 0),
    ("silu(x)", -1000, 0, 0, 0),
    ("silu(x)", -1e200, 0, 0, 0),
    ("silu(x)", -40, -40 * exp(-40), -39 * exp(-40), -38 * exp(-40)),
    ("mish(x)", 1000, 1000, 1, 0),
    ("mish(x)", -1000, 0, 0, 0),
    ("mish(x)", -40, -40 * exp(-40), -39 * exp(-40), -38 * exp(-40)),
    ("mish(x)", -1e200, 0, 0, 0),
    ("softsign(x)", 1e9, 1e9 / (1e9 + 1), (1e9 + 1) ** -2, -2 * (1e9 + 1) ** -3),
    ("softsign(x)", -1e200, -1, 0, 0),
    ("elu(x)", 0, 0, 1, None),
    ("elu(x)", 1e200, 1e200, 1, 0),
    ("elu(x)", -800, -1, 0, 0),
    ("elu(x)", -1e-18, -1e-18, 1, 1),
    ("selu(x)", 1000, 1000 * SCALE, SCALE, 0),
    ("selu(x)", -1000, -LOWER, 0, 0),
    ("leaky_relu(x)", -1e200, -1e198, 0.01, 0),
    ("hardtanh(x)", 1e200, 1, 0, 0),
    ("clip(x, -1, 2)", 2, 2, 0, 0),
    ("floor(x)", -0.5, -1, 0, 0),
    ("ceil(x)", -0.5, 0, 0, 0),
    ("round(x)", 2.5, 2, 0, 0),
    ("round(x)", -1.5, -2, 0, 0),
    ("heaviside(x, 0.25)", 0, 0.25, 0, 0),
    ("heaviside(0, x)", 3, 3, 1, 0),
    ("heaviside(1, x)", 3, 1, 0, 0),
    ("huber(x, 0)", 1e200, 1e200, 1, 0),
    ("huber(x, 0, delta=2)", -2, 2, -2, 1),
    ("binary_cross_entropy(x, 0)", 0, 0, 1, 1),
    ("binary_cross_entropy(x, 0)", 1e-18, 1e-18, 1, 1),
    ("binary_cross_entropy(x, 1)", 1, 0, -1, 1),
    ("binary_cross_entropy(sigmoid(x), 1)", -800, 800, -1, 0),
    ("binary_cross_entropy_with_logits(x, 1)", -800, 800, -1, 0),
    ("binary_cross_entropy_with_logits(x, 1)", 50, exp(-50), -exp(-50), exp(-50)),
    ("binary_cross_entropy_with_logits(x, 0)", -50, exp(-50), exp(-50), exp(-50)),
    ("cross_entropy(softmax([x, 0]), [0, 1])", 800, 800, 1, 0),
    ("cross_entropy_with_logits([x, 0], [0, 1])", 800, 800, 1, 0),
    ("cross_entropy([x, 1], [0, 1])", 0, 0, 0, 0),
    ("kl_divergence([x, 1], [0, 1])", 0, 0, 0, 0),
    ("poisson(x, 0)", 0, 0, 1, 0),
    ("sum(log_softmax([x, 0]))", 1e3, -1e3, -1, 0),
    ("normalize([x, 1e200])[0]", 1e200, sqrt(0.5), 2**-1.5 * 1e-200, 0),
    ("cosine_similarity([x, 1e200], [1, 1])", 0, sqrt(0.5), sqrt(0.5) * 1e-200, 0),
]


@pytest.mark.parametrize(("text", "at", "value", "first", "second"), POINTS)
def test_a_function_and_its_derivatives_are_right_at_an_extreme_point(
    text, at, value, first, second
):
    (x,) = variables(x=())
    node = node_of(text, x=())
    slope = gradient(node, [x])[x]
    nodes = (node, slope, gradient(slope, [x])[x])

    for found, expected in zip(nodes, (value, first, second), strict=True):
        if expected is not None:
            number = float(numbers_of(found, **({"x": at} if found.variables else {})))
            # Beside a saturated 1, what is left of a tail is below 1e-300.
            assert number == pytest.approx(expected, rel=1e-14, abs=1e-300)


# Text, values, the operation, and words of the error.
REFUSED = [
    ("cbrt(x)", {"x": 0}, "jacobian", "the derivative of cbrt(x) at 0–7 is inf"),
    ("arcsin(x)", {"x": 1}, "jacobian", "the derivative of arcsin(x) at 0–9 is inf"),
    ("arcsin(x)", {"x": 1.5}, "evaluate", "arcsin(x) at 0–9 is nan at the scalar, from 1.5"),
    ("arccosh(x)", {"x": 1}, "jacobian", "the derivative of arccosh(x) at 0–10"),
    ("arctanh(x)", {"x": [0, 1]}, "evaluate", "is inf at position [1] (1 of 2 entries)"),
    ("logit(x)", {"x": 1}, "evaluate", "logit(x) at 0–8 is inf at the scalar, from 1.0"),
    ("lgamma(x)", {"x": -2}, "evaluate", "lgamma(x) at 0–9 is inf at the scalar, from -2.0"),
    (
        "xlogy(x, y)",
        {"x": 0, "y": 0},
        "jacobian",
        "the derivative of xlogy(x, y) at 0–11 is -inf",
    ),
    ("xlogy(x, y)", {"x": 1, "y": 0}, "evaluate", "is -inf at the scalar, from 1.0 and 0.0"),
    ("arctan2(y, x)", {"x": 0, "y": 0}, "jacobian", "the derivative of arctan2(y, x) at 0–13"),
    ("normalize(x)", {"x": [0, 0]}, "jacobian", "the derivative of normalize(x) at 0–12"),
    ("cosine_similarity(x, [1, 2])", {"x": [0, 0]}, "jacobian", "the derivative of cosine"),
    (
        "normalize(x)",
        {"x": 1},
        "evaluate",
        "normalize takes a vector or a matrix, not a scalar",
    ),
    ("log_softmax(x)", {"x": 1}, "evaluate", "log_softmax takes a vector or a matrix"),
    ("cross_entropy(x, 1)", {"x": 1}, "evaluate", "cross_entropy takes vectors or matrices"),
    (
        "mse(x, [1, 2])",
        {"x": [1, 2, 3]},
        "evaluate",
        "cannot compare prediction (3) and target (2)",
    ),
    ("huber(x, 0, 0)", {"x": 1}, "evaluate", "huber takes a positive delta, not 0"),
    ("huber(x, 0, delta=x)", {"x": 1}, "evaluate", "delta takes a constant number"),
    ("huber(x, 0, delta=(1, 2))", {"x": 1}, "evaluate", "delta takes a constant number"),
    (
        "quantile(x, 0, 1)",
        {"x": 1},
        "evaluate",
        "quantile takes a level between 0 and 1, not 1",
    ),
    ("elu(x, alpha=True)", {"x": 1}, "evaluate", "alpha takes a constant number"),
    ("leaky_relu(x, [1, 2])", {"x": 1}, "evaluate", "negative_slope takes a constant number"),
    ("polygamma(-1, x)", {"x": 1}, "evaluate", "an order k from 0 to 100, not -1"),
    ("polygamma(x, 1)", {"x": 1}, "evaluate", "k takes a constant integer"),
    ("polygamma(x)", {"x": 1}, "evaluate", "polygamma takes 2 arguments, but 1 are given"),
    ("leaky_relu(x, 1, negative_slope=2)", {"x": 1}, "evaluate", "negative_slope twice"),
    ("elu(x, 1, 2)", {"x": 1}, "evaluate", "elu takes 1 to 2 arguments, but 3 are given"),
    ("clip(x, 1)", {"x": 1}, "evaluate", "clip takes 3 arguments, but 2 are given"),
]


@pytest.mark.parametrize(("text", "values", "operation", "words"), REFUSED)
def test_what_a_function_does_not_take_is_refused_with_its_place(
    text, values, operation, words
):
    arrays = {name: np.array(value, dtype=float) for name, value in values.items()}

    with pytest.raises(GradserveError) as raised:
        Computer(Limits()).run(operation, text, arrays, *([None] * (operation != "evaluate")))

    assert words in str(raised.value)
