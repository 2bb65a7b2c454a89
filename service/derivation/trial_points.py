"""Points to try a claim at: values of every sign, scale and density, near the given and far."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]
Values = Mapping[str, Array]
Move = Callable[[Array, Generator], Array]
_SPREAD = 0.2
_STEP = 0.3
_MIXED = 4


def scale_of(value: Array) -> float:
    """The largest magnitude of an array, 1 for zeros."""
    return float(np.max(np.abs(value), initial=0.0)) or 1.0


def _multiplied(value: Array, rng: Generator) -> Array:
    """Every entry a little larger or smaller: inside most domains, and zeros stay."""
    return value * np.exp(_SPREAD * rng.normal(size=value.shape))


def _flipped(value: Array, rng: Generator) -> Array:
    return -_multiplied(value, rng)


def _shifted(value: Array, rng: Generator) -> Array:
    return value + _STEP * scale_of(value) * rng.normal(size=value.shape)


def _nudged(value: Array, rng: Generator) -> Array:
    return value + _STEP**3 * scale_of(value) * rng.normal(size=value.shape)


def _others(rng: Generator, shape: tuple[int, ...], sign: float) -> Array:
    """Numbers of both signs about 1, none of them near 0; the first has this sign."""
    drawn = rng.choice((-1.0, 1.0), size=shape) * np.exp(_STEP * rng.normal(size=shape))
    first = drawn.flat[0] if drawn.size else 1.0
    return np.asarray(sign * drawn * np.sign(first))


def _replaced(factor: float, sign: float) -> Move:
    """Other numbers, dense ones where the given are zeros, of so many times their size."""
    return lambda value, rng: factor * scale_of(value) * _others(rng, value.shape, sign)


def _of_unit_size(sign: float) -> Move:
    """What literal bounds, as in clip(x, -1, 1), are about."""
    return lambda value, rng: _others(rng, value.shape, sign)


def _positive(value: Array, rng: Generator) -> Array:
    return scale_of(value) * np.exp(rng.normal(size=value.shape))


def _fractions(value: Array, rng: Generator) -> Array:
    return rng.uniform(0.05, 0.95, size=value.shape)


_MOVES: Sequence[Move] = (
    _multiplied,
    _replaced(1.0, 1.0),
    _replaced(10.0, -1.0),
    _replaced(10.0, 1.0),
    _flipped,
    _shifted,
    _of_unit_size(1.0),
    _of_unit_size(-1.0),
    _replaced(1.0, -1.0),
    _replaced(100.0, 1.0),
    _replaced(100.0, -1.0),
    _nudged,
    _positive,
    _fractions,
)


def _at_scale(scale: float) -> Move:
    return lambda value, rng: scale * _others(rng, value.shape, 1.0)


def _beside(bound: float) -> Sequence[Move]:
    """On both sides of a bound and of its negative."""
    return tuple(_at_scale(factor * bound) for factor in (2.0, -2.0, 0.5))


def points_along(
    values: Values, wrt: str, bounds: Sequence[float], rng: Generator
) -> Iterator[Values]:
    """Points that differ from the given one by one variable only.

    `bounds` are numbers at which the expression may change its case.
    """
    beside = [move for bound in bounds for move in _beside(bound)]
    for move in (*_MOVES, *beside, _multiplied):
        yield {**values, wrt: np.asarray(move(values[wrt], rng))}


def points_around(values: Values, names: Sequence[str], rng: Generator) -> Iterator[Values]:
    """Points at which all of these variables are others, each moved in the same way or not."""
    for move in _MOVES:
        yield {**values, **{n: np.asarray(move(values[n], rng)) for n in names}}
    for _ in range(_MIXED):
        moves = {n: _MOVES[int(rng.integers(len(_MOVES)))] for n in names}
        yield {**values, **{n: np.asarray(moves[n](values[n], rng)) for n in names}}
