"""A request compiled: the plan, and how its outputs become the answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal

from service.calculus.dimensions import shown as shown_shape
from service.calculus.graph import Node, Variable, construction_limit, variable
from service.calculus.rules.records import Kink as KinkRule
from service.calculus.structure import entries
from service.computation.answers import Array, Notice, Representation
from service.computation.budget import BYTES_PER_NUMBER, SizedValue, check_budget
from service.computation.directions import Given, direction_inputs
from service.computation.forms import Form, Lift, Outputs, Wanted, form_of
from service.computation.operations import OPERATIONS, Asked, Operation, OperationName
from service.computation.samples import sampled
from service.errors import (
    DeadlineExceededError,
    NotScalarError,
    OverLimitError,
    UnknownNameError,
)
from service.language.declarations import Declarations
from service.language.elaborate import Elaborated, Site, elaborate
from service.language.parser import Dialect, parse
from service.language.places import nearest, shown
from service.language.syntax import Syntax
from service.numeric.compile import compile_plan
from service.numeric.plan import Plan
from service.settings import Limits

Shape = tuple[int, ...]
Shapes = tuple[tuple[str, Shape], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asks, with the values.

    `directions` are the tangents or vectors by name, or the `cotangent`; with `many`, each has
    a leading axis that counts directions. `batch` names variables whose first axis counts
    samples. `allows_nonfinite`: an answer that is not finite is answered with a warning
    instead of refused. `certify`: central differences are to bear it out. `dtype` is the
    precision computed in. `pointer_at`, where the expression stands for a JSON tree, gives the
    pointer to the node at a place of it.
    """

    operation: OperationName
    expression: str
    variables: Mapping[str, Array]
    wrt: Sequence[str] | None = None
    representation: Representation = "auto"
    directions: Mapping[str, Array] = field(default_factory=dict)
    many: bool = False
    stack: bool = False
    batch: Sequence[str] = ()
    allows_nonfinite: bool = False
    certify: bool = False
    dtype: Literal["float64", "float32"] = "float64"
    dialect: Dialect = "numpy"
    pointer_at: Callable[[int, int], str] | None = None

    @property
    def question(self) -> "Question":
        """The request without its values."""
        return Question(
            self.operation,
            self.expression,
            tuple((name, value.shape) for name, value in self.variables.items()),
            None if self.wrt is None else tuple(self.wrt),
            self.representation,
            tuple((name, value.shape) for name, value in self.directions.items()),
            self.many,
            self.stack,
            tuple(self.batch),
            self.dialect,
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, without the values: the key under which its plan is kept."""

    operation: OperationName
    expression: str
    shapes: Shapes
    wrt: tuple[str, ...] | None
    representation: Representation
    directions: Shapes = ()
    many: bool = False
    stack: bool = False
    batch: tuple[str, ...] = ()
    dialect: Dialect = "numpy"


@dataclass(frozen=True, slots=True)
class WatchedKink:
    """A kink of the expression and the output that tells where it is met."""

    site: Site
    rule: KinkRule
    output: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """A question ready to be answered for any values; `shapes` are those in one sample.

    `syntax` is in the numpy dialect, whatever the question's.
    """

    question: Question
    shapes: Mapping[str, Shape]
    syntax: Syntax
    plan: Plan
    wrt: tuple[str, ...]
    forms: tuple[Form, ...]
    stacked: tuple[int, ...]
    kinks: tuple[WatchedKink, ...]
    notices: tuple[Notice, ...]
    answer_bytes: int


def compile_question(question: Question, limits: Limits) -> Compiled:
    """Parse, differentiate, plan, and check the plan's cost against the limits.

    Raises:
        GradserveError: for what is wrong with the expression, or over a limit or the budget.
    """
    syntax = parse(question.expression, limits, question.dialect)
    wrt = _wrt(question, dict(question.shapes))
    with construction_limit(limits.max_graph_nodes):
        try:
            return _compiled(question, syntax, wrt, limits)
        except (OverLimitError, DeadlineExceededError) as error:
            raise error.at(syntax.start, syntax.end) from None


def _compiled(
    question: Question, syntax: Syntax, wrt: tuple[str, ...], limits: Limits
) -> Compiled:
    samples = sampled(question.shapes, question.batch)
    shapes = samples.shapes
    operation = OPERATIONS[question.operation]
    elaborated = elaborate(
        question.expression, syntax, Declarations(shapes), limits, question.dialect
    )
    root = elaborated.node
    variables = [variable(name, shapes[name]) for name in wrt]
    directions = {}
    if operation.directions:
        _check_scalar(operation, root, syntax)
        directions = direction_inputs(
            operation.directions,
            {v.name: v.shape for v in variables},
            root.shape,
            Given(question.directions, question.many, samples),
        )
    wanted = _wanted(question, operation, root, variables, directions, syntax)
    lift = samples.lift(directions)
    outputs = Outputs()
    outputs.index(lift(root) if lift else root)
    forms = tuple(form_of(w, outputs, question.representation, lift) for w in wanted)
    parts = [lift(w.node) if lift else w.node for w in wanted] if question.stack else []
    stacked = tuple(outputs.index(part) for part in parts)
    answer_bytes = BYTES_PER_NUMBER * sum(entries(n.shape) for n in outputs.nodes)
    answer_bytes += BYTES_PER_NUMBER * sum(entries(part.shape) for part in parts)
    kinks = _watched(elaborated, wrt, outputs, lift) if forms else ()
    plan = compile_plan(outputs.nodes)
    check_budget(plan.estimate, answer_bytes, _values(elaborated, forms), limits)
    notices = unused(shapes, elaborated.names, wrt)
    return Compiled(
        question,
        shapes,
        elaborated.syntax,
        plan,
        wrt,
        forms,
        stacked,
        kinks,
        notices,
        answer_bytes,
    )


def _values(elaborated: Elaborated, forms: Sequence[Form]) -> list[SizedValue]:
    """What a request makes, for the error that names the largest."""
    values = [SizedValue(s.node.shape, s.start, s.end) for s in elaborated.sites]
    for form in forms:
        if form.special is None and form.terms is None:
            values.append(SizedValue(form.shape, by=" and ".join(form.path[1:]) or None))
    return values


def _wrt(question: Question, shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    operation = OPERATIONS[question.operation]
    if operation.group is None:
        return ()
    names, field_name = tuple(shapes) if question.wrt is None else question.wrt, "wrt"
    if question.wrt is None and operation.directions in ("tangents", "vectors"):
        names = tuple(name for name, _ in question.directions)
        field_name = operation.directions
    for position, name in enumerate(names):
        if name not in shapes:
            close = nearest(name, shapes)
            offer = f"; did you mean {shown(close)}?" if close else ""
            place = position if field_name == "wrt" else name
            raise UnknownNameError(
                f"unknown name {shown(name)} in {field_name}{offer}",
                pointer=f"/{field_name}/{place}",
                hint=f"declared variables: {', '.join(list(shapes)[:10]) or 'none'}",
            )
    return names


def _wanted(
    question: Question,
    operation: Operation,
    node: Node,
    variables: Sequence[Variable],
    directions: Mapping[str, Variable],
    syntax: Syntax,
) -> list[Wanted]:
    """The results of the operation as graphs."""
    _check_scalar(operation, node, syntax)
    if not variables:
        return []
    return operation.build(Asked(node, variables, directions, question.many))


def _check_scalar(operation: Operation, node: Node, syntax: Syntax) -> None:
    if operation.of_scalar and node.shape:
        what, other = operation.of_scalar
        raise NotScalarError(
            f"{what} needs a scalar expression, but this one has shape "
            f"({shown_shape(node.shape)})",
            start=syntax.start,
            end=syntax.end,
            hint=f"POST /v1/{other} differentiates a vector or matrix; "
            "sum(...) or mean(...) makes the expression a scalar",
        )


def _watched(
    elaborated: Elaborated, wrt: Sequence[str], outputs: Outputs, lift: Lift | None
) -> tuple[WatchedKink, ...]:
    """The kinks that the derivatives asked for may meet, each watched by one more output."""
    names = frozenset(wrt)
    watched = []
    for site in elaborated.sites:
        if all(names.isdisjoint(o.variables) for o in site.operands):
            continue
        watched += [
            WatchedKink(site, rule, outputs.index(lift(rule.watched) if lift else rule.watched))
            for rule in site.kinks()
        ]
    return tuple(watched)


def unused(
    declared: Iterable[str], used: Set[str], wrt: Sequence[str], field: str = "variables"
) -> tuple[Notice, ...]:
    """A notice for each name of a field that the expression does not use."""
    notices = []
    for name in declared:
        if name not in used:
            effect = "; its derivative is zero" if name in wrt else ""
            notices.append(
                Notice(
                    "unused_variable",
                    f"the expression does not use {shown(name)}{effect}",
                    pointer=f"/{field}/{name}",
                )
            )
    return tuple(notices)
