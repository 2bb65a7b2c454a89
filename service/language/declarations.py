"""What shape a name has: declared, or by its letter; and the sizes that follow from use."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain, count
from math import e, pi

from service.calculus.dimensions import (
    Dimension,
    NamedSize,
    Shape,
    SizeFoundError,
    substituted,
    unknown_names,
    unknown_size,
)
from service.calculus.rules.table import BY_ANY_NAME
from service.errors import OverLimitError

CONSTANTS = {"pi": pi, "π": pi, "e": e}
_SCALARS = frozenset("abcdefg")
_MOST_FOUND = 100
_SIZE_NAMES = "nmklpqrstuvwxyzabcdefghijo"


@dataclass(frozen=True, slots=True)
class Declarations:
    """The variables' shapes, and the names that stand for sizes.

    `by_convention`: a name without a shape has one by its letters, and a size that nothing
    tells gets a name; without it, both are errors.
    """

    shapes: Mapping[str, Shape]
    sizes: Set[str] = frozenset()
    by_convention: bool = False

    def ndim_of(self, name: str) -> int:
        """The number of axes that a name has, 0 for one that has no shape."""
        if name in self.shapes:
            return len(self.shapes[name])
        if name in CONSTANTS or name in self.sizes:
            return 0
        if name in BY_ANY_NAME:
            return 2 * BY_ANY_NAME[name].unknown_sizes
        return conventional_ndim(name) if self.by_convention else 0


def conventional_ndim(name: str) -> int:
    """The number of axes a name has by the convention of matrixcalculus.org.

    a to g are scalars, h to z vectors, A to Z matrices; longer and Greek names scalars.
    """
    if len(name) > 1 or not name.isascii() or name == "_":
        return 0
    if name.isupper():
        return 2
    return 0 if name in _SCALARS else 1


def convention_of(name: str) -> str:
    """Why a name without a shape has the number of axes it has, in words."""
    ndim = conventional_ndim(name)
    if ndim == 2:
        return "a matrix: the letters A to Z are, where no shape is given"
    if ndim == 1:
        return "a vector: the letters h to z are, where no shape is given"
    letter = (
        "the letters a to g" if name in _SCALARS else "names of more letters and Greek ones"
    )
    return f"a scalar: {letter} are, where no shape is given"


def kind_of(ndim: int) -> str:
    """What a tensor of so many axes is called."""
    return ("scalar", "vector", "matrix")[ndim] if ndim < 3 else f"tensor of ndim {ndim}"


@dataclass(slots=True)
class Unknown:
    """A size that nobody has named, and the place it is of."""

    name: str
    owner: str
    start: int
    end: int


@dataclass(slots=True)
class FoundSizes:
    """The unknown sizes met so far, and what use has told of them."""

    found: dict[str, Dimension] = field(default_factory=dict)
    unknown: dict[str, Unknown] = field(default_factory=dict)
    beside_one: set[str] = field(default_factory=set)

    def of(self, owner: str, axis: int, start: int, end: int) -> Dimension:
        """The size of an axis of something without a shape, as far as it is known."""
        size = unknown_size(f"{start}:{axis}:{owner}")
        (name,) = unknown_names(size)
        self.unknown.setdefault(name, Unknown(name, owner, start, end))
        return substituted(size, self.found)

    def bind(self, error: SizeFoundError) -> None:
        """Take note that an unknown size is another.

        Raises:
            OverLimitError: too many are; the graph is built once more for each.
        """
        if len(self.found) >= _MOST_FOUND:
            raise OverLimitError(
                f"more than {_MOST_FOUND} sizes have to be found from use",
                hint="give the shapes of more variables, and the sizes of constants",
            )
        self.found[error.name] = error.size

    def left(self) -> list[Unknown]:
        """The sizes that are still unknown, those that depend on others left out."""
        return [u for u in self.unknown.values() if u.name not in self.found]

    def note_broadcast(self, shape: Shape, operands: Sequence[Shape]) -> None:
        """Take note of the unknown sizes of a result that stand beside an operand's 1."""
        if not self.unknown:
            return
        for operand in operands:
            aligned = shape[len(shape) - len(operand) :]
            for size, given in zip(aligned, operand, strict=True):
                if given == 1:
                    self.beside_one.update(unknown_names(size))

    def settle_at_one(self) -> bool:
        """Make 1 of a size that only met axes of size 1; False where there is none."""
        for unknown in self.left():
            if unknown.name in self.beside_one:
                self.found[unknown.name] = 1
                return True
        return False

    def name_the_rest(self, taken: Set[str]) -> None:
        """Give names to the sizes that nothing tells: n, m, k and so on."""
        names = (name for name in _size_names() if name not in taken)
        for unknown in self.left():
            self.found[unknown.name] = NamedSize(((next(names), 1),))


def _size_names() -> Iterator[str]:
    numbered = (f"{letter}{k}" for k in count(1) for letter in "nmk")
    return chain(_SIZE_NAMES, numbered)
