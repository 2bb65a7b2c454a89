"""The functions of the language that work entry by entry, one record each."""

from collections.abc import Callable

from service.calculus.graph import Node
from service.calculus.rules.choices import MAXIMUM, MINIMUM, WHERE
from service.calculus.rules.elementwise import (
    ABS,
    COS,
    EXP,
    SIGMOID,
    SIGN,
    SIN,
    SOFTPLUS,
    TANH,
    difference,
)
from service.calculus.rules.logarithms import LOG
from service.calculus.rules.operators import (
    common_shape,
    elementwise,
    expanded,
    of_one,
    of_two,
    root_kinks,
    square_root,
)
from service.calculus.rules.records import (
    Function,
    Kink,
    operands,
)
from service.calculus.rules.sources import (
    CONSTANT,
    DLMF,
    GOODFELLOW,
    PAPER,
    PIECEWISE_MAX,
    POWER,
    ROCKAFELLAR,
)
from service.calculus.terms import ZERO, filled, number_of

_RELU_KINK = (0.0, 1.0)


def _relu(x: Node) -> Node:
    return elementwise("compare", MAXIMUM, x, filled(ZERO, x.shape))


def _where(condition: Node, yes: Node, no: Node) -> Node:
    return elementwise("choose between", WHERE, condition, yes, no)


def choice_kinks(rule: str) -> Callable[[Node, Node], tuple[Kink, ...]]:
    """The kink where two operands of a choice are equal."""

    def kinks(x: Node, y: Node) -> tuple[Kink, ...]:
        shape = common_shape("compare", x, y)
        gap = difference(expanded(x, shape), expanded(y, shape))
        if number_of(gap) is not None:
            return ()
        is_literal = not (x.variables and y.variables)
        return (Kink(rule, gap, 0.0 if is_literal else 0.5, _RELU_KINK),)

    return kinks


ENTRY_FUNCTIONS = (
    Function(
        name="exp",
        source=f"{DLMF}, 4.7",
        parameters=operands("x"),
        build=of_one(EXP),
        is_entrywise=True,
        summary="The exponential, entry by entry.",
        latex=r"\exp({x})",
    ),
    Function(
        name="log",
        source=f"{DLMF}, 4.7",
        parameters=operands("x"),
        build=of_one(LOG),
        is_entrywise=True,
        summary="The natural logarithm, entry by entry; x > 0.",
        latex=r"\ln({x})",
        sample=(0.3, 3.0),
        aliases=("ln",),
        note="log(1 + exp(z)) is computed as softplus(z), log(sum(exp(z))) as logsumexp(z)",
    ),
    Function(
        name="sin",
        source=f"{DLMF}, 4.20",
        parameters=operands("x"),
        build=of_one(SIN),
        is_entrywise=True,
        summary="The sine of radians, entry by entry.",
        latex=r"\sin({x})",
    ),
    Function(
        name="cos",
        source=f"{DLMF}, 4.20",
        parameters=operands("x"),
        build=of_one(COS),
        is_entrywise=True,
        summary="The cosine of radians, entry by entry.",
        latex=r"\cos({x})",
    ),
    Function(
        name="tanh",
        source=f"{DLMF}, 4.34",
        parameters=operands("x"),
        build=of_one(TANH),
        is_entrywise=True,
        summary="The hyperbolic tangent, entry by entry.",
        latex=r"\tanh({x})",
        note="1 - tanh(z)**2 keeps its digits at the tails",
    ),
    Function(
        name="sqrt",
        rule=POWER,
        source=f"{PAPER}, 2",
        parameters=operands("x"),
        build=square_root,
        kinks=root_kinks,
        is_entrywise=True,
        summary="The square root, entry by entry; x ≥ 0, not differentiable at 0.",
        latex=r"\sqrt{{{x}}}",
        sample=(0.3, 3.0),
        note="sqrt(x**2) is abs(x), sqrt(sum(x**2)) is norm2(x)",
    ),
    Function(
        name="abs",
        rule="absolute value rule",
        source=f"{ROCKAFELLAR}, 23",
        parameters=operands("x"),
        build=of_one(ABS),
        kinks=lambda x: (Kink("abs", x, 0.0, (-1.0, 1.0)),),
        is_entrywise=True,
        summary="The absolute value, entry by entry.",
        latex=r"\lvert {x} \rvert",
        note="the derivative at 0 is 0, the centre of [-1, 1]",
    ),
    Function(
        name="sign",
        rule=CONSTANT,
        source=f"{PAPER}, 2, piece by piece",
        parameters=operands("x"),
        build=of_one(SIGN),
        kinks=lambda x: (Kink("sign", x, 0.0, None),),
        is_entrywise=True,
        summary="-1, 0 or 1, entry by entry; the derivative is 0.",
        latex=r"\operatorname{{sign}}({x})",
        note="the derivative at the jump, x = 0, is given as 0",
        aliases=("sgn",),
    ),
    Function(
        name="relu",
        rule=PIECEWISE_MAX,
        source=f"{PAPER}, 5",
        parameters=operands("x"),
        build=_relu,
        kinks=lambda x: (Kink("relu", x, 0.0, _RELU_KINK),),
        is_entrywise=True,
        summary="max(0, x), entry by entry.",
        latex=r"\max(0, {x})",
        note="the derivative at 0 is 0, as Parr & Howard take it",
    ),
    Function(
        name="sigmoid",
        source=f"{GOODFELLOW}, 3.10",
        numpy="""def sigmoid(x):
    tail = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, tail) / (1.0 + tail)""",
        parameters=operands("x"),
        build=of_one(SIGMOID),
        is_entrywise=True,
        summary="1 / (1 + exp(-x)), entry by entry.",
        latex=r"\sigma({x})",
        note="right to the last digits at both tails",
    ),
    Function(
        name="softplus",
        source=f"{GOODFELLOW}, 3.10",
        numpy="""def softplus(x):
    return np.logaddexp(0.0, x)""",
        parameters=operands("x"),
        build=of_one(SOFTPLUS),
        is_entrywise=True,
        summary="log(1 + exp(x)), entry by entry.",
        latex=r"\ln(1 + e^{{{x}}})",
    ),
    Function(
        name="maximum",
        rule=PIECEWISE_MAX,
        source=f"{PAPER}, 5",
        parameters=operands("x", "y"),
        build=of_two("compare", MAXIMUM),
        kinks=choice_kinks("maximum"),
        is_entrywise=True,
        summary="The larger of two, entry by entry.",
        latex=r"\max({x}, {y})",
        note="at a tie the variable gets 0 beside a literal, and half beside another operand",
    ),
    Function(
        name="minimum",
        rule=PIECEWISE_MAX,
        source=f"{PAPER}, 5",
        parameters=operands("x", "y"),
        build=of_two("compare", MINIMUM),
        kinks=choice_kinks("minimum"),
        is_entrywise=True,
        summary="The smaller of two, entry by entry.",
        latex=r"\min({x}, {y})",
        note="at a tie the variable gets 0 beside a literal, and half beside another operand",
    ),
    Function(
        name="where",
        rule="piecewise rule",
        source=f"{PAPER}, 5, branch by branch",
        parameters=operands("condition", "x", "y"),
        build=_where,
        is_entrywise=True,
        summary="x where the condition is not 0, else y; entries not chosen have no effect.",
        latex=r"\begin{{cases}}{x} & {condition}\\{y} & \text{{else}}\end{{cases}}",
        note="the derivative follows the chosen branch",
    ),
)
