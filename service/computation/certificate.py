"""How fast a first-order expansion meets its function: the Taylor remainder and its rate.

|f(x + h d) − f(x) − h f′(x) d| goes to 0 with h² for the right derivative, with h for a wrong
one: a wrong gradient is told from rounding noise.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from service.errors import GradserveError

Array = NDArray[np.float64]
Values = Mapping[str, Array]
_STEPS = tuple(2.0**-k for k in range(4, 15))
_NOISE = 1e3 * np.finfo(np.float64).eps
_SEED = 11


def taylor_rate(
    value: Callable[[Values], Array], values: Values, by: str, derivative: Array
) -> float | None:
    """The rate of the remainder along a random direction of one variable.

    `derivative` has shape output + variable. None where the remainder is rounding noise at
    every step, as that of a linear function is, or where the function has no finite values.
    """
    rng = np.random.default_rng(_SEED)
    direction = rng.normal(size=values[by].shape)
    slope = np.tensordot(derivative, direction, axes=direction.ndim)
    return remainder_rate(value, values, {by: direction}, slope)


def remainder_rate(
    value: Callable[[Values], Array], values: Values, directions: Values, slope: Array
) -> float | None:
    """The same along given directions, with the directional derivative given."""
    try:
        start = value(values)
        remainders = []
        for h in _STEPS:
            moved = {
                n: v + h * directions[n] if n in directions else v for n, v in values.items()
            }
            change = value(moved) - start
            scale = max(float(np.max(np.abs(start), initial=0.0)), 1e-300)
            size = float(np.max(np.abs(change - h * slope), initial=0.0))
            if size > _NOISE * scale:
                remainders.append((np.log2(h), np.log2(size)))
    except GradserveError:
        return None
    if len(remainders) < 3:
        return None
    steps, sizes = np.array(remainders).T
    rates = np.diff(sizes) / np.diff(steps)
    return float(np.round(np.median(rates), 2))


def central_error(
    value: Callable[[Values], Array], values: Values, directions: Values, slope: Array
) -> tuple[float, float] | None:
    """The least error of central differences over several steps, and the size of the slope.

    None where the function has no finite values around the point.
    """
    errors = []
    try:
        for h in _STEPS:
            ends = [
                {
                    n: v + sign * h * directions[n] if n in directions else v
                    for n, v in values.items()
                }
                for sign in (1, -1)
            ]
            difference = (value(ends[0]) - value(ends[1])) / (2 * h)
            errors.append(float(np.max(np.abs(difference - slope), initial=0.0)))
    except GradserveError:
        return None
    return min(errors), float(np.max(np.abs(slope), initial=0.0))
