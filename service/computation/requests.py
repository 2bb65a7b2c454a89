"""A request compiled: the plan, and how its outputs become the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.calculus.differentiate import gradient, jacobian
from service.calculus.dimensions import numbers
from service.calculus.dimensions import shown as shown_shape
from service.calculus.graph import Node, Variable, construction_limit, variable
from service.calculus.rules.records import Kink as KinkRule
from service.calculus.structure import (
    Diagonal,
    Identity,
    Special,
    TermStructure,
    entries,
    special_structure,
    stored_numbers,
    term_structures,
)
from service.calculus.terms import is_zero
from service.computation.answers import Notice, Representation
from service.computation.budget import BYTES_PER_NUMBER, SizedValue, check_budget
from service.errors import NotScalarError, OverLimitError, UnknownNameError
from service.language.elaborate import Elaborated, Site, elaborate
from service.language.parser import parse
from service.language.places import nearest, shown
from service.language.syntax import Syntax
from service.numeric.compile import compile_plan
from service.numeric.plan import Plan
from service.settings import Limits

OperationName = Literal["evaluate", "gradient", "jacobian"]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, without the values: the key under which its plan is kept."""

    operation: OperationName
    expression: str
    shapes: tuple[tuple[str, Shape], ...]
    wrt: tuple[str, ...] | None
    representation: Representation


@dataclass(frozen=True, slots=True)
class DerivativeForm:
    """How one variable's derivative is answered; the slots count the plan's outputs.

    A special structure or terms, or neither for all the numbers.
    """

    name: str
    shape: Shape
    special: Special | None
    terms: tuple[TermStructure, ...] | None
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WatchedKink:
    """A kink of the expression and the output that tells where it is met."""

    site: Site
    rule: KinkRule
    output: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """A question ready to be answered for any values of its shapes."""

    question: Question
    syntax: Syntax
    plan: Plan
    wrt: tuple[str, ...]
    forms: tuple[DerivativeForm, ...]
    kinks: tuple[WatchedKink, ...]
    notices: tuple[Notice, ...]
    answer_bytes: int


def compile_question(question: Question, limits: Limits) -> Compiled:
    """Parse, differentiate, plan, and check the plan's cost against the limits.

    Raises:
        GradserveError: for what is wrong with the expression, or over a limit or the budget.
    """
    syntax = parse(question.expression, limits)
    wrt = _wrt(question, dict(question.shapes))
    with construction_limit(limits.max_graph_nodes):
        try:
            return _compiled(question, syntax, wrt, limits)
        except OverLimitError as error:
            raise error.at(syntax.start, syntax.end) from None


def _compiled(
    question: Question, syntax: Syntax, wrt: tuple[str, ...], limits: Limits
) -> Compiled:
    shapes = dict(question.shapes)
    elaborated = elaborate(question.expression, syntax, shapes, limits)
    outputs = _Outputs()
    outputs.index(elaborated.node)
    variables = [variable(name, shapes[name]) for name in wrt]
    forms = _derivatives(question, elaborated.node, variables, outputs, syntax)
    answer_bytes = BYTES_PER_NUMBER * sum(entries(n.shape) for n in outputs.nodes)
    kinks = _watched(elaborated, wrt, outputs) if forms else ()
    plan = compile_plan(outputs.nodes)
    check_budget(plan.estimate, answer_bytes, _values(elaborated, forms), limits)
    notices = _unused(question, elaborated, wrt)
    return Compiled(question, syntax, plan, wrt, forms, kinks, notices, answer_bytes)


def _values(elaborated: Elaborated, forms: Sequence[DerivativeForm]) -> list[SizedValue]:
    """What a request makes, for the error that names the largest."""
    values = [SizedValue(s.node.shape, s.start, s.end) for s in elaborated.sites]
    for form in forms:
        if form.special is None and form.terms is None:
            values.append(SizedValue(form.shape, by=form.name))
    return values


class _Outputs:
    """The nodes a plan is to compute, each once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._places: dict[Node, int] = {}

    def index(self, node: Node) -> int:
        if node not in self._places:
            self._places[node] = len(self.nodes)
            self.nodes.append(node)
        return self._places[node]


def _wrt(question: Question, shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    if question.operation == "evaluate":
        return ()
    names = tuple(shapes) if question.wrt is None else question.wrt
    for position, name in enumerate(names):
        if name not in shapes:
            close = nearest(name, shapes)
            offer = f"; did you mean {shown(close)}?" if close else ""
            raise UnknownNameError(
                f"unknown name {shown(name)} in wrt{offer}",
                pointer=f"/wrt/{position}",
                hint=f"declared variables: {', '.join(list(shapes)[:10]) or 'none'}",
            )
    return names


def _derivatives(
    question: Question,
    node: Node,
    variables: Sequence[Variable],
    outputs: _Outputs,
    syntax: Syntax,
) -> tuple[DerivativeForm, ...]:
    if not variables:
        return ()
    if question.operation == "jacobian":
        jacobians = jacobian(node, variables)
        kind = question.representation
        return tuple(_form(v, node, jacobians[v], outputs, kind) for v in variables)
    if node.shape:
        raise NotScalarError(
            "a gradient needs a scalar expression, but this one has shape "
            f"({shown_shape(node.shape)})",
            start=syntax.start,
            end=syntax.end,
            hint="POST /v1/jacobian gives the derivative of a vector or matrix; "
            "sum(...) or mean(...) makes the expression a scalar",
        )
    found = gradient(node, variables)
    return tuple(
        DerivativeForm(v.name, numbers(v.shape), None, None, (outputs.index(found[v]),))
        for v in variables
    )


def _form(
    by: Variable, of: Node, derivative: Node, outputs: _Outputs, representation: Representation
) -> DerivativeForm:
    shape = numbers(derivative.shape)
    is_number = not shape and of is not by and not is_zero(derivative)
    if representation == "dense" or (representation == "auto" and is_number):
        return DerivativeForm(by.name, shape, None, None, (outputs.index(derivative),))
    if representation == "auto":
        special = special_structure(derivative, of.ndim)
        if special is not None:
            used: tuple[int, ...] = ()
            if isinstance(special, Identity):
                used = (outputs.index(special.scale),)
            elif isinstance(special, Diagonal):
                used = (outputs.index(special.diagonal),)
            return DerivativeForm(by.name, shape, special, None, used)
    terms = tuple(term_structures(derivative))
    if representation == "auto" and 2 * stored_numbers(list(terms)) > entries(shape):
        return DerivativeForm(by.name, shape, None, None, (outputs.index(derivative),))
    stored = []
    for term in terms:
        stored.append(outputs.index(term.scale))
        stored += [outputs.index(f.tensor) for f in term.factors if f.tensor is not None]
    return DerivativeForm(by.name, shape, None, terms, tuple(stored))


def _watched(
    elaborated: Elaborated, wrt: Sequence[str], outputs: _Outputs
) -> tuple[WatchedKink, ...]:
    """The kinks that the derivatives asked for may meet, each watched by one more output."""
    names = frozenset(wrt)
    watched = []
    for site in elaborated.sites:
        if all(names.isdisjoint(o.variables) for o in site.operands):
            continue
        watched += [
            WatchedKink(site, rule, outputs.index(rule.watched)) for rule in site.kinks()
        ]
    return tuple(watched)


def _unused(
    question: Question, elaborated: Elaborated, wrt: Sequence[str]
) -> tuple[Notice, ...]:
    notices = []
    for name, _ in question.shapes:
        if name not in elaborated.names:
            effect = "; its derivative is zero" if name in wrt else ""
            notices.append(
                Notice(
                    "unused_variable",
                    f"the expression does not use {shown(name)}{effect}",
                    pointer=f"/variables/{name}",
                )
            )
    return tuple(notices)
