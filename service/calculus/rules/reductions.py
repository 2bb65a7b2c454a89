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


def spread(reduced: Node, like: Node, axes: Axes) -> Node:
    """A node reduced over `axes`, constant along them again, of the shape of `like`."""
    kept = [axis for axis in range(like.ndim) if axis not in axes]
    return broadcast(reduced, like.shape, kept)


def logsumexp_values(x: Array, axes: Axes) -> Array:
    """log Σ exp(x), shifted by the largest entry so that nothing overflows."""
    largest = np.max(x, axis=axes, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    total = np.sum(np.exp(x - shift), axis=axes)
    shifted: Array = np.log(total) + np.squeeze(shift, axis=axes)
    return shifted


def norm2_values(x: Array, axes: Axes) -> Array:
    """√Σx², scaled by the largest entry where the squares leave the normal range."""
    squares = np.sum(np.square(x), axis=axes)
    is_safe = (squares > 1e-290) & (squares < 1e290)
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
    partial=lambda x, y, _: apply_elementwise(EXP, difference(x, y)),
)
NORM2 = ReductionFunction(
    name="norm2",
    forward=norm2_values,
    partial=lambda x, y, _: apply_elementwise(QUOTIENT, x, y),
    square=lambda x, axes: summed(times(x, exponents=(2 * ONE,)), axes),
)
