"""Productions entry by entry: operators, functions, comparisons, choices."""

from service.calculus.rules.table import FUNCTIONS
from tests.calculus.expressions.pieces import (
    ATOM,
    COMPARISON,
    FACTOR,
    POSTFIX,
    POWER,
    PRODUCT,
    SUM,
    Piece,
    brought_within,
    called,
    joined,
    leaf,
    narrowed,
    product_bounds,
)
from tests.calculus.expressions.writing import (
    away_from_zero,
    pair,
    pair_of_shapes,
    piece,
    production,
    split,
    within,
)

COMPARISONS = (">", ">=", "≥", "<", "<=", "≤", "==", "!=", "≠")
UNARY = [
    (name, f)
    for f in FUNCTIONS.values()
    if f.is_entrywise and len(f.parameters) == 1
    for name in (f.name, *f.aliases)
]
WITH_OPTIONS = {
    "leaky_relu": (
        "leaky_relu({x})",
        "leaky_relu({x}, 0.2)",
        "leaky_relu({x}, negative_slope=0)",
    ),
    "elu": ("elu({x})", "elu({x}, 0.5)", "elu({x}, alpha=2)"),
    "polygamma": ("polygamma(0, {x})", "polygamma(1, {x})", "polygamma(3, {x})"),
}
BINARY = [
    (name, f)
    for f in FUNCTIONS.values()
    if f.is_entrywise and [p.kind for p in f.parameters] == ["operand"] * 2
    for name in (f.name, *f.aliases)
]


@production(3)
def added(w, shape, fuel):
    left, right = pair(w, shape, fuel)
    operation = w.one_of(("add", "add", "subtract"))
    low, high = (right.low, right.high) if operation == "add" else (-right.high, -right.low)
    bounds = (left.low + low, left.high + high)
    return joined(left, w.spelled(operation), right, SUM, shape, *bounds)


@production(3)
def multiplied(w, shape, fuel):
    left, right = pair(w, shape, fuel)
    bounds = product_bounds(left, right)
    return joined(left, w.spelled("multiply"), right, PRODUCT, shape, *bounds)


@production(2)
def divided(w, shape, fuel):
    left, right = pair(w, shape, fuel, second=away_from_zero)
    size = left.size / min(abs(right.low), abs(right.high))
    return joined(left, w.spelled("divide"), right, PRODUCT, shape, -size, size)


@production(1)
def negated(w, shape, fuel):
    x = piece(w, shape, fuel)
    w.used("unary minus")
    return Piece(f"{w.one_of('-−')}{x.at(FACTOR)}", FACTOR, shape, -x.high, -x.low)


@production(2)
def raised(w, shape, fuel):
    kind = w.one_of(("whole power", "negative power", "fractional power"))
    w.used(kind)
    if kind == "whole power":
        x, exponent = within(w, shape, fuel, -3.0, 3.0), w.one_of("23140")
        bounds = (-(x.size ** int(exponent)) - 1, x.size ** int(exponent) + 1)
    elif kind == "negative power":
        x, exponent = away_from_zero(w, shape, fuel), w.one_of(("-1", "-2", "(-3)"))
        size = min(abs(x.low), abs(x.high)) ** float(exponent.strip("()"))
        bounds = (-size, size)
    else:
        x = within(w, shape, fuel, 0.3, 3.0)
        exponent = w.one_of(("0.5", "1.5", "-0.5", "(1/3)", "2.5"))
        bounds = (0.0, 16.0)
    text = f"{x.at(POSTFIX)}{w.spelled('power')}{exponent}"
    return Piece(text, POWER, shape, *bounds)


@production(1)
def raised_to_an_expression(w, shape, fuel):
    fuels = split(w, fuel)
    shapes = pair_of_shapes(w, shape)
    base = within(w, shapes[0], fuels[0], 0.3, 3.0)
    exponent = within(w, shapes[1], fuels[1], -2.0, 2.5)
    w.used("power by an expression")
    text = f"{base.at(POSTFIX)} {w.spelled('power')} {exponent.at(FACTOR)}"
    return Piece(text, POWER, shape, 0.0, 16.0)


@production(3)
def compared(w, shape, fuel):
    left, right = pair(w, shape, fuel)
    sign = w.used(w.one_of(COMPARISONS))
    text = f"{left.at(SUM)} {sign} {right.at(SUM)}"
    return Piece(text, COMPARISON, shape, 0.0, 1.0)


@production(14)
def entrywise(w, shape, fuel):
    """One function of one number, or two in a chain."""
    x = piece(w, shape, fuel)
    for _ in range(w.count(1, 2)):
        # Drawn by the generator: Hypothesis repeats its choices, and there are many functions.
        name, function = UNARY[w.rng.integers(len(UNARY))]
        x = brought_within(w, x, *function.sample)
        w.used(name)
        # Every function of one number stays between these on its sample.
        x = called(name, x.text, shape, -8.0, 8.0)
    return x


@production(6)
def of_two(w, shape, fuel):
    name, function = BINARY[w.rng.integers(len(BINARY))]
    low, high = function.sample

    def argument(*options):
        # The order of a maximum is as free as its arguments; other functions have domains.
        free = name in ("maximum", "minimum")
        return piece(*options) if free else within(*options, low, high)

    left, right = pair(w, shape, fuel, argument, argument)
    w.used(name)
    bounds = (min(left.low, right.low, -4.0), max(left.high, right.high, 10.0))
    return called(name, f"{left.text}, {right.text}", shape, *bounds)


@production(2)
def with_an_option(w, shape, fuel):
    name = w.used(w.one_of([*WITH_OPTIONS]))
    low, high = FUNCTIONS[name].sample
    x = within(w, shape, fuel, max(low, 0.8) if name == "polygamma" else low, high)
    text = w.one_of(WITH_OPTIONS[name]).format(x=x.text)
    return Piece(text, ATOM, shape, -8.0, 20.0)


@production(1)
def clipped(w, shape, fuel):
    x, bound = pair(w, shape, fuel)
    low = leaf(w, narrowed(w, shape))
    inside = f"{x.text}, {low.text}, {bound.text}"
    bounds = [(p.low, p.high) for p in (x, low, bound)]
    lowest, highest = min(b[0] for b in bounds), max(b[1] for b in bounds)
    return called(w.used("clip"), inside, shape, lowest, highest)


@production(1)
def folded(w, shape, fuel):
    parts = [*pair(w, shape, fuel), leaf(w, shape)][: w.count(2, 3)]
    inside = ", ".join(part.text for part in parts)
    w.used("folded maximum")
    low, high = min(p.low for p in parts), max(p.high for p in parts)
    return called(w.used(w.one_of(("max", "min"))), inside, shape, low, high)


@production(2)
def chosen(w, shape, fuel):
    fuels = split(w, fuel)
    condition = w.one_of((compared, compared, piece))(w, narrowed(w, shape), min(fuels))
    yes, no = pair(w, shape, max(fuels))
    bounds = (min(yes.low, no.low), max(yes.high, no.high))
    w.used("where")
    return called("where", f"{condition.text}, {yes.text}, {no.text}", shape, *bounds)
