"""Sums in which large terms cancel: what is small beside them keeps its digits."""

import numpy as np
import pytest

from service.calculus.differentiate import gradient
from service.computation.compute import Computer
from service.settings import Limits
from tests.calculus.nodes import node_of, numbers_of, variables

# One rounding of each part and of their sum.
CLOSE = {"rtol": 2e-15, "atol": 0}
POINTS = [
    [1e16, 1e16, 1e16],
    [1e16, 1e16, -1e16],
    [1e10, 1e10 + 1, 1e10 - 2],
    [1000.0, 999.0, -1000.0],
    [-1000.0, -1001.0, -1000.0],
    [1e300, 1e300, 0.0],
    [40.0, 0.0, -1.0],
    [700.0, 0.0, -1.0],
    [0.0, 0.0, 0.0],
]
Y = np.array([0.2, 0.3, 0.5])
B = np.array([0.5, 0.25, -0.75])


def log_shares(x, axis=-1):
    """log(softmax(x)) in extended precision, the largest entries apart from the others."""
    x = np.asarray(x, dtype=np.longdouble)
    shifted = x - x.max(axis=axis, keepdims=True)
    ties = np.sum(shifted == 0, axis=axis, keepdims=True).astype(np.longdouble)
    others = np.where(shifted == 0, 0, np.exp(shifted)).sum(axis=axis, keepdims=True)
    return shifted - np.log(ties) - np.log1p(others / ties)


def soft(z):
    """softplus(z) in extended precision."""
    z = np.longdouble(z)
    return np.maximum(z, 0) + np.log1p(np.exp(-abs(z)))


def found_for(text, **values):
    node = node_of(text, **{name: np.shape(value) for name, value in values.items()})
    return numbers_of(node, **{n: v for n, v in values.items() if n in node.variables})


WITH_SHARES = {
    "log(softmax(x))": lambda x: log_shares(x),
    "x - logsumexp(x)": lambda x: log_shares(x),
    "3 * logsumexp(x) - 3 * x": lambda x: -3 * log_shares(x),
    "-sum(y * log(softmax(x)))": lambda x: -(Y * log_shares(x)).sum(),
    "-sum(y * log(softmax(stack[1])))": lambda x: -(Y * log_shares(x)).sum(),
    "logsumexp(x) - x[2]": lambda x: -log_shares(x)[2],
    "0.25 + logsumexp(x) - x[2]": lambda x: 0.25 - log_shares(x)[2],
    "y[0] + logsumexp(x) - x[2]": lambda x: Y[0] - log_shares(x)[2],
    "log(softmax(x + b))": lambda x: log_shares(x + B),
    "log(softmax(x - b))[0]": lambda x: log_shares(x - B)[0],
    "log(softmax(stack[1] - b))[2]": lambda x: log_shares(x - B)[2],
    "log(softmax(stack, axis=0))": lambda x: log_shares([-x, x], axis=0),
    "log(softmax(stack.T, axis=0))": lambda x: log_shares([-x, x]).T,
    "x - max(x)": lambda x: x - np.max(x),
    "x - b - max(x - b)": lambda x: (x - B) - np.max(x - B),
    "min(x + b) - b - x": lambda x: np.min(x + B) - (x + B),
}


@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize("text", WITH_SHARES)
def test_what_cancels_the_largest_entry_leaves_the_logarithm_its_digits(text, point):
    x = np.array(point)

    found = found_for(text, x=x, y=Y, b=B, stack=np.stack([-x, x]))

    np.testing.assert_allclose(found, WITH_SHARES[text](x).astype(float), **CLOSE)


NESTED = {
    "log(softmax(log(softmax(x))))": lambda x: log_shares(x),
    "log(softmax(x - max(x)))": lambda x: log_shares(x),
    "x - max(x) - logsumexp(x - max(x))": lambda x: log_shares(x),
    "max(x) - y - logsumexp(max(x) - y)": lambda x: log_shares(np.max(x) - Y),
    "x - logsumexp(x) - max(x - logsumexp(x))": lambda x: x - np.max(x),
    "logsumexp(x) - max(x) + logsumexp(x - max(x))": lambda x: -2 * np.max(log_shares(x)),
}


@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize("text", NESTED)
def test_extremes_of_sums_with_extremes_keep_their_digits(text, point):
    x = np.array(point)

    found = found_for(text, x=x, y=Y)

    # What is left of a logarithm that cancels is rounding.
    expected = NESTED[text](x).astype(float)
    np.testing.assert_allclose(found, expected, rtol=2e-15, atol=1e-15)


def test_sums_of_different_variables_cancel_apart():
    x, y = np.array([1e16, 1e16, 0.0]), np.array([0.3, 0.1, 0.2])

    found = found_for("logsumexp(x) - x[0] + logsumexp(y) - y[1]", x=x, y=y)

    expected = float(-log_shares(x)[0] - log_shares(y)[1])
    np.testing.assert_allclose(found, expected, **CLOSE)


WITH_SOFTPLUS = {
    "softplus(z) - z": lambda z: soft(-z),
    "z + log(1 + exp(-z))": soft,
    "2 * softplus(z) - 2 * z": lambda z: 2 * soft(-z),
    "softplus(z) - t * z": lambda z: soft(-z),
    "0.25 + softplus(z) - z": lambda z: 0.25 + soft(-z),
    "sum(softplus([z, z]) - [z, z])": lambda z: 2 * soft(-z),
}


@pytest.mark.parametrize("point", [1e16, -1e16, 1000, -1000, 40, -40, 0.3, 1e300])
@pytest.mark.parametrize("text", WITH_SOFTPLUS)
def test_a_softplus_less_its_argument_keeps_its_digits(text, point):
    found = found_for(text, z=np.array(point), t=1.0)

    np.testing.assert_allclose(found, float(WITH_SOFTPLUS[text](point)), **CLOSE)


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_the_gradient_of_a_cross_entropy_is_the_shares_less_the_targets(point):
    (x,) = variables(x=(3,))
    root = node_of("-sum(y * log(softmax(x)))", x=(3,), y=(3,))

    found = numbers_of(gradient(root, [x])[x], x=point, y=Y)

    # Of two numbers up to 1, one of them summed from three.
    shares = np.exp(log_shares(point)).astype(float)
    np.testing.assert_allclose(found, shares - Y, rtol=0, atol=3e-16)


def test_a_product_with_a_row_less_its_mean_keeps_the_difference():
    row, weights = np.array([0.125, 0.25, 0.625]), np.array([0.1, 0.3, 0.7])

    found = found_for("sum((A[0] - mean(A[0])) * A[1])", A=np.stack([row + 2**40, weights]))

    # Three times an entry less the sum is exact; multiplied out, 2**40 would round.
    expected = ((row - row.mean()) * weights).sum()
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_an_extreme_keeps_the_number_of_its_product_in_a_sum():
    """Found by a random expression: 4 · (½ Σ M) + 2 Σ M with M a maximum was 6 Σ M."""
    w = np.array([[[0.5]], [[-0.9]]])
    text = "u = trace(max(w + w, axis=0)); u * (u + 0.5)"

    answer = Computer(Limits()).run("gradient", text, {"w": w})

    np.testing.assert_allclose(answer.gradients["w"].ravel(), [2 * (2 * 1.0 + 0.5), 0.0])
