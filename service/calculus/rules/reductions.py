"""Reductions: max, min, logsumexp and the Euclidean norm over some axes."""

from collections.abc import Callable
from functools import cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from service.calculus.applications import apply_elementwise, summed
from service.calculus.axes import broadcast
from service.calculus.graph import ONE, Node
from service.calculus.rules.choices import EQUAL
from service.calculus.rules.elementwise import EXP, QUOTIENT, difference, times
from service.calculus.rules.records import Array, ReductionFunction

Axes = tuple[int, ...]

_NEAR_ONE = 1.1


def spread(reduced: Node, like: Node, axes: Axes) -> Node:
    """A node reduced over `axes`, constant along them again, of the shape of `like`."""
    kept = [axis for axis in range(like.ndim) if axis not in axes]
    return broadcast(reduced, like.shape, kept)


def logsumexp_values(x: Array, axes: Axes) -> Array:
    """log Σ exp(x), shifted by the largest entry so that nothing overflows."""
    largest = np.max(x, axis=axes, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    total: Array = shifted_logsumexp_values(x - shift, axes) + np.squeeze(shift, axis=axes)
    return total


def shifted_logsumexp_values(x: Array, axes: Axes) -> Array:
    """log Σ exp(x) of entries of which the largest is 0, right also where the rest vanish."""
    powers = np.exp(x)
    total = np.sum(powers, axis=axes)
    logarithm: Array = np.log(total)
    is_near_one = (total >= 1.0) & (total < _NEAR_ONE)
    if np.any(is_near_one):
        np.copyto(powers, 0.0, where=np.equal(x, 0.0))
        logarithm = np.where(is_near_one, np.log1p(np.sum(powers, axis=axes)), logarithm)
    return logarithm


def norm2_values(x: Array, axes: Axes) -> Array:
    """√Σx², scaled by the largest entry where the squares leave the normal range."""
    squares = np.sum(np.square(x), axis=axes)
    range_ = np.finfo(squares.dtype)
    smallest, largest_safe = range_.tiny / range_.eps, range_.max * range_.eps
    is_safe = (squares > smallest) & (squares < largest_safe)
    if np.all(is_safe):
        return np.asarray(np.sqrt(squares))
    largest = np.max(np.abs(x), axis=axes, keepdims=True)
    divisor = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    total = np.sum(np.square(x / divisor), axis=axes)
    norm: Array = np.sqrt(total) * np.squeeze(divisor, axis=axes)
    return norm


def _extreme_partial(x: Node, spread_y: Node, axes: Axes) -> Node:
    """1 / (number of ties) where the extreme is reached: the centre of the subdifferential."""
    hit = apply_elementwise(EQUAL, x, spread_y)
    count = spread(summed(hit, axes), x, axes)
    return times(hit, count, exponents=(ONE, -ONE))


def _reduced_by(function: Callable[..., Array]) -> Callable[[Array, Axes], Array]:
    return lambda x, axes: function(x, axis=axes)


def _product(x: Array) -> Array:
    return np.asarray(np.prod(x, axis=-1))


def _products_of_other_entries(x: Array) -> Array:
    ones = np.ones_like(x[..., :1])
    before = np.concatenate((ones, np.cumprod(x[..., :-1], axis=-1)), axis=-1)
    after = np.concatenate((ones, np.cumprod(x[..., :0:-1], axis=-1)), axis=-1)
    return np.asarray(before * after[..., ::-1])


def _scaled_product(x: Array) -> Array:
    """Πx where partial products would leave the range of the numbers."""
    mantissas, exponents = _scaled_running_products(x)
    return np.asarray(np.ldexp(mantissas[..., -1], exponents[..., -1]), dtype=x.dtype)


def _scaled_products_of_other_entries(x: Array) -> Array:
    before, before_exponents = _scaled_running_products(x[..., :-1])
    after, after_exponents = _scaled_running_products(x[..., :0:-1])
    ones, zeros = np.ones_like(x[..., :1]), np.zeros_like(x[..., :1], dtype=np.int64)
    before, after = (np.concatenate((ones, part), axis=-1) for part in (before, after))
    exponents = np.concatenate((zeros, before_exponents), axis=-1)
    exponents += np.concatenate((zeros, after_exponents), axis=-1)[..., ::-1]
    return np.asarray(np.ldexp(before * after[..., ::-1], exponents), dtype=x.dtype)


def _scaled_running_products(x: Array) -> tuple[Array, NDArray[np.int64]]:
    """x_0 · … · x_k for each k as mantissa and exponent of 2, by doubled steps."""
    mantissas, powers = np.frexp(x)
    exponents = powers.astype(np.int64)
    step = 1
    while step < x.shape[-1]:
        mantissas[..., step:] = mantissas[..., step:] * mantissas[..., :-step]
        exponents[..., step:] = exponents[..., step:] + exponents[..., :-step]
        mantissas, powers = np.frexp(mantissas)
        exponents += powers
        step *= 2
    return mantissas, exponents


def products_of_others(x: Array, order: int) -> Array:
    """∂ᵒ Πx / ∂x_i ∂x_j … along the last axis, which stands there `order` times.

    Π_{k≠i} x_k for order 1, by prefix × suffix: right also at zeros, as Πx / x_i is not. For
    more: that of x with 1 in place of x_i, and 0 where two of i, j … are one.
    """
    if order < 2:
        plain = _product(x) if order == 0 else _products_of_other_entries(x)
        smallest = np.finfo(plain.dtype).tiny
        has_left_range = (np.abs(plain) < smallest) | ~np.isfinite(plain)
        if not np.any(has_left_range):
            return plain
        scaled = _scaled_product(x) if order == 0 else _scaled_products_of_other_entries(x)
        return np.where(has_left_range, scaled, plain)
    is_own = np.eye(x.shape[-1], dtype=bool)
    lower = products_of_others(np.where(is_own, 1.0, x[..., None, :]), order - 1)
    for axis in range(order - 1):
        shape = [1] * (order - 1)
        shape[axis] = len(is_own)
        lower = np.where(is_own.reshape(len(is_own), *shape), 0.0, lower)
    return lower


@cache
def product_derivative(order: int) -> ReductionFunction:
    """The derivative of the product of some order; of order 0 the product itself."""

    def forward(x: Array, axes: Axes) -> Array:
        moved = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
        kept, reduced = moved.shape[: x.ndim - len(axes)], moved.shape[x.ndim - len(axes) :]
        found = products_of_others(moved.reshape(*kept, prod(reduced)), order)
        return found.reshape(kept + reduced * order)

    return ReductionFunction(
        name=f"product_derivative_{order}" if order else "prod",
        forward=forward,
        derivative=lambda: product_derivative(order + 1),
        copies=order,
        scratch=8.0 if order else 4.0,
    )


PROD = product_derivative(0)
MAX = ReductionFunction(name="max", forward=_reduced_by(np.max), partial=_extreme_partial)
MIN = ReductionFunction(name="min", forward=_reduced_by(np.min), partial=_extreme_partial)
LOGSUMEXP = ReductionFunction(
    name="logsumexp",
    forward=logsumexp_values,
    scratch=2.0,
    partial=lambda x, y, _: apply_elementwise(EXP, difference(x, y)),
)
NORM2 = ReductionFunction(
    name="norm2",
    forward=norm2_values,
    scratch=1.0,
    partial=lambda x, y, _: apply_elementwise(QUOTIENT, x, y),
    square=lambda x, axes: summed(times(x, exponents=(2 * ONE,)), axes),
)
