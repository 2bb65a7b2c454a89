"""Single functions of the language at their tails, poles and branch points."""

from math import asinh, erfc, exp, log, log1p, pi, sqrt, tan

import numpy as np

from tests.reference.extremes.points import Located, Point, diagonal, s, slope

EULER = 0.5772156649015329
ROOT_PI = sqrt(pi)
QUARTER = 1.5707963267948966
SELU, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def density(x):
    """The standard normal density."""
    return exp(-x * x / 2) / sqrt(2 * pi)


def below(x):
    """The probability below x of a standard normal, right in its lower tail."""
    return erfc(-x / sqrt(2)) / 2


FUNCTIONS = (
    Point(
        "tan-pole",
        "tan(x)",
        {"x": QUARTER},
        tan(QUARTER),
        1 + tan(QUARTER) ** 2,
        2 * tan(QUARTER) * (1 + tan(QUARTER) ** 2),
    ),
    Point(
        "arctan2-origin",
        "arctan2(y, x)",
        {"y": 0, "x": 0},
        0,
        Located(("the derivative of arctan2(y, x)",)),
    ),
    Point("arctan2-large", "arctan2(y, x)", {"y": 1e200, "x": 1e200}, pi / 4, 0.5e-200, 0),
    Point("arctan2-small", "arctan2(y, x)", {"y": 1e-200, "x": 1e-200}, pi / 4, 0.5e200),
    Point("arctan2-cut", "arctan2(y, x)", {"y": 0, "x": -2}, pi, -0.5, 0),
    Point("hypot-large", "hypot(x, y)", {"x": 3e200, "y": 4e200}, 5e200, 0.6, 0.64 / 5e200),
    Point("hypot-small", "hypot(x, y)", {"x": 3e-200, "y": 4e-200}, 5e-200, 0.6),
    Point("hypot-origin", "hypot(x, y)", {"x": 0, "y": 0}, 0, 0),
    Point("cbrt-negative", "cbrt(x)", {"x": -8}, -2, 1 / 12, 1 / 144),
    Point("cbrt-zero", "cbrt(x)", {"x": 0}, 0, Located(("the derivative of cbrt(x)",))),
    Point("expm1-small", "expm1(x)", {"x": 1e-20}, 1e-20, 1, 1),
    Point("log1p-small", "log1p(x)", {"x": 1e-20}, 1e-20, 1, -1),
    Point("log1p-pole", "log1p(x)", {"x": -1}, Located(("log1p(x)", "-inf"))),
    Point("log2", "log2(x)", {"x": 2.0**-1074}, -1074, Located(("the derivative of log2(x)",))),
    Point("log10", "log10(x)", {"x": 1000}, 3, 1 / (1000 * log(10)), -1e-6 / log(10)),
    Point(
        "arcsin-end", "arcsin(x)", {"x": 1}, pi / 2, Located(("the derivative of arcsin(x)",))
    ),
    Point("arccos-outside", "arccos(x)", {"x": 2}, Located(("arccos(x)", "nan"))),
    Point(
        "arcsinh-large",
        "arcsinh(x)",
        {"x": [1e200, -1e200]},
        [asinh(1e200), -asinh(1e200)],
        diagonal(1e-200, 1e-200),
    ),
    Point("arccosh-large", "arccosh(x)", {"x": 1e200}, log(2) + 200 * log(10), 1e-200, 0),
    Point("arccosh-end", "arccosh(x)", {"x": 1}, 0, Located(("the derivative of arccosh(x)",))),
    Point("arctanh-end", "arctanh(x)", {"x": 1}, Located(("arctanh(x)", "inf"))),
    Point(
        "arctanh-near-end",
        "arctanh(x)",
        {"x": 1 - 2.0**-53},
        log((2 - 2.0**-53) * 2.0**53) / 2,
        1 / (2.0**-53 * (2 - 2.0**-53)),
    ),
    Point("arctan-large", "arctan(x)", {"x": 1e200}, pi / 2, 0, 0),
    Point("sinh-overflow", "sinh(x)", {"x": 800}, Located(("sinh(x)", "inf"))),
    Point("erf-tail", "erf(x)", {"x": 6}, 1, 2 / ROOT_PI * exp(-36), -24 / ROOT_PI * exp(-36)),
    Point(
        "erfc-tail",
        "erfc(x)",
        {"x": 10},
        erfc(10),
        -2 / ROOT_PI * exp(-100),
        40 / ROOT_PI * exp(-100),
    ),
    Point("erf-complement", "1 - erf(x)", {"x": 10}, erfc(10), -2 / ROOT_PI * exp(-100)),
    Point(
        "lgamma-large",
        "lgamma(x)",
        {"x": 1e10},
        (1e10 - 0.5) * log(1e10) - 1e10 + log(2 * pi) / 2,
        log(1e10) - 0.5e-10,
        1e-10 + 0.5e-20,
    ),
    Point("lgamma-one", "lgamma(x)", {"x": 1}, 0, -EULER, pi**2 / 6),
    Point("lgamma-pole", "lgamma(x)", {"x": 0}, Located(("lgamma(x)", "inf"))),
    Point(
        "lgamma-negative",
        "lgamma(x)",
        {"x": -0.5},
        log(2 * ROOT_PI),
        0.03648997397857652,
        pi**2 / 2 + 4,
    ),
    Point(
        "gelu-tail",
        "gelu(x)",
        {"x": -10},
        -10 * below(-10),
        below(-10) - 10 * density(10),
        (2 - 100) * density(10),
        rtol=1e-13,
    ),
    Point("gelu-high", "gelu(x)", {"x": 40}, 40, 1, 0),
    Point(
        "silu-tail",
        "silu(x)",
        {"x": -40},
        -40 * s(-40),
        s(-40) * (1 - 40 * s(40)),
        slope(40) * (2 - 40 * (s(40) - s(-40))),
    ),
    Point("silu-far", "silu(x)", {"x": [-800, 800]}, [0, 800], diagonal(0, 1)),
    Point("mish-tail", "mish(x)", {"x": -40}, -40 * exp(-40), -39 * exp(-40), -38 * exp(-40)),
    Point("mish-far", "mish(x)", {"x": [-800, 800]}, [0, 800], diagonal(0, 1)),
    Point("softsign-far", "softsign(x)", {"x": [1e200, -1e200]}, [1, -1], np.zeros((2, 2))),
    Point(
        "selu-far",
        "selu(x)",
        {"x": [-800, 800]},
        [-SELU * SELU_SCALE, 800 * SELU_SCALE],
        diagonal(0, SELU_SCALE),
    ),
    Point("logit-small", "logit(x)", {"x": 1e-300}, -300 * log(10), 1e300),
    Point(
        "logit-high",
        "logit(x)",
        {"x": 1 - 2.0**-53},
        log(2.0**53 - 1),
        2.0**53 / (1 - 2.0**-53),
    ),
    Point("logit-end", "logit(x)", {"x": 1}, Located(("logit(x)", "inf"))),
    Point("logit-of-sigmoid", "logit(sigmoid(x))", {"x": -40}, -40, 1),
    Point("logaddexp-far", "logaddexp(x, y)", {"x": 800, "y": -800}, 800, 1, 0),
    Point("logaddexp-tie", "logaddexp(x, y)", {"x": 1000, "y": 1000}, 1000 + log(2), 0.5, 0.25),
    Point(
        "logaddexp-tail",
        "logaddexp(x, y)",
        {"x": -40, "y": 0},
        log1p(exp(-40)),
        s(-40),
        slope(40),
    ),
    Point("xlogy-zero", "xlogy(x, y)", {"y": 0, "x": 0}, 0, 0),
    Point(
        "xlogy-by-weight",
        "xlogy(x, y)",
        {"x": 0, "y": 0},
        0,
        Located(("the derivative of xlogy(x, y)",)),
    ),
    Point("clip-ends", "clip(x, 0, 1)", {"x": [0, 1, 0.5]}, [0, 1, 0.5], diagonal(0, 0, 1)),
    Point("floor-step", "floor(x)", {"x": [2, -0.5]}, [2, -1], np.zeros((2, 2))),
    Point(
        "reciprocal-overflow",
        "reciprocal(x)",
        {"x": 1e-308},
        1e308,
        Located(("the derivative of reciprocal(x)",)),
    ),
    Point("square-overflow", "square(x)", {"x": 1e200}, Located(("square(x)", "inf"))),
    Point("hardtanh", "hardtanh(x)", {"x": [-1, 1, 0, 5]}, [-1, 1, 0, 1], diagonal(0, 0, 1, 0)),
)
