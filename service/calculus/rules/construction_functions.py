"""The functions that make constant tensors: zeros, ones, eye, onehot, vector, matrix."""

from service.calculus.axes import broadcast
from service.calculus.dimensions import Dimension, Shape, combined, shown
from service.calculus.graph import ONE, Node, Number
from service.calculus.rules.records import Function, Parameter
from service.calculus.selections import delta, one_hot
from service.calculus.terms import ZERO, filled
from service.errors import ShapeMismatchError

_SHAPE = Parameter("shape", "shape")


def _filled(value: Number, shape: Shape) -> Node:
    return filled(value, shape)


def _eye(size: tuple[Dimension, ...] | None, *unknown: Dimension) -> Node:
    size = unknown if size is None else size
    if len(size) != 1:
        raise ShapeMismatchError(f"eye takes one size, not {len(size)}", hint="eye(3)")
    return broadcast(delta(size[0]), (size[0], size[0]), (0, 1))


def _onehot(size: tuple[Dimension, ...], position: Dimension) -> Node:
    """1 at a position; one that names tell is taken to be inside where it may be."""
    if len(size) != 1:
        raise ShapeMismatchError(f"onehot takes one size, not ({shown(size)})")
    (length,) = size
    place = combined(length, position) if _is_negative(position) else position
    behind = combined(combined(length, 1, -1), place, -1)
    if _is_negative(place) or _is_negative(behind):
        raise ShapeMismatchError(
            f"position {position} does not exist in a vector of size {length}",
            hint=f"positions go from 0 to {combined(length, 1, -1)}",
        )
    return one_hot(length, place)


def _is_negative(size: Dimension) -> bool:
    """Whether a number is below 0, or is so whatever its names stand for: 1 or more each."""
    if isinstance(size, int):
        return size < 0
    most = size.offset + sum(count for _, count in size.counts)
    return most < 0 and all(count < 0 for _, count in size.counts)


CONSTRUCTION_FUNCTIONS = (
    Function(
        name="zeros",
        parameters=(_SHAPE,),
        build=lambda shape: _filled(ZERO, shape),
        summary="A tensor of zeros: zeros(n), zeros((n, m)).",
        latex=r"0_{{{shape}}}",
    ),
    Function(
        name="ones",
        parameters=(_SHAPE,),
        build=lambda shape: _filled(ONE, shape),
        summary="A tensor of ones: ones(n), ones((n, m)).",
        latex=r"1_{{{shape}}}",
    ),
    Function(
        name="eye",
        parameters=(Parameter("n", "shape", None, is_required=False),),
        build=_eye,
        summary="The identity matrix of a size; eye alone has the size that it needs.",
        latex=r"I_{{{n}}}",
        unknown_sizes=1,
    ),
    Function(
        name="vector",
        parameters=(Parameter("value", "number"),),
        build=lambda value, size: filled(value, (size,)),
        summary="The vector of the size that it needs, every entry a number: vector(1).",
        latex=r"{value}_{{n}}",
        unknown_sizes=1,
    ),
    Function(
        name="matrix",
        parameters=(Parameter("value", "number"),),
        build=lambda value, rows, columns: filled(value, (rows, columns)),
        summary="The matrix of the shape that it needs, every entry a number: matrix(0).",
        latex=r"{value}_{{m \times n}}",
        unknown_sizes=2,
    ),
    Function(
        name="onehot",
        parameters=(Parameter("n", "shape"), Parameter("k", "position")),
        build=_onehot,
        summary="The vector of size n that is 1 at position k and 0 elsewhere.",
        latex=r"e_{{{k}}}",
    ),
)
