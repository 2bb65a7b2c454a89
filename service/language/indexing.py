"""Index, slice and new axis, such as `A[:, 1]` and `x[1:3]`, with NumPy's meaning."""

from collections.abc import Mapping, Sequence

from service.calculus.dimensions import shown
from service.calculus.graph import Node
from service.calculus.rules.operators import known_size, picked, sliced, with_new_axes
from service.errors import ShapeMismatchError, WrongArgumentsError
from service.language.calls import integer_of
from service.language.syntax import Boolean, NewAxis, Slice, Syntax, Text, Tuple

Item = Syntax | Slice | NewAxis


def index_node(target: Node, items: Sequence[Item], values: Mapping[int, Node]) -> Node:
    """target[items]; `values` has the node of every part of an item by identity of syntax.

    Raises:
        ShapeMismatchError: for too many indices, or one outside its axis, or an axis whose
            size is still a name.
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
                size = known_size(result.shape[axis])
                result = sliced(result, axis, _range(item, size, values))
            axis += 1
            place += 1
        else:
            size = known_size(result.shape[axis])
            result = picked(result, axis, _position(item, size, values))
    return with_new_axes(result, new_axes) if new_axes else result


def _position(item: Syntax, size: int, values: Mapping[int, Node]) -> int:
    if isinstance(item, Boolean | Text | Tuple):
        raise WrongArgumentsError(
            "an index takes a constant integer", start=item.start, end=item.end
        )
    position = integer_of(values[id(item)], item, "an index")
    if not -size <= position < size:
        raise ShapeMismatchError(
            f"index {position} does not exist on an axis of size {size}",
            start=item.start,
            end=item.end,
            hint=f"indices go from 0 to {size - 1}, or from -1 to -{size} from the end",
        )
    return position % size


def _range(item: Slice, size: int, values: Mapping[int, Node]) -> range:
    parts = []
    for part in (item.first, item.stop, item.step):
        parts.append(None if part is None else integer_of(values[id(part)], part, "a slice"))
    if parts[2] == 0:
        raise WrongArgumentsError("a slice's step is not 0", start=item.start, end=item.end)
    places = range(*slice(*parts).indices(size))
    if not places:
        raise ShapeMismatchError(
            f"the slice selects nothing from an axis of size {size}",
            start=item.start,
            end=item.end,
            hint="an axis has at least size 1",
        )
    return places
