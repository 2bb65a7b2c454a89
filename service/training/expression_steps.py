"""A step that makes any scalar expression smaller, in some of its variables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.computation.answers import Answer
from service.computation.budget import Allowance
from service.computation.compute import Computer
from service.computation.requests import Request
from service.errors import NonFiniteResultError, UnknownNameError
from service.language.places import nearest, shown
from service.training.passes import Clip, Stepped, step
from service.training.states import OptimizerState
from service.training.updater import ChosenOptimizer

_LISTED = 10


@dataclass(frozen=True, slots=True)
class ExpressionStep:
    """The value and its gradient before the step, and the parameters after it."""

    answer: Answer
    stepped: Stepped


def step_of_expression(
    computer: Computer,
    request: Request,
    optimizer: ChosenOptimizer,
    state: OptimizerState | None,
    clip: Clip,
    allowance: Allowance | None = None,
) -> ExpressionStep:
    """One step in the variables of the request's `wrt`, against the gradient.

    Raises:
        GradserveError: for whatever is wrong with the expression or the state, with its place.
    """
    names = list(request.wrt or ())
    for place, name in enumerate(names):
        if name not in request.variables:
            raise _unknown(name, place, list(request.variables))
    parameters = {name: request.variables[name] for name in names}
    try:
        answer = computer.answer(request, allowance)
    except NonFiniteResultError as error:
        # There is no step from a gradient that is not finite, so none is allowed.
        error.faults = tuple(
            replace(f, hint="change the values that it is made of") for f in error.faults
        )
        raise
    stepped = step(parameters, answer.gradients, optimizer, state, clip)
    return ExpressionStep(answer, stepped)


def _unknown(name: str, place: int, declared: Sequence[str]) -> UnknownNameError:
    near = nearest(name, declared)
    offer = f"; did you mean {shown(near)}?" if near else ""
    return UnknownNameError(
        f"unknown name {shown(name)} in parameters{offer}",
        pointer=f"/parameters/{place}",
        hint=f"declared variables: {', '.join(declared[:_LISTED]) or 'none'}",
    )
