"""The steps of a derivation: every operation on fresh symbols, then the chain product.

The dot product is split into u = w ⊗ x and sum(u), as the paper does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.calculus.applications import summed
from service.calculus.differentiate import identity, jacobian
from service.calculus.dimensions import Dimension, NamedSize, Shape, extent
from service.calculus.graph import ONE, Factor, Node, Variable, variable
from service.calculus.normal_form import contract
from service.calculus.rebuilding import substituted
from service.calculus.rules.operators import divided, multiplied_entries
from service.calculus.terms import add, size_of
from service.computation.analysis import is_sized
from service.derivation.rules import Rule, chain_of, rule_of
from service.derivation.structures import StructureName, structure_name
from service.language.declarations import Declarations
from service.language.elaborate import Elaborated, Site, elaborate
from service.language.parser import parse
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.rendering.render import Formulas, formulas
from service.rendering.settling import settled_formula
from service.settings import Limits

Detail = Literal["brief", "standard", "full"]
Array = NDArray[np.float64]
Values = Mapping[str, Array]
_AFFINE = frozenset(("add", "subtract", "negate", "multiply", "divide", "matmul", "transpose"))
# Numbers beside a step are there to be read: large ones are left out.
MOST_NUMBERS = 10_000
_MOST_FLOPS = 10**8
_MOST_BYTES = 2**26
_LOSSES = frozenset(("sum", "mean"))


@dataclass(frozen=True, slots=True)
class Partial:
    """The local derivative of a step by one of its operands, of shape output + operand."""

    by: str
    formulas: Formulas
    structure: StructureName
    shape: Shape
    value: Array | None


@dataclass(frozen=True, slots=True)
class Step:
    """One operation: symbol and definition, local derivatives, what the product becomes.

    `becomes` is the derivative of the symbol by the variable, by the chain rule from the steps
    before; the last one is the answer. `value` is the symbol's where values are given and they
    are few.
    """

    number: int
    symbol: str
    definition: Formulas
    partials: tuple[Partial, ...]
    rule: Rule
    becomes: Formulas
    value: Array | None


@dataclass(frozen=True, slots=True)
class _Operation:
    """An operation still to be a step: what it makes of which operands, in the whole graph."""

    name: str
    node: Node
    operands: tuple[Node, ...]
    build: Callable[..., Node]


@dataclass(frozen=True, slots=True)
class _Link:
    """An operation on symbols, and its derivatives by those that depend on the variable."""

    symbol: Variable
    names: Sequence[str]
    operands: tuple[Node, ...]
    local: Node
    dependent: tuple[Variable, ...]
    partials: Mapping[Variable, Node]


def steps_of(
    found: Elaborated,
    answer: Node,
    by: Variable,
    *,
    detail: Detail,
    values: Values,
) -> tuple[Step, ...]:
    """The steps to the derivative of an expression by a variable, the answer."""
    return _Derivation(found, by, detail, values).steps(answer, 1)


def second_steps_of(
    found: Elaborated,
    gradient: Node,
    answer: Node,
    by: Variable,
    *,
    detail: Detail,
    values: Values,
    limits: Limits,
) -> tuple[Step, ...]:
    """The steps to the gradient, and from its closed form to the second derivative."""
    first = _Derivation(found, by, detail, values).steps(gradient, 1)
    text = settled_formula(gradient, found.shapes).text
    sizes = frozenset(n for s in found.shapes.values() for n in _names_of(s))
    declared = Declarations(found.shapes, sizes)
    again = elaborate(text, parse(text, limits), declared, limits)
    taken = {step.symbol for step in first}
    return first + _Derivation(again, by, detail, values, taken).steps(answer, len(first) + 1)


def _names_of(shape: Iterable[Dimension]) -> Iterator[str]:
    for size in shape:
        if isinstance(size, NamedSize):
            yield from (name for name, _ in size.counts)


def products_with_a_factor_left_out(found: Elaborated, by: Variable) -> Iterator[Node]:
    """The chain product once for each local derivative that could be forgotten.

    That is one whose operand has the symbol's shape: the identity stands in its place.
    """
    derivation = _Derivation(found, by, "standard", {})
    links = list(derivation.links())
    for link in links:
        for operand in link.dependent:
            if operand.shape == link.local.shape:
                left_out = {(link.symbol, operand): identity(operand)}
                products = derivation.products(links, left_out)
                yield substituted(products[-1], derivation.meanings)


class _Derivation:
    """The steps by one variable: symbols, what they mean, and their derivatives so far."""

    def __init__(
        self,
        found: Elaborated,
        by: Variable,
        detail: Detail,
        values: Values,
        taken: Iterable[str] = (),
    ) -> None:
        self._found = found
        self._by = by
        self._detail = detail
        self._values = values
        self._taken = {*found.shapes, *found.names, *taken}
        for shape in found.shapes.values():
            self._taken.update(_names_of(shape))
        self._symbols: dict[Node, Variable] = {
            variable(n, s): variable(n, s) for n, s in found.shapes.items()
        }
        self.meanings: dict[str, Node] = {}
        self._made: list[Variable] = []
        self._joined: dict[Node, _Operation] = {}
        self._names = (f"u{k}" for k in count(1))

    def steps(self, answer: Node, first: int) -> tuple[Step, ...]:
        """The steps, numbered from `first`; the last becomes the answer."""
        links = list(self.links())
        products = self.products(links, {})
        if products:
            products[-1] = answer
        pairs = zip(links, products, strict=True)
        return tuple(
            self._step(link, k, product) for k, (link, product) in enumerate(pairs, first)
        )

    def links(self) -> Iterator[_Link]:
        """Every operation that depends on the variable, on symbols, in evaluation order."""
        operations = self._operations()
        for place, operation in enumerate(operations):
            if operation.node in self._symbols or operation.node in self._joined:
                continue
            is_last = operation.node is self._found.node
            if not is_last and self._joins(operation, operations[place + 1 :]):
                self._joined[operation.node] = operation
                continue
            names: list[str] = []
            local = self._local(operation, names)
            known = (self._by, *self._made)
            dependent = tuple(s for s in known if s.name in local.variables)
            symbol = variable(self._fresh(is_last=is_last), local.shape)
            operands = tuple(self._symbols.get(o, o) for o in operation.operands)
            partials = jacobian(local, dependent)
            yield _Link(symbol, names, operands, local, dependent, partials)
            self._made.append(symbol)
            self._symbols[operation.node] = symbol
            self.meanings[symbol.name] = operation.node

    def _operations(self) -> list[_Operation]:
        """The operations that the result is made by and that depend on the variable.

        Of several that make the same, the first: what leads back to it cancels.
        """
        split = [o for site in self._found.sites for o in self._split(site)]
        makers: dict[Node, _Operation] = {}
        for operation in split:
            if operation.node not in operation.operands:
                makers.setdefault(operation.node, operation)
        needed = {self._found.node}
        used: list[_Operation] = []
        for operation in reversed(makers.values()):
            if operation.node in needed and self._by.name in operation.node.variables:
                needed.update(operation.operands)
                used.append(operation)
        return used[::-1]

    def products(
        self, links: Sequence[_Link], instead: Mapping[tuple[Variable, Variable], Node]
    ) -> list[Node]:
        """The derivative of each symbol by the variable, some local ones being others."""
        derivatives: dict[Variable, Node] = {self._by: identity(self._by)}
        for link in links:
            shape = link.local.shape + self._by.shape
            terms = []
            for operand in link.dependent:
                partial = instead.get((link.symbol, operand), link.partials[operand])
                terms.append((ONE, _chained(partial, operand, derivatives[operand], self._by)))
            derivatives[link.symbol] = add(terms, shape)
        return [derivatives[link.symbol] for link in links]

    def _split(self, site: Site) -> Iterator[_Operation]:
        """A dot product as a product and a sum; in full, a mean as a sum and a quotient."""
        operands = site.operands
        is_dot = site.name in ("matmul", "dot") and len(operands) == 2
        if is_dot and all(o.ndim == 1 for o in operands):
            product = multiplied_entries(*operands)
            yield _Operation("multiply", product, operands, multiplied_entries)
            yield _Operation("sum", site.node, (product,), _total)
        elif site.name == "mean" and self._detail == "full" and not site.node.ndim:
            (argument,) = operands
            total = _total(argument)
            counts = contract([Factor(size_of(n), ()) for n in argument.shape], (), {})
            yield _Operation("sum", total, operands, _total)
            yield _Operation("divide", site.node, (total, counts), divided)
        else:
            yield _Operation(site.name, site.node, operands, site.build)

    def _joins(self, operation: _Operation, later: Sequence[_Operation]) -> bool:
        """Whether an operation is told with the next one: affine maps and losses, in brief."""
        if self._detail != "brief":
            return False
        users = [o for o in later if operation.node in o.operands]
        if len(users) != 1:
            return False
        (user,) = users
        is_loss = user.name in _LOSSES and operation.name in (*_AFFINE, "power")
        is_loss |= user.name == "power" and operation.name in _AFFINE
        return is_loss or (self._is_affine(operation) and self._is_affine(user))

    def _is_affine(self, operation: _Operation) -> bool:
        """Whether an operation is affine in what depends on the variable."""
        if operation.name in ("sum", "transpose"):
            return True
        dependent = [o for o in operation.operands if self._by.name in o.variables]
        is_sum = operation.name in ("add", "subtract", "negate")
        is_divisor = operation.name == "divide" and operation.operands[-1] in dependent
        return operation.name in _AFFINE and (is_sum or len(dependent) == 1) and not is_divisor

    def _step(self, link: _Link, number: int, product: Node) -> Step:
        local, dependent = link.local, link.dependent
        intermediate = [o for o in dependent if o is not self._by]
        chain = chain_of(dependent, intermediate, local, self._by)
        return Step(
            number=number,
            symbol=link.symbol.name,
            definition=formulas(local, self._taken),
            partials=tuple(self._partial(local, o, link.partials[o]) for o in dependent),
            rule=rule_of(link.names, link.operands, dependent, local, chain),
            becomes=formulas(product, self._taken, is_row=not local.ndim),
            value=self._value(self.meanings[link.symbol.name]),
        )

    def _local(self, operation: _Operation, names: list[str]) -> Node:
        """The operation on symbols; its name and those of what is joined go to `names`."""
        names.append(operation.name)
        operands = []
        for operand in operation.operands:
            symbol = self._symbols.get(operand)
            inner = self._joined.get(operand)
            if symbol is None and inner is not None:
                operands.append(self._local(inner, names))
            else:
                operands.append(operand if symbol is None else symbol)
        return operation.build(*operands)

    def _partial(self, local: Node, operand: Variable, node: Node) -> Partial:
        return Partial(
            by=operand.name,
            formulas=formulas(node, self._taken, is_row=not local.ndim),
            structure=structure_name(node, local, operand),
            shape=node.shape,
            value=self._value(node),
        )

    def _fresh(self, *, is_last: bool) -> str:
        """A symbol that nothing else is called."""
        candidates = iter(("y", "f", "z", "g")) if is_last else iter(())
        name = next((c for c in candidates if c not in self._taken), None)
        if name is None:
            name = next(n for n in self._names if n not in self._taken)
        self._taken.add(name)
        return name

    def _value(self, node: Node) -> Array | None:
        """The node's numbers, where all that it needs is given and they are few."""
        meant = substituted(node, self.meanings)
        is_given = self._values and meant.variables <= self._values.keys()
        if not is_given or not is_sized(meant) or extent(meant.shape) > MOST_NUMBERS:
            return None
        plan = compile_plan([meant])
        if plan.estimate.flops > _MOST_FLOPS or plan.estimate.peak_bytes > _MOST_BYTES:
            return None
        return np.asarray(execute(plan, self._values)[0], dtype=np.float64)


def _chained(partial: Node, operand: Variable, before: Node, by: Variable) -> Node:
    """∂local/∂operand · ∂operand/∂variable."""
    out = partial.ndim - operand.ndim
    inner = tuple(range(out, partial.ndim))
    into = tuple(range(partial.ndim, partial.ndim + by.ndim))
    factors = [Factor(partial, (*range(out), *inner)), Factor(before, (*inner, *into))]
    return contract(factors, (*range(out), *into), {})


def _total(node: Node) -> Node:
    return summed(node, range(node.ndim))
