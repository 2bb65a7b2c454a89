"""Sizes of axes: numbers, or names with an affine meaning such as n + 1."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class NamedSize:
    """Σ count · name + offset, the size of an axis that has no number yet."""

    counts: tuple[tuple[str, int], ...]
    offset: int = 0

    def __str__(self) -> str:
        parts = [name if count == 1 else f"{count}*{name}" for name, count in self.counts]
        if self.offset:
            parts.append(str(self.offset))
        return "+".join(parts).replace("+-", "-")


Dimension = int | NamedSize
Shape = tuple[Dimension, ...]


def shown(shape: Sequence[Dimension]) -> str:
    """A shape as a message writes it: `scalar`, `3`, `3×4`."""
    return "×".join(str(size) for size in shape) if shape else "scalar"


def numbers(shape: Shape) -> tuple[int, ...]:
    """A shape whose sizes are all numbers."""
    assert all(isinstance(size, int) for size in shape), shape
    return shape  # type: ignore[return-value]  # asserted above
