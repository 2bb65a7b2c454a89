"""Whether other numbers at a kink are a derivative too: a mean of those on its sides."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from service.derivation.trial_points import scale_of

Array = NDArray[np.float64]
_STEP = 2.0**-27
_SLACK = 1e-6
_SIDES = 8
_MOST_ROWS = 16
_SEED = 13


def may_be_subgradient(
    derivative: Callable[[Array], Array | None],
    x: Array,
    exact: Array,
    claimed: Array,
    tolerance: float,
) -> bool:
    """Whether claimed numbers are between the derivatives at points beside a kink.

    `derivative` gives the exact one, of shape output + variable, or None where there is none.
    A member of the generalised gradient is, in every direction, at most the largest of the
    derivatives beside the point (Clarke 1983, Optimization and Nonsmooth Analysis, 2.1 and
    Theorem 2.5.1); looked at are the direction in which the claim differs, and each entry.
    """
    claims = claimed.reshape(-1, x.size)
    differences = claims - exact.reshape(claims.shape)
    sides = [exact]
    for direction in _directions(differences, x):
        for sign in (1.0, -1.0):
            found = derivative(x + sign * _STEP * scale_of(x) * direction)
            if found is not None:
                sides.append(found)
    beside = np.stack([side.reshape(claims.shape) for side in sides])
    slack = (tolerance + _SLACK) * float(np.max(np.abs(beside), initial=0.0))
    is_inside = np.all(claims <= np.max(beside, axis=0) + slack)
    is_inside &= np.all(claims >= np.min(beside, axis=0) - slack)
    along = np.einsum("ij,ij->i", claims, differences)
    furthest = np.max(np.einsum("kij,ij->ki", beside, differences), axis=0)
    is_inside &= np.all(along <= furthest + slack * np.sum(np.abs(differences), axis=1))
    return bool(is_inside)


def _directions(differences: Array, x: Array) -> Iterator[Array]:
    """The claim's difference in each output, then random ones, with a largest entry of 1."""
    rng = np.random.default_rng(_SEED)
    rows = differences[np.any(differences != 0, axis=1)][:_MOST_ROWS]
    for row in (*rows, *rng.normal(size=(_SIDES, x.size))):
        yield row.reshape(x.shape) / scale_of(row)
