"""The operations that an expression is made by, as its derivation tells them.

The dot product is split into u = w ⊗ x and sum(u), as the paper does; in full a mean, and what
is defined by other operations, too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from service.calculus.applications import summed
from service.calculus.dimensions import NamedSize, Shape
from service.calculus.graph import Factor, Node
from service.calculus.normal_form import contract
from service.calculus.rebuilding import substituted
from service.calculus.rules.choices import WHERE
from service.calculus.rules.operators import divided, multiplied_entries
from service.calculus.rules.records import Parameter
from service.calculus.rules.table import FUNCTIONS
from service.calculus.terms import size_of
from service.language.declarations import Declarations
from service.language.elaborate import Elaborated, Site, elaborate
from service.language.parser import parse
from service.rendering.formula import COMPARISONS
from service.settings import Limits


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operation makes of which operands, in the whole graph, and how to make it again.

    `is_entrywise`: each entry of the result comes from the operands' entries at its place.
    """

    name: str
    node: Node
    operands: tuple[Node, ...]
    build: Callable[..., Node]
    is_entrywise: bool


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations to be told, in evaluation order, and those that are read as they stand.

    The latter are conditions, by what they make: comparisons and what is made of nothing else
    that varies. Their derivative is 0, so that nothing is differentiated through them.
    """

    told: tuple[Operation, ...]
    conditions: dict[Node, Operation]


def operations_of(found: Elaborated, by: str, *, is_full: bool) -> Operations:
    """The operations that the result is made by and that depend on the variable.

    Of several that make the same, the first: what leads back to it cancels.
    """
    makers: dict[Node, Operation] = {}
    for site in found.sites:
        for operation in _split(site, is_full=is_full):
            if operation.node not in operation.operands:
                makers.setdefault(operation.node, operation)
    conditions = _conditions(makers.values(), by)
    needed = {found.node}
    told: list[Operation] = []
    for operation in reversed(makers.values()):
        if operation.node not in needed or by not in operation.node.variables:
            continue
        if operation.node not in conditions:
            is_choice = operation.name == WHERE.name
            needed.update(operation.operands[1:] if is_choice else operation.operands)
            told.append(operation)
        elif operation.node is found.node:
            told.append(operation)
    return Operations(tuple(told[::-1]), conditions)


def _conditions(operations: Iterable[Operation], by: str) -> dict[Node, Operation]:
    found: dict[Node, Operation] = {}
    for operation in operations:
        moving = [o for o in operation.operands if by in o.variables]
        if moving and (operation.name in COMPARISONS or all(o in found for o in moving)):
            found[operation.node] = operation
    return found


def _split(site: Site, *, is_full: bool) -> Iterator[Operation]:
    """A site as the operations it is told by."""
    operands = site.operands
    is_dot = site.name in ("matmul", "dot") and len(operands) == 2
    parts = _definition_of(site) if is_full else ()
    if is_dot and all(o.ndim == 1 for o in operands):
        product = multiplied_entries(*operands)
        yield Operation("multiply", product, operands, multiplied_entries, True)
        yield Operation("sum", site.node, (product,), _total, False)
    elif site.name == "mean" and is_full and not site.node.ndim:
        (argument,) = operands
        total = _total(argument)
        counts = contract([Factor(size_of(n), ()) for n in argument.shape], (), {})
        yield Operation("sum", total, operands, _total, False)
        yield Operation("divide", site.node, (total, counts), divided, True)
    elif parts:
        for part in parts:
            yield from _split(part, is_full=is_full)
    else:
        yield Operation(site.name, site.node, operands, site.build, site.is_entrywise)


def _total(node: Node) -> Node:
    return summed(node, range(node.ndim))


def _definition_of(site: Site) -> Sequence[Site]:
    """The operations of the definition of a function, the last one being the site's result."""
    function = FUNCTIONS.get(site.name)
    if function is None or function.definition is None:
        return ()
    names = [p.name for p in function.parameters if p.kind == "operand"]
    options = [p for p in function.parameters if p.kind != "operand"]
    given = {p.name: _written(p, v) for p, v in zip(options, site.options, strict=True)}
    given["kept"] = f"{given['axis']}, keepdims=True" if given.get("axis") else ""
    text = function.definition(max(o.ndim for o in site.operands)).format_map(given)
    shapes = {n: o.shape for n, o in zip(names, site.operands, strict=True)}
    limits = Limits()
    found = elaborate(text, parse(text, limits), Declarations(shapes), limits)
    meanings = dict(zip(names, site.operands, strict=True))
    sites = [
        replace(
            part,
            node=substituted(part.node, meanings),
            operands=tuple(substituted(o, meanings) for o in part.operands),
        )
        for part in found.sites
    ]
    return [*sites[:-1], replace(sites[-1], node=site.node)]


def _written(parameter: Parameter, value: object) -> str:
    """An option as a definition has it."""
    if parameter.kind in ("axis", "flag"):
        return f", {parameter.name}={value}" if value is not None else ""
    return f"({value})"


def names_of_sizes(shapes: Iterable[Shape]) -> set[str]:
    """The names that stand in shapes for sizes."""
    return {
        name
        for shape in shapes
        for size in shape
        if isinstance(size, NamedSize)
        for name, _ in size.counts
    }
