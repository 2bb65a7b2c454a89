"""Sizes of axes: numbers, names with an affine meaning such as n + 1, or still to be found."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_UNKNOWN = "?"
_TERM = re.compile(r" *([+-]?) *(?:(\d+) *\* *)?([^\W\d]\w*|\d+) *")


@dataclass(frozen=True, slots=True, order=True)
class NamedSize:
    """Σ count · name + offset, the size of an axis that has no number yet.

    A name that begins with `?` stands for a size that follows from use.
    """

    counts: tuple[tuple[str, int], ...]
    offset: int = 0

    def __str__(self) -> str:
        parts = []
        for name, count in self.counts:
            letter = _UNKNOWN if name.startswith(_UNKNOWN) else name
            factor = {1: "", -1: "-"}.get(count, f"{count}*")
            parts.append(factor + letter)
        if self.offset:
            parts.append(str(self.offset))
        return "+".join(parts).replace("+-", "-")


Dimension = int | NamedSize
Shape = tuple[Dimension, ...]


class SizeFoundError(Exception):
    """A size that was unknown is found to be another: build again with both as one."""

    def __init__(self, name: str, size: Dimension) -> None:
        super().__init__(name, size)
        self.name = name
        self.size = size


def affine(counts: Mapping[str, int], offset: int) -> Dimension:
    """Σ count · name + offset, a number where no name is left."""
    kept = tuple(sorted((name, count) for name, count in counts.items() if count))
    return NamedSize(kept, offset) if kept else offset


def combined(first: Dimension, second: Dimension, times: int = 1) -> Dimension:
    """first + times · second."""
    counts: dict[str, int] = {}
    offset = 0
    for size, factor in ((first, 1), (second, times)):
        if isinstance(size, NamedSize):
            for name, count in size.counts:
                counts[name] = counts.get(name, 0) + factor * count
            offset += factor * size.offset
        else:
            offset += factor * size
    return affine(counts, offset)


def unknown_size(label: str) -> NamedSize:
    """A size that follows from use; the label tells it from others."""
    return NamedSize(((_UNKNOWN + label, 1),))


def unknown_names(size: Dimension) -> list[str]:
    """The names in a size that stand for sizes still to be found."""
    if not isinstance(size, NamedSize):
        return []
    return [name for name, _ in size.counts if name.startswith(_UNKNOWN)]


def agree(first: Dimension, second: Dimension) -> bool:
    """Whether two sizes that have to be equal are.

    Raises:
        SizeFoundError: they are equal if an unknown size is what the error says.
    """
    if first == second:
        return True
    gap = combined(first, second, -1)
    for name in unknown_names(gap):
        assert isinstance(gap, NamedSize)
        count = dict(gap.counts)[name]
        rest = combined(gap, unknown_size(name.removeprefix(_UNKNOWN)), -count)
        size = _quotient(rest, -count)
        if isinstance(size, NamedSize) or (size is not None and size > 0):
            raise SizeFoundError(name, size)
    return False


def _quotient(size: Dimension, divisor: int) -> Dimension | None:
    """The size by a number that divides it; None for one that does not."""
    if not isinstance(size, NamedSize):
        return None if size % divisor else size // divisor
    if size.offset % divisor or any(count % divisor for _, count in size.counts):
        return None
    counts = {name: count // divisor for name, count in size.counts}
    return affine(counts, size.offset // divisor)


def substituted(size: Dimension, found: Mapping[str, Dimension]) -> Dimension:
    """The size with every unknown that has been found in its place."""
    while isinstance(size, NamedSize):
        known = [(name, count) for name, count in size.counts if name in found]
        if not known:
            return size
        for name, count in known:
            rest = affine({n: c for n, c in size.counts if n != name}, size.offset)
            size = combined(rest, found[name], count)
            if not isinstance(size, NamedSize):
                return size
    return size


def parsed_size(text: str) -> Dimension | None:
    """A size as a request writes it, such as `n`, `n+1` or `2*n-1`; None for anything else."""
    counts: dict[str, int] = {}
    offset = place = 0
    while place < len(text):
        found = _TERM.match(text, place)
        if found is None or (place and not found[1]):
            return None
        sign = -1 if found[1] == "-" else 1
        factor = int(found[2] or 1)
        if found[3].isdecimal():
            offset += sign * factor * int(found[3])
        else:
            counts[found[3]] = counts.get(found[3], 0) + sign * factor
        place = found.end()
    return affine(counts, offset) if text else None


def shown(shape: Sequence[Dimension]) -> str:
    """A shape as a message writes it: `scalar`, `3`, `3×4`."""
    return "×".join(str(size) for size in shape) if shape else "scalar"


def extent(shape: Sequence[Dimension]) -> int:
    """The number of entries of a shape; a size that is still a name counts as a thousand."""
    count = 1
    for size in shape:
        count *= size if isinstance(size, int) else 1_000
    return count


def known(size: Dimension) -> int:
    """A size that is a number."""
    assert isinstance(size, int), size
    return size


def numbers(shape: Shape) -> tuple[int, ...]:
    """A shape whose sizes are all numbers."""
    assert all(isinstance(size, int) for size in shape), shape
    return shape  # type: ignore[return-value]  # asserted above
