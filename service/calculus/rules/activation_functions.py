"""The activation functions of the language besides relu, sigmoid, softplus and tanh."""

from collections.abc import Callable

from service.calculus.applications import apply_elementwise
from service.calculus.graph import Node, Number
from service.calculus.rules.choices import GREATER, WHERE
from service.calculus.rules.elementwise import (
    EXPM1,
    SIGMOID,
    SOFTPLUS,
    SOFTSIGN,
    TANH,
    times,
)
from service.calculus.rules.operators import of_one
from service.calculus.rules.records import Function, Kink, Parameter, operands
from service.calculus.rules.special import NORMAL
from service.calculus.terms import ZERO, filled, scaled

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _split(x: Node, above: Node, below: Node) -> Node:
    """`above` where x > 0, else `below`."""
    is_positive = apply_elementwise(GREATER, x, filled(ZERO, x.shape))
    return apply_elementwise(WHERE, is_positive, above, below)


def _selu(x: Node) -> Node:
    below = scaled(apply_elementwise(EXPM1, x), SELU_SCALE * SELU_ALPHA)
    return _split(x, scaled(x, SELU_SCALE), below)


def _selu_kinks(x: Node) -> tuple[Kink, ...]:
    below = SELU_SCALE * SELU_ALPHA
    return (Kink("selu", x, below, (SELU_SCALE, below)),)


def _gelu(x: Node) -> Node:
    return times(x, apply_elementwise(NORMAL, x))


def _silu(x: Node) -> Node:
    return times(x, apply_elementwise(SIGMOID, x))


def _mish(x: Node) -> Node:
    return times(x, apply_elementwise(TANH, apply_elementwise(SOFTPLUS, x)))


def _elu(x: Node, alpha: Number) -> Node:
    return _split(x, x, scaled(apply_elementwise(EXPM1, x), alpha))


def _leaky_relu(x: Node, negative_slope: Number) -> Node:
    return _split(x, x, scaled(x, negative_slope))


def _lower_slope_kinks(rule: str) -> Callable[[Node, Number], tuple[Kink, ...]]:
    """The kink between a slope below 0 and 1 above, where they differ; the lower is used."""

    def kinks(x: Node, slope: Number) -> tuple[Kink, ...]:
        below = float(slope)
        if below == 1:
            return ()
        return (Kink(rule, x, below, (min(below, 1.0), max(below, 1.0))),)

    return kinks


ACTIVATION_FUNCTIONS = (
    Function(
        name="leaky_relu",
        source="Maas et al., Rectifier Nonlinearities (2013)",
        definition=lambda _: "where(x > 0, x, {negative_slope} * x)",
        parameters=(
            *operands("x"),
            Parameter("negative_slope", "number", 0.01, is_required=False),
        ),
        build=_leaky_relu,
        kinks=_lower_slope_kinks("leaky_relu"),
        is_entrywise=True,
        summary="x where x > 0, else negative_slope * x, entry by entry.",
        latex=r"\max(0, {x}) + {negative_slope} \min(0, {x})",
        note="the derivative at 0 is negative_slope",
    ),
    Function(
        name="elu",
        source="Clevert et al. (2015), (15)",
        definition=lambda _: "where(x > 0, x, {alpha} * expm1(x))",
        parameters=(*operands("x"), Parameter("alpha", "number", 1.0, is_required=False)),
        build=_elu,
        kinks=_lower_slope_kinks("elu"),
        is_entrywise=True,
        summary="x where x > 0, else alpha * expm1(x), entry by entry.",
        latex=r"\max(0, {x}) + {alpha} (e^{{\min(0, {x})}} - 1)",
        note="Clevert et al. (2015), (15); the derivative at 0 is alpha: 1 by default, where "
        "there is no kink",
    ),
    Function(
        name="selu",
        source="Klambauer et al. (2017), (2)",
        definition=lambda _: (
            f"where(x > 0, {SELU_SCALE} * x, {SELU_SCALE * SELU_ALPHA} * expm1(x))"
        ),
        parameters=operands("x"),
        build=_selu,
        kinks=_selu_kinks,
        is_entrywise=True,
        summary="1.0507 x where x > 0, else 1.7581 expm1(x), entry by entry.",
        latex=r"\operatorname{{selu}}({x})",
        note="Klambauer et al. (2017), (2); the derivative at 0 is that of the lower branch",
    ),
    Function(
        name="gelu",
        source="Hendrycks & Gimpel (2016), 2",
        definition=lambda _: "x * (1 + erf(x / sqrt(2))) / 2",
        parameters=operands("x"),
        build=_gelu,
        is_entrywise=True,
        summary="x times the normal distribution function of x, entry by entry.",
        latex=r"{x} \Phi({x})",
        note="exact, not the approximation by tanh; Hendrycks & Gimpel (2016), 2",
    ),
    Function(
        name="silu",
        source="Elfwing et al. (2017), (1)",
        definition=lambda _: "x * sigmoid(x)",
        parameters=operands("x"),
        build=_silu,
        is_entrywise=True,
        summary="x * sigmoid(x), entry by entry.",
        latex=r"{x} \sigma({x})",
        note="Elfwing et al. (2017), (1)",
    ),
    Function(
        name="mish",
        source="Misra (2019), (1)",
        definition=lambda _: "x * tanh(softplus(x))",
        parameters=operands("x"),
        build=_mish,
        is_entrywise=True,
        summary="x * tanh(softplus(x)), entry by entry.",
        latex=r"{x} \tanh(\ln(1 + e^{{{x}}}))",
        note="Misra (2019), (1)",
    ),
    Function(
        name="softsign",
        source="Glorot & Bengio (2010)",
        definition=lambda _: "x / (1 + abs(x))",
        numpy="""def softsign(x):
    return x / (1.0 + np.abs(x))""",
        parameters=operands("x"),
        build=of_one(SOFTSIGN),
        is_entrywise=True,
        summary="x / (1 + |x|), entry by entry.",
        latex=r"\frac{{{x}}}{{1 + \lvert {x} \rvert}}",
        note="the second derivative at its jump, x = 0, is given as 0",
    ),
)
