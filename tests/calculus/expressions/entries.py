"""Productions entry by entry: operators, functions, comparisons, choices."""

from service.calculus.rules.table import FUNCTIONS
from tests.calculus.expressions.pieces import (
    COMPARISON,
    FACTOR,
    POSTFIX,
    POWER,
    PRODUCT,
    SUM,
    Piece,
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
BINARY = [f for f in FUNCTIONS.values() if f.is_entrywise and len(f.parameters) == 2]


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


@production(7)
def entrywise(w, shape, fuel):
    name, function = w.one_of(UNARY)
    x = within(w, shape, fuel, *function.sample)
    w.used(name)
    # Every function of one number stays between these on its sample.
    return called(name, x.text, shape, -8.0, 8.0)


@production(2)
def of_two(w, shape, fuel):
    left, right = pair(w, shape, fuel)
    name = w.used(w.one_of(BINARY).name)
    bounds = (min(left.low, right.low), max(left.high, right.high))
    return called(name, f"{left.text}, {right.text}", shape, *bounds)


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
