"""Functions along axes: their values are NumPy's, for every form of their options."""

import numpy as np
import pytest

from tests.calculus.nodes import node_of, numbers_of


def logsumexp(x, **options):
    return np.log(np.sum(np.exp(x), **options))


def norm1(x, **options):
    return np.sum(np.abs(x), **options)


def norm2(x, **options):
    return np.sqrt(np.sum(x**2, **options))


MEANINGS = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "logsumexp": logsumexp,
    "norm1": norm1,
    "norm2": norm2,
}
OPTIONS = [
    ("", {}),
    (", axis=0", {"axis": 0}),
    (", axis=-1", {"axis": -1}),
    (", axis=(0, 2)", {"axis": (0, 2)}),
    (", axis=(-1, 1)", {"axis": (-1, 1)}),
    (", axis=(0, 1, 2)", {"axis": (0, 1, 2)}),
    (", axis=1, keepdims=True", {"axis": 1, "keepdims": True}),
    (", axis=(2, 0), keepdims=True", {"axis": (2, 0), "keepdims": True}),
    (", keepdims=True", {"keepdims": True}),
    (", axis=1, keepdims=False", {"axis": 1}),
]


@pytest.mark.parametrize(("written", "options"), OPTIONS, ids=[o or "all" for o, _ in OPTIONS])
@pytest.mark.parametrize("name", MEANINGS)
def test_a_reduction_is_numpy_s_for_every_form_of_its_axes(name, written, options, rng):
    values = rng.normal(size=(2, 3, 4))

    found = numbers_of(node_of(f"{name}(T{written})", T=(2, 3, 4)), T=values)

    # Sums of at most 24 numbers near 1.
    np.testing.assert_allclose(found, MEANINGS[name](values, **options), rtol=1e-13)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2)])
def test_softmax_sums_to_1_along_its_axes(axis, rng):
    values = rng.normal(size=(2, 3, 4))

    found = numbers_of(node_of(f"softmax(T, axis={axis})", T=(2, 3, 4)), T=values)

    exponentials = np.exp(values)
    expected = exponentials / np.sum(exponentials, axis=axis, keepdims=True)
    # A shift of the exponents moves the last digits.
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("name", MEANINGS)
def test_a_reduction_of_a_scalar_is_its_value_or_its_size(name):
    found = numbers_of(node_of(f"{name}(a)", a=()), a=-2.5)

    assert found == (2.5 if name.startswith("norm") else -2.5)
