"""One pass through a neuron, a network or an expression: forward, gradient, step."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from service.calculus.differentiate import gradient
from service.calculus.graph import Node, construction_limit
from service.calculus.structure import entries
from service.computation.budget import BYTES_PER_NUMBER, check_budget
from service.deadline import deadline_in
from service.errors import NonFiniteResultError
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.numeric.plan import Plan
from service.settings import Limits
from service.training.clipping import clip_by_norm, clip_by_value, norm_of
from service.training.models import INPUTS, TARGETS, Model
from service.training.states import OptimizerState
from service.training.updater import ChosenOptimizer
from service.training.updates import Array

_KEPT = 128


@dataclass(frozen=True, slots=True)
class Forward:
    """What the last layer sums up and what it gives; each of shape (N,) or (N, out)."""

    pre_activations: Array
    activations: Array


@dataclass(frozen=True, slots=True)
class Gradient(Forward):
    """The loss with its penalty, and the gradient by each parameter and, if asked, the inputs.

    Of a neuron `errors` are activation − target where the activation's derivative is not 0,
    else 0: the e_i of Parr & Howard, 6.2; `active` says where that is.
    """

    loss: float
    gradients: Mapping[str, Array]
    errors: Array | None = None
    active: Array | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """A bound of each entry of a gradient, or of its Euclidean norm."""

    value: float | None = None
    norm: float | None = None

    def apply(self, vector: Array) -> None:
        """Bound a gradient in place."""
        if self.value is not None:
            clip_by_value(vector, self.value)
        if self.norm is not None:
            clip_by_norm(vector, self.norm)


@dataclass(frozen=True, slots=True)
class Stepped:
    """The parameters after a step, the state, the gradient's norm before clipping."""

    parameters: Mapping[str, Array]
    state: OptimizerState
    gradient_norm: float


def forward(
    model: Model, parameters: Mapping[str, Array], data: Mapping[str, Array], limits: Limits
) -> Forward:
    """The prediction, and what stands before the last activation.

    Raises:
        NonFiniteResultError: a number leaves the range of float64.
    """
    with _bounded(limits):
        nodes = [model.pre_activations[-1], model.prediction]
        before, after = _computed(nodes, {**parameters, **data}, limits)
    _check_finite("an activation", after)
    return Forward(before, after)


def gradients(
    model: Model,
    parameters: Mapping[str, Array],
    data: Mapping[str, Array],
    limits: Limits,
    *,
    with_inputs: bool = False,
) -> Gradient:
    """The loss, its gradient by every parameter, and what each sample contributes.

    Raises:
        NonFiniteResultError: the loss or a gradient leaves the range of float64.
    """
    names = [p.name for p in model.parameters]
    with _bounded(limits):
        nodes = [model.pre_activations[-1], model.prediction, model.total]
        nodes += [model.gradients[name] for name in names]
        if with_inputs:
            names.append(INPUTS)
            nodes.append(gradient(model.total, [model.inputs])[model.inputs])
        before, after, loss, *found = _computed(nodes, {**parameters, **data}, limits)
        slope = _computed([model.slope], {"z": before}, limits)[0] if model.is_neuron else None
    _check_finite("the loss", loss)
    for name, array in zip(names, found, strict=True):
        _check_finite(f"the gradient by {name}", array)
    by_name = dict(zip(names, found, strict=True))
    if slope is None:
        return Gradient(before, after, float(loss), by_name)
    active = slope != 0
    errors = np.where(active, after - data[TARGETS], 0.0)
    return Gradient(before, after, float(loss), by_name, errors, active)


def step(
    parameters: Mapping[str, Array],
    gradients_by: Mapping[str, Array],
    optimizer: ChosenOptimizer,
    state: OptimizerState | None,
    clip: Clip,
) -> Stepped:
    """One step of the optimizer over all parameters at once.

    Raises:
        ValidationError: the state is of another optimizer or of other parameters.
        NonFiniteResultError: a parameter leaves the range of float64.
    """
    vector = np.concatenate([np.ravel(parameters[n]) for n in parameters], dtype=np.float64)
    slopes = np.concatenate([np.ravel(gradients_by[n]) for n in parameters], dtype=np.float64)
    updater = optimizer.updater(vector.size, state)
    norm = norm_of(slopes)
    with np.errstate(all="ignore"):
        clip.apply(slopes)
        updater.step(vector, slopes, optimizer.rate(updater.steps, updater.steps))
    if not np.all(np.isfinite(vector)):
        raise NonFiniteResultError(
            "the step leaves the range of float64: a parameter is not finite after it",
            pointer="/optimizer/learning_rate",
            hint="take a smaller learning rate, or clip the gradient",
        )
    return Stepped(split(vector, parameters), updater.state(), norm)


def split(vector: Array, like: Mapping[str, Array]) -> dict[str, Array]:
    """The parts of a vector, in the shapes of these arrays."""
    parts: dict[str, Array] = {}
    start = 0
    for name, array in like.items():
        parts[name] = vector[start : start + array.size].reshape(array.shape)
        start += array.size
    return parts


def with_ones(inputs: Array) -> Array:
    """The inputs with a last column of ones: x̂ of Parr & Howard, 6.1."""
    return np.concatenate((inputs, np.ones((len(inputs), 1))), axis=1)


@contextmanager
def _bounded(limits: Limits) -> Iterator[None]:
    """Within this context, graphs and time are limited as a request's are."""
    with deadline_in(limits.compute_seconds), construction_limit(limits.max_graph_nodes):
        yield


def _computed(
    nodes: Sequence[Node], values: Mapping[str, Array], limits: Limits
) -> Sequence[Array]:
    plan = _plan(tuple(nodes))
    answer_bytes = BYTES_PER_NUMBER * sum(entries(node.shape) for node in nodes)
    check_budget(plan.estimate, answer_bytes, (), limits, pointer="/inputs")
    return execute(plan, values)


@lru_cache(maxsize=_KEPT)
def _plan(nodes: tuple[Node, ...]) -> Plan:
    return compile_plan(nodes)


def _check_finite(what: str, array: Array) -> None:
    if not np.all(np.isfinite(array)):
        raise NonFiniteResultError(
            f"{what} is not finite",
            hint="scale the inputs, take smaller weights, or another activation or loss",
        )
