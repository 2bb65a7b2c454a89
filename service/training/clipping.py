"""Gradients kept small before a step, in place: by value, or by the norm of all entries."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite, sqrt

import numpy as np

from service.errors import ValidationError
from service.training.options import Option, checked
from service.training.updates import Array

CLIPS = {
    name: Option(name=name, symbol="c", summary=summary, lower=0, is_lower_open=True)
    for name, summary in (
        ("value", "the bound of each entry"),
        ("norm", "the bound of the Euclidean norm of the whole gradient"),
    )
}


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


@dataclass(frozen=True, slots=True)
class Clip:
    """A bound of each entry of a gradient, or of its Euclidean norm."""

    value: float | None = None
    norm: float | None = None

    def apply(self, vector: Array) -> None:
        """Bound a gradient in place."""
        if self.value is not None:
            clip_by_value(vector, self.value)
        if self.norm is not None:
            clip_by_norm(vector, self.norm)


def chosen_clip(given: Mapping[str, object] | None, *, pointer: str = "/gradient_clip") -> Clip:
    """The bound of {"value"} or of {"norm"}; none of None.

    Raises:
        ValidationError: both are given, or neither, or another.
        DomainError: the bound is not above 0.
    """
    if given is None:
        return Clip()
    names = [name for name in given if name in CLIPS]
    if len(names) == 2 or not given:
        found = " and ".join(names) or "nothing"
        message = f"gradient_clip: found {found}, expected one of value, norm"
        raise ValidationError(message, pointer=pointer)
    options = [CLIPS[name] for name in names] or list(CLIPS.values())
    return Clip(**checked("gradient_clip", options, given, pointer=pointer))
