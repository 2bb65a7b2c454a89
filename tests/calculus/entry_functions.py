"""The functions of one entry for the interpreter: textbook formulas in extended precision.

The special functions are sums of their own: erf by its series at 0 (Abramowitz & Stegun
(1964), 7.1.6), the gamma function by Stirling's series (6.1.40) after a shift to large
arguments, its derivatives by the series' derivatives.
"""

from math import comb, factorial

import numpy as np

Real = np.longdouble
PI = np.arctan(Real(1)) * 4
BERNOULLI = [(1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510)]
SHIFT = 24


def erf(x):
    """2/√π Σ 2ⁿ x²ⁿ⁺¹ exp(−x²) / (1·3·…·(2n+1)): every term has the sign of x."""
    term = np.asarray(x, dtype=Real)
    total = term
    for n in range(1, 120):
        term = term * 2 * x * x / (2 * n + 1)
        total = total + term
    return 2 / np.sqrt(PI) * np.exp(-x * x) * total


def lgamma(x):
    z = x + SHIFT
    tail = sum(
        Real(top) / bottom / (2 * k * (2 * k - 1) * z ** (2 * k - 1))
        for k, (top, bottom) in enumerate(BERNOULLI, 1)
    )
    large = (z - Real(0.5)) * np.log(z) - z + np.log(2 * PI) / 2 + tail
    return large - sum(np.log(x + k) for k in range(SHIFT))


def polygamma(order, x):
    """The derivative of this order of ψ, where ψ(z) = log z − 1/2z − Σ B₂ₖ / (2k z²ᵏ) + …"""
    z = x + SHIFT
    sign = (-1) ** order
    large = np.log(z) if order == 0 else -sign * factorial(order - 1) / z**order
    large = large - sign * factorial(order) / (2 * z ** (order + 1))
    for k, (top, bottom) in enumerate(BERNOULLI, 1):
        rising = factorial(order) * comb(2 * k + order - 1, order)
        large = large - sign * rising * Real(top) / bottom / (2 * k * z ** (2 * k + order))
    return large - sign * factorial(order) * sum(
        1 / (x + k) ** (order + 1) for k in range(SHIFT)
    )


def selu(x):
    alpha, scale = Real("1.6732632423543772"), Real("1.0507009873554805")
    return scale * np.where(x > 0, x, alpha * (np.exp(x) - 1))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


SMOOTH = {
    name: lambda _, *arguments, f=f: f(*arguments)
    for name, f in {
        "log2": lambda x: np.log(x) / np.log(Real(2)),
        "log10": lambda x: np.log(x) / np.log(Real(10)),
        "log1p": lambda x: np.log(1 + x),
        "expm1": lambda x: np.exp(x) - 1,
        "logit": lambda x: np.log(x / (1 - x)),
        "square": lambda x: x * x,
        "cbrt": np.cbrt,
        "reciprocal": lambda x: 1 / x,
        "tan": lambda x: np.sin(x) / np.cos(x),
        "arcsin": np.arcsin,
        "asin": np.arcsin,
        "arccos": np.arccos,
        "acos": np.arccos,
        "arctan": np.arctan,
        "atan": np.arctan,
        "arctan2": np.arctan2,
        "atan2": np.arctan2,
        "hypot": lambda x, y: np.sqrt(x * x + y * y),
        "sinh": lambda x: (np.exp(x) - np.exp(-x)) / 2,
        "cosh": lambda x: (np.exp(x) + np.exp(-x)) / 2,
        "arcsinh": lambda x: np.log(x + np.sqrt(x * x + 1)),
        "arccosh": lambda x: np.log(x + np.sqrt(x * x - 1)),
        "arctanh": lambda x: np.log((1 + x) / (1 - x)) / 2,
        "erf": erf,
        "erfc": lambda x: 1 - erf(x),
        "lgamma": lgamma,
        "polygamma": lambda k, x: polygamma(int(k), x),
        "digamma": lambda x: polygamma(0, x),
        "gelu": lambda x: x / 2 * (1 + erf(x / np.sqrt(Real(2)))),
        "silu": lambda x: x * sigmoid(x),
        "mish": lambda x: x * np.tanh(np.log(1 + np.exp(x))),
        "logaddexp": lambda x, y: np.log(np.exp(x) + np.exp(y)),
        "xlogy": lambda x, y: x * np.log(y),
        "power": np.power,
    }.items()
}


def stepped(function, offset=0.0):
    """A function that jumps at the integers, moved by an offset."""

    def evaluated(self, x):
        self.sides.append(np.floor(x + Real(offset)))
        gap = np.abs(x + Real(offset) - np.rint(x + Real(offset)))
        self.nearest = min(self.nearest, np.min(gap, initial=np.inf))
        return function(x)

    return evaluated


def clip(self, x, low, high):
    self.side(x - low)
    raised = np.maximum(x, low)
    self.side(raised - high)
    return np.minimum(raised, high)


def heaviside(self, x, at_zero):
    self.side(x)
    return np.where(x > 0, 1, np.where(x < 0, 0, at_zero))


WITH_SIDES = {
    "floor": stepped(np.floor),
    "ceil": stepped(np.ceil),
    "round": stepped(np.rint, 0.5),
    "hardtanh": lambda self, x: clip(self, x, Real(-1), Real(1)),
    "clip": clip,
    "heaviside": heaviside,
    "selu": lambda self, x: selu(self.side(x)),
    "elu": lambda self, x, alpha=1: np.where(self.side(x) > 0, x, alpha * (np.exp(x) - 1)),
    "leaky_relu": lambda self, x, negative_slope=0.01: np.where(
        self.side(x) > 0, x, negative_slope * x
    ),
    # The second derivative jumps at 0, where differences of the first would go wrong.
    "softsign": lambda self, x: x / (1 + np.abs(self.side(x))),
}
