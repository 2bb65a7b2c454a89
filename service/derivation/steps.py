"""The steps of a derivation: every operation on fresh symbols, then the chain product."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.calculus.axes import transposed
from service.calculus.differentiate import identity
from service.calculus.dimensions import Shape, extent
from service.calculus.graph import Node, Variable, construction_limit, variable
from service.calculus.rebuilding import substituted
from service.computation.analysis import is_sized
from service.derivation.chain import Chain, Detail, Link
from service.derivation.operations import names_of_sizes
from service.derivation.rules import Rule, chain_of, rule_of, whole_rule
from service.derivation.structures import StructureName, structure_name
from service.errors import OverLimitError
from service.language.declarations import Declarations
from service.language.elaborate import Elaborated, elaborate
from service.language.parser import parse
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.rendering.render import Formulas, formulas
from service.rendering.writer import written_formula
from service.settings import Limits

Layout = Literal["numerator", "denominator"]
Array = NDArray[np.float64]
Values = Mapping[str, Array]
# Numbers beside a step are there to be read: large ones are left out.
MOST_NUMBERS = 10_000
_MOST_FLOPS = 10**8
_MOST_BYTES = 2**26
# Nodes of a gradient from which its steps would be more than anybody reads.
_MOST_READ = 200


@dataclass(frozen=True, slots=True)
class Partial:
    """The local derivative of a step by one of its operands, of shape output + operand.

    In denominator layout its transpose, of shape operand + output.
    """

    by: str
    formulas: Formulas
    structure: StructureName
    shape: Shape
    value: Array | None


@dataclass(frozen=True, slots=True)
class Step:
    """One operation: symbol and definition, local derivatives, what the product becomes.

    `becomes` is the derivative of the symbol by the variable, by the chain rule from the steps
    before, in the layout that is asked; the last one is the answer. `value` is the symbol's
    where values are given and they are few.
    """

    number: int
    symbol: str
    definition: Formulas
    partials: tuple[Partial, ...]
    rule: Rule
    becomes: Formulas
    value: Array | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How steps are told: how fine, in which layout, with what numbers beside them."""

    detail: Detail = "standard"
    layout: Layout = "numerator"
    values: Values = field(default_factory=dict)


def steps_of(
    found: Elaborated, answer: Node, by: Variable, telling: Telling, limits: Limits
) -> tuple[Step, ...]:
    """The steps to the derivative of an expression by a variable, the answer.

    At least one: of an expression without an operation that depends on the variable, or with
    too many to be told, itself.
    """
    return _told(found, answer, by, telling, limits)


def second_steps_of(
    found: Elaborated,
    gradient: Node,
    answer: Node,
    by: Variable,
    telling: Telling,
    limits: Limits,
) -> tuple[Step, ...]:
    """The steps to the gradient, and from its closed form to the second derivative.

    From a gradient that is too long for an expression it is one step.
    """
    first = _told(found, gradient, by, telling, limits)
    try:
        again = _read_again(found, gradient, limits)
    except OverLimitError:
        again = replace(found, node=gradient, sites=())
    return first + _told(again, answer, by, telling, limits, before=first)


def _told(
    found: Elaborated,
    answer: Node,
    by: Variable,
    telling: Telling,
    limits: Limits,
    before: Sequence[Step] = (),
) -> tuple[Step, ...]:
    """The steps of a half, within a limit of nodes of their own, or one where it is reached."""
    taken = [step.symbol for step in before]
    number = len(before) + 1
    try:
        with construction_limit(limits.max_graph_nodes):
            return _Derivation(found, by, telling, taken).steps(answer, number)
    except OverLimitError:
        with construction_limit(limits.max_graph_nodes):
            return _Derivation(found, by, telling, taken).as_one_step(answer, number)


def _read_again(found: Elaborated, gradient: Node, limits: Limits) -> Elaborated:
    """The gradient as an expression of its own, with its operations."""
    declared = Declarations(found.shapes, names_of_sizes(found.shapes.values()))
    nodes = min(limits.max_expression_nodes, _MOST_READ)
    with construction_limit(limits.max_graph_nodes):
        text = written_formula(gradient, found.shapes).text
        syntax = parse(text, replace(limits, max_expression_nodes=nodes))
        return elaborate(text, syntax, declared, limits)


def products_with_a_factor_left_out(found: Elaborated, by: Variable) -> Iterator[Node]:
    """The chain product once for each local derivative that could be forgotten.

    That is one whose operand has the symbol's shape: the identity stands in its place.
    """
    chain = Chain(found, by, "standard")
    links = list(chain.links())
    for link in links:
        for operand in link.dependent:
            if operand.shape == link.local.shape:
                left_out = {(link.symbol, operand): identity(operand)}
                products = chain.products(links, left_out)
                yield substituted(products[-1], chain.meanings)


class _Derivation:
    """A chain told: its formulas, rules and numbers."""

    def __init__(
        self, found: Elaborated, by: Variable, telling: Telling, taken: Iterable[str]
    ) -> None:
        self._found = found
        self._by = by
        self._telling = telling
        self._chain = Chain(found, by, telling.detail, taken)
        self._answer: Node | None = None

    def steps(self, answer: Node, first: int) -> tuple[Step, ...]:
        """The steps, numbered from `first`; the last becomes the answer."""
        self._answer = answer
        links = list(self._chain.links())
        if not links:
            return self.as_one_step(answer, first)
        products = self._chain.products(links, {})
        products[-1] = answer
        pairs = zip(links, products, strict=True)
        return tuple(
            self._step(link, k, product) for k, (link, product) in enumerate(pairs, first)
        )

    def as_one_step(self, answer: Node, number: int) -> tuple[Step, ...]:
        """The expression itself as a step, whose operations are not told."""
        self._answer = answer
        node = self._found.node
        symbol = variable(self._chain.fresh(is_last=True), node.shape)
        self._chain.meanings[symbol.name] = node
        link = Link(symbol, (), node, (self._by,), {self._by: answer})
        return (self._step(link, number, answer),)

    def _step(self, link: Link, number: int, product: Node) -> Step:
        local, dependent = link.local, link.dependent
        intermediate = [o for o in dependent if o is not self._by]
        if link.parts:
            chain = chain_of(dependent, intermediate, local, self._by)
            rule = rule_of(link.parts, local, chain)
        else:
            rule = whole_rule(local, self._by)
        return Step(
            number=number,
            symbol=link.symbol.name,
            definition=formulas(local, self._chain.taken),
            partials=tuple(self._partial(local, o, link.partials[o]) for o in dependent),
            rule=rule,
            becomes=self._formulas(
                self._laid_out(product, local),
                local,
                self._by,
                is_settled=product is self._answer,
            ),
            value=self._value(self._chain.meanings[link.symbol.name]),
        )

    def _partial(self, local: Node, operand: Variable, node: Node) -> Partial:
        laid_out = self._laid_out(node, local)
        return Partial(
            by=operand.name,
            formulas=self._formulas(laid_out, local, operand),
            structure=structure_name(node, local, operand),
            shape=laid_out.shape,
            value=self._value(laid_out),
        )

    def _laid_out(self, derivative: Node, of: Node) -> Node:
        """A derivative in the layout that is asked, its axes in their order."""
        if self._telling.layout == "numerator":
            return derivative
        axes = range(derivative.ndim)
        return transposed(derivative, (*axes[of.ndim :], *axes[: of.ndim]))

    def _formulas(
        self, derivative: Node, of: Node, by: Node, *, is_settled: bool = False
    ) -> Formulas:
        is_row = not (of if self._telling.layout == "numerator" else by).ndim
        taken = self._chain.taken
        return formulas(derivative, taken, is_row=is_row, is_settled=is_settled)

    def _value(self, node: Node) -> Array | None:
        """The node's numbers, where all that it needs is given and they are few."""
        meant = substituted(node, self._chain.meanings)
        values = self._telling.values
        is_given = values and meant.variables <= values.keys()
        if not is_given or not is_sized(meant) or extent(meant.shape) > MOST_NUMBERS:
            return None
        plan = compile_plan([meant])
        if plan.estimate.flops > _MOST_FLOPS or plan.estimate.peak_bytes > _MOST_BYTES:
            return None
        return np.asarray(execute(plan, values)[0], dtype=np.float64)
