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


def _eye(size: tuple[Dimension, ...]) -> Node:
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
        parameters=(Parameter("n", "shape"),),
        build=_eye,
        summary="The identity matrix of a size.",
        latex=r"I_{{{n}}}",
    ),
    Function(
        name="onehot",
        parameters=(Parameter("n", "shape"), Parameter("k", "integer")),
        build=_onehot,
        summary="The vector of size n that is 1 at position k and 0 elsewhere.",
        latex=r"e_{{{k}}}",
    ),
)
