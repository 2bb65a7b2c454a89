"""Forms that overflow or lose digits as written: rewritten, right at extreme points.

Expected numbers are the mathematically exact ones, by formulas that are safe on their side.
"""

from math import erf, erfc, exp, expm1, log, log1p, sin, sinh, sqrt, tanh

import numpy as np
import pytest

from service.calculus.differentiate import gradient, jacobian
from service.calculus.graph import variable
from tests.calculus.nodes import node_of, numbers_of

SHAPES = {"z": (), "x": (3,), "y": (2,), "A": (2, 3), "S": (3, 3), "a": ()}

SAME = [
    ("log(1 + exp(z))", "softplus(z)"),
    ("log(exp(z) + 1)", "softplus(z)"),
    ("log(1 + exp(-x))", "softplus(-x)"),
    ("log(1 + exp(A @ x))", "softplus(A @ x)"),
    ("log(1 + exp(S.T))", "softplus(S).T"),
    ("log(1 + exp(y[:, None] + 0 * A))", "softplus(y)[:, None] + 0 * A"),
    ("1 / (1 + exp(z))", "sigmoid(-z)"),
    ("1 / (1 + exp(-z))", "sigmoid(z)"),
    ("(1 + exp(-x))**-1", "sigmoid(x)"),
    ("1 / (-1 - exp(z))", "-sigmoid(-z)"),
    ("1 / (1 + exp(z))**2", "sigmoid(-z)**2"),
    ("a / (1 + exp(-x))", "a * sigmoid(x)"),
    ("exp(z) / (1 + exp(z))", "sigmoid(z)"),
    ("exp(z)**2 / (1 + exp(z))**2", "sigmoid(z)**2"),
    ("exp(z) / (1 + exp(z))**2", "sigmoid(z) * sigmoid(-z)"),
    ("exp(z) / (1 + exp(z))**3", "sigmoid(z) * sigmoid(-z)**2"),
    ("exp(x) * y[0] / (1 + exp(x))", "sigmoid(x) * y[0]"),
    ("log(sigmoid(z))", "-softplus(-z)"),
    ("log(1 / (1 + exp(-z)))", "-softplus(-z)"),
    ("log(1 - sigmoid(z))", "-softplus(z)"),
    ("log(1 - sigmoid(x))", "-softplus(x)"),
    ("log(1 - 1 / (1 + exp(-z)))", "-softplus(z)"),
    ("log(1 - sigmoid(S.T))", "-softplus(S).T"),
    ("log(exp(z))", "z"),
    ("log(exp(A @ x))", "A @ x"),
    ("log(sum(exp(x)))", "logsumexp(x)"),
    ("log(sum(exp(A), axis=0))", "logsumexp(A, axis=0)"),
    ("log(sum(exp(A), axis=1, keepdims=True))", "logsumexp(A, axis=1, keepdims=True)"),
    ("log(2 * sum(exp(x)))", "logsumexp(x) + log(2)"),
    ("log(mean(exp(x)))", "logsumexp(x) + log(1 / 3)"),
    ("exp(x) / sum(exp(x))", "softmax(x)"),
    ("exp(A) / sum(exp(A), axis=1, keepdims=True)", "softmax(A)"),
    ("exp(A) / sum(exp(A), axis=0)", "softmax(A, axis=0)"),
    ("exp(A) / sum(exp(A))", "softmax(A, axis=(0, 1))"),
    ("a * exp(x) / sum(exp(x))", "a * softmax(x)"),
    ("log(softmax(x))", "x - logsumexp(x)"),
    ("log(exp(x) / sum(exp(x)))", "x - logsumexp(x)"),
    ("log(softmax(A, axis=0))", "A - logsumexp(A, axis=0)"),
    ("sqrt(z**2)", "abs(z)"),
    ("sqrt(9 * x**2)", "3 * abs(x)"),
    ("(x**2)**0.5", "abs(x)"),
    ("(x**2)**1.5", "abs(x)**3"),
    ("sqrt(x**4)", "x**2"),
    ("abs(x)**2", "x**2"),
    ("abs(x) * abs(x)", "x**2"),
    ("abs(A @ x)**4", "(A @ x)**4"),
    ("abs(x)**-2", "x**-2"),
    ("norm2(x) * norm2(x)", "x @ x"),
    ("sqrt(sum(x**2))", "norm2(x)"),
    ("sqrt(x @ x)", "norm2(x)"),
    ("sqrt(sum(A**2, axis=1))", "norm2(A, axis=1)"),
    ("sqrt(trace(S.T @ S))", "norm2(S)"),
    ("(x @ x)**-0.5", "norm2(x)**-1"),
    ("norm2(x)**2", "x @ x"),
    ("x / sqrt(x @ x)", "x / norm2(x)"),
    ("A / norm2(A)", "A * (1 / norm2(A))"),
    ("log(det(S))", "logdet(S)"),
]


@pytest.mark.parametrize(("written", "stable"), SAME, ids=[text for text, _ in SAME])
def test_an_unstable_form_is_its_stable_one(written, stable):
    assert node_of(written, **SHAPES) is node_of(stable, **SHAPES)


OTHERS = [
    ("log(2 + exp(z))", "softplus(z)"),
    ("log(1 - exp(z))", "softplus(z)"),
    ("log(1 + 2 * exp(z))", "softplus(z)"),
    ("log(1 + z * a)", "softplus(z)"),
    ("log(1 + sigmoid(z))", "-softplus(z)"),
    ("log(2 - sigmoid(z))", "-softplus(z)"),
    ("log(1 - 2 * sigmoid(z))", "-softplus(z)"),
    ("log(sigmoid(z) - 1)", "-softplus(z)"),
    ("1 / (2 + exp(z))", "sigmoid(-z)"),
    ("1 / (1 - exp(z))", "sigmoid(-z)"),
    ("exp(a) / (1 + exp(z))", "sigmoid(z)"),
    ("exp(x) / sum(exp(2 * x))", "softmax(x)"),
    ("exp(A) / sum(exp(A), axis=0)", "softmax(A)"),
    ("exp(x) / sum(exp(x))**2", "softmax(x)"),
    ("exp(x)**2 / sum(exp(x))", "softmax(x)"),
    ("exp(z)**3 / (1 + exp(z))**2", "sigmoid(z)**2"),
    ("x / norm2(x)**3", "x / norm2(x)"),
    ("log(-2 * sum(exp(x)))", "logsumexp(x)"),
    ("sqrt(x**3)", "abs(x)"),
    ("abs(x)**3", "x**3"),
    ("abs(x)**2.5", "x**2.5"),
    ("sqrt(-x**2)", "abs(x)"),
    ("sqrt(x[:2] @ y)", "norm2(y)"),
    ("sqrt(sum(S * S.T))", "norm2(S)"),
    ("x / norm1(x)", "x / norm2(x)"),
    ("log(det(S)**2)", "logdet(S)"),
]


@pytest.mark.parametrize(("written", "stable"), OTHERS, ids=[text for text, _ in OTHERS])
def test_a_form_that_only_looks_like_it_stays(written, stable):
    assert node_of(written, **SHAPES) is not node_of(stable, **SHAPES)


def s(z):
    """The logistic function by the side of it that does not overflow."""
    return 1 / (1 + exp(-z)) if z >= 0 else exp(z) / (1 + exp(z))


def slope(z):
    """Its derivative s(z) s(−z)."""
    return s(z) * s(-z)


def softplus(z):
    return max(z, 0.0) + log1p(exp(-abs(z)))


POINTS = (0.0, 0.3, -0.3, 40.0, -40.0, 800.0, -800.0, 1000.0, -1000.0, 1e200, -1e200)
# Expression: value, first and second derivative as functions of z.
CURVES = {
    "log(1 + exp(z))": (softplus, s, slope),
    "softplus(z)": (softplus, s, slope),
    "1 / (1 + exp(-z))": (s, slope, lambda z: slope(z) * (s(-z) - s(z))),
    "sigmoid(z)": (s, slope, lambda z: slope(z) * (s(-z) - s(z))),
    "exp(z) / (1 + exp(z))": (s, slope, lambda z: slope(z) * (s(-z) - s(z))),
    "1 / (1 + exp(z))": (
        lambda z: s(-z),
        lambda z: -slope(z),
        lambda z: slope(z) * (s(z) - s(-z)),
    ),
    "1 - sigmoid(z)": (
        lambda z: s(-z),
        lambda z: -slope(z),
        lambda z: slope(z) * (s(z) - s(-z)),
    ),
    "log(sigmoid(z))": (lambda z: -softplus(-z), lambda z: s(-z), lambda z: -slope(z)),
    "log(1 - sigmoid(z))": (lambda z: -softplus(z), lambda z: -s(z), lambda z: -slope(z)),
    "log(exp(z))": (lambda z: z, lambda _: 1.0, lambda _: 0.0),
    "tanh(z)": (
        tanh,
        lambda z: 4 * slope(2 * z),
        lambda z: -8 * tanh(z) * slope(2 * z),
    ),
    "exp(z) / (1 + exp(z))**2": (
        slope,
        lambda z: slope(z) * (s(-z) - s(z)),
        lambda z: slope(z) * (1 - 6 * slope(z)),
    ),
    "1 - tanh(z)**2": (
        lambda z: 4 * slope(2 * z),
        lambda z: -8 * tanh(z) * slope(2 * z),
        lambda z: 8 * slope(2 * z) * (3 * tanh(z) ** 2 - 1),
    ),
    "sqrt(z**2)": (abs, np.sign, lambda _: 0.0),
    "logsumexp([z, 0])": (softplus, s, slope),
    "softmax([z, 0])[0]": (s, slope, lambda z: slope(z) * (s(-z) - s(z))),
    "log(softmax([z, 0]))[0]": (lambda z: -softplus(-z), lambda z: s(-z), lambda z: -slope(z)),
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("text", CURVES)
def test_a_curve_and_its_derivatives_are_right_at_extreme_points(text, point):
    z = variable("z", ())
    root = node_of(text, z=())
    first = gradient(root, [z])[z]
    second = gradient(first, [z])[z]

    for node, expected in zip((root, first, second), CURVES[text], strict=True):
        found = numbers_of(node, **({"z": point} if node.variables else {}))

        # Two terms may cancel near 0: s(−z) − s(z) and 3 tanh² − 1 lose a digit or two. Beside
        # a saturated 1, what is left is rounding: 1 − s(40) is 4e-18.
        assert float(found) == pytest.approx(expected(point), rel=2e-13, abs=1e-17)


SMALL = [
    ("exp(z) - 1", 1e-10, expm1(1e-10)),
    ("log(1 + z)", 1e-10, log1p(1e-10)),
    ("2 * exp(z) - 2", 1e-12, 2 * expm1(1e-12)),
    ("1 - exp(z)", 1e-12, -expm1(1e-12)),
    ("log(1 - z)", 1e-10, log1p(-1e-10)),
    ("log(1 - exp(z))", -1e-20, log(1e-20)),
    ("log(1 - exp(z))", -40.0, -exp(-40)),
    ("log(1 - exp(-z))", 0.5, log(-expm1(-0.5))),
    ("1 - sigmoid(z)", 40.0, exp(-40)),
    ("1 - tanh(z)", 20.0, 2 * exp(-40) / (1 + exp(-40))),
    ("1 - cosh(z)", 1e-10, -2 * sinh(5e-11) ** 2),
    ("log1p(-exp(z))", -1e-20, log(1e-20)),
    ("1 - erf(z)", 10.0, erfc(10)),
    ("erf(z) - 1", 10.0, -erfc(10)),
    ("1 - erfc(z)", 1e-20, erf(1e-20)),
    ("1 - cos(z)", 1e-10, 2 * sin(5e-11) ** 2),
    ("sigmoid(z) - 1", 40.0, -exp(-40)),
    ("sigmoid(z)", -720.0, exp(-720)),
    ("softplus(z)", -40.0, exp(-40)),
    ("log(1 + exp(z))", -700.0, exp(-700)),
    ("1 - tanh(z)**2", 20.0, 4 * exp(-40)),
]


@pytest.mark.parametrize(("text", "point", "expected"), SMALL, ids=[t for t, *_ in SMALL])
def test_small_results_keep_their_digits(text, point, expected):
    found = numbers_of(node_of(text, z=()), z=point)

    # One rounded function and one rounded quotient.
    assert float(found) == pytest.approx(expected, rel=1e-15, abs=0)


def test_the_root_of_a_negative_square_is_not_an_absolute_value():
    found = numbers_of(node_of("sqrt(-x**2)", x=(2,)), x=[0.0, 1.0])

    assert found[0] == 0
    assert np.isnan(found[1])


NORMS = [
    ([0.0, 0.0], 0.0, [0.0, 0.0]),
    ([3e200, -4e200], 5e200, [0.6, -0.8]),
    ([3e-200, 4e-200], 5e-200, [0.6, 0.8]),
    ([0.0, -1e-320], 1e-320, [0.0, -1.0]),
    ([1e200, 1e-200], 1e200, [1.0, 0.0]),
]


@pytest.mark.parametrize("text", ["norm2(y)", "sqrt(y @ y)", "sqrt(sum(y**2))"])
@pytest.mark.parametrize(("point", "value", "direction"), NORMS)
def test_a_norm_neither_overflows_nor_vanishes(text, point, value, direction):
    y = variable("y", (2,))
    root = node_of(text, y=(2,))

    found = gradient(root, [y])[y]

    # The scaled squares and their root round a few times.
    assert float(numbers_of(root, y=point)) == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(numbers_of(found, y=point), direction, rtol=1e-15, atol=1e-300)


def test_a_norm_scales_each_row_by_itself():
    found = numbers_of(
        node_of("norm2(A, axis=1)", A=(3, 2)), A=[[3e200, 4e200], [3, 4], [0, 0]]
    )

    np.testing.assert_allclose(found, [5e200, 5.0, 0.0], rtol=1e-15)


@pytest.mark.parametrize("scale", [1e-200, 1e-150, 1.0, 1e200])
def test_a_normalized_vector_is_right_at_every_scale(scale):
    y = variable("y", (2,))
    root = node_of("y / norm2(y)", y=(2,))
    point = [3 * scale, 4 * scale]

    found = numbers_of(jacobian(root, [y])[y], y=point)

    # (I − u uᵀ) / ‖y‖, of which the diagonal cancels two digits.
    expected = np.array([[0.64, -0.48], [-0.48, 0.36]]) / (5 * scale)
    np.testing.assert_allclose(numbers_of(root, y=point), [0.6, 0.8], rtol=1e-15)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_a_normalized_zero_is_0():
    assert numbers_of(node_of("y / norm2(y)", y=(2,)), y=[0, 0]).tolist() == [0.0, 0.0]


LARGE = [
    ("softmax(x)", [1000, 0, -1000], [1, 0, 0]),
    ("softmax(x)", [1e200, 1e200, -1e200], [0.5, 0.5, 0]),
    ("exp(x) / sum(exp(x))", [-1000, -1000, -1000], [1 / 3] * 3),
    ("log(softmax(x))", [1000, 0, -1000], [0, -1000, -2000]),
    ("log(exp(x) / sum(exp(x)))", [1e200, 0, 0], [0, -1e200, -1e200]),
    ("logsumexp(x)", [1000, 1000, -1000], 1000 + log(2)),
    ("log(sum(exp(x)))", [-1000, -1000, -1000], -1000 + log(3)),
    ("log(mean(exp(x)))", [800, 800, 800], 800),
    ("logsumexp(x)", [1e200, -1e200, 0], 1e200),
]


@pytest.mark.parametrize(("text", "point", "expected"), LARGE)
def test_exponentials_of_large_numbers_stay_finite(text, point, expected):
    found = numbers_of(node_of(text, x=(3,)), x=point)

    # One rounding of the sum and one of the result.
    np.testing.assert_allclose(found, expected, rtol=3e-16, atol=1e-300)


@pytest.mark.parametrize("point", [[1000, 0, -1000], [1e200, 1, 2], [-1000, -1000, -1000]])
def test_the_jacobian_of_a_softmax_of_large_numbers_is_that_of_its_values(point):
    x = variable("x", (3,))
    shares = np.exp(np.array(point) - max(point))
    shares /= shares.sum()

    by_softmax, by_log = (
        numbers_of(jacobian(node_of(text, x=(3,)), [x])[x], x=point)
        for text in ("softmax(x)", "log(softmax(x))")
    )

    np.testing.assert_allclose(
        by_softmax, np.diag(shares) - np.outer(shares, shares), atol=1e-16
    )
    np.testing.assert_allclose(by_log, np.eye(3) - shares, atol=1e-16)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_softmax_of_equal_entries_counts_them_all(axis):
    size = (2, 3, 4)[axis]

    found = numbers_of(node_of(f"softmax(0 * T, axis={axis})", T=(2, 3, 4)))

    # Bit for bit what one division gives.
    np.testing.assert_array_equal(found, np.full((2, 3, 4), 1 / size))


def test_a_softmax_of_what_is_constant_along_its_axis_counts_all_entries():
    text = "softmax(y[:, None] + 0 * A, axis=1) + softmax([a, a])[:, None]"

    found = numbers_of(node_of(text, **SHAPES), y=[1, 5], a=3)

    # A third and a half, each rounded once.
    np.testing.assert_allclose(found, np.full((2, 3), 1 / 3 + 1 / 2), rtol=1e-15)


def test_one_over_norm_is_not_rounded_twice():
    found = numbers_of(node_of("(x @ x)**-0.5", x=(3,)), x=[1e-200, 0, 0])

    assert found == 1e200
    assert sqrt(1e-200 * 1e-200) == 0


FAR = [
    ("x * 1e-200 * 1e-200", {"x": 1e300}, 1e-100),
    ("x / 1e200 / 1e200", {"x": 1e300}, 1e-100),
    ("x * 1e200 * 1e200", {"x": 1e-300}, 1e100),
    ("(1e200 * x)**2", {"x": 1e-200}, 1.0),
    ("1e-200 * (1e-200 * x + y)", {"x": 1e300, "y": 1e100}, 2e-100),
    ("z + 1e-200 * (1e-200 * x + y)", {"x": 1e300, "y": 1e100, "z": 0.0}, 2e-100),
    ("z + 1e200 * (1e200 * x + y)", {"x": 1e-300, "y": 1e-100, "z": 0.0}, 2e100),
    ("z - (x + y / 1e200) / 1e200", {"x": 1e100, "y": 1e300, "z": 0.0}, -2e-100),
    ("1e-200 * x * 1e-200 + 1e-200 * (1e-200 * x)", {"x": 1e300}, 2e-100),
]


@pytest.mark.parametrize(("text", "values", "expected"), FAR, ids=[text for text, *_ in FAR])
def test_literals_whose_product_leaves_float64_are_kept_apart(text, values, expected):
    root = node_of(text, **dict.fromkeys(values, ()))

    # Four roundings of products.
    assert float(numbers_of(root, **values)) == pytest.approx(expected, rel=1e-15)
