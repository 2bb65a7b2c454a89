"""The logarithms, exponentials and powers of the language besides log, exp and sqrt."""

from service.calculus.graph import ONE, Node
from service.calculus.rules.elementwise import CBRT, EXPM1
from service.calculus.rules.operators import (
    divided,
    of_one,
    of_two,
    power_kinks,
    power_of,
    raised_to,
)
from service.calculus.rules.records import Function, operands
from service.calculus.rules.related_logarithms import (
    LOG1P,
    LOG2,
    LOG10,
    LOGADDEXP,
    LOGIT,
    XLOGY,
)
from service.calculus.rules.sources import BOYD, DLMF, PAPER, POWER
from service.calculus.terms import number


def _reciprocal(x: Node) -> Node:
    return divided(number(ONE), x)


LOGARITHM_FUNCTIONS = (
    Function(
        name="log2",
        source=f"{DLMF}, 4.7",
        parameters=operands("x"),
        build=of_one(LOG2),
        is_entrywise=True,
        summary="The logarithm to base 2, entry by entry; x > 0.",
        latex=r"\log_2({x})",
        sample=(0.3, 3.0),
    ),
    Function(
        name="log10",
        source=f"{DLMF}, 4.7",
        parameters=operands("x"),
        build=of_one(LOG10),
        is_entrywise=True,
        summary="The logarithm to base 10, entry by entry; x > 0.",
        latex=r"\log_{{10}}({x})",
        sample=(0.3, 3.0),
    ),
    Function(
        name="log1p",
        source=f"{DLMF}, 4.7",
        parameters=operands("x"),
        build=of_one(LOG1P),
        is_entrywise=True,
        summary="log(1 + x) to the last digits near 0, entry by entry; x > -1.",
        latex=r"\ln(1 + {x})",
        sample=(-0.6, 2.0),
        note="log1p(exp(z)) is computed as softplus(z)",
    ),
    Function(
        name="expm1",
        source=f"{DLMF}, 4.7",
        parameters=operands("x"),
        build=of_one(EXPM1),
        is_entrywise=True,
        summary="exp(x) - 1 to the last digits near 0, entry by entry.",
        latex=r"e^{{{x}}} - 1",
    ),
    Function(
        name="logit",
        source=f"{DLMF}, 4.7, of the quotient",
        numpy="""def logit(x):
    return np.log(x) - np.log1p(-x)""",
        parameters=operands("x"),
        build=of_one(LOGIT),
        is_entrywise=True,
        summary="log(x / (1 - x)), the inverse of sigmoid, entry by entry; 0 < x < 1.",
        latex=r"\ln\frac{{{x}}}{{1 - {x}}}",
        sample=(0.2, 0.8),
        note="logit(sigmoid(z)) is z",
    ),
    Function(
        name="logaddexp",
        rule="log-sum-exp rule",
        source=f"{BOYD}, 3.1.5",
        parameters=operands("x", "y"),
        build=of_two("add", LOGADDEXP),
        is_entrywise=True,
        summary="log(exp(x) + exp(y)) without overflow, entry by entry.",
        latex=r"\ln(e^{{{x}}} + e^{{{y}}})",
    ),
    Function(
        name="xlogy",
        source=f"{DLMF}, 4.7",
        numpy="""def xlogy(x, y):
    return np.where(np.equal(x, 0.0), 0.0, x * np.log(np.where(np.equal(x, 0.0), 1.0, y)))""",
        parameters=operands("x", "y"),
        build=of_two("multiply", XLOGY),
        is_entrywise=True,
        summary="x * log(y), and 0 where x is 0, entry by entry; y > 0 elsewhere.",
        latex=r"{x} \ln({y})",
        sample=(0.4, 2.5),
        note="at x = y = 0 the derivative by y is 0, that by x does not exist",
    ),
    Function(
        name="square",
        rule=POWER,
        source=f"{PAPER}, 2",
        parameters=operands("x"),
        build=lambda x: power_of(x, 2 * ONE),
        is_entrywise=True,
        summary="The square, entry by entry.",
        latex=r"{x}^2",
    ),
    Function(
        name="cbrt",
        rule=POWER,
        source=f"{PAPER}, 2",
        parameters=operands("x"),
        build=of_one(CBRT),
        is_entrywise=True,
        summary="The real cube root, entry by entry, of negative numbers too.",
        latex=r"\sqrt[3]{{{x}}}",
        sample=(0.3, 3.0),
        note="not differentiable at 0",
    ),
    Function(
        name="reciprocal",
        rule=POWER,
        source=f"{PAPER}, 2",
        parameters=operands("x"),
        build=_reciprocal,
        is_entrywise=True,
        summary="1 / x, entry by entry; x ≠ 0.",
        latex=r"\frac{{1}}{{{x}}}",
        sample=(0.3, 3.0),
    ),
    Function(
        name="power",
        rule=POWER,
        source=f"{PAPER}, 2",
        parameters=operands("x", "y"),
        build=raised_to,
        kinks=power_kinks,
        is_entrywise=True,
        summary="x ** y, entry by entry.",
        latex=r"{x}^{{{y}}}",
        sample=(0.4, 2.5),
        note="x ** 0 is 1 with derivative 0 by x, at x = 0 too",
    ),
)
