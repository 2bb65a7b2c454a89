"""The directions of a product with a derivative: as many as asked for, each of its shape."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.calculus.dimensions import Shape, numbers, shown
from service.calculus.graph import Variable
from service.computation.operations import OUTPUT, direction_input
from service.computation.samples import Samples
from service.errors import ShapeMismatchError, ValidationError
from service.language.places import shown as quoted


@dataclass(frozen=True, slots=True)
class Given:
    """The shapes of the directions of a request, whether they are many, and its samples."""

    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    many: bool
    samples: Samples

    def leading(self, name: str, count: int | None) -> tuple[int | None, ...]:
        """The sizes of the axes before a direction's own: directions, then samples."""
        lead: tuple[int | None, ...] = (count,) if self.many else ()
        return (*lead, self.samples.count) if self.samples.has_own(name) else lead


def direction_inputs(
    field: str, variables: Mapping[str, Shape], output: Shape, given: Given
) -> dict[str, Variable]:
    """The plan's inputs for the directions of one sample, by variable, or for the cotangent.

    Raises:
        ValidationError: a variable has no direction, or none is wanted for a name.
        ShapeMismatchError: one has another shape than what it is a direction of.
    """
    wanted = {OUTPUT: output} if field == OUTPUT else dict(variables)
    shapes = dict(given.shapes)
    if not wanted:
        raise ValidationError(
            "found no names, expected a direction for at least one variable",
            pointer=f"/{field}",
        )
    for name in shapes.keys() - wanted.keys():
        raise ValidationError(
            f"found {quoted(name)}, but wrt does not name it, expected {', '.join(wanted)}",
            pointer=f"/{field}/{name}",
        )
    count: int | None = None
    inputs = {}
    for name, shape in wanted.items():
        if name not in shapes:
            raise ValidationError(
                f"found nothing for {quoted(name)}, expected a tensor of shape "
                f"({shown(shape)})",
                pointer=f"/{field}",
            )
        lead = given.leading(name, count)
        pointer = f"/{field}" if field == OUTPUT else f"/{field}/{name}"
        found = _checked(shapes[name], lead, numbers(shape), pointer)
        count = found[0] if given.many else None
        own = found[:1] if given.many else ()
        inputs[name] = direction_input(name, (*own, *shape))
    return inputs


def _checked(
    found: tuple[int, ...],
    lead: tuple[int | None, ...],
    shape: tuple[int, ...],
    pointer: str,
) -> tuple[int, ...]:
    expected = (*lead, *shape)
    if len(found) == len(expected) and all(
        size in (None, own) for size, own in zip(expected, found, strict=True)
    ):
        return found
    text = "×".join("any" if size is None else str(size) for size in expected)
    raise ShapeMismatchError(
        f"found shape ({shown(found)}), expected ({text or 'scalar'})",
        pointer=pointer,
        hint="the first axes count directions (many), then samples (batch)" if lead else None,
    )
