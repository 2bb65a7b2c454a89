"""Neurons, networks and steps: from a request's model to the JSON of its answer."""

from collections.abc import Mapping, Sequence

from service.api.schemas.learning import Judged, Stepping
from service.api.schemas.networks import NetworkForwardRequest
from service.api.schemas.neurons import NeuronForwardRequest
from service.api.schemas.steps import StepRequest
from service.api.wire import (
    Json,
    conventions,
    cost,
    document,
    formula_document,
    tensor,
    warning,
)
from service.computation.answers import Array, Kink, Notice
from service.computation.budget import Allowance
from service.computation.compute import Computer
from service.settings import Limits
from service.training.clipping import Clip, chosen_clip
from service.training.expression_steps import step_of_expression
from service.training.models import BIAS, INPUTS, WEIGHTS
from service.training.passes import Forward, Gradient, Stepped, forward, gradients, step
from service.training.requests import Prepared
from service.training.rule_formulas import rule_formulas
from service.training.states import OptimizerState, decode_state, encode_state
from service.training.updater import ChosenOptimizer, chosen_optimizer

LearningRequest = NeuronForwardRequest | NetworkForwardRequest | StepRequest
MOST_WARNINGS = 20


def learned(
    asked: LearningRequest,
    computer: Computer,
    limits: Limits,
    allowance: Allowance | None = None,
) -> Json:
    """The answer of a neuron, a network or a step; what it costs is of the allowance.

    Raises:
        GradserveError: for whatever is wrong with the request, with its pointer.
    """
    if isinstance(asked, StepRequest):
        return _expression_step(asked, computer, allowance)
    # What takes the step is looked at first: to compute a gradient in vain takes time.
    chosen = _Chosen(asked) if isinstance(asked, Stepping) else None
    prepared = asked.asked().prepared()
    if not isinstance(asked, Judged):
        ran = forward(
            prepared.model, prepared.parameters, prepared.data, limits, allowance=allowance
        )
        return _values(prepared, ran) | _about(ran)
    found = gradients(
        prepared.model,
        prepared.parameters,
        prepared.data,
        limits,
        with_inputs=asked.with_input_gradient,
        allowance=allowance,
    )
    told = _about(found, prepared.loss_factor, _dead(found), found.kinks)
    answer = _gradient(prepared, found) | told
    if chosen is None:
        return answer
    stepped = chosen.step(prepared.parameters, found.gradients)
    return answer | _parameters(prepared, stepped.parameters) | chosen.document(stepped)


class _Chosen:
    """What a request takes its step by."""

    def __init__(self, asked: Stepping) -> None:
        self.optimizer: ChosenOptimizer = chosen_optimizer(asked.optimizer)
        given, clip = asked.optimizer_state, asked.gradient_clip
        self.state: OptimizerState | None = None if given is None else decode_state(given)
        self.clip: Clip = chosen_clip(None if clip is None else clip.asked())

    def step(self, parameters: Mapping[str, Array], slopes: Mapping[str, Array]) -> Stepped:
        """One step of all parameters."""
        return step(parameters, slopes, self.optimizer, self.state, self.clip)

    def document(self, stepped: Stepped) -> Json:
        """What is told of a step beside the parameters."""
        return {
            "optimizer_state": encode_state(stepped.state),
            "update_rule": formula_document(rule_formulas(self.optimizer.rule)),
            "gradient_norm": stepped.gradient_norm,
            "learning_rate": stepped.learning_rate,
        }


def _expression_step(
    asked: StepRequest, computer: Computer, allowance: Allowance | None
) -> Json:
    chosen = _Chosen(asked)
    found = step_of_expression(
        computer, asked.asked(), chosen.optimizer, chosen.state, chosen.clip, allowance
    )
    parameters = found.stepped.parameters
    answer = document(found.answer)
    return (
        answer
        | {"parameters": {name: tensor(value) for name, value in parameters.items()}}
        | chosen.document(found.stepped)
    )


def _values(prepared: Prepared, found: Forward) -> Json:
    values: Json = {
        "pre_activations": tensor(found.pre_activations),
        "activations": tensor(found.activations),
    }
    if not prepared.model.is_neuron:
        values["layer_values"] = [
            {
                "pre_activations": tensor(layer.pre_activations),
                "activations": tensor(layer.activations),
            }
            for layer in found.layers
        ]
    return values


def _gradient(prepared: Prepared, found: Gradient) -> Json:
    by_parameter = _parameters(prepared, found.gradients)
    if INPUTS in found.gradients:
        by_parameter[INPUTS] = tensor(found.gradients[INPUTS])
    return {
        "loss": found.loss,
        "gradients": by_parameter,
        **_values(prepared, found),
        "errors": tensor(found.errors),
        "active": tensor(found.active.astype(float)),
    }


def _parameters(prepared: Prepared, arrays: Mapping[str, Array]) -> Json:
    """What there is for each parameter, in the places of the request."""
    if prepared.model.is_neuron:
        return {name: tensor(arrays[name]) for name in (WEIGHTS, BIAS) if name in arrays}
    return {
        "layers": [
            {name: tensor(arrays[f"{name}_{k}"]) for name in (WEIGHTS, BIAS)}
            for k in range(len(prepared.model.layers))
        ]
    }


def _dead(found: Gradient) -> list[Notice]:
    """A notice for each neuron that learns nothing from these samples."""
    is_network = found.active.ndim > 1
    notices = []
    for layer, unit in found.dead[:MOST_WARNINGS]:
        which = f"neuron {unit} of layer {layer}" if is_network else "the neuron"
        notices.append(
            Notice(
                "dead_neuron",
                f"no sample makes {which} active: the derivative of its activation is 0 at "
                "all of them, and so is the gradient of the loss by its weights and bias",
                pointer=f"/layers/{layer}" if is_network else None,
            )
        )
    return notices


def _about(
    found: Forward,
    loss_factor: str | None = None,
    notices: Sequence[Notice] = (),
    kinks: Sequence[Kink] = (),
) -> Json:
    """What is told of an answer beside its numbers."""
    return {
        "conventions": conventions(kinks, loss_factor=loss_factor),
        "warnings": [warning(notice) for notice in notices],
        "cost": cost(found.cost),
    }
