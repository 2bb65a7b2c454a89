"""The closed form of each derivative of an expression, without values or with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.calculus.axes import transposed
from service.calculus.differentiate import gradient, jacobian
from service.calculus.dimensions import Shape
from service.calculus.dimensions import shown as shown_shape
from service.calculus.graph import Node, Variable, variable
from service.computation.analysis import AnalysisRequest, bounded, estimated, unused_of
from service.computation.answers import Notice
from service.derivation.chain import Detail
from service.derivation.steps import (
    Layout,
    Step,
    Telling,
    second_steps_of,
    steps_of,
)
from service.derivation.structures import StructureName, structure_name
from service.errors import (
    DeadlineExceededError,
    NotScalarError,
    OverLimitError,
    UnknownNameError,
)
from service.language.declarations import Declarations
from service.language.elaborate import Elaborated, elaborate
from service.language.parser import parse
from service.language.places import nearest, shown
from service.numeric.plan import Estimate
from service.rendering.index_notation import index_notation
from service.rendering.numpy_code import numpy_function
from service.rendering.render import Formulas
from service.rendering.render import shown as shown_formula
from service.rendering.settling import settled_formula
from service.settings import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class DeriveRequest:
    """What is to be differentiated, by what, how often, and how it is to be shown.

    `values`, where given, are what the steps are computed with.
    """

    analysis: AnalysisRequest
    wrt: Sequence[str] | None = None
    layout: Layout = "numerator"
    order: int = 1
    steps: bool = False
    detail: Detail = "standard"
    values: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Derivative:
    """The closed form of a derivative in every form, and the steps that lead to it.

    `shape` is the output's, then the variable's; the other way round in denominator layout.
    `index_notation` is None where it would be over 20,000 characters.
    """

    node: Node
    formulas: Formulas
    index_notation: str | None
    numpy: str
    structure: StructureName
    shape: Shape
    steps: tuple[Step, ...] | None


@dataclass(frozen=True, slots=True)
class Derivation:
    """The derivatives by variable, and what was taken as given."""

    derivatives: Mapping[str, Derivative]
    variables: Mapping[str, Shape]
    assumed: tuple[str, ...]
    layout: Layout
    notices: tuple[Notice, ...]
    estimate: Estimate | None
    answer_bytes: int


def derived(request: DeriveRequest, limits: Limits, seconds: float | None = None) -> Derivation:
    """The closed forms of the derivatives that are asked, within so many seconds.

    Raises:
        GradserveError: for whatever is wrong with the expression, with its place; for a formula
            that is too long.
    """
    with bounded(request.analysis, limits, seconds):
        return _derived(request, limits)


def _derived(request: DeriveRequest, limits: Limits) -> Derivation:
    asked = request.analysis
    syntax = parse(asked.expression, limits, asked.dialect)
    declared = Declarations(asked.shapes, asked.sizes, by_convention=True)
    try:
        found = elaborate(asked.expression, syntax, declared, limits, asked.dialect)
        names = _names(request, found)
        derivatives = {n: _derivative(n, request, found, limits) for n in names}
    except (OverLimitError, DeadlineExceededError) as error:
        raise error.at(syntax.start, syntax.end) from None
    notices = unused_of(asked, found.names, request.wrt or ())
    estimate, answer_bytes = estimated([d.node for d in derivatives.values()])
    return Derivation(
        derivatives,
        found.shapes,
        found.assumed,
        request.layout,
        notices,
        estimate,
        answer_bytes,
    )


def _names(request: DeriveRequest, found: Elaborated) -> list[str]:
    if request.wrt is None:
        return [n for n in found.shapes if n in found.names]
    for place, name in enumerate(request.wrt):
        if name not in found.shapes:
            close = nearest(name, found.shapes)
            offer = f"; did you mean {shown(close)}?" if close else ""
            raise UnknownNameError(
                f"unknown variable {shown(name)}{offer}",
                pointer=f"/wrt/{place}",
                hint=f"the variables are {', '.join(list(found.shapes)[:10]) or 'none'}",
            )
    return list(request.wrt)


def _derivative(
    name: str, request: DeriveRequest, found: Elaborated, limits: Limits
) -> Derivative:
    of, by = found.node, variable(name, found.shapes[name])
    if request.order == 2:
        if of.ndim:
            raise NotScalarError(
                "the second derivative is that of a scalar expression, not of a value of shape "
                f"({shown_shape(of.shape)})",
                start=found.syntax.start,
                end=found.syntax.end,
                hint="derive with order 1, or a sum over the entries",
            )
        of = gradient(of, [by])[by]
    node = jacobian(of, [by])[by]
    structure = structure_name(node, of, by)
    steps = _steps(request, found, of, node, by, limits) if request.steps else None
    is_row = not of.ndim and request.layout == "numerator"
    if request.layout == "denominator":
        node = transposed(node, (*range(of.ndim, node.ndim), *range(of.ndim)))
        is_row = not by.ndim
    written = settled_formula(node, found.shapes)
    given = {n: s for n, s in found.shapes.items() if n in found.names}
    order = "" if request.order == 1 else "²"
    summary = f"∂{order} of {_one_line(request.analysis.expression)} by {name}."
    code = numpy_function(written, "derivative", given, summary, node.shape)
    return Derivative(
        node=node,
        formulas=shown_formula(written, is_row=is_row),
        index_notation=index_notation(node, found.shapes),
        numpy=code,
        structure=structure,
        shape=node.shape,
        steps=steps,
    )


def _steps(
    request: DeriveRequest,
    found: Elaborated,
    of: Node,
    answer: Node,
    by: Variable,
    limits: Limits,
) -> tuple[Step, ...]:
    telling = Telling(detail=request.detail, layout=request.layout, values=request.values)
    if request.order == 1:
        return steps_of(found, answer, by, telling, limits)
    return second_steps_of(found, of, answer, by, telling, limits)


def _one_line(text: str) -> str:
    line = " ".join(text.replace("\\", "").replace('"', "'").split())
    return line if len(line) <= _MOST_SUMMARY else line[: _MOST_SUMMARY - 1] + "…"


_MOST_SUMMARY = 80
