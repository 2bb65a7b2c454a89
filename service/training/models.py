"""Neurons and networks as graphs: what they predict, what it costs, and by what they change.

A model is a list of layers, each act(x W + b); a neuron is one layer of a vector w, as in
Parr & Howard, 5 and 6. The loss is 1/N Σ ℓ, or Σ s ℓ / Σ s with sample weights s, and the
penalty ½ λ₂ Σ w² + λ₁ Σ |w| of the weights alone. Derivatives are the calculus's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from service.calculus.applications import apply_elementwise, summed
from service.calculus.differentiate import gradient
from service.calculus.dimensions import Dimension
from service.calculus.graph import ONE, Factor, Node, Number, Variable, variable
from service.calculus.normal_form import contract
from service.calculus.rules.elementwise import ABS, times
from service.calculus.rules.operators import added_entries, matrix_product, sliced
from service.calculus.terms import add
from service.training.functions import ChosenFunction

INPUTS, TARGETS, SAMPLE_WEIGHTS = "inputs", "targets", "sample_weights"
WEIGHTS, BIAS = "weights", "bias"


@dataclass(frozen=True, slots=True)
class LayerShape:
    """One layer: so many inputs, so many outputs (None for a neuron), and its activation."""

    inputs: int
    outputs: int | None
    activation: ChosenFunction

    @property
    def weights(self) -> tuple[int, ...]:
        """The shape of the weights."""
        return (self.inputs,) if self.outputs is None else (self.inputs, self.outputs)

    @property
    def bias(self) -> tuple[int, ...]:
        """The shape of the bias."""
        return () if self.outputs is None else (self.outputs,)


@dataclass(frozen=True, slots=True)
class Penalty:
    """½ l2 Σ w² + l1 Σ |w| over the weights; the biases are free."""

    l1: Number = 0 * ONE
    l2: Number = 0 * ONE


@dataclass(frozen=True)
class Model:
    """The graphs of a model for a number of rows.

    `is_augmented`: a neuron's bias is the last of its weights, and the last column of its
    inputs is 1, the paper's ŵ and x̂. Parameters are `weights` and `bias` of a neuron,
    `weights_0`, `bias_0`, `weights_1`, … of a network.
    """

    layers: tuple[LayerShape, ...]
    loss: ChosenFunction
    rows: Dimension
    penalty: Penalty = field(default_factory=Penalty)
    is_augmented: bool = False
    is_weighted: bool = False

    @property
    def is_neuron(self) -> bool:
        """Whether the model is one neuron."""
        return self.layers[0].outputs is None

    @cached_property
    def parameters(self) -> tuple[Variable, ...]:
        """Weights and biases, layer by layer."""
        if self.is_augmented:
            return (variable(WEIGHTS, (self.layers[0].inputs + 1,)),)
        found = []
        for k, layer in enumerate(self.layers):
            end = "" if self.is_neuron else f"_{k}"
            found += [
                variable(f"{WEIGHTS}{end}", layer.weights),
                variable(f"{BIAS}{end}", layer.bias),
            ]
        return tuple(found)

    @cached_property
    def inputs(self) -> Variable:
        """The inputs; shape (N, n), with the column of ones where augmented."""
        return variable(INPUTS, (self.rows, self.layers[0].inputs + self.is_augmented))

    @cached_property
    def targets(self) -> Variable:
        """The targets; shape (N,) or (N, outputs)."""
        outputs = self.layers[-1].outputs
        return variable(TARGETS, (self.rows,) if outputs is None else (self.rows, outputs))

    @cached_property
    def data(self) -> tuple[Variable, ...]:
        """What differs from batch to batch."""
        weights = (variable(SAMPLE_WEIGHTS, (self.rows,)),) if self.is_weighted else ()
        return (self.inputs, self.targets, *weights)

    @cached_property
    def pre_activations(self) -> tuple[Node, ...]:
        """x W + b of each layer; those of a layer are its `activations` before the function."""
        return tuple(before for before, _ in self._passed)

    @cached_property
    def activations(self) -> tuple[Node, ...]:
        """What each layer gives on; the last is the prediction."""
        return tuple(after for _, after in self._passed)

    @cached_property
    def _passed(self) -> list[tuple[Node, Node]]:
        found: list[tuple[Node, Node]] = []
        x: Node = self.inputs
        for k, layer in enumerate(self.layers):
            if self.is_augmented:
                z = matrix_product(x, self.parameters[0])
            else:
                weights, bias = self.parameters[2 * k : 2 * k + 2]
                z = added_entries(matrix_product(x, weights), bias)
            x = layer.activation.of(z)
            found.append((z, x))
        return found

    @cached_property
    def prediction(self) -> Node:
        """What the last layer gives."""
        return self.activations[-1]

    @cached_property
    def total(self) -> Node:
        """The loss with its penalty; a scalar."""
        return add([(ONE, self.data_loss), (ONE, self._penalties)], ())

    @cached_property
    def data_loss(self) -> Node:
        """The loss without the penalty; a scalar."""
        if not self.is_weighted:
            return self.loss.of(self.prediction, self.targets)
        weights = self.data[-1]
        losses = self.loss.of_samples(self.prediction, self.targets)
        total = summed(times(weights, losses), (0,))
        return contract([Factor(total, ()), Factor(summed(weights, (0,)), (), -ONE)], (), {})

    @cached_property
    def penalized(self) -> tuple[Node, ...]:
        """The weights without the biases, layer by layer."""
        if self.is_augmented:
            return (sliced(self.parameters[0], 0, 0, self.layers[0].inputs, 1),)
        return self.parameters[::2]

    @property
    def _penalties(self) -> Node:
        terms: list[tuple[Number, Node]] = []
        for weights in self.penalized:
            axes = range(weights.ndim)
            if self.penalty.l2:
                squares = summed(times(weights, exponents=(2 * ONE,)), axes)
                terms.append((self.penalty.l2 / 2, squares))
            if self.penalty.l1:
                terms.append((self.penalty.l1, summed(apply_elementwise(ABS, weights), axes)))
        return add(terms, ())

    @cached_property
    def gradients(self) -> Mapping[str, Node]:
        """The gradient of the loss by each parameter, of the parameter's shape."""
        found = gradient(self.total, list(self.parameters))
        return {p.name: found[p] for p in self.parameters}

    def slope(self, layer: int) -> Node:
        """The derivative of a layer's activation, entry by entry, as a graph of `z`.

        `z` are the layer's pre-activations; the shape is theirs.
        """
        shape = self.layers[layer].bias
        z = variable("z", (self.rows, *shape))
        activation = self.layers[layer].activation.of(z)
        (found,) = gradient(summed(activation, range(z.ndim)), [z]).values()
        return found
