"""One pass through a neuron, a network or an expression: forward, gradient, step."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from service.calculus.differentiate import gradient
from service.calculus.graph import Node, construction_limit
from service.calculus.structure import entries
from service.computation.answers import Cost, Kink
from service.computation.budget import BYTES_PER_NUMBER, Allowance, check_budget
from service.deadline import deadline_in
from service.errors import NonFiniteResultError
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.numeric.plan import Plan
from service.settings import Limits
from service.training.clipping import Clip, norm_of
from service.training.corners import corners, met_corners
from service.training.models import INPUTS, SAMPLE_WEIGHTS, TARGETS, Model
from service.training.states import OptimizerState
from service.training.updater import ChosenOptimizer
from service.training.updates import Array

Mask = NDArray[np.bool_]
_KEPT = 128


@dataclass(frozen=True, slots=True)
class Layer:
    """What the units of a layer sum up and what they give; each of shape (N,) or (N, out)."""

    pre_activations: Array
    activations: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """What each layer sums up and gives, and what that took."""

    layers: tuple[Layer, ...]
    cost: Cost

    @property
    def pre_activations(self) -> Array:
        """What the last layer sums up."""
        return self.layers[-1].pre_activations

    @property
    def activations(self) -> Array:
        """What the last layer gives: the prediction."""
        return self.layers[-1].activations


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradient(Forward):
    """The loss with its penalty, and the gradient by each parameter and, if asked, the inputs.

    `errors` are activation − target where the last activation's derivative is not 0, else 0:
    the e_i of Parr & Howard, 6.2; `active` says where that is, and everywhere of an activation
    of rows. `dead` are the units, by layer and place, that no sample makes active.
    """

    loss: float
    gradients: Mapping[str, Array]
    errors: Array
    active: Mask
    dead: tuple[tuple[int, int], ...] = ()
    kinks: tuple[Kink, ...] = ()


@dataclass(frozen=True, slots=True)
class Stepped:
    """The parameters after a step, the state, the gradient's norm before clipping, the rate."""

    parameters: Mapping[str, Array]
    state: OptimizerState
    gradient_norm: float
    learning_rate: float


class _Run:
    """Plans run one after the other within the limits, and what they cost together."""

    def __init__(self, limits: Limits, allowance: Allowance | None) -> None:
        self._limits, self._allowance = limits, allowance
        self._started = perf_counter()
        self._flops = self._moved = self._peak = self._answer = 0

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Within this context, graphs and time are limited as a request's are."""
        limits, allowance = self._limits, self._allowance
        seconds = allowance.seconds if allowance else limits.compute_seconds
        with deadline_in(seconds), construction_limit(limits.max_graph_nodes):
            yield

    def computed(self, nodes: Sequence[Node], values: Mapping[str, Array]) -> Sequence[Array]:
        """The values of the nodes.

        Raises:
            BudgetExceededError: they would cost more than the limits or the allowance.
        """
        plan = _plan(tuple(nodes))
        answer_bytes = BYTES_PER_NUMBER * sum(entries(node.shape) for node in nodes)
        check_budget(
            plan.estimate,
            answer_bytes,
            (),
            self._limits,
            pointer="/inputs",
            hint="send fewer samples at a time",
        )
        if self._allowance:
            self._allowance.take(plan.estimate.flops, answer_bytes)
        self._flops += plan.estimate.flops
        self._moved += plan.estimate.bytes_moved
        self._peak = max(self._peak, plan.estimate.peak_bytes)
        self._answer += answer_bytes
        return execute(plan, values)

    @property
    def cost(self) -> Cost:
        """What it took so far."""
        seconds = perf_counter() - self._started
        return Cost(self._flops, self._moved, self._peak, self._answer, seconds)


def forward(
    model: Model,
    parameters: Mapping[str, Array],
    data: Mapping[str, Array],
    limits: Limits,
    *,
    allowance: Allowance | None = None,
) -> Forward:
    """What each layer sums up and gives; what it costs is taken from the allowance.

    Raises:
        BudgetExceededError: it would cost more than the limits or the allowance.
        NonFiniteResultError: a number leaves the range of float64.
    """
    model = _kept(model)
    run = _Run(limits, allowance)
    with run.bounded():
        nodes = [*model.pre_activations, *model.activations]
        layers = _layers(run.computed(nodes, {**parameters, **data}))
    return Forward(layers=layers, cost=run.cost)


def gradients(
    model: Model,
    parameters: Mapping[str, Array],
    data: Mapping[str, Array],
    limits: Limits,
    *,
    with_inputs: bool = False,
    allowance: Allowance | None = None,
) -> Gradient:
    """The loss, its gradient by every parameter, and what each sample contributes.

    Raises:
        BudgetExceededError: it would cost more than the limits or the allowance.
        NonFiniteResultError: the loss or a gradient leaves the range of float64.
    """
    model = _kept(model)
    run = _Run(limits, allowance)
    names = [p.name for p in model.parameters]
    with run.bounded():
        passed = [*model.pre_activations, *model.activations]
        wanted = [model.total, *(model.gradients[name] for name in names)]
        if with_inputs:
            names.append(INPUTS)
            wanted.append(gradient(model.total, [model.inputs])[model.inputs])
        watched = corners(model)
        nodes = [*passed, *wanted, *(corner.watched for corner in watched)]
        found = run.computed(nodes, {**parameters, **data})
        layers = _layers(found[: len(passed)])
        active = [_active(run, model, k, layer) for k, layer in enumerate(layers)]
    loss, *slopes = found[len(passed) : len(passed) + len(wanted)]
    check_finite("the loss", loss)
    for name, array in zip(names, slopes, strict=True):
        check_finite(f"the gradient by {name}", array)
    by_name = dict(zip(names, slopes, strict=True))
    if with_inputs and model.is_augmented:
        by_name[INPUTS] = by_name[INPUTS][:, :-1]
    is_active = active[-1]
    with np.errstate(over="ignore"):
        errors = np.where(is_active, layers[-1].activations - data[TARGETS], 0.0)
    check_finite("an error", errors)
    return Gradient(
        layers=layers,
        cost=run.cost,
        loss=float(loss),
        gradients=by_name,
        errors=errors,
        active=is_active,
        dead=tuple(
            (k, int(unit))
            for k, where in enumerate(active)
            for unit in np.flatnonzero(~np.any(where, axis=0))
        ),
        kinks=met_corners(
            watched, found[len(passed) + len(wanted) :], data.get(SAMPLE_WEIGHTS)
        ),
    )


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
        NonFiniteResultError: the norm or a parameter leaves the range of float64.
    """
    vector = np.concatenate([np.ravel(parameters[n]) for n in parameters], dtype=np.float64)
    slopes = np.concatenate([np.ravel(gradients_by[n]) for n in parameters], dtype=np.float64)
    updater = optimizer.updater(vector.size, state)
    with np.errstate(over="ignore"):
        norm = norm_of(slopes)
    check_finite("the norm of the gradient", np.array(norm))
    with np.errstate(all="ignore"):
        clip.apply(slopes)
        rate = optimizer.rate(updater.steps, updater.steps)
        updater.step(vector, slopes, rate)
    if not np.all(np.isfinite(vector)):
        raise NonFiniteResultError(
            "the step leaves the range of float64: a parameter is not finite after it",
            pointer="/optimizer/learning_rate",
            hint="take a smaller learning rate, or clip the gradient",
        )
    return Stepped(split(vector, parameters), updater.state(), norm, rate)


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


@lru_cache(maxsize=_KEPT)
def _plan(nodes: tuple[Node, ...]) -> Plan:
    return compile_plan(nodes)


@lru_cache(maxsize=_KEPT)
def _kept(model: Model) -> Model:
    """An equal model of before, whose graphs are there already."""
    return model


def _layers(found: Sequence[Array]) -> tuple[Layer, ...]:
    """The layers of all pre-activations and then all activations, once they are finite."""
    half = len(found) // 2
    layers = tuple(map(Layer, found[:half], found[half:]))
    for k, layer in enumerate(layers):
        where = f" of layer {k}" if half > 1 else ""
        check_finite(f"a pre-activation{where}", layer.pre_activations)
        check_finite(f"an activation{where}", layer.activations)
    return layers


def _active(run: _Run, model: Model, k: int, layer: Layer) -> Mask:
    """Where the derivative of a layer's activation is not 0."""
    if model.layers[k].activation.is_along_rows:
        return np.ones(layer.activations.shape, dtype=np.bool_)
    (slope,) = run.computed([model.slope(k)], {"z": layer.pre_activations})
    return np.not_equal(slope, 0)


def check_finite(what: str, array: Array) -> None:
    """Refuse an array that is not finite.

    Raises:
        NonFiniteResultError: with the position of the first such number.
    """
    finite = np.isfinite(array)
    if not np.all(finite):
        place = np.unravel_index(int(np.argmin(finite)), finite.shape)
        at = f" at position {[int(k) for k in place]}" if place else ""
        raise NonFiniteResultError(
            f"{what} is {float(array[place])}{at}, expected a finite number",
            hint="scale the inputs, take smaller weights, or another activation or loss",
        )
