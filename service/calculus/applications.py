"""The constructors of nodes that apply a record, and of stacks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.calculus.axes import (
    broadcast,
    carried_axes,
    permutation_of,
    transposed,
    without_axes,
)
from service.calculus.dimensions import Shape
from service.calculus.graph import (
    ONE,
    Constant,
    Elementwise,
    Factor,
    LinearAlgebra,
    Node,
    Reduction,
    Stack,
    count_construction,
    digest_of,
    intern_node,
    text_bytes,
)
from service.calculus.normal_form import contract
from service.calculus.numbers import from_float
from service.calculus.rules.records import (
    ElementwiseFunction,
    MatrixFunction,
    ReductionFunction,
)
from service.calculus.selections import constant
from service.calculus.terms import filled, number_of


def apply_elementwise(function: ElementwiseFunction, *arguments: Node) -> Node:
    """f of arguments of one shape, entry by entry; shape: that shape.

    Axes along which no argument varies are taken out, and so is the permutation of a single
    argument, so that f is computed once and a broadcast or a transpose is free.
    """
    count_construction()
    shape = arguments[0].shape
    numbers = [number_of(a) for a in arguments]
    if None not in numbers:
        with np.errstate(all="ignore"):
            value = function.forward(*(np.float64(n) for n in numbers if n is not None))
        return filled(from_float(float(value)), shape)
    carried = frozenset[int]().union(*(carried_axes(a) for a in arguments))
    constant_axes = frozenset(range(len(shape))) - carried
    if constant_axes:
        inner = (without_axes(a, constant_axes) for a in arguments)
        return broadcast(apply_elementwise(function, *inner), shape, sorted(carried))
    simpler = function.simplify(arguments)
    if simpler is not None:
        return simpler
    if len(arguments) == 1:
        permuted = permutation_of(arguments[0])
        if permuted is not None:
            return transposed(apply_elementwise(function, permuted[0]), permuted[1])
    if function.is_symmetric:
        arguments = tuple(sorted(arguments, key=lambda a: a.digest))
    digest = digest_of("elementwise", function.name.encode(), *(a.digest for a in arguments))
    is_symmetric = all(a.is_symmetric for a in arguments)
    return intern_node(
        Elementwise,
        digest,
        shape,
        arguments,
        function=function,
        arguments=arguments,
        is_symmetric=is_symmetric,
    )


def apply_reduction(
    function: ReductionFunction, argument: Node, axes: Sequence[int], *, keepdims: bool = False
) -> Node:
    """f of all entries along `axes`; they disappear, or stay with size 1.

    A function with copies of the axes has them behind the others, in the order of `axes`.
    """
    count_construction()
    shape = argument.shape
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    constant_axes = frozenset(kept) - carried_axes(argument)
    if constant_axes:
        varying = [axis for axis in range(len(shape)) if axis not in constant_axes]
        inner = without_axes(argument, constant_axes)
        reduced = apply_reduction(function, inner, [varying.index(a) for a in axes])
        places = [kept.index(axis) for axis in kept if axis not in constant_axes]
        full = tuple(shape[axis] for axis in kept) + _copied(function, shape, axes)
        result = broadcast(reduced, full, [*places, *range(len(kept), len(full))])
    else:
        result = _reduction(function, argument, tuple(sorted(axes)))
    return with_kept_axes(result, shape, kept) if keepdims else result


def _reduction(function: ReductionFunction, argument: Node, axes: tuple[int, ...]) -> Node:
    shape = tuple(n for axis, n in enumerate(argument.shape) if axis not in axes)
    shape += _copied(function, argument.shape, axes)
    digest = digest_of("reduction", function.name.encode(), text_bytes(axes), argument.digest)
    return intern_node(
        Reduction, digest, shape, (argument,), function=function, argument=argument, axes=axes
    )


def _copied(function: ReductionFunction, shape: Shape, axes: Sequence[int]) -> Shape:
    return tuple(shape[axis] for axis in sorted(axes)) * function.copies


def with_kept_axes(reduced: Node, shape: Shape, kept: Sequence[int]) -> Node:
    """A reduced node with size-1 axes where the reduced ones were."""
    full = tuple(n if axis in kept else 1 for axis, n in enumerate(shape))
    return broadcast(reduced, full, kept)


def apply_matrix(function: MatrixFunction, matrix: Node) -> Node:
    """f of each square matrix of a stack; shape: the stack's axes, then () or the matrix's."""
    count_construction()
    simpler = function.simplify(matrix) if function.simplify else None
    if simpler is not None:
        return simpler
    digest = digest_of("matrix", function.name.encode(), matrix.digest)
    shape = matrix.shape[:-2] + matrix.shape[-2:] * function.copies
    return intern_node(
        LinearAlgebra,
        digest,
        shape,
        (matrix,),
        function=function,
        arguments=(matrix,),
        is_symmetric=function.copies == 1 and matrix.is_symmetric,
    )


def stack(parts: Sequence[Node]) -> Node:
    """Parts of one shape along a new first axis."""
    count_construction()
    first = parts[0]
    shape = (len(parts), *first.shape)
    if all(part is first for part in parts):
        return broadcast(first, shape, range(1, len(shape)))
    values = [literal_value(part) for part in parts]
    known = [v for v in values if v is not None]
    if len(known) == len(parts):
        return constant(np.ascontiguousarray(np.stack(known)))
    digest = digest_of("stack", *(part.digest for part in parts))
    return intern_node(Stack, digest, shape, parts, parts=tuple(parts))


def literal_value(node: Node) -> NDArray[np.float64] | None:
    """The array a small literal stands for; None for anything that must be computed."""
    if isinstance(node, Constant):
        return node.value
    value = number_of(node)
    return None if value is None or node.shape else np.array(float(value))


def summed(node: Node, axes: Sequence[int]) -> Node:
    """Σ over some axes; they disappear."""
    letters = tuple(range(node.ndim))
    return contract([Factor(node, letters)], [x for x in letters if x not in axes], {}, ONE)
