"""Fused kernels and guarded matrix functions at the points where plain calls fail."""

import numpy as np
import pytest

from service.computation.compute import Computer
from service.errors import NonFiniteResultError
from service.numeric.kernels import matrix_values
from service.settings import Limits

SVD = np.linalg.svd


def singular_values(matrix):
    return SVD(matrix)[1]


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_matrix_function_of_what_is_not_finite_is_nan_and_never_runs(bad):
    def never(_):
        raise AssertionError

    found = matrix_values(never, (2,), np.array([[bad, 1.0], [0.0, 1.0]]))

    assert found.shape == (2,)
    assert np.isnan(found).all()


def test_a_matrix_function_that_lapack_refuses_is_nan():
    found = matrix_values(np.linalg.inv, (2, 2), np.ones((2, 2)))

    assert np.isnan(found).all()


def test_a_matrix_function_of_a_finite_matrix_is_its_value():
    matrix = np.array([[2.0, 1.0], [0.0, 4.0]])

    found = matrix_values(singular_values, (2,), matrix)

    np.testing.assert_array_equal(found, singular_values(matrix))


@pytest.mark.parametrize("text", ["det(A * A)", "logdet(A * A)", "sum(inv(A * A) @ A[0])"])
def test_a_matrix_that_overflows_ends_in_an_error_at_the_overflow(text):
    matrix = np.array([[-1e308, 1, 0.5], [0.25, 2, 1], [1, 0.5, 4]])

    with pytest.raises(
        NonFiniteResultError, match=r"A \* A at \d–\d+ is inf at position \[0, 0\]"
    ):
        Computer(Limits()).run("gradient", text, {"A": matrix})
