"""One record per operation: what it needs of the request, and the graphs it answers with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.calculus.axes import transposed
from service.calculus.differentiate import gradient, jacobian, pull_back, push_forward
from service.calculus.dimensions import Shape
from service.calculus.graph import Node, Variable, variable
from service.computation.forms import Wanted

OperationName = Literal["evaluate", "gradient", "jacobian", "hessian", "jvp", "vjp", "hvp"]
OUTPUT = "cotangent"


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operation differentiates: a node, by which variables, in which directions.

    `directions` are inputs of the plan by the name of their variable, or by `cotangent`; with
    `is_many`, their first axis counts them.
    """

    node: Node
    variables: Sequence[Variable]
    directions: Mapping[str, Variable]
    is_many: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: its name, the field of its results, and how their graphs are built.

    `directions` is the field of the request that gives directions, by variable unless it is
    `cotangent`. `of_scalar`: what a scalar expression is needed for, and the operation to
    offer for any other.
    """

    name: OperationName
    group: str | None
    build: Callable[[Asked], list[Wanted]]
    directions: Literal["tangents", "cotangent", "vectors"] | None = None
    of_scalar: tuple[str, str] | None = None


def _gradient(asked: Asked) -> list[Wanted]:
    found = gradient(asked.node, asked.variables)
    return [Wanted(("gradients", v.name), found[v]) for v in asked.variables]


def _jacobian(asked: Asked) -> list[Wanted]:
    found = jacobian(asked.node, asked.variables)
    return [
        Wanted(("jacobians", v.name), found[v], of=asked.node, by=v) for v in asked.variables
    ]


def _hessian(asked: Asked) -> list[Wanted]:
    """Each pair once: ∂²f/∂y∂x is the transpose of ∂²f/∂x∂y."""
    gradients = gradient(asked.node, asked.variables)
    blocks: dict[tuple[Variable, Variable], Node] = {}
    for place, first in enumerate(asked.variables):
        rest = asked.variables[place:]
        for second, block in jacobian(gradients[first], rest).items():
            axes = (*range(first.ndim, block.ndim), *range(first.ndim))
            blocks[first, second] = block
            if second is not first:
                blocks[second, first] = transposed(block, axes)
    return [
        Wanted(("hessians", x.name, y.name), blocks[x, y], of=x, by=y)
        for x in asked.variables
        for y in asked.variables
    ]


def _jvp(asked: Asked) -> list[Wanted]:
    return [Wanted(("jvp",), _pushed(asked.node, asked), is_many=asked.is_many)]


def _vjp(asked: Asked) -> list[Wanted]:
    found = pull_back(asked.node, asked.directions[OUTPUT], asked.variables)
    return [Wanted(("vjp", v.name), found[v], is_many=asked.is_many) for v in asked.variables]


def _hvp(asked: Asked) -> list[Wanted]:
    """Forward over reverse: the gradient's derivative in the direction of the vectors."""
    gradients = gradient(asked.node, asked.variables)
    return [
        Wanted(("hvp", v.name), _pushed(gradients[v], asked), is_many=asked.is_many)
        for v in asked.variables
    ]


def _pushed(node: Node, asked: Asked) -> Node:
    """The derivative of a node in the directions; their axis comes first, if they have one."""
    if not asked.is_many:
        seeds: dict[Variable, Node] = {v: asked.directions[v.name] for v in asked.variables}
        return push_forward(node, seeds)
    seeds = {}
    for v in asked.variables:
        direction = asked.directions[v.name]
        seeds[v] = transposed(direction, (*range(1, direction.ndim), 0))
    pushed = push_forward(node, seeds)
    return transposed(pushed, (pushed.ndim - 1, *range(pushed.ndim - 1)))


def direction_input(name: str, shape: Shape) -> Variable:
    """The input of the plan that a direction is; its name is no name of the language."""
    return variable(direction_name(name), shape)


def direction_name(name: str) -> str:
    """The name under which a plan takes the direction of a variable."""
    return f"direction of {name}"


OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("evaluate", None, lambda _: []),
        Operation("gradient", "gradients", _gradient, of_scalar=("a gradient", "jacobian")),
        Operation("jacobian", "jacobians", _jacobian),
        Operation("hessian", "hessians", _hessian, of_scalar=("a Hessian", "jacobian")),
        Operation("jvp", "jvp", _jvp, "tangents"),
        Operation("vjp", "vjp", _vjp, "cotangent"),
        Operation("hvp", "hvp", _hvp, "vectors", of_scalar=("a Hessian", "jvp")),
    )
}
