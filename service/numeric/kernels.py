"""Fused NumPy kernels: forms of the graph that lose digits or overflow when computed apart."""

from collections.abc import Callable

import numpy as np

from service.calculus.rules.records import Array
from service.numeric.threads import in_halves

_BLOCK = 2**16  # numbers scaled at a time
_SHORTEST_BLOCK = 64
_LARGE = 2**18  # numbers from which on two threads are worth it


def softmax_values(x: Array, axes: tuple[int, ...]) -> Array:
    """exp(x) / Σ exp(x), shifted by the largest entry."""
    powers: Array = np.exp(x - np.max(x, axis=axes, keepdims=True))
    powers /= np.sum(powers, axis=axes, keepdims=True)
    return powers


def log_one_minus_exp_values(x: Array) -> Array:
    """log(1 − exp(x)) for x < 0, right also where exp(x) is almost 1 or almost 0.

    Mächler, Accurately Computing log(1 − exp(−|a|)) (2012), (7).
    """
    near: Array = np.log(-np.expm1(x))
    return np.where(x > -np.log(2.0), near, np.log1p(-np.exp(x)))


def tanh_slope_values(x: Array) -> Array:
    """1 − tanh(x)² as 4e / (1 + e)² with e = exp(−2|x|): right also at the tails."""
    tail = np.exp(-2.0 * np.abs(x))
    return 4.0 * tail / np.square(1.0 + tail)


def log1p_to_base_values(x: Array, base: float) -> Array:
    """log(1 + x) to base 2 or 10, exact at the powers of the base."""
    plain = np.log2 if base == 2 else np.log10
    return np.where(np.abs(x) < 0.5, np.log1p(x) / np.log(base), plain(1.0 + x))


def select_values(mask: Array, values: Array) -> Array:
    """The values where the mask is not 0, and 0 elsewhere whatever the values are."""
    return np.where(mask, values, 0.0)


def gram_values(x: Array, weights: Array) -> Array:
    """Σ w · x_i x_j over every axis but the last; `weights` broadcasts to x.

    With √w · x as both factors BLAS makes half of a symmetric product; where a weight is not a
    positive number there is no root, and the product is a general one. By blocks of rows, so
    that what is scaled stays in the cache until it is multiplied.
    """
    columns = x.shape[-1]
    rows = x.reshape(-1, columns)
    factors = np.broadcast_to(weights, (*x.shape[:-1], 1)).reshape(-1, 1)
    has_root = bool((factors >= 0).all())
    if has_root:
        factors = np.sqrt(factors)
    length = max(_BLOCK // columns, _SHORTEST_BLOCK)

    def summed(start: int, stop: int) -> Array:
        total = np.zeros((columns, columns), x.dtype)
        buffer = np.empty((min(length, stop - start), columns), x.dtype)
        for first in range(start, stop, length):
            last = min(first + length, stop)
            scaled = buffer[: last - first]
            np.multiply(rows[first:last], factors[first:last], out=scaled)
            total += scaled.T @ (scaled if has_root else rows[first:last])
        return total

    if x.size < _LARGE:
        return summed(0, len(rows))
    first, second = in_halves(summed, len(rows))
    first += second
    return first


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


def stacked_matrix_values(
    kernel: Callable[..., Array], shape: tuple[int, ...], matrices: Array
) -> Array:
    """A function of a matrix, or of each of a stack of matrices, of this shape in all."""
    if matrices.ndim == 2:
        return matrix_values(kernel, shape, matrices)
    result = np.empty(shape, matrices.dtype)
    lead = matrices.shape[:-2]
    for place in np.ndindex(lead):
        result[place] = matrix_values(kernel, shape[len(lead) :], matrices[place])
    return result


def filled_identity(size: int) -> Array:
    """The identity matrix."""
    return np.eye(size)


def running_sum(x: Array, axis: int) -> Array:
    """Σ of an entry and those before it along an axis."""
    return np.cumsum(x, axis=axis)


def sum_of_rest(x: Array, axis: int) -> Array:
    """Σ of an entry and those after it along an axis."""
    return np.ascontiguousarray(np.flip(np.cumsum(np.flip(x, axis), axis=axis), axis))
