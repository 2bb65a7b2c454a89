"""A request compiled: the plan, and how its outputs become the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.calculus.differentiate import gradient, jacobian
from service.calculus.graph import Node, Variable, construction_limit, variable
from service.calculus.normal_form import is_zero
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
from service.computation.answers import Notice, Representation
from service.errors import BudgetExceededError, NotScalarError, UnknownNameError
from service.language.elaborate import Elaborated, Site, elaborate
from service.language.parser import parse
from service.language.places import nearest, shown
from service.language.syntax import Syntax
from service.numeric.compile import compile_plan
from service.numeric.plan import Plan
from service.settings import Limits

OperationName = Literal["evaluate", "gradient", "jacobian"]
Shape = tuple[int, ...]

_BYTES = 8


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
    shapes = dict(question.shapes)
    wrt = _wrt(question, shapes)
    with construction_limit(limits.max_graph_nodes):
        elaborated = elaborate(question.expression, syntax, shapes, limits)
        outputs = _Outputs()
        outputs.index(elaborated.node)
        forms = _derivatives(question, elaborated, wrt, shapes, outputs, syntax)
        answers = len(outputs.nodes)
        kinks = _watched(question, elaborated, wrt, outputs)
        plan = compile_plan(outputs.nodes)
    answer_bytes = _BYTES * sum(entries(n.shape) for n in outputs.nodes[:answers])
    _check_budget(plan, answer_bytes, question, limits)
    notices = _unused(question, elaborated, wrt)
    return Compiled(question, syntax, plan, wrt, forms, kinks, notices, answer_bytes)


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
    elaborated: Elaborated,
    wrt: Sequence[str],
    shapes: Mapping[str, Shape],
    outputs: _Outputs,
    syntax: Syntax,
) -> tuple[DerivativeForm, ...]:
    node = elaborated.node
    variables = [variable(name, shapes[name]) for name in wrt]
    if question.operation == "evaluate" or not variables:
        return ()
    if question.operation == "gradient":
        if node.shape:
            shape = "×".join(map(str, node.shape))
            raise NotScalarError(
                f"a gradient needs a scalar expression, but this one has shape ({shape})",
                start=syntax.start,
                end=syntax.end,
                hint="POST /v1/jacobian gives the derivative of a vector or matrix; "
                "sum(...) or mean(...) makes the expression a scalar",
            )
        found = gradient(node, variables)
        return tuple(
            DerivativeForm(v.name, shapes[v.name], None, None, (outputs.index(found[v]),))
            for v in variables
        )
    jacobians = jacobian(node, variables)
    return tuple(
        _form(v, node, jacobians[v], outputs, question.representation) for v in variables
    )


def _form(
    by: Variable, of: Node, derivative: Node, outputs: _Outputs, representation: Representation
) -> DerivativeForm:
    shape = tuple(int(str(n)) for n in derivative.shape)
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
    question: Question, elaborated: Elaborated, wrt: Sequence[str], outputs: _Outputs
) -> tuple[WatchedKink, ...]:
    """The kinks that the derivatives asked for may meet, each watched by one more output."""
    if question.operation == "evaluate":
        return ()
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


def _check_budget(plan: Plan, answer_bytes: int, question: Question, limits: Limits) -> None:
    hint = (
        "ask for fewer variables, or reduce the expression to a scalar and ask for a gradient"
    )
    if question.representation == "dense":
        hint = 'ask for "representation": "auto", which keeps diagonals and factors apart'
    figures = [
        ("the answer would hold", answer_bytes, limits.max_answer_bytes),
        ("the computation would need", plan.estimate.peak_bytes, limits.max_peak_bytes),
    ]
    for what, estimated, limit in figures:
        if estimated > limit:
            raise BudgetExceededError(
                f"{what} an estimated {estimated:,} bytes, over the limit of {limit:,}; "
                f"it would take about {plan.estimate.flops:.1e} flops",
                pointer="/expression",
                hint=hint,
            )
    if plan.estimate.flops > limits.max_flops:
        raise BudgetExceededError(
            f"the computation would take an estimated {plan.estimate.flops:.1e} flops, over the "
            f"limit of {limits.max_flops:.1e}",
            pointer="/expression",
            hint="split the data, or ask for fewer derivatives at a time",
        )
