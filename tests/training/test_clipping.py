"""Gradients kept small, in place."""

import numpy as np
import pytest

from service.training.clipping import clip_by_norm, clip_by_value, norm_of


def test_clipping_by_value_is_entry_by_entry():
    gradient = np.array([-3.0, 0.5, 2.0, 1.0])

    clip_by_value(gradient, 1.0)

    assert gradient.tolist() == [-1, 0.5, 1, 1]


def test_clipping_by_norm_keeps_the_direction():
    gradient = np.array([3.0, 4.0])

    norm = clip_by_norm(gradient, 1.0)

    assert norm == 5
    assert gradient == pytest.approx([0.6, 0.8], rel=1e-15)


@pytest.mark.parametrize("limit", [5.0, 6.0])
def test_a_short_gradient_stays_as_it_is(limit):
    gradient = np.array([3.0, 4.0])

    assert clip_by_norm(gradient, limit) == 5
    assert gradient.tolist() == [3, 4]


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_the_norm_is_right_where_its_squares_are_not(scale):
    assert norm_of(np.array([3.0, -4.0]) * scale) == pytest.approx(5 * scale, rel=1e-15)


def test_the_norm_of_nothing_is_zero():
    assert norm_of(np.zeros(3)) == norm_of(np.zeros(0)) == 0


def test_a_norm_too_large_for_a_float_is_clipped():
    gradient = np.full(4, -1e308)

    assert clip_by_norm(gradient, 2.0) == np.inf
    assert gradient == pytest.approx([-1, -1, -1, -1], rel=1e-15)


@pytest.mark.parametrize("entry", [np.inf, np.nan])
def test_a_gradient_that_is_not_finite_is_left_to_the_caller(entry):
    gradient = np.array([1.0, entry])

    norm = clip_by_norm(gradient, 0.5)

    assert not np.isfinite(norm)
    np.testing.assert_array_equal(gradient, [1.0, entry])
