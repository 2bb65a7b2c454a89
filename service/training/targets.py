"""Targets: in the range of their loss, and class numbers as rows of 0 and 1."""

from collections.abc import Sequence

import numpy as np

from service.calculus.rules.records import Function
from service.errors import DomainError
from service.language.places import shown
from service.training.updates import Array

_SLACK = 1e-6


def check_targets(
    loss: Function,
    targets: Array,
    *,
    pointer: str = "/targets",
    first_row: int = 0,
    names: Sequence[str] = (),
) -> None:
    """Refuse targets that a loss is not for; the first row is told as `first_row`.

    `names` are those of the columns, which are told where they are given.

    Raises:
        DomainError: with the first row that is outside, what it holds and what is expected.
    """
    allowed = loss.targets
    outside = ~((targets >= allowed.lowest) & (targets <= allowed.highest))
    if allowed.is_edge:
        outside |= (targets != allowed.lowest) & (targets != allowed.highest)
    if np.any(outside):
        place = tuple(int(k) for k in np.argwhere(outside)[0])
        at = "".join(f"/{k}" for k in place)
        column = f", column {shown(names[place[1]])}," if names else ""
        raise DomainError(
            f"targets: row {place[0] + first_row}{column} is {targets[place]:.17g}; the loss "
            f"{loss.name} takes {allowed.text}",
            pointer=f"{pointer}{at}",
        )
    if allowed.adds_up and targets.ndim > 1:
        totals = np.sum(targets, axis=-1)
        wrong = np.flatnonzero(np.abs(totals - 1) > _SLACK)
        if wrong.size:
            row = int(wrong[0])
            raise DomainError(
                f"targets: row {row + first_row} adds up to {totals[row]:.17g}; the "
                f"loss {loss.name} takes {allowed.text}",
                pointer=f"{pointer}/{row}",
            )


def as_rows(numbers: Array, classes: int, *, pointer: str = "/targets") -> Array:
    """Class numbers 0 … classes-1 as rows with one 1; shape (N, classes).

    Raises:
        DomainError: one is no such number, with its row.
    """
    is_class = (numbers == np.floor(numbers)) & (numbers >= 0) & (numbers < classes)
    if not np.all(is_class):
        row = int(np.flatnonzero(~is_class)[0])
        raise DomainError(
            f"targets: row {row} is {numbers[row]:.17g}, expected a class number from 0 to "
            f"{classes - 1}",
            pointer=f"{pointer}/{row}",
        )
    return np.eye(classes)[numbers.astype(np.intp)]
