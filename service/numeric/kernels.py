"""Fused NumPy kernels: forms of the graph that lose digits or overflow when computed apart."""

from collections.abc import Callable

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


def matrix_values(
    kernel: Callable[..., Array], shape: tuple[int, ...], *operands: Array
) -> Array:
    """A function of finite matrices, and nan where it fails or is given anything else.

    LAPACK's iterations need not end on infinities or nan.
    """
    if all(np.isfinite(operand).all() for operand in operands):
        try:
            return np.asarray(kernel(*operands))
        except np.linalg.LinAlgError:
            return np.full(shape, np.nan)
    return np.full(shape, np.nan)


def filled_identity(size: int) -> Array:
    """The identity matrix."""
    return np.eye(size)
