"""Productions of losses, and of functions of vectors for learning."""

from math import log, prod

from service.calculus.rules.learning_functions import LEARNING_FUNCTIONS
from service.calculus.rules.loss_functions import LOSS_FUNCTIONS
from tests.calculus.expressions.pieces import called
from tests.calculus.expressions.writing import MOST_ENTRIES, pair, production, within

LOSSES = {f.name: f for f in LOSS_FUNCTIONS}
OPTIONS = {
    "huber": ("", ", 0.5", ", delta=2"),
    "quantile": ("", ", 0.9", ", level=0.25"),
}
DISTRIBUTIONS = ("cross_entropy", "cross_entropy_with_logits", "kl_divergence")


@production(60, lambda shape: shape == ())
def loss(w, shape, fuel):
    name, function = [*LOSSES.items()][w.rng.integers(len(LOSSES))]
    full = w.one_of(((), (3,), (2, 3), (4, 2)))
    if not full and name in DISTRIBUTIONS:
        full = (3,)
    low, high = function.sample

    def argument(*options):
        return within(*options, low, high)

    prediction, target = pair(w, full, fuel, argument, argument)
    w.used(name)
    option = w.one_of(OPTIONS.get(name, ("",)))
    size = 20.0 * prod(full)
    return called(name, f"{prediction.text}, {target.text}{option}", shape, -size, size)


@production(4, lambda shape: len(shape) > 0)
def log_softmax_or_normalize(w, shape, fuel):
    name = w.one_of([f.name for f in LEARNING_FUNCTIONS if f.name != "cosine_similarity"])
    axis = w.count(-len(shape), len(shape) - 1)
    # A vector of length 0.3 or more has derivatives of normalize that keep their digits.
    x = within(w, shape, fuel, 0.3, 3.0)
    option = w.one_of(("", f", axis={axis}", f", {axis}"))
    w.rows.update((name, *["axis"] * (option != "")))
    low, high = (-3.0 - log(max(shape)), 0.0) if name == "log_softmax" else (0.0, 1.0)
    return called(name, f"{x.text}{option}", shape, low, high)


@production(4, lambda shape: len(shape) < 3)
def cosine_similarity(w, shape, fuel):
    axis = w.count(0, len(shape))
    full = (*shape[:axis], w.other_size(shape), *shape[axis:])
    if prod(full) > MOST_ENTRIES:
        full, axis = (*shape, 2), len(shape)

    def argument(*options):
        return within(*options, 0.3, 3.0)

    x, y = pair(w, full, fuel, argument, argument)
    is_last = axis == len(shape)
    option = w.one_of(("", f", axis={axis}")) if is_last else f", {axis - len(full)}"
    w.used("cosine_similarity")
    return called("cosine_similarity", f"{x.text}, {y.text}{option}", shape, 0.0, 1.0)
