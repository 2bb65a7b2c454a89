"""What data may be on purpose: symmetric, one-hot, signs; and other data of the same kind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]
_CLOSE = 1e-9
_MOST_ASSIGNMENTS = 32


@dataclass(frozen=True, slots=True)
class ValueStructure:
    """A property of values on which a formula may rely, in words, and other values with it."""

    words: str
    another: Callable[[Array, Generator], Array]


def structures_of(value: Array) -> Iterator[ValueStructure]:
    """The structures that an array has, the weaker ones first.

    Diagonal matrices, identities, zeros and single numbers are what one writes for want of
    anything better: they count as no structure but that of labels and masks.
    """
    for words, holds, another in _MATRICES:
        if holds(value):
            yield ValueStructure(words, another)
    for axis in {0, value.ndim - 1} if value.ndim else ():
        if _is_distribution(value, axis):
            where = f" along axis {axis}" if value.ndim > 1 else ""
            yield ValueStructure(f"of entries that sum to 1{where}", _distributions(axis))
            if np.all((value == 0) | (value == 1)):
                yield ValueStructure(f"one-hot{where}", _one_hots(axis))
    for words, holds, another in _ENTRIES:
        if holds(value):
            yield ValueStructure(words, another)


def assignments(
    structures: Mapping[str, Sequence[ValueStructure]],
) -> list[dict[str, ValueStructure]]:
    """Which variables may keep which structure, the fewest first; none is left out."""
    names = list(structures)
    choices = product(*((None, *structures[n]) for n in names))
    found = [
        {n: s for n, s in zip(names, chosen, strict=True) if s is not None}
        for chosen, _ in zip(choices, range(_MOST_ASSIGNMENTS), strict=False)
    ]
    return sorted((a for a in found if a), key=len)


def _is_square(value: Array) -> bool:
    return value.ndim == 2 and value.shape[0] == value.shape[1] > 1


def _is_diagonal(value: Array) -> bool:
    return bool(np.all(value == np.diag(np.diag(value))))


def _is_symmetric(value: Array) -> bool:
    return _is_square(value) and not _is_diagonal(value) and np.allclose(value, value.T, _CLOSE)


def _congruent(value: Array, rng: Generator) -> Array:
    """C A Cᵀ: symmetric as A is, and as definite."""
    factor = np.eye(len(value)) + 0.4 * rng.normal(size=value.shape)
    moved = factor @ value @ factor.T
    return np.asarray((moved + moved.T) / 2)


def _is_orthogonal(value: Array) -> bool:
    if not _is_square(value) or _is_diagonal(value):
        return False
    return np.allclose(value.T @ value, np.eye(len(value)), atol=_CLOSE)


def _orthogonal(value: Array, rng: Generator) -> Array:
    return np.asarray(np.linalg.qr(rng.normal(size=value.shape))[0])


def _is_distribution(value: Array, axis: int) -> bool:
    if value.shape[axis] < 2 or not value.size or np.any(value < 0):
        return False
    return bool(np.all(np.abs(np.sum(value, axis=axis) - 1) < _CLOSE))


def _distributions(axis: int) -> Callable[[Array, Generator], Array]:
    def distribution(value: Array, rng: Generator) -> Array:
        drawn = rng.exponential(size=value.shape)
        return np.asarray(drawn / np.sum(drawn, axis=axis, keepdims=True))

    return distribution


def _one_hots(axis: int) -> Callable[[Array, Generator], Array]:
    def one_hot(value: Array, rng: Generator) -> Array:
        drawn = rng.uniform(size=value.shape)
        return np.asarray(drawn == np.max(drawn, axis=axis, keepdims=True), np.float64)

    return one_hot


def _is_of_both(first: float, second: float) -> Callable[[Array], bool]:
    def holds(value: Array) -> bool:
        is_first, is_second = value == first, value == second
        return bool(is_first.any() and is_second.any() and np.all(is_first | is_second))

    return holds


def _is_mask(value: Array) -> bool:
    is_lazy = _is_square(value) and _is_diagonal(value)
    return not is_lazy and _is_of_both(0.0, 1.0)(value)


def _bits(value: Array, rng: Generator) -> Array:
    return np.asarray(rng.integers(0, 2, size=value.shape), np.float64)


def _signs(value: Array, rng: Generator) -> Array:
    return np.asarray(2 * _bits(value, rng) - 1)


def _is_unit(value: Array) -> bool:
    if value.ndim != 1 or np.count_nonzero(value) < 2:
        return False
    return abs(float(value @ value) - 1) < _CLOSE


def _unit(value: Array, rng: Generator) -> Array:
    drawn = rng.normal(size=value.shape)
    return np.asarray(drawn / np.linalg.norm(drawn))


_Row = tuple[str, Callable[[Array], bool], Callable[[Array, Generator], Array]]
_MATRICES: Sequence[_Row] = (
    ("symmetric", _is_symmetric, _congruent),
    ("orthogonal", _is_orthogonal, _orthogonal),
)
_ENTRIES: Sequence[_Row] = (
    ("of zeros and ones", _is_mask, _bits),
    ("of plus and minus one", _is_of_both(-1.0, 1.0), _signs),
    ("of length 1", _is_unit, _unit),
)
