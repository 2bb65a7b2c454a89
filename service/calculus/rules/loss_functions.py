"""The losses of a prediction and a target, one record each.

The losses of the entries are added up over all axes but the first, that of the samples, and
averaged over it. Where an entry is no loss by itself, a distribution along the last axis, a
vector is one sample.
"""

from collections.abc import Callable

from service.calculus.applications import summed
from service.calculus.graph import ONE, Factor, Node
from service.calculus.normal_form import contract
from service.calculus.rules.elementwise import (
    difference,
)
from service.calculus.rules.losses import (
    absolute,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    cross_entropy_with_logits,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    margin,
    poisson,
    quantile,
    squared,
    squared_hinge,
)
from service.calculus.rules.operators import common_shape, expanded
from service.calculus.rules.records import (
    Function,
    Kink,
    Option,
    Parameter,
    Targets,
    operands,
)
from service.calculus.rules.sources import BISHOP, DLMF, GOODFELLOW, PAPER, ROCKAFELLAR
from service.calculus.terms import size_of
from service.errors import ShapeMismatchError

_HALF = ONE / 2
_PAIR = operands("prediction", "target")
Entries = Callable[..., Node]

PROBABILITIES = Targets("a probability from 0 to 1", 0.0, 1.0)
SIGNS = Targets("-1 or 1", -1.0, 1.0, is_edge=True)
COUNTS = Targets("a number from 0 on", 0.0, float("inf"))
DISTRIBUTIONS = Targets("probabilities that add up to 1", 0.0, 1.0, adds_up=True)


def _pair(prediction: Node, target: Node) -> tuple[Node, Node]:
    shape = common_shape("compare", prediction, target, names=("prediction", "target"))
    return expanded(prediction, shape), expanded(target, shape)


def _averaged(losses: Node) -> Node:
    """Σ over all entries, divided by the number of samples, the first axis."""
    total = summed(losses, range(losses.ndim))
    if not losses.ndim:
        return total
    return contract([Factor(total, ()), Factor(size_of(losses.shape[0]), (), -ONE)], (), {})


def _of_entries(entries: Entries) -> Entries:
    """A loss from what each entry contributes."""

    def build(prediction: Node, target: Node, *options: Option) -> Node:
        return _averaged(entries(*_pair(prediction, target), *options))

    return build


def _each(entries: Entries) -> Entries:
    """The loss of each sample, from what each entry contributes."""

    def build(prediction: Node, target: Node, *options: Option) -> Node:
        losses = entries(*_pair(prediction, target), *options)
        return summed(losses, range(1, losses.ndim))

    return build


def _of_distributions(name: str, entries: Entries) -> Entries:
    """A loss whose samples are distributions along the last axis."""

    def build(prediction: Node, target: Node) -> Node:
        p, t = _pair(prediction, target)
        if not p.ndim:
            raise ShapeMismatchError(f"{name} takes vectors or matrices, not scalars")
        losses = entries(p, t)
        return summed(losses, (0,)) if p.ndim == 1 else _averaged(losses)

    return build


def _samples(entries: str) -> Callable[[int], str]:
    """The text of a loss from that of its entries, for each ndim."""

    def text(ndim: int) -> str:
        if ndim < 2:
            return f"mean({entries})" if ndim else entries
        axes = ", ".join(map(str, range(1, ndim)))
        return f"mean(sum({entries}, axis={axes if ndim == 2 else f'({axes})'}))"

    return text


def _distributions(entries: str) -> Callable[[int], str]:
    """The same, where a vector is one sample."""
    return lambda ndim: f"sum({entries})" if ndim == 1 else _samples(entries)(ndim)


def _kinks(
    rule: str,
    watched: Callable[[Node, Node], Node],
    bounds: Callable[..., tuple[float, float]],
) -> Callable[..., tuple[Kink, ...]]:
    """Where `watched` is 0: bounds of one entry's loss by the prediction, 0 being used."""

    def kinks(prediction: Node, target: Node, *options: Option) -> tuple[Kink, ...]:
        pair = _pair(prediction, target)
        count = pair[0].shape[0] if pair[0].ndim else 1
        low, high = bounds(*options)
        share = 1 / count if isinstance(count, int) else 1.0
        return (Kink(rule, watched(*pair), 0.0, (low * share, high * share)),)

    return kinks


LOSS_FUNCTIONS = (
    Function(
        name="mse",
        nicknames=("mean_squared_error", "squared_error"),
        source=f"{PAPER}, 6",
        definition=_samples("(prediction - target)**2"),
        parameters=_PAIR,
        build=_of_entries(squared),
        of_samples=_each(squared),
        summary="The squared error, averaged over the first axis.",
        latex=r"\frac{{1}}{{N}} \sum ({prediction} - {target})^2",
        note="1/N and no ½; summed over the other axes",
    ),
    Function(
        name="mae",
        nicknames=("mean_absolute_error", "absolute_error"),
        rule="absolute value rule",
        source=f"{ROCKAFELLAR}, 23",
        definition=_samples("abs(prediction - target)"),
        parameters=_PAIR,
        build=_of_entries(absolute),
        of_samples=_each(absolute),
        kinks=_kinks("mae", difference, lambda: (-1.0, 1.0)),
        summary="The absolute error, averaged over the first axis.",
        latex=r"\frac{{1}}{{N}} \sum \lvert {prediction} - {target} \rvert",
        note="the derivative at an error of 0 is 0; summed over the other axes",
    ),
    Function(
        name="huber",
        source="Huber, Robust Estimation of a Location Parameter (1964)",
        definition=_samples(
            "where(abs(prediction - target) <= {delta}, (prediction - target)**2 / 2, "
            "{delta} * (abs(prediction - target) - {delta} / 2))"
        ),
        parameters=(*_PAIR, Parameter("delta", "number", 1.0, is_required=False)),
        build=_of_entries(huber),
        of_samples=_each(huber),
        summary="Half the squared error up to delta, linear beyond it, "
        "averaged over the first axis.",
        latex=r"\frac{{1}}{{N}} \sum H_{{{delta}}}({prediction} - {target})",
        note="Huber (1964), 7: ½ d² where |d| ≤ δ, else δ (|d| − ½ δ)",
    ),
    Function(
        name="log_cosh",
        nicknames=("logcosh",),
        source=f"{DLMF}, 4.7 and 4.34",
        definition=_samples("log(cosh(prediction - target))"),
        parameters=_PAIR,
        build=_of_entries(log_cosh),
        of_samples=_each(log_cosh),
        summary="The logarithm of the hyperbolic cosine of the error, "
        "averaged over the first axis.",
        latex=r"\frac{{1}}{{N}} \sum \ln \cosh({prediction} - {target})",
        note="|d| − ln 2 far from 0, without overflow",
    ),
    Function(
        name="binary_cross_entropy",
        nicknames=("bce", "log_loss"),
        source=f"{BISHOP}, 4.3.2",
        definition=_samples("-xlogy(target, prediction) - xlogy(1 - target, 1 - prediction)"),
        parameters=_PAIR,
        build=_of_entries(binary_cross_entropy),
        of_samples=_each(binary_cross_entropy),
        targets=PROBABILITIES,
        summary="-t log(p) - (1 - t) log(1 - p) of probabilities p, "
        "averaged over the first axis.",
        latex=(
            r"-\frac{{1}}{{N}} \sum {target} \ln {prediction} "
            r"+ (1 - {target}) \ln(1 - {prediction})"
        ),
        note="0 log(0) is 0; of sigmoid(z) it is computed from z",
        sample=(0.1, 0.9),
    ),
    Function(
        name="binary_cross_entropy_with_logits",
        nicknames=("bce_with_logits", "logistic"),
        source=f"{GOODFELLOW}, 6.2.2.2",
        definition=_samples(
            "target * softplus(-prediction) + (1 - target) * softplus(prediction)"
        ),
        parameters=_PAIR,
        build=_of_entries(binary_cross_entropy_with_logits),
        of_samples=_each(binary_cross_entropy_with_logits),
        targets=PROBABILITIES,
        summary="binary_cross_entropy of sigmoid(prediction), averaged over the first axis.",
        latex=(
            r"\frac{{1}}{{N}} \sum {target} \ln(1 + e^{{-{prediction}}}) "
            r"+ (1 - {target}) \ln(1 + e^{{{prediction}}})"
        ),
        note="right to the last digits at both tails",
    ),
    Function(
        name="cross_entropy",
        nicknames=("categorical_cross_entropy",),
        source=f"{BISHOP}, 4.3.4",
        definition=_distributions("-xlogy(target, prediction)"),
        parameters=_PAIR,
        build=_of_distributions("cross_entropy", cross_entropy),
        of_samples=_each(cross_entropy),
        targets=DISTRIBUTIONS,
        summary="-sum(t log(p)) of distributions p along the last axis, "
        "averaged over the first axis.",
        latex=r"-\frac{{1}}{{N}} \sum {target} \ln {prediction}",
        note="0 log(0) is 0; a vector is one sample; of softmax(z) it is computed from z",
        sample=(0.1, 0.9),
    ),
    Function(
        name="cross_entropy_with_logits",
        nicknames=("softmax_cross_entropy",),
        source=f"{GOODFELLOW}, 6.2.2.3",
        definition=_distributions("-target * log_softmax(prediction)"),
        parameters=_PAIR,
        build=_of_distributions("cross_entropy_with_logits", cross_entropy_with_logits),
        of_samples=_each(cross_entropy_with_logits),
        targets=DISTRIBUTIONS,
        summary="cross_entropy of softmax(prediction) along the last axis, "
        "averaged over the first axis.",
        latex=r"-\frac{{1}}{{N}} \sum {target} \ln \operatorname{{softmax}}({prediction})",
        note="a vector is one sample",
    ),
    Function(
        name="hinge",
        source=f"{BISHOP}, 7.1.2",
        definition=_samples("maximum(0, 1 - target * prediction)"),
        parameters=_PAIR,
        build=_of_entries(hinge),
        of_samples=_each(hinge),
        targets=SIGNS,
        kinks=_kinks("hinge", margin, lambda: (-1.0, 1.0)),
        summary="max(0, 1 - t p) for targets t of -1 and 1, averaged over the first axis.",
        latex=r"\frac{{1}}{{N}} \sum \max(0, 1 - {target} {prediction})",
        note="the derivative at a margin of 1 is 0",
    ),
    Function(
        name="squared_hinge",
        source="Tang, Deep Learning using Linear Support Vector Machines (2013)",
        definition=_samples("maximum(0, 1 - target * prediction)**2"),
        parameters=_PAIR,
        build=_of_entries(squared_hinge),
        of_samples=_each(squared_hinge),
        targets=SIGNS,
        summary="max(0, 1 - t p)**2 for targets t of -1 and 1, averaged over the first axis.",
        latex=r"\frac{{1}}{{N}} \sum \max(0, 1 - {target} {prediction})^2",
    ),
    Function(
        name="poisson",
        nicknames=("poisson_nll",),
        source="McCullagh & Nelder, Generalized Linear Models (1989), 6",
        definition=_samples("prediction - xlogy(target, prediction)"),
        parameters=_PAIR,
        build=_of_entries(poisson),
        of_samples=_each(poisson),
        targets=COUNTS,
        summary="p - t log(p), the negative log-likelihood of counts t at rates p, "
        "averaged over the first axis.",
        latex=r"\frac{{1}}{{N}} \sum {prediction} - {target} \ln {prediction}",
        note="without the term log(t!), which does not depend on the prediction",
        sample=(0.4, 2.5),
    ),
    Function(
        name="quantile",
        nicknames=("pinball",),
        source="Koenker & Bassett (1978), (3.1)",
        definition=_samples(
            "{level} * maximum(0, target - prediction) "
            "+ (1 - {level}) * maximum(0, prediction - target)"
        ),
        parameters=(*_PAIR, Parameter("level", "number", 0.5, is_required=False)),
        build=_of_entries(quantile),
        of_samples=_each(quantile),
        kinks=_kinks("quantile", difference, lambda level: (-float(level), 1 - float(level))),
        summary="level times what is missing, or 1 - level times what is too much, "
        "averaged over the first axis.",
        latex=r"\frac{{1}}{{N}} \sum \rho_{{{level}}}({target} - {prediction})",
        note="Koenker & Bassett (1978), (3.1); the derivative at an error of 0 is 0",
    ),
    Function(
        name="kl_divergence",
        nicknames=("kl", "kl_div"),
        source="Kullback & Leibler (1951), (2.4)",
        definition=_distributions("xlogy(target, target) - xlogy(target, prediction)"),
        parameters=_PAIR,
        build=_of_distributions("kl_divergence", kl_divergence),
        of_samples=_each(kl_divergence),
        targets=DISTRIBUTIONS,
        summary="sum(t log(t / p)) of distributions p from the targets t along the last axis, "
        "averaged over the first axis.",
        latex=r"\frac{{1}}{{N}} \sum {target} \ln \frac{{{target}}}{{{prediction}}}",
        note="Kullback & Leibler (1951), (2.4); 0 log(0) is 0; a vector is one sample",
        sample=(0.1, 0.9),
    ),
)
