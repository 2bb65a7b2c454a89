"""Index, slice and new axis, such as `A[:, 1]` and `x[1:3]`, with NumPy's meaning."""

from collections.abc import Mapping, Sequence

from service.calculus.dimensions import Dimension, combined, shown
from service.calculus.graph import Node
from service.calculus.rules.operators import picked, sliced, with_new_axes
from service.errors import ShapeMismatchError, WrongArgumentsError
from service.language.calls import integer_of
from service.language.syntax import Boolean, NewAxis, Slice, Syntax, Text, Tuple

Item = Syntax | Slice | NewAxis


def index_node(target: Node, items: Sequence[Item], values: Mapping[int, Node]) -> Node:
    """target[items]; `values` has the node of every part of an item by identity of syntax.

    Raises:
        ShapeMismatchError: for too many indices, one outside its axis, a slice of nothing, or
            one that cannot be counted along an axis whose size is a name.
        WrongArgumentsError: for an index that is not a constant integer.
    """
    indices = [item for item in items if not isinstance(item, NewAxis)]
    if len(indices) > target.ndim:
        raise ShapeMismatchError(
            f"{len(indices)} indices for an operand of shape ({shown(target.shape)}), which "
            f"has {target.ndim} axes"
        )
    axis = 0
    new_axes: list[int] = []
    place = 0
    result = target
    for item in items:
        if isinstance(item, NewAxis):
            new_axes.append(place)
            place += 1
        elif isinstance(item, Slice):
            if (item.first, item.stop, item.step) != (None, None, None):
                result = sliced(result, axis, *_places(item, result.shape[axis], values))
            axis += 1
            place += 1
        else:
            result = picked(result, axis, _position(item, result.shape[axis], values))
    return with_new_axes(result, new_axes) if new_axes else result


def _position(item: Syntax, size: Dimension, values: Mapping[int, Node]) -> Dimension:
    if isinstance(item, Boolean | Text | Tuple):
        raise WrongArgumentsError(
            "an index takes a constant integer", start=item.start, end=item.end
        )
    position = integer_of(values[id(item)], item, "an index")
    if not isinstance(size, int):
        return _from_end(position, size)
    if not -size <= position < size:
        raise ShapeMismatchError(
            f"index {position} does not exist on an axis of size {size}",
            start=item.start,
            end=item.end,
            hint=f"indices go from 0 to {size - 1}, or from -1 to -{size} from the end",
        )
    return position % size


def _from_end(position: int, size: Dimension) -> Dimension:
    """A position; one below 0 counts from the end."""
    return position if position >= 0 else combined(size, position)


def _places(
    item: Slice, size: Dimension, values: Mapping[int, Node]
) -> tuple[Dimension, Dimension, int]:
    """The first position of a slice, how many there are, and the step between them.

    An axis whose size is a name is taken to be long enough for the slice's bounds.
    """
    first, stop, step = (
        None if part is None else integer_of(values[id(part)], part, "a slice")
        for part in (item.first, item.stop, item.step)
    )
    if step == 0:
        raise WrongArgumentsError("a slice's step is not 0", start=item.start, end=item.end)
    if isinstance(size, int):
        places = range(*slice(first, stop, step).indices(size))
        found: tuple[Dimension, Dimension, int] = (places.start, len(places), places.step)
    else:
        found = _places_of_name(first, stop, step or 1, size)
    if isinstance(found[1], int) and found[1] < 1:
        raise ShapeMismatchError(
            f"the slice selects nothing from an axis of size {size}",
            start=item.start,
            end=item.end,
            hint="an axis has at least size 1",
        )
    return found


def _places_of_name(
    first: int | None, stop: int | None, step: int, size: Dimension
) -> tuple[Dimension, Dimension, int]:
    ends: tuple[Dimension, Dimension] = (0, size) if step > 0 else (combined(size, -1), -1)
    start = ends[0] if first is None else _from_end(first, size)
    length = combined(ends[1] if stop is None else _from_end(stop, size), start, -1)
    if isinstance(length, int):
        return start, len(range(0, length, step)), step
    if abs(step) > 1:
        raise ShapeMismatchError(
            f"cannot count the steps of {step} along an axis whose size {size} is a name",
            hint="give both ends of the slice as numbers from the same end",
        )
    return start, combined(0, length, step), step
