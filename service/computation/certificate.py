"""How fast a first-order expansion meets its function: the Taylor remainder and its rate.

|f(x + h d) − f(x) − h f′(x) d| goes to 0 with h² for the right derivative, with h for a wrong
one: a wrong gradient is told from rounding noise.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

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
from service.errors import NonFiniteResultError

Array = NDArray[np.float64]
Values = Mapping[str, Array]
_STEPS = tuple(2.0**-k for k in range(4, 26, 2))
_NOISE = 1e3 * np.finfo(np.float64).eps
_SEED = 11
_CLOSE = 1e-6
_FAR = 1e-3
_BETWEEN = 1.5
_FLOOR = 1e-3
_RIGHT = 1.8
_FEWEST = 3
_LAST = 4  # the smallest steps: where a wrong slope shows before the curvature
_SETTLED = 0.1


class _Difference(NamedTuple):
    """A step h, f(x), f(x + h d) − f(x) and f(x − h d) − f(x)."""

    step: float
    start: Array
    ahead: Array
    behind: Array


def taylor_rate(
    value: Callable[[Values], Array], values: Values, by: str, derivative: Array
) -> float | None:
    """The rate of the remainder along a random direction of one variable.

    `derivative` has shape output + variable. None where the remainder is rounding noise at
    every step, as that of a linear function is, or where the function has no finite values.
    """
    directions = random_directions(values, [by])
    slope = np.tensordot(derivative, directions[by], axes=directions[by].ndim)
    return _rate(_differences(value, values, directions), slope)


def random_directions(values: Values, names: Sequence[str]) -> Values:
    """A direction for each of the variables, of its size, the same every time."""
    rng = np.random.default_rng(_SEED)
    return {
        name: (float(np.max(np.abs(values[name]), initial=0.0)) or 1.0)
        * rng.normal(size=values[name].shape)
        for name in names
    }


def _differences(
    value: Callable[[Values], Array], values: Values, directions: Values
) -> list[_Difference]:
    """f(x ± h d) − f(x) at every step h at which both are finite, the largest first."""
    found = []
    start = value(values)
    for h in _STEPS:
        try:
            ahead, behind = (
                value(
                    {
                        n: v + sign * h * directions[n] if n in directions else v
                        for n, v in values.items()
                    }
                )
                for sign in (1, -1)
            )
        except NonFiniteResultError:
            continue
        found.append(_Difference(h, start, ahead - start, behind - start))
    return found


def _rate(differences: Sequence[_Difference], slope: Array) -> float | None:
    """The power of h with which f(x + h d) − f(x) − h · slope goes to 0."""
    remainders = []
    for h, start, ahead, _ in differences:
        scale = max(float(np.max(np.abs(start), initial=0.0)), 1e-300)
        size = float(np.max(np.abs(ahead - h * slope), initial=0.0))
        if size > _NOISE * scale:
            remainders.append((np.log2(h), np.log2(size)))
    if len(remainders) < _FEWEST:
        return None
    steps, sizes = np.array(remainders).T
    rates = np.diff(sizes) / np.diff(steps)
    return float(np.round(np.median(rates[-_LAST:]), 2))


def certified(
    value: Callable[[Values], Array],
    values: Values,
    directions: Values,
    slope: Array,
    *,
    has_kinks: bool,
) -> Certificate:
    """The certificate of a directional derivative; at a kink, none can be given.

    Nor where the smallest steps are still too large for the function: then the difference
    quotients go on changing with the step, and differ from any slope.
    """
    differences = _differences(value, values, directions)
    rate = _rate(differences, slope)
    if not differences:
        return Certificate("undecided", None, rate)
    error = min(
        float(np.max(np.abs((ahead - behind) / (2 * h) - slope), initial=0.0))
        for h, _, ahead, behind in differences
    )
    size = float(np.max(np.abs(slope), initial=0.0))
    scale = max(size, _FLOOR * float(np.max(np.abs(differences[0].start), initial=0.0)))
    if has_kinks:
        return Certificate("undecided", error, rate)
    if error <= _CLOSE * scale or (
        rate is not None and rate > _RIGHT and error <= _FAR * scale
    ):
        return Certificate("correct", error, rate)
    is_wrong = error > _FAR * scale and rate is not None and rate < _BETWEEN
    is_wrong = is_wrong and _is_settled(differences)
    return Certificate("wrong" if is_wrong else "undecided", error, rate)


def _is_settled(differences: Sequence[_Difference]) -> bool:
    """Whether the difference quotients of the smallest steps are one number, up to noise."""
    last = differences[-_FEWEST:]
    if len(last) < _FEWEST:
        return False
    quotients = [(d.ahead - d.behind) / (2 * d.step) for d in last]
    for (before, after), difference in zip(pairwise(quotients), last[1:], strict=True):
        start = float(np.max(np.abs(difference.start), initial=0.0))
        noise = _NOISE * start / difference.step
        size = float(np.max(np.abs(after), initial=0.0))
        if float(np.max(np.abs(after - before), initial=0.0)) > _SETTLED * size + noise:
            return False
    return True


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
