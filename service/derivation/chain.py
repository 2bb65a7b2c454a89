"""The chain of a derivation: every operation on fresh symbols, and the product of its links."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

from service.calculus.differentiate import identity, jacobian
from service.calculus.graph import ONE, Factor, Node, Variable, variable
from service.calculus.normal_form import contract
from service.calculus.terms import add, is_zero
from service.derivation.operations import Operation, names_of_sizes, operations_of
from service.derivation.rules import Applied
from service.language.elaborate import Elaborated

Detail = Literal["brief", "standard", "full"]
_AFFINE = frozenset(("add", "subtract", "negate", "multiply", "divide", "matmul", "transpose"))
_LOSSES = frozenset(("sum", "mean"))


@dataclass(frozen=True, slots=True)
class Link:
    """An operation on symbols, and its derivatives by those that depend on the variable."""

    symbol: Variable
    parts: Sequence[Applied]
    local: Node
    dependent: tuple[Variable, ...]
    partials: Mapping[Variable, Node]


class Chain:
    """The links by one variable: symbols, what they mean, and their derivatives.

    `taken` are the names that no symbol and no part of a formula may have.
    """

    def __init__(
        self, found: Elaborated, by: Variable, detail: Detail, taken: Iterable[str] = ()
    ) -> None:
        self._found = found
        self._by = by
        self._detail = detail
        self.taken = {*found.shapes, *found.names, *taken}
        self.taken |= names_of_sizes(found.shapes.values())
        self._symbols: dict[Node, Variable] = {
            variable(n, s): variable(n, s) for n, s in found.shapes.items()
        }
        self.meanings: dict[str, Node] = {}
        self._made: list[Variable] = []
        # Told inside the steps that use them.
        self._joined: dict[Node, Operation] = {}
        self._conditions: dict[Node, Operation] = {}
        self._names = (f"u{k}" for k in count(1))

    def links(self) -> Iterator[Link]:
        """Every operation that depends on the variable, on symbols, in evaluation order."""
        is_full = self._detail == "full"
        found = operations_of(self._found, self._by.name, is_full=is_full)
        self._conditions = found.conditions
        for place, operation in enumerate(found.told):
            if operation.node in self._symbols or operation.node in self._joined:
                continue
            is_last = operation.node is self._found.node
            if not is_last and self._joins(operation, found.told[place + 1 :]):
                self._joined[operation.node] = operation
                continue
            parts: list[Applied] = []
            local = self._local(operation, parts)
            known = [s for s in (self._by, *self._made) if s.name in local.variables]
            partials = jacobian(local, known)
            # What stands in conditions alone is no operand to differentiate by.
            moving = [s for s in known if not is_zero(partials[s])]
            symbol = variable(self.fresh(is_last=is_last), local.shape)
            yield Link(symbol, parts, local, tuple(moving or known), partials)
            self._made.append(symbol)
            self._symbols[operation.node] = symbol
            self.meanings[symbol.name] = operation.node

    def products(
        self, links: Sequence[Link], instead: Mapping[tuple[Variable, Variable], Node]
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

    def _joins(self, operation: Operation, later: Sequence[Operation]) -> bool:
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

    def _is_affine(self, operation: Operation) -> bool:
        """Whether an operation is affine in what depends on the variable."""
        if operation.name in ("sum", "transpose"):
            return True
        dependent = [o for o in operation.operands if self._by.name in o.variables]
        is_sum = operation.name in ("add", "subtract", "negate")
        is_divisor = operation.name == "divide" and operation.operands[-1] in dependent
        return operation.name in _AFFINE and (is_sum or len(dependent) == 1) and not is_divisor

    def _local(self, operation: Operation, parts: list[Applied]) -> Node:
        """The operation on symbols; it and what is joined in it go to `parts`."""
        place = len(parts)
        operands = [self._operand(o, parts) for o in operation.operands]
        varies = tuple(
            self._by.name in o.variables and o not in self._conditions
            for o in operation.operands
        )
        part = Applied(operation.name, tuple(operands), varies, operation.is_entrywise)
        parts.insert(place, part)
        return operation.build(*operands)

    def _operand(self, operand: Node, parts: list[Applied]) -> Node:
        """An operand as its symbol, or as what is told inside the step."""
        symbol = self._symbols.get(operand)
        if symbol is not None:
            return symbol
        if operand in self._joined:
            return self._local(self._joined[operand], parts)
        if operand in self._conditions:
            return self._local(self._conditions[operand], [])
        return operand

    def fresh(self, *, is_last: bool) -> str:
        """A symbol that nothing else is called."""
        candidates = iter(("y", "f", "z", "g")) if is_last else iter(())
        name = next((c for c in candidates if c not in self.taken), None)
        if name is None:
            name = next(n for n in self._names if n not in self.taken)
        self.taken.add(name)
        return name


def _chained(partial: Node, operand: Variable, before: Node, by: Variable) -> Node:
    """∂local/∂operand · ∂operand/∂variable."""
    out = partial.ndim - operand.ndim
    inner = tuple(range(out, partial.ndim))
    into = tuple(range(partial.ndim, partial.ndim + by.ndim))
    factors = [Factor(partial, (*range(out), *inner)), Factor(before, (*inner, *into))]
    return contract(factors, (*range(out), *into), {})
