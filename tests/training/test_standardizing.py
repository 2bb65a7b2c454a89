"""Standardizing: means and deviations in one pass, and layers in either units."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import BadDatasetError, DomainError, ShapeMismatchError
from service.training.data import row_blocks
from service.training.standardizing import (
    standardization,
    to_own_units,
    to_standardized_units,
)


def of(values, size=7):
    names = [f"c{place}" for place in range(values.shape[1])]
    return standardization(
        (values[start : start + size] for start in range(0, len(values), size)), names
    )


def test_mean_and_deviation_are_those_of_all_rows(rng):
    values = rng.normal(size=(1000, 3)) * [1, 100, 1e-3] + [0, 5, 1e3]

    for size in (1, 7, 1000):
        found = of(values, size)

        # Rounding of 1,000 sums, of numbers up to 10⁶ deviations from 0.
        np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(found.scale, values.std(axis=0), rtol=1e-10)


def test_a_large_mean_does_not_cancel_the_deviation():
    values = np.array([[1e9 + 4], [1e9 + 7], [1e9 + 13], [1e9 + 16]] * 100)

    # A mean of squares less the square of the mean has no correct digit here.
    np.testing.assert_allclose(of(values, 3).scale, [np.sqrt(22.5)], rtol=1e-12)


def test_a_constant_column_is_only_centred():
    values = np.column_stack([np.full(1000, 0.1), np.arange(1000.0)])
    found = of(values)

    assert found.scale[0] == 1
    assert found.constant == ("c0",)
    assert found.note == "constant columns are only centred, to 0: c0"
    assert (found.apply(values)[:, 0] == 0).all()
    assert of(values[:, 1:]).note is None


def test_values_are_standardized_in_place_and_back(rng):
    values = rng.normal(size=(50, 3)) * 7 + 3
    copy = values.copy()
    found = of(values)
    standardized = found.apply(copy, out=copy)

    assert standardized is copy
    np.testing.assert_allclose(copy.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(copy.std(axis=0), 1, rtol=1e-14)
    np.testing.assert_allclose(found.undo(copy), values, rtol=1e-13)


def test_no_row_is_an_error():
    with pytest.raises(BadDatasetError, match="found no row to standardize by"):
        standardization([], ["a"])


def test_squares_beyond_float64_name_the_column():
    values = np.array([[1.0, -1e200], [2.0, 1e200]])

    with pytest.raises(BadDatasetError, match=r"column 'c1' \(2 of 2\): found numbers whose"):
        of(values)


numbers = st.floats(-1e3, 1e3)


@pytest.mark.parametrize("shape", [(3,), (3, 2)])
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_layer_gives_the_same_in_either_units(shape, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    scale, shift = data.draw(st.floats(0.1, 10)), data.draw(numbers)
    values = rng.normal(size=(20, 3)) * scale + shift
    outputs = rng.normal(size=(20, *(shape[1:] or (1,)))) * scale + shift
    inputs, targets = of(values), of(outputs)
    weights, bias = rng.normal(size=shape), rng.normal(size=shape[1:])
    standardized = inputs.apply(values) @ weights + bias

    # Own units add shift/scale ≤ 10⁴ deviations and take them away again.
    own, own_bias = to_own_units(weights, bias, inputs)
    np.testing.assert_allclose(values @ own + own_bias, standardized, atol=1e-10)
    there = to_standardized_units(own, own_bias, inputs)
    np.testing.assert_allclose(there[0], weights, rtol=1e-14)
    np.testing.assert_allclose(there[1], bias, atol=1e-10)

    own, own_bias = to_own_units(weights, bias, inputs, targets)
    expected = targets.undo(standardized.reshape(20, -1)).reshape(standardized.shape)
    np.testing.assert_allclose(values @ own + own_bias, expected, rtol=1e-9, atol=1e-9)
    there = to_standardized_units(own, own_bias, inputs, targets)
    np.testing.assert_allclose(there[0], weights, rtol=1e-13)


def test_weights_fit_the_columns(rng):
    found = of(rng.normal(size=(10, 3)))

    with pytest.raises(ShapeMismatchError, match=r"weights have shape \(4,\), but 3 columns"):
        to_own_units(np.zeros(4), np.zeros(()), found)
    with pytest.raises(ShapeMismatchError, match="so 2 outputs, but 3 target columns"):
        to_own_units(np.zeros((3, 2)), np.zeros(2), found, found)


def test_weights_that_overflow_are_an_error():
    found = of(np.array([[0.0], [1e-150]]))

    with pytest.raises(DomainError, match="not finite in the other units"):
        to_own_units(np.array([1e200]), np.zeros(()), found)


def test_blocks_of_rows_are_views_of_all_rows(rng):
    values = rng.random((40_000, 10))
    blocks = list(row_blocks(values))

    assert len(blocks) > 1
    assert all(np.shares_memory(block, values) for block in blocks)
    assert (np.concatenate(blocks) == values).all()
