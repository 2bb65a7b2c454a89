"""The functions that make constant tensors: zeros, ones, eye, onehot, vector, matrix."""

from service.calculus.axes import broadcast
from service.calculus.dimensions import Dimension, Shape, shown
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


def _onehot(size: tuple[Dimension, ...], position: int) -> Node:
    if len(size) != 1 or not isinstance(size[0], int):
        raise ShapeMismatchError(f"onehot takes one size, not ({shown(size)})")
    if not -size[0] <= position < size[0]:
        raise ShapeMismatchError(
            f"position {position} does not exist in a vector of size {size[0]}",
            hint=f"positions go from 0 to {size[0] - 1}",
        )
    return one_hot(size[0], position % size[0])


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
        parameters=(Parameter("n", "shape"), Parameter("k", "integer")),
        build=_onehot,
        summary="The vector of size n that is 1 at position k and 0 elsewhere.",
        latex=r"e_{{{k}}}",
    ),
)
