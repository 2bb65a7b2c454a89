"""Reductions: max, min, logsumexp and the Euclidean norm over some axes."""

from collections.abc import Callable

import numpy as np

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
