"""How fast a first-order expansion meets its function: the Taylor remainder and its rate.

|f(x + h d) − f(x) − h f′(x) d| goes to 0 with h² for the right derivative, with h for a wrong
one: a wrong gradient is told from rounding noise.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from service.computation.answers import (
    Certificate,
    DenseTensor,
    DiagonalTensor,
    Factor,
    IdentityFactor,
    IdentityTensor,
    StructuredTensor,
    TensorFactor,
    ZeroTensor,
)
from service.errors import GradserveError

Array = NDArray[np.float64]
Values = Mapping[str, Array]
_STEPS = tuple(2.0**-k for k in range(4, 15))
_NOISE = 1e3 * np.finfo(np.float64).eps
_SEED = 11
_CLOSE = 1e-6
_FAR = 1e-3
_BETWEEN = 1.5
_FLOOR = 1e-3
_LAST = 4  # the smallest steps: where a wrong slope shows before the curvature


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
    return float(np.round(np.median(rates[-_LAST:]), 2))


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


def random_directions(values: Values, names: Sequence[str]) -> Values:
    """A direction for each of the variables, the same every time."""
    rng = np.random.default_rng(_SEED)
    return {name: rng.normal(size=values[name].shape) for name in names}


def certified(
    value: Callable[[Values], Array],
    values: Values,
    directions: Values,
    slope: Array,
    *,
    has_kinks: bool,
) -> Certificate:
    """The certificate of a directional derivative; at a kink, none can be given."""
    found = central_error(value, values, directions, slope)
    rate = remainder_rate(value, values, directions, slope)
    if found is None:
        return Certificate("undecided", None, rate)
    error, size = found
    scale = max(size, float(np.max(np.abs(value(values)), initial=0.0)) * _FLOOR)
    if has_kinks:
        return Certificate("undecided", error, rate)
    if error <= _CLOSE * scale:
        return Certificate("correct", error, rate)
    is_wrong = error > _FAR * scale and rate is not None and rate < _BETWEEN
    return Certificate("wrong" if is_wrong else "undecided", error, rate)


def applied(derivative: StructuredTensor, direction: Array) -> Array:
    """Σ derivative · direction over the variable's axes, without densifying it."""
    out = len(derivative.shape) - direction.ndim
    match derivative:
        case ZeroTensor(shape):
            return np.zeros(shape[:out])
        case IdentityTensor(_, scale):
            return scale * direction
        case DiagonalTensor(_, diagonal):
            return diagonal * direction
        case DenseTensor(_, tensor):
            return np.asarray(np.tensordot(tensor, direction, axes=direction.ndim))
    total = np.zeros(derivative.shape[:out])
    for term in derivative.terms:
        inputs, _, output = term.equation.partition("->")
        equation = f"{inputs},{output[out:]}->{output[:out]}"
        factors = [_stored(factor) for factor in term.factors]
        total += term.coefficient * np.einsum(equation, *factors, direction, optimize=True)
    return total


def _stored(factor: Factor) -> Array:
    if isinstance(factor, TensorFactor):
        return factor.tensor
    return np.eye(factor.size) if isinstance(factor, IdentityFactor) else np.ones(factor.size)
