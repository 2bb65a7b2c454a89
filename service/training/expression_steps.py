"""A step that makes any scalar expression smaller, in some of its variables."""

from dataclasses import dataclass, replace

from service.computation.answers import Answer
from service.computation.budget import Allowance
from service.computation.compute import Computer
from service.computation.requests import Request
from service.errors import NonFiniteResultError
from service.training.clipping import Clip
from service.training.passes import Stepped, step
from service.training.problems import check_names
from service.training.states import OptimizerState
from service.training.updater import ChosenOptimizer


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
    check_names(list(request.variables), names, pointer="/parameters")
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
