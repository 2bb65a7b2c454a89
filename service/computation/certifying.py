"""The certificate of an answer: central differences of the expression it differentiates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from service.computation.answers import Answer, Certificate
from service.computation.certificate import (
    Values,
    applied,
    certified,
    random_directions,
)
from service.computation.operations import OUTPUT
from service.computation.requests import Request

Array = NDArray[np.float64]
Ask = Callable[[Request], Answer]


def certificate_of(ask: Ask, request: Request, answer: Answer) -> Certificate | None:
    """What central differences say of the answer's derivatives at the given point.

    Of a value alone there is nothing to certify: None. Of many directions, the first is tried.
    """
    certify = _CERTIFIERS.get(request.operation)
    if certify is None:
        return None
    plain = replace(
        request, certify=False, stack=False, directions={}, many=False, representation="auto"
    )
    return certify(ask, plain, request, answer)


def _value(ask: Ask, plain: Request) -> Callable[[Values], Array]:
    def value(values: Values) -> Array:
        moved = replace(plain, operation="evaluate", variables=values, wrt=None)
        return ask(moved).value

    return value


def _gradient(ask: Ask, plain: Request, names: Sequence[str]) -> Callable[[Values], Array]:
    """All gradients as one vector."""

    def gradient(values: Values) -> Array:
        moved = replace(plain, operation="gradient", variables=values, wrt=tuple(names))
        found = ask(moved).gradients
        return np.concatenate([np.ravel(found[n]) for n in names])

    return gradient


def _of_gradients(ask: Ask, plain: Request, request: Request, answer: Answer) -> Certificate:
    return _of_slopes(ask, plain, request, answer, answer.gradients, _dotted)


def _of_vjp(ask: Ask, plain: Request, request: Request, answer: Answer) -> Certificate:
    cotangent = request.directions[OUTPUT]
    found = answer.vjp
    if request.many:
        cotangent, found = cotangent[0], {n: v[0] for n, v in found.items()}
    value = _value(ask, plain)
    directions = random_directions(request.variables, list(found))
    slope = np.asarray(sum(_dotted(found[n], d) for n, d in directions.items()))
    return certified(
        lambda values: np.asarray(np.sum(cotangent * value(values))),
        request.variables,
        directions,
        slope,
        has_kinks=bool(answer.kinks),
    )


def _of_jacobians(ask: Ask, plain: Request, request: Request, answer: Answer) -> Certificate:
    return _of_slopes(ask, plain, request, answer, answer.jacobians, applied)


def _of_slopes(
    ask: Ask,
    plain: Request,
    request: Request,
    answer: Answer,
    found: Mapping[str, object],
    slope_of: Callable[..., Array],
) -> Certificate:
    directions = random_directions(request.variables, list(found))
    slope = np.asarray(sum(slope_of(found[n], d) for n, d in directions.items()))
    value = _value(ask, plain)
    has_kinks = bool(answer.kinks)
    return certified(value, request.variables, directions, slope, has_kinks=has_kinks)


def _dotted(gradient: Array, direction: Array) -> Array:
    return np.asarray(np.sum(gradient * direction))


def _of_jvp(ask: Ask, plain: Request, request: Request, answer: Answer) -> Certificate:
    directions, slope = request.directions, answer.jvp
    if request.many:
        directions, slope = {n: d[0] for n, d in directions.items()}, slope[0]
    value = _value(ask, plain)
    has_kinks = bool(answer.kinks)
    return certified(value, request.variables, directions, slope, has_kinks=has_kinks)


def _of_hessians(ask: Ask, plain: Request, request: Request, answer: Answer) -> Certificate:
    found = answer.hessians
    names = list(found)
    directions = random_directions(request.variables, names)
    rows = [
        np.ravel(sum(applied(found[x][y], d) for y, d in directions.items())) for x in names
    ]
    gradient = _gradient(ask, plain, names)
    slope = np.concatenate(rows)
    has_kinks = bool(answer.kinks)
    return certified(gradient, request.variables, directions, slope, has_kinks=has_kinks)


def _of_hvp(ask: Ask, plain: Request, request: Request, answer: Answer) -> Certificate:
    directions, found = request.directions, answer.hvp
    if request.many:
        directions = {n: d[0] for n, d in directions.items()}
        found = {n: v[0] for n, v in found.items()}
    names = list(found)
    slope = np.concatenate([np.ravel(found[n]) for n in names])
    gradient = _gradient(ask, plain, names)
    has_kinks = bool(answer.kinks)
    return certified(gradient, request.variables, directions, slope, has_kinks=has_kinks)


_CERTIFIERS: Mapping[str, Callable[[Ask, Request, Request, Answer], Certificate]] = {
    "gradient": _of_gradients,
    "jacobian": _of_jacobians,
    "hessian": _of_hessians,
    "jvp": _of_jvp,
    "vjp": _of_vjp,
    "hvp": _of_hvp,
}
