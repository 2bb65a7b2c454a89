"""What each optimizer does to the parameters, in place: few NumPy calls, no new arrays.

Each function here is given the options, the state (slots, size), the numbers carried from step
to step, and scratch rows (…, size); it returns the update of a parameter vector w by a gradient
g at a learning rate, `step` counting from 1. The rows of the state are in the order of the
record's slots.
"""

from collections.abc import Callable, Mapping
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Options = Mapping[str, float]
Update = Callable[[Array, Array, float, int], None]
Prepare = Callable[[Options, Array, list[float], Array], Update]


def sgd(options: Options, state: Array, numbers: list[float], scratch: Array) -> Update:
    """w − η g."""
    (change,) = scratch

    def update(w: Array, g: Array, rate: float, step: int) -> None:
        np.multiply(g, rate, out=change)
        np.subtract(w, change, out=w)

    return update


def momentum(options: Options, state: Array, numbers: list[float], scratch: Array) -> Update:
    """v = μ v + g; w − η v."""
    (velocity,), (change,), mu = state, scratch, options["momentum"]

    def update(w: Array, g: Array, rate: float, step: int) -> None:
        np.multiply(velocity, mu, out=velocity)
        np.add(velocity, g, out=velocity)
        np.multiply(velocity, rate, out=change)
        np.subtract(w, change, out=w)

    return update


def nesterov(options: Options, state: Array, numbers: list[float], scratch: Array) -> Update:
    """v = μ v + g; w − η (g + μ v)."""
    (velocity,), (change,), mu = state, scratch, options["momentum"]

    def update(w: Array, g: Array, rate: float, step: int) -> None:
        np.multiply(velocity, mu, out=velocity)
        np.add(velocity, g, out=velocity)
        np.multiply(velocity, mu, out=change)
        np.add(change, g, out=change)
        np.multiply(change, rate, out=change)
        np.subtract(w, change, out=w)

    return update


def rmsprop(options: Options, state: Array, numbers: list[float], scratch: Array) -> Update:
    """v = ρ v + (1 − ρ) g²; w − η g / (√v + ε)."""
    (squares,), (change,) = state, scratch
    decay, epsilon = options["decay"], options["epsilon"]
    share = sqrt(1 - decay)

    def update(w: Array, g: Array, rate: float, step: int) -> None:
        np.multiply(g, share, out=change)
        np.square(change, out=change)
        np.multiply(squares, decay, out=squares)
        np.add(squares, change, out=squares)
        np.sqrt(squares, out=change)
        np.add(change, epsilon, out=change)
        np.divide(g, change, out=change)
        np.multiply(change, rate, out=change)
        np.subtract(w, change, out=w)

    return update


def adagrad(options: Options, state: Array, numbers: list[float], scratch: Array) -> Update:
    """v = v + g²; w − η/(1 + (t − 1) δ) g / (√v + ε)."""
    (squares,), (change,) = state, scratch
    decay, epsilon = options["learning_rate_decay"], options["epsilon"]

    def update(w: Array, g: Array, rate: float, step: int) -> None:
        np.square(g, out=change)
        np.add(squares, change, out=squares)
        np.sqrt(squares, out=change)
        np.add(change, epsilon, out=change)
        np.divide(g, change, out=change)
        np.multiply(change, rate / (1 + (step - 1) * decay), out=change)
        np.subtract(w, change, out=w)

    return update


def adadelta(options: Options, state: Array, numbers: list[float], scratch: Array) -> Update:
    """v = ρ v + (1 − ρ) g²; d = √((u + ε) / (v + ε)) g; u = ρ u + (1 − ρ) d²; w − η d."""
    (squares, changes), (change, other) = state, scratch
    decay, epsilon = options["decay"], options["epsilon"]
    share = sqrt(1 - decay)

    def update(w: Array, g: Array, rate: float, step: int) -> None:
        np.multiply(g, share, out=other)
        np.square(other, out=other)
        np.multiply(squares, decay, out=squares)
        np.add(squares, other, out=squares)
        np.add(changes, epsilon, out=change)
        np.add(squares, epsilon, out=other)
        np.divide(change, other, out=change)
        np.sqrt(change, out=change)
        np.multiply(change, g, out=change)
        np.multiply(change, share, out=other)
        np.square(other, out=other)
        np.multiply(changes, decay, out=changes)
        np.add(changes, other, out=changes)
        np.multiply(change, rate, out=change)
        np.subtract(w, change, out=w)

    return update


def _moments(options: Options, state: Array, scratch: Array) -> Callable[[Array], None]:
    """M = β₁ m + (1 − β₁) g and v = β₂ v + (1 − β₂) g², both rows of the state at once."""
    beta1, beta2 = options["beta1"], options["beta2"]
    kept = np.array([[beta1], [beta2]])
    taken = np.array([[1 - beta1], [sqrt(1 - beta2)]])
    squares = scratch[1]

    def advance(g: Array) -> None:
        np.multiply(g, taken, out=scratch)
        np.square(squares, out=squares)
        np.multiply(state, kept, out=state)
        np.add(state, scratch, out=state)

    return advance


def adam(options: Options, state: Array, numbers: list[float], scratch: Array) -> Update:
    """Moments m, v; w − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)."""
    advance = _moments(options, state, scratch)
    (first, second), change = state, scratch[0]
    beta1, beta2, epsilon = options["beta1"], options["beta2"], options["epsilon"]

    def update(w: Array, g: Array, rate: float, step: int) -> None:
        advance(g)
        # Both corrections go into two numbers, so that no pass over the arrays is for them.
        correction = sqrt(1 - beta2**step)
        np.sqrt(second, out=change)
        np.add(change, epsilon * correction, out=change)
        np.divide(first, change, out=change)
        np.multiply(change, rate * correction / (1 - beta1**step), out=change)
        np.subtract(w, change, out=w)

    return update


def nadam(options: Options, state: Array, numbers: list[float], scratch: Array) -> Update:
    """Adam with the momentum of the step to come; `numbers` holds the momenta's product."""
    advance = _moments(options, state, scratch)
    (first, second), (change, root) = state, scratch
    beta1, beta2, epsilon = options["beta1"], options["beta2"], options["epsilon"]
    decay = options["momentum_decay"]

    def update(w: Array, g: Array, rate: float, step: int) -> None:
        advance(g)
        now = beta1 * (1 - 0.5 * 0.96 ** (step * decay))
        following = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * decay))
        product = numbers[0] = numbers[0] * now
        of_gradient = (1 - now) / (1 - product)
        of_moment = following / (1 - product * following)
        correction = sqrt(1 - beta2**step)
        np.sqrt(second, out=root)
        np.add(root, epsilon * correction, out=root)
        np.multiply(first, of_moment / of_gradient, out=change)
        np.add(change, g, out=change)
        np.divide(change, root, out=change)
        np.multiply(change, rate * correction * of_gradient, out=change)
        np.subtract(w, change, out=w)

    return update


def lion(options: Options, state: Array, numbers: list[float], scratch: Array) -> Update:
    """c = β₁ m + (1 − β₁) g; w − η sign(c); m = β₂ m + (1 − β₂) g."""
    (moment,), (change, share) = state, scratch
    beta1, beta2 = options["beta1"], options["beta2"]

    def update(w: Array, g: Array, rate: float, step: int) -> None:
        np.multiply(moment, beta1, out=change)
        np.multiply(g, 1 - beta1, out=share)
        np.add(change, share, out=change)
        np.sign(change, out=change)
        np.multiply(change, rate, out=change)
        np.subtract(w, change, out=w)
        np.multiply(moment, beta2, out=moment)
        np.multiply(g, 1 - beta2, out=share)
        np.add(moment, share, out=moment)

    return update


def with_gradient_decay(update: Update, weight_decay: float, decayed: Array) -> Update:
    """The update by g + λ w in place of g; `decayed` is one more row of scratch."""

    def updated(w: Array, g: Array, rate: float, step: int) -> None:
        np.multiply(w, weight_decay, out=decayed)
        np.add(decayed, g, out=decayed)
        update(w, decayed, rate, step)

    return updated


def with_parameter_decay(update: Update, weight_decay: float) -> Update:
    """The update of (1 − η λ) w in place of w."""

    def updated(w: Array, g: Array, rate: float, step: int) -> None:
        np.multiply(w, 1 - rate * weight_decay, out=w)
        update(w, g, rate, step)

    return updated
