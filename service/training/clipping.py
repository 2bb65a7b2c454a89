"""Gradients kept small before a step, in place: by value, or by the norm of all entries."""

from math import inf, isfinite, sqrt

import numpy as np

from service.training.updates import Array


def clip_by_value(gradient: Array, limit: float) -> None:
    """Replace each entry beyond ±limit by that limit."""
    np.clip(gradient, -limit, limit, out=gradient)


def clip_by_norm(gradient: Array, limit: float) -> float:
    """Scale the gradient to the norm `limit` where it is longer; its norm before is returned.

    One with entries that are not finite stays as it is, for the caller to report.
    Pascanu, Mikolov & Bengio (2013), algorithm 1. The gradient is one vector of all parameters.
    """
    norm = norm_of(gradient)
    if limit < norm < inf:
        np.multiply(gradient, limit / norm, out=gradient)
    elif norm == inf and isfinite(largest := float(np.abs(gradient).max())):
        # The norm itself is too large for a float; the direction is still known.
        np.divide(gradient, largest, out=gradient)
        np.multiply(gradient, limit / norm_of(gradient), out=gradient)
    return norm


def norm_of(vector: Array) -> float:
    """The Euclidean norm of a vector, right also where its squares overflow or underflow."""
    with np.errstate(over="ignore", under="ignore"):
        square = float(vector.dot(vector))
    if 1e-290 < square < inf:
        return sqrt(square)
    largest = float(np.abs(vector).max(initial=0.0))
    if not largest or not isfinite(largest):
        return largest
    scaled = vector / largest
    return largest * sqrt(float(scaled.dot(scaled)))
