"""Where a model has no derivative: the corners of its activations, its loss and its penalty."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.calculus.graph import Node
from service.calculus.rules.records import Kink as KinkRule
from service.computation.answers import Kink
from service.computation.compute import met
from service.training.models import Model
from service.training.updates import Array


@dataclass(frozen=True, slots=True)
class Corner:
    """A rule at a kink, and what has it: a call in the names of the answer's fields.

    `is_of_loss`: the bounds are those of a sample of weight 1/N.
    """

    expression: str
    rule: KinkRule
    is_of_loss: bool = False

    @property
    def watched(self) -> Node:
        """What tells where the kink is met."""
        return self.rule.watched


def corners(model: Model) -> list[Corner]:
    """The kinks that the gradient of the loss may meet, in the order of the pass."""
    found = []
    for k, layer in enumerate(model.layers):
        place = "" if model.is_neuron else f"layers[{k}]."
        activation, z = layer.activation, model.pre_activations[k]
        found += [
            Corner(f"{activation.record.name}({place}pre_activations)", rule)
            for rule in activation.record.kinks(z, *activation.options)
        ]
    loss = model.loss
    found += [
        Corner(f"{loss.record.name}(activations, targets)", rule, is_of_loss=True)
        for rule in loss.record.kinks(model.prediction, model.targets, *loss.options)
    ]
    if model.penalty.l1:
        bound = float(model.penalty.l1)
        for k, weights in enumerate(model.penalized):
            place = "" if model.is_neuron else f"layers[{k}]."
            rule = KinkRule("abs", weights, 0.0, (-bound, bound))
            found.append(Corner(f"abs({place}weights)", rule))
    return found


def met_corners(
    found: Sequence[Corner], values: Sequence[Array], sample_weights: Array | None
) -> tuple[Kink, ...]:
    """The corners that are met, by the values of what each watches."""
    kinks = []
    for corner, watched in zip(found, values, strict=True):
        kink = met(corner.rule, watched, corner.expression)
        if kink is None:
            continue
        if corner.is_of_loss and sample_weights is not None and kink.subdifferential:
            heaviest = float(np.max(sample_weights[np.argwhere(watched == 0)[:, 0]]))
            share = heaviest * len(sample_weights) / float(np.sum(sample_weights))
            low, high = kink.subdifferential
            kink = replace(kink, subdifferential=(low * share, high * share))
        kinks.append(kink)
    return tuple(kinks)
