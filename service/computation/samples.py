"""The samples of a request: how many, the shapes of one, graphs lifted to all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.calculus.batched import Batch
from service.calculus.graph import Variable
from service.computation.forms import Lift
from service.computation.operations import OUTPUT
from service.errors import ShapeMismatchError, UnknownNameError
from service.language.places import shown

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Samples:
    """The shapes of the variables in one sample; `count` is None without a batch."""

    shapes: Mapping[str, Shape]
    names: frozenset[str]
    count: int | None

    def has_own(self, direction: str) -> bool:
        """Whether the direction of a variable, or the cotangent, differs between samples."""
        return self.count is not None and (direction == OUTPUT or direction in self.names)

    def lift(self, directions: Mapping[str, Variable]) -> Lift | None:
        """What gives a node its axis of samples; None without a batch."""
        if self.count is None:
            return None
        own = {v.name for name, v in directions.items() if self.has_own(name)}
        return Batch(self.names | own, self.count).lifted


def sampled(shapes: Sequence[tuple[str, Shape]], batch: Sequence[str]) -> Samples:
    """The samples that the variables named in `batch` hold along their first axis.

    Raises:
        UnknownNameError: a name is not that of a variable.
        ShapeMismatchError: a variable has no axis, or another number of samples.
    """
    given = dict(shapes)
    count: int | None = None
    for place, name in enumerate(batch):
        if name not in given:
            raise UnknownNameError(
                f"unknown name {shown(name)} in batch", pointer=f"/batch/{place}"
            )
        shape = given[name]
        if not shape:
            raise ShapeMismatchError(
                f"{shown(name)} is a scalar, expected a first axis that counts samples",
                pointer=f"/batch/{place}",
            )
        if count is not None and shape[0] != count:
            raise ShapeMismatchError(
                f"{shown(name)} has {shape[0]} samples, but {shown(batch[0])} has {count}",
                pointer=f"/batch/{place}",
            )
        count = shape[0]
    one = {name: s[1:] if name in batch else s for name, s in given.items()}
    return Samples(one, frozenset(batch), count)
