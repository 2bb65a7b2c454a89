"""Functions of whole matrices: where a matrix is singular, and how they are stable."""

from itertools import permutations

import numpy as np
import pytest

from service.calculus.differentiate import gradient, jacobian
from service.calculus.graph import variable
from service.calculus.rules.matrices import (
    cofactor_values,
    det_derivative_values,
    inverse_values,
    logdet_values,
    solved_values,
)
from tests.calculus.nodes import node_of, numbers_of

SIZES = [1, 2, 3, 4]


def determinant(matrix):
    """Leibniz's sum over permutations, exact for small integers."""
    size = len(matrix)
    total = 0.0
    for order in permutations(range(size)):
        sign = np.linalg.det(np.eye(size)[list(order)]) if size else 1.0
        total += round(sign) * np.prod([matrix[k, order[k]] for k in range(size)])
    return total


def minors(matrix):
    """The cofactor matrix from the determinants of its minors."""
    size = len(matrix)
    found = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            minor = np.delete(np.delete(matrix, i, 0), j, 1)
            found[i, j] = (-1) ** (i + j) * (determinant(minor) if size > 1 else 1.0)
    return found


def of_rank(size, rank, rng):
    """A matrix of small integers and of this rank."""
    while True:
        left, right = (rng.integers(-3, 4, size=s) for s in ((size, rank), (rank, size)))
        matrix = (left @ right).astype(float)
        if np.linalg.matrix_rank(matrix) == rank:
            return matrix


RANKS = [(size, rank) for size in SIZES for rank in range(size + 1)]


@pytest.mark.parametrize(("size", "rank"), RANKS)
def test_the_gradient_of_a_determinant_is_the_cofactor_matrix_at_every_rank(size, rank, rng):
    matrix = of_rank(size, rank, rng)
    a = variable("A", (size, size))

    found = gradient(node_of("det(A)", A=(size, size)), [a])[a]

    # Rounding of the singular values: a few units of the largest product of them.
    scale = max(1.0, np.max(np.abs(matrix))) ** max(size - 1, 0)
    np.testing.assert_allclose(
        numbers_of(found, **({"A": matrix} if found.variables else {})),
        minors(matrix),
        atol=1e-13 * 10**size * scale,
    )


@pytest.mark.parametrize(("size", "rank"), RANKS)
def test_the_second_derivative_of_a_determinant_is_right_at_every_rank(size, rank, rng):
    matrix = of_rank(size, rank, rng)
    a = variable("A", (size, size))
    first = gradient(node_of("det(A)", A=(size, size)), [a])[a]

    found = numbers_of(jacobian(first, [a])[a], A=matrix)

    # The cofactors are polynomials of degree 1 in each entry: a difference is exact.
    expected = np.empty((size,) * 4)
    for place in np.ndindex(size, size):
        step = np.zeros((size, size))
        step[place] = 1.0
        expected[:, :, *place] = minors(matrix + step) - minors(matrix)
    scale = max(1.0, np.max(np.abs(matrix))) ** max(size - 2, 0)
    np.testing.assert_allclose(found, expected, atol=1e-12 * 10**size * scale)


def test_cofactors_of_the_zero_matrix_of_size_1_are_1():
    np.testing.assert_array_equal(cofactor_values(np.zeros((1, 1))), [[1.0]])
    np.testing.assert_array_equal(
        det_derivative_values(np.zeros((1, 1)), 2), np.zeros((1,) * 4)
    )


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_cofactors_of_a_badly_scaled_matrix_keep_their_digits(scale, rng):
    matrix = rng.normal(size=(3, 3))

    found = cofactor_values(scale * matrix)

    # Homogeneous of degree 2; rounding as of the unscaled matrix.
    np.testing.assert_allclose(found / scale / scale, cofactor_values(matrix), rtol=1e-12)


def test_the_log_determinant_is_minus_infinity_where_the_determinant_is_0():
    assert logdet_values(np.ones((2, 2))) == -np.inf


def test_the_log_determinant_is_nan_where_the_determinant_is_negative():
    assert np.isnan(logdet_values(np.diag([1.0, -1.0])))


def test_the_log_determinant_is_finite_where_two_eigenvalues_are_negative():
    assert logdet_values(np.diag([-2.0, -0.5])) == 0.0


def test_log_of_det_is_logdet_where_det_leaves_the_range():
    matrix = 1e-200 * np.diag([1.0, 2.0, 4.0])
    a = variable("A", (3, 3))
    root = node_of("log(det(A))", A=(3, 3))

    slope = gradient(root, [a])[a]

    # log(8e-600), of which the sum keeps 15 digits.
    assert numbers_of(root, A=matrix) == pytest.approx(np.log(8) - 600 * np.log(10), rel=1e-15)
    np.testing.assert_allclose(numbers_of(slope, A=matrix), np.diag([1e200, 5e199, 2.5e199]))


def test_an_inverse_times_a_vector_solves_and_keeps_more_digits(rng):
    size = 8
    hilbert = 1 / (np.arange(size)[:, None] + np.arange(size) + 1)
    exact = np.ones(size)

    found = numbers_of(
        node_of("inv(A) @ b", A=(size, size), b=(size,)), A=hilbert, b=hilbert @ exact
    )

    # The residual of a solution by elimination is a few units in the last place.
    residual = np.max(np.abs(hilbert @ found - hilbert @ exact))
    assert residual < 1e-14


# Singular to working precision.

HILBERT = np.array([[1 / (i + j + 1) for j in range(13)] for i in range(13)])
INVERTIBLE = {
    "diagonal of any sizes": (np.diag([1e-200, 1.0, 1e200]), np.diag([1e200, 1.0, 1e-200])),
    "rows of any sizes": (
        np.array([[1e-300, 1e-300], [1e300, 2e300]]),
        np.array([[2e300, -1e-300], [-1e300, 1e-300]]),
    ),
    "triangular": (np.array([[1, 1e17], [0, 1]]), np.array([[1, -1e17], [0, 1]])),
}


@pytest.mark.parametrize("name", INVERTIBLE)
def test_scales_of_rows_and_columns_do_not_make_a_matrix_singular(name):
    matrix, inverse = INVERTIBLE[name]

    np.testing.assert_allclose(inverse_values(matrix), inverse, rtol=1e-15)
    # Of a column of ones each answer is a sum of two numbers of one size at the most.
    np.testing.assert_allclose(
        solved_values(matrix, np.ones(len(matrix))), inverse.sum(axis=1), rtol=1e-14
    )


@pytest.mark.parametrize(
    "matrix",
    [np.arange(1.0, 10.0).reshape(3, 3), np.array([[1, 2], [2, 4 + 1e-15]]), HILBERT],
    ids=["1 to 9", "one bit from singular", "Hilbert 13"],
)
def test_a_matrix_singular_to_working_precision_has_no_inverse(matrix):
    right = np.arange(len(matrix)) ** 2.0

    for solved in (lambda: inverse_values(matrix), lambda: solved_values(matrix, right)):
        try:
            found = solved()
        except np.linalg.LinAlgError:  # exactly singular once scaled
            continue
        assert np.isnan(found).all()


def test_an_ill_conditioned_matrix_is_inverted():
    found = inverse_values(HILBERT[:8, :8])

    # The inverse of Hilbert's matrix is whole; its condition is 1.5e10.
    np.testing.assert_array_equal(np.round(found[0, :3]), [64, -2016, 20160])


def test_of_zeros_the_solution_is_zero():
    np.testing.assert_array_equal(solved_values(HILBERT[:3, :3], np.zeros((3, 2))), 0)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_the_third_derivative_of_a_determinant_is_the_permutation_symbols(rank, rng):
    matrix = rng.normal(size=(3, rank)) @ rng.normal(size=(rank, 3))

    # det is ε_ikm ε_jln A_ij A_kl A_mn / 6, whose third derivative does not depend on A.
    symbol = np.array(
        [
            [[np.linalg.det(np.eye(3)[[i, j, k]]) for k in range(3)] for j in range(3)]
            for i in range(3)
        ]
    )
    expected = np.einsum("ikm,jln->ijklmn", symbol, symbol)
    np.testing.assert_allclose(det_derivative_values(matrix, 3), expected, atol=1e-13)
    assert not det_derivative_values(matrix, 4).any()
