"""Productions of forms that the service computes by other, stable ones."""

from math import log, prod

from tests.calculus.expressions.axes import softmax
from tests.calculus.expressions.matrices import invertible
from tests.calculus.expressions.pieces import (
    ATOM,
    POSTFIX,
    PRODUCT,
    Piece,
    joined,
    leaf,
    number,
    product_bounds,
)
from tests.calculus.expressions.writing import (
    MOST_ENTRIES,
    production,
    within,
)

REWRITTEN = (
    ("log(1 + exp({x}))", -3.0, 3.0),
    ("ln(exp({x}) + 1)", -3.0, 3.0),
    ("1 / (1 + exp(-({x})))", -3.0, 3.0),
    ("1 / (1 + exp({x}))**2", -3.0, 3.0),
    ("exp({x}) / (1 + exp({x}))", -3.0, 3.0),
    ("log(sigmoid({x}))", -3.0, 3.0),
    ("log(exp({x}))", -3.0, 3.0),
    ("1 - tanh({x})**2", -3.0, 3.0),
    ("1 - sigmoid({x})", -3.0, 3.0),
    ("exp({x}) - 1", -2.0, 2.0),
    ("log(1 + ({x}))", 0.1, 3.0),
    ("sqrt(({x})**2)", -3.0, 3.0),
    ("(({x})**2)**1.5", -2.0, 2.0),
    ("({x}) / ({x})", 0.3, 3.0),
    ("maximum({x}, 0) * (({x}) > 0)", -3.0, 3.0),
    ("where(({x}) > 0, {x}, 0)", -3.0, 3.0),
)
REWRITTEN_ALONG_AXES = (
    ("log(sum(exp({x}), axis=-1, keepdims=True))", -3.0, 3.0, True),
    ("log(2 * sum(exp({x}), axis=-1))", -3.0, 3.0, None),
    ("exp({x}) / sum(exp({x}), axis=-1, keepdims=True)", -3.0, 3.0, False),
    ("log(softmax({x}))", -3.0, 3.0, False),
    ("log(exp({x}) / sum(exp({x}), -1, keepdims=True))", -3.0, 3.0, False),
    ("({x}) / norm2({x}, axis=-1, keepdims=True)", 0.3, 3.0, False),
    ("sqrt(sum(({x})**2, axis=-1))", -3.0, 3.0, None),
    ("norm2({x}, axis=-1)**2", -3.0, 3.0, None),
    ("({x}) - mean({x}, axis=-1, keepdims=True)", -3.0, 3.0, False),
)


def argument(w, shape, fuel, low, high):
    """A piece within the interval, often a transpose: a form then has its letters exchanged."""
    fuel = min(fuel, 4)
    if len(shape) < 2 or w.chance(2):
        return within(w, shape, fuel, low, high)
    x = within(w, (*shape[:-2], *shape[-2:][::-1]), fuel, low, high)
    return Piece(f"({x.text}){w.used('.T')}", POSTFIX, shape, x.low, x.high)


@production(2)
def rewritten(w, shape, fuel):
    """A form that the service computes by another, stable one."""
    pattern, low, high = w.one_of(REWRITTEN)
    x = argument(w, shape, fuel, low, high)
    return Piece(f"({pattern.format(x=x.text)})", ATOM, shape, -30.0, 30.0)


@production(2)
def rewritten_along_an_axis(w, shape, fuel):
    """The same for forms over an axis, which stays, becomes 1 or disappears."""
    pattern, low, high, keeps = w.one_of(REWRITTEN_ALONG_AXES)
    if keeps is None:
        full = (*shape, w.other_size(shape))
    elif not shape:
        return rewritten(w, shape, fuel)
    elif keeps and shape[-1] != 1:
        return softmax(w, shape, fuel)
    else:
        full = (*shape[:-1], w.other_size(shape)) if keeps else shape
    if prod(full) > MOST_ENTRIES:
        return rewritten(w, shape, fuel)
    x = argument(w, full, fuel, low, high)
    return Piece(f"({pattern.format(x=x.text)})", ATOM, shape, -50.0, 50.0)


@production(1)
def log_of_a_determinant(w, shape, fuel):
    x = invertible(w, w.count(1, 3), fuel)
    low, high = -6.0, 6.0 + 3 * log(x.size + 1)
    w.rows.update(("log", "det"))
    scale = number(w, is_positive=True)
    text = f"log(det({x.text})) * {scale.text}"
    result = Piece(text, PRODUCT, (), low * scale.high, high * scale.high)
    return result if not shape else _expanded(w, result, shape)


def _expanded(w, scalar, shape):
    x = leaf(w, shape)
    bounds = product_bounds(scalar, x)
    return joined(scalar, w.spelled("multiply"), x, PRODUCT, shape, *bounds)
