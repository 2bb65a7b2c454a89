"""Derivatives as graphs: one local derivative per node kind, pulled back or pushed forward.

A derivative of y by x has shape y.shape + x.shape. Cotangents of a node are added before the
node is pulled back, so that shared nodes are walked once and not once per path.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.calculus.applications import apply_reduction
from service.calculus.dimensions import Dimension, extent
from service.calculus.graph import (
    ONE,
    Contraction,
    Elementwise,
    Factor,
    LinearAlgebra,
    Node,
    Number,
    Reduction,
    Stack,
    Sum,
    Variable,
    topological,
)
from service.calculus.normal_form import contract
from service.calculus.numbers import added, multiplied
from service.calculus.rules.records import ReductionFunction
from service.calculus.rules.reductions import spread
from service.calculus.selections import delta, one_hot
from service.calculus.terms import ZERO, add, filled


@dataclass(frozen=True, slots=True)
class LocalDerivative:
    """∂node/∂operand as coefficient · Π factors over letters.

    `out` are the letters of the node's axes, `into` those of the operand's; a letter in both
    ties the two.
    """

    node: Node
    operand: Node
    coefficient: Number
    factors: tuple[Factor, ...]
    out: tuple[int, ...]
    into: tuple[int, ...]


def local_derivatives(node: Node, wrt: frozenset[str]) -> Iterator[LocalDerivative]:
    """The derivative of a node by each operand that depends on `wrt`."""
    return _LOCAL[type(node)](node, wrt)


def _sum_derivatives(node: Sum, wrt: frozenset[str]) -> Iterator[LocalDerivative]:
    letters = tuple(range(node.ndim))
    for coefficient, term in node.terms:
        if not wrt.isdisjoint(term.variables):
            yield LocalDerivative(node, term, coefficient, (), letters, letters)


def _elementwise_derivatives(
    node: Elementwise, wrt: frozenset[str]
) -> Iterator[LocalDerivative]:
    letters = tuple(range(node.ndim))
    for partial, argument in zip(node.function.partials, node.arguments, strict=True):
        if not wrt.isdisjoint(argument.variables):
            slope = Factor(partial(node.arguments, node), letters)
            yield LocalDerivative(node, argument, ONE, (slope,), letters, letters)


def _reduction_derivatives(node: Reduction, _: frozenset[str]) -> Iterator[LocalDerivative]:
    argument, axes = node.argument, node.axes
    if node.function.derivative is not None:
        yield _with_a_copy(node, node.function.derivative())
        return
    assert node.function.partial is not None
    into = tuple(range(argument.ndim))
    slope = node.function.partial(argument, spread(node, argument, axes), axes)
    kept = tuple(x for x in into if x not in axes)
    yield LocalDerivative(node, argument, ONE, (Factor(slope, into),), kept, into)


def _with_a_copy(node: Reduction, derivative: ReductionFunction) -> LocalDerivative:
    """The derivative that is a reduction itself, the axes once more at its end."""
    argument, axes = node.argument, node.axes
    slope = apply_reduction(derivative, argument, axes)
    letters = tuple(range(slope.ndim))
    kept, last = iter(letters), iter(letters[node.ndim :])
    into = tuple(next(last) if axis in axes else next(kept) for axis in range(argument.ndim))
    factors = (Factor(slope, letters),)
    return LocalDerivative(node, argument, ONE, factors, letters[: node.ndim], into)


def _matrix_derivatives(node: LinearAlgebra, _: frozenset[str]) -> Iterator[LocalDerivative]:
    (matrix,) = node.arguments
    coefficient, parts = node.function.derivative(matrix, node)
    factors = tuple(Factor(part, places) for part, places in parts)
    into = (node.ndim, node.ndim + 1)
    yield LocalDerivative(node, matrix, coefficient, factors, tuple(range(node.ndim)), into)


def _stack_derivatives(node: Stack, wrt: frozenset[str]) -> Iterator[LocalDerivative]:
    letters = tuple(range(node.ndim))
    for position, part in enumerate(node.parts):
        if not wrt.isdisjoint(part.variables):
            row = Factor(one_hot(len(node.parts), position), (0,))
            yield LocalDerivative(node, part, ONE, (row,), letters, letters[1:])


def _contraction_derivatives(
    node: Contraction, wrt: frozenset[str]
) -> Iterator[LocalDerivative]:
    letters = tuple(range(node.ndim))
    for position, (operand, places, exponent) in enumerate(node.factors):
        if wrt.isdisjoint(operand.variables):
            continue
        rest = node.factors[:position] + node.factors[position + 1 :]
        lowered = added(exponent, -ONE)
        if lowered != 0:
            rest = (*rest, Factor(operand, places, lowered))
        coefficient = multiplied(node.coefficient, exponent)
        yield LocalDerivative(node, operand, coefficient, rest, letters, places)


_LOCAL: Mapping[type[Node], Callable[[Any, frozenset[str]], Iterator[LocalDerivative]]] = {
    Contraction: _contraction_derivatives,
    Sum: _sum_derivatives,
    Elementwise: _elementwise_derivatives,
    Reduction: _reduction_derivatives,
    LinearAlgebra: _matrix_derivatives,
    Stack: _stack_derivatives,
}


def pull_back(root: Node, seed: Node, variables: Sequence[Variable]) -> dict[Variable, Node]:
    """Σ over the root's axes of seed · ∂root/∂variable, for every variable in one sweep.

    `seed` has shape extra + root.shape; each result has shape extra + variable.shape. A
    variable that the root does not depend on gives zero.
    """
    wrt = frozenset(v.name for v in variables)
    extra = seed.ndim - root.ndim
    extra_shape = seed.shape[:extra]
    cotangents: dict[Node, list[tuple[Number, Node]]] = {root: [(ONE, seed)]}
    results = {v: filled(ZERO, extra_shape + v.shape) for v in variables}
    for node in reversed(topological([root], wrt)):
        cotangent = add(cotangents.pop(node), extra_shape + node.shape)
        if isinstance(node, Variable):
            results[node] = cotangent
            continue
        for local in local_derivatives(node, wrt):
            pulled = _composed(local, cotangent, extra, is_reverse=True)
            cotangents.setdefault(local.operand, []).append((ONE, pulled))
    return results


def push_forward(root: Node, seeds: dict[Variable, Node]) -> Node:
    """Σ over variables of ∂root/∂variable · seed.

    Each seed has shape variable.shape + extra; the result has shape root.shape + extra.
    """
    wrt = frozenset(v.name for v in seeds)
    first, first_seed = next(iter(seeds.items()))
    extra_shape = first_seed.shape[first.ndim :]
    tangents: dict[Node, Node] = {}
    for seeded, tangent in seeds.items():
        tangents[seeded] = tangent
    for node in topological([root], wrt):
        if isinstance(node, Variable):
            continue
        pushed = [
            (ONE, _composed(local, tangents[local.operand], len(extra_shape), is_reverse=False))
            for local in local_derivatives(node, wrt)
        ]
        tangents[node] = add(pushed, node.shape + extra_shape)
    return tangents.get(root, filled(ZERO, root.shape + extra_shape))


def _composed(local: LocalDerivative, direction: Node, extra: int, *, is_reverse: bool) -> Node:
    """seed · local over the node's axes, or local · seed over the operand's."""
    top = max(
        (*local.out, *local.into, *(x for f in local.factors for x in f.letters)), default=-1
    )
    more = tuple(range(top + 1, top + 1 + extra))
    shape = direction.shape
    sizes: dict[int, Dimension] = dict(zip(local.into, local.operand.shape, strict=True))
    sizes.update(zip(local.out, local.node.shape, strict=True))
    if is_reverse:
        factor = Factor(direction, more + local.out)
        sizes.update(zip(more, shape[:extra], strict=True))
        return contract([*local.factors, factor], more + local.into, sizes, local.coefficient)
    factor = Factor(direction, local.into + more)
    sizes.update(zip(more, shape[len(shape) - extra :], strict=True))
    return contract([*local.factors, factor], local.out + more, sizes, local.coefficient)


def gradient(root: Node, variables: Sequence[Variable]) -> dict[Variable, Node]:
    """∂root/∂variable of a scalar, each of the variable's shape."""
    return pull_back(root, filled(ONE, ()), variables)


def jacobian(root: Node, variables: Sequence[Variable]) -> dict[Variable, Node]:
    """∂root/∂variable, each of shape root.shape + variable.shape.

    In reverse, one sweep for all variables, unless they are smaller together than the root.
    """
    if extent(root.shape) > sum(extent(v.shape) for v in variables):
        return {v: push_forward(root, {v: identity(v)}) for v in variables}
    return pull_back(root, identity(root), variables)


def identity(node: Node) -> Node:
    """δ over all axes, shape node.shape + node.shape."""
    ndim = node.ndim
    factors = [Factor(delta(n), (k, k + ndim)) for k, n in enumerate(node.shape)]
    return contract(factors, range(2 * ndim), {})
