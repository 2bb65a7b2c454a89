"""Fused NumPy kernels: forms of the graph that lose digits or overflow when computed apart."""

import numpy as np

from service.calculus.rules.records import Array


def softmax_values(x: Array, axes: tuple[int, ...]) -> Array:
    """exp(x) / Σ exp(x), shifted by the largest entry."""
    powers: Array = np.exp(x - np.max(x, axis=axes, keepdims=True))
    powers /= np.sum(powers, axis=axes, keepdims=True)
    return powers


def tanh_slope_values(x: Array) -> Array:
    """1 − tanh(x)² as 4e / (1 + e)² with e = exp(−2|x|): right also at the tails."""
    tail = np.exp(-2.0 * np.abs(x))
    return 4.0 * tail / np.square(1.0 + tail)


def select_values(mask: Array, values: Array) -> Array:
    """The values where the mask is not 0, and 0 elsewhere whatever the values are."""
    return np.where(mask, values, 0.0)


def solve_values(matrix: Array, right: Array) -> Array:
    """The inverse of the matrix times `right`, and nan where the matrix is singular."""
    try:
        return np.asarray(np.linalg.solve(matrix, right))
    except np.linalg.LinAlgError:
        return np.full(right.shape, np.nan)


def filled_identity(size: int) -> Array:
    """The identity matrix."""
    return np.eye(size)
