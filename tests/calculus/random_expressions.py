"""Random expressions as text over the whole language, with values inside every domain.

Shapes come first: for a target shape one production is drawn, which draws the shapes of its
parts. Every piece carries bounds of its entries, so that logarithms, roots, quotients and
inverses get arguments inside their domains by construction. Sizes differ from each other
wherever a production does not need them equal, so that a wrong letter shows.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from math import factorial, log, prod, sqrt

import numpy as np
from hypothesis import strategies as st

from service.calculus.rules.table import FUNCTIONS
from tests.calculus.pieces import (
    ATOM,
    COMPARISON,
    FACTOR,
    INTERMEDIATES,
    POSTFIX,
    POWER,
    PRODUCT,
    SPELLINGS,
    SUM,
    Piece,
    Writer,
    brought_within,
    called,
    joined,
    leaf,
    narrowed,
    number,
    product_bounds,
    random_shape,
    scaled_down,
    shrunk,
    stacked,
    variable,
    written,
)

MOST_FUEL = 12
MOST_ENTRIES = 120
COMPARISONS = (">", ">=", "≥", "<", "<=", "≤", "==", "!=", "≠")
UNARY = [
    (name, f)
    for f in FUNCTIONS.values()
    if f.is_entrywise and len(f.parameters) == 1
    for name in (f.name, *f.aliases)
]
BINARY = [f for f in FUNCTIONS.values() if f.is_entrywise and len(f.parameters) == 2]
REDUCTIONS = [
    (name, f)
    for f in FUNCTIONS.values()
    if "keepdims" in {p.name for p in f.parameters}
    for name in (f.name, *f.aliases)
]
ROWS = {
    *(name for f in FUNCTIONS.values() for name in (f.name, *f.aliases)),
    *(spelling for spellings in SPELLINGS.values() for spelling in spellings),
    *("pi", "π", "e", "unary minus", "named intermediate", "new line", "several statements"),
    *("vector literal", "nested literal", "vector of parts", "matrix of parts"),
    *("index", "negative index", "slice", "slice with step", "backward slice", "new axis"),
    *("whole power", "negative power", "fractional power", "power by an expression"),
    *("axis", "negative axis", "several axes", "axis by position", "keepdims"),
    *("scalar expansion", "broadcasting", "broadcasting both ways", "folded maximum"),
    *("vector by vector", "matrix by vector", "vector by matrix", "matrix by matrix"),
    *("stack by vector", "vector by stack", "stack by stack", "matrix by stack"),
    *("stack by matrix", "stretched stack by stack", "size 1"),
}


@dataclass(frozen=True)
class Expression:
    """A text, the values of its variables, its shape, and the rows it uses."""

    text: str
    values: dict
    shape: tuple
    rows: Counter


PRODUCTIONS = []


def production(weight, fits=lambda _: True):
    """A way to write a piece of any shape that `fits` takes."""

    def register(function):
        PRODUCTIONS.append((weight, fits, function))
        return function

    return register


@cache
def productions_of(shape):
    return [f for weight, fits, f in PRODUCTIONS if fits(shape) for _ in range(weight)]


def piece(w, shape, fuel):
    """A piece of this shape made by about `fuel` productions."""
    if fuel <= 0:
        return leaf(w, shape)
    if 1 in shape:
        w.used("size 1")
    return shrunk(w, w.one_of(productions_of(shape))(w, shape, fuel - 1))


def within(w, shape, fuel, low, high):
    """A piece whose entries lie in an interval."""
    return brought_within(w, piece(w, shape, fuel), low, high)


def positive(w, shape, fuel, least=0.3):
    """A piece whose entries are at least `least`."""
    if fuel <= 0 and least <= 0.4:
        return variable(w, shape, is_positive=True)
    kind = w.one_of(("square", "abs", "exp", "softplus", "within"))
    if kind == "within":
        return within(w, shape, fuel, least, 3.0 + least)
    if kind == "square":
        x = piece(w, shape, fuel)
        sign = w.spelled("power")
        x = Piece(f"{x.at(POSTFIX)}{sign}2", POWER, shape, 0.0, x.size**2)
    else:
        x = within(w, shape, fuel, -2.0, 2.0)
        high = {"abs": 2.0, "exp": np.exp(2.0), "softplus": 2.2}[kind]
        x = called(w.used(kind), x.text, shape, 0.0, high)
    x = scaled_down(w, x, float(f"{x.size / 8:.1g}")) if x.size > 40 else x
    text = f"{x.text} {w.spelled('add')} {written(least)}"
    return Piece(text, SUM, shape, x.low + least, x.high + least)


def away_from_zero(w, shape, fuel):
    x = positive(w, shape, fuel)
    if not w.chance(3):
        return x
    w.used("unary minus")
    return Piece(f"-{x.at(FACTOR)}", FACTOR, shape, -x.high, -x.low)


def split(w, fuel):
    """Fuel for two parts, most of it for one of them."""
    less = w.count(0, fuel // 3)
    return (fuel - less, less) if w.draw(st.booleans()) else (less, fuel - less)


def pair_of_shapes(w, shape):
    """Two shapes that broadcast to this one together."""
    kind = w.one_of(("equal", "equal", "left", "right", "crossed"))
    if kind == "crossed" and len(shape) >= 2:
        w.used("broadcasting both ways")
        return (1, *shape[1:]), (*shape[:-1], 1)
    if kind in ("equal", "crossed"):
        return shape, shape
    narrow = narrowed(w, shape)
    if narrow != shape:
        w.used("broadcasting" if narrow else "scalar expansion")
    return (narrow, shape) if kind == "left" else (shape, narrow)


def pair(w, shape, fuel, first=piece, second=piece):
    """Two pieces that broadcast to the shape together."""
    shapes, fuels = pair_of_shapes(w, shape), split(w, fuel)
    return first(w, shapes[0], fuels[0]), second(w, shapes[1], fuels[1])


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


@production(2)
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


@production(6, lambda shape: len(shape) == 3)
@production(4)
def multiplied_as_matrices(w, shape, fuel):
    inner = w.other_size(shape)
    kind, left, right = w.one_of(_factors_of(shape, inner))
    fuels = split(w, fuel)
    x, y = piece(w, left, fuels[0]), piece(w, right, fuels[1])
    w.used(kind)
    size = inner * x.size * y.size
    is_flat = len(left) < 3 and len(right) < 3
    sign = w.used(w.one_of(SPELLINGS["matmul"] if is_flat else ("@",)))
    if sign == "dot":
        return called("dot", f"{x.text}, {y.text}", shape, -size, size)
    return joined(x, sign, y, PRODUCT, shape, -size, size)


def _factors_of(shape, inner):
    """The pairs of shapes whose matrix product has this shape."""
    if not shape:
        return [("vector by vector", (inner,), (inner,))]
    if len(shape) == 1:
        return [
            ("matrix by vector", (*shape, inner), (inner,)),
            ("vector by matrix", (inner,), (inner, *shape)),
        ]
    *batch, row, column = shape
    if not batch:
        return [
            ("matrix by matrix", (row, inner), (inner, column)),
            ("matrix by matrix", (row, inner), (inner, column)),
            ("stack by vector", (row, column, inner), (inner,)),
            ("vector by stack", (inner,), (row, inner, column)),
        ]
    return [
        ("stack by stack", (*batch, row, inner), (*batch, inner, column)),
        ("matrix by stack", (row, inner), (*batch, inner, column)),
        ("stack by matrix", (*batch, row, inner), (inner, column)),
        ("stretched stack by stack", (1, row, inner), (*batch, inner, column)),
    ]


@production(1, lambda shape: shape == ())
def dot_of_numbers(w, shape, fuel):
    x, y = pair(w, shape, fuel)
    return called(w.used("dot"), f"{x.text}, {y.text}", shape, *product_bounds(x, y))


@production(2, lambda shape: len(shape) == 2)
def outer_product(w, shape, fuel):
    fuels = split(w, fuel)
    x, y = piece(w, shape[:1], fuels[0]), piece(w, shape[1:], fuels[1])
    return called(w.used("outer"), f"{x.text}, {y.text}", shape, *product_bounds(x, y))


@production(3, lambda shape: len(shape) != 1)
def turned(w, shape, fuel):
    turned_shape = (*shape[:-2], *shape[-2:][::-1])
    x = piece(w, turned_shape, fuel)
    sign = w.spelled("transpose")
    if sign == "transpose":
        return called(sign, x.text, shape, x.low, x.high)
    return Piece(f"{x.at(POSTFIX)}{sign}", POSTFIX, shape, x.low, x.high)


@production(1, lambda shape: len(shape) == 1)
def diagonal_of(w, shape, fuel):
    x = piece(w, shape * 2, fuel)
    return called(w.used("diag"), x.text, shape, x.low, x.high)


def is_square(shape):
    return len(shape) == 2 and shape[0] == shape[1]


@production(2, is_square)
def diagonal_matrix(w, shape, fuel):
    x = piece(w, shape[:1], fuel)
    return called(w.used("diag"), x.text, shape, min(0.0, x.low), max(0.0, x.high))


@production(2, is_square)
def inverse(w, shape, fuel):
    x = invertible(w, shape[0], fuel)
    return called(w.used("inv"), x.text, shape, -2.0, 2.0)


@production(2, lambda shape: 1 <= len(shape) <= 2)
def solved(w, shape, fuel):
    """inv(A) @ b, which is computed without the inverse."""
    fuels = split(w, fuel)
    matrix = invertible(w, shape[0], fuels[0])
    x = piece(w, shape, fuels[1])
    w.rows.update(("inv", "@", "matrix by vector" if len(shape) == 1 else "matrix by matrix"))
    size = 2 * shape[0] * x.size
    text = f"inv({matrix.text}) @ {x.at(FACTOR)}"
    return Piece(text, PRODUCT, shape, -size, size)


@production(9, lambda shape: shape == ())
def of_square_matrix(w, shape, fuel):
    size = w.count(1, 4)
    kind = w.one_of(("trace", "tr", "det", "logdet"))
    w.used(kind)
    if kind == "logdet":
        x = invertible(w, size, fuel)
        return called(kind, x.text, shape, -6.0, 6.0 + size * log(x.size + 1))
    if kind == "det":
        x = within(w, (size, size), fuel, -2.0, 2.0)
        bound = factorial(size) * x.size**size
    else:
        x = piece(w, (size, size), fuel)
        bound = size * x.size
    return called(kind, x.text, shape, -bound, bound)


def invertible(w, size, fuel):
    """A matrix with a positive determinant and an inverse whose entries are at most 2."""
    fuels = split(w, fuel)
    weights = positive(w, (size,), min(fuels), least=1.0)
    w.rows.update(("diag", "matrix by matrix"))
    if w.chance(2):
        other = w.other_size((size,))
        x = piece(w, (size, other), max(fuels))
        if x.size > 4:
            x = brought_within(w, x, -2.0, 2.0)
        text = f"{x.at(PRODUCT)} @ {x.at(POSTFIX)}.T + diag({weights.text})"
        bound = other * x.size**2 + weights.high
    else:
        x = within(w, (size, size), max(fuels), -0.5 / size, 0.5 / size)
        text = f"{x.at(SUM)} + diag({weights.text})"
        bound = weights.high + 1
    return Piece(text, SUM, (size, size), -bound, bound)


@production(2, bool)
def vector_of_parts(w, shape, fuel):
    count = shape[0]
    longest = w.count(0, count - 1)
    fuels = [fuel if k == longest else w.count(0, 1) for k in range(count)]
    w.used("vector of parts" if len(shape) == 1 else "matrix of parts")
    return stacked([piece(w, shape[1:], f) for f in fuels])


@cache
def slices_of(size, count):
    """Every way to write a slice of `count` entries of an axis that is not the whole axis."""
    bounds = (None, *range(-size - 1, size + 2))
    return [
        (first, stop, step)
        for first in bounds
        for stop in bounds
        for step in (None, 1, 2, 3, -1, -2)
        if len(places := range(*slice(first, stop, step).indices(size))) == count
        and places != range(size)
    ]


@production(4)
def indexed(w, shape, fuel):
    """x[items]: each axis whole, sliced from a longer one or new, and others picked away."""
    sizes, items = [], []
    for size in shape:
        if len(sizes) < 4 and w.chance(4):
            _picked(w, sizes, items, shape)
        kind = w.one_of(("whole", "slice", "slice", *["new"] * 4 * (size == 1)))
        if kind == "new":
            items.append(w.used("new axis"))
        else:
            length = w.count(size, 5) if kind == "slice" else size
            sizes.append(length)
            items.append(_sliced(w, length, size) if kind == "slice" else ":")
    if len(sizes) < 3 and (not items or w.chance(3)):
        _picked(w, sizes, items, shape)
    while len(items) > 1 and items[-1] == ":" and w.chance(2):
        items.pop()
    if prod(sizes) > MOST_ENTRIES or len(sizes) > 4 or not items:
        return multiplied(w, shape, fuel)
    x = piece(w, tuple(sizes), fuel)
    inside = ", ".join(item.replace("new axis", "None") for item in items)
    return Piece(f"{x.at(POSTFIX)}[{inside}]", POSTFIX, shape, x.low, x.high)


def _picked(w, sizes, items, shape):
    size = w.other_size((*shape, *sizes))
    position = w.count(-size, size - 1)
    w.used("negative index" if position < 0 else "index")
    sizes.append(size)
    items.append(str(position))


def _sliced(w, size, count):
    found = slices_of(size, count)
    if not found:
        return ":"
    first, stop, step = w.one_of(found)
    w.used("slice")
    if step is not None:
        w.used("backward slice" if step < 0 else "slice with step")
    text = ":".join("" if part is None else str(part) for part in (first, stop))
    return text if step is None and w.chance(2) else f"{text}:{'' if step is None else step}"


@production(5)
def reduced(w, shape, fuel):
    """A function of all entries along some axes, with every form of its options."""
    name, function = w.one_of(REDUCTIONS)
    w.used(name)
    ones = [k for k, n in enumerate(shape) if n == 1]
    keeps = bool(ones) and w.chance(2)
    if keeps:
        axes = ones[: w.count(1, len(ones))]
        full = tuple(w.other_size(shape) if k in axes else n for k, n in enumerate(shape))
    else:
        full, axes = _with_more_axes(w, shape)
    if prod(full) > MOST_ENTRIES:
        return added(w, shape, fuel)
    x = piece(w, full, fuel)
    if function.name == "logsumexp":
        x = brought_within(w, x, -5.0, 5.0) if x.size > 8 else x
    options = _axis_option(w, full, axes, function)
    options += [f"keepdims={bool(keeps)}"] if keeps or w.chance(4) else []
    if keeps:
        w.used("keepdims")
    bounds = _reduced_bounds(function.name, x, prod(full[k] for k in axes))
    return called(name, ", ".join([x.text, *options]), shape, *bounds)


def _with_more_axes(w, shape):
    full, axes = list(shape), []
    for _ in range(w.count(1, 2) if len(shape) < 2 else 1):
        place = w.count(0, len(full))
        axes = [k + (k >= place) for k in axes]
        full.insert(place, w.other_size(full))
        axes.append(place)
    return tuple(full), sorted(axes)


def _axis_option(w, full, axes, function):
    """The axes as the text writes them; nothing where they are all."""
    if len(axes) == len(full) and w.draw(st.booleans()):
        return []
    written_axes = []
    for axis in axes:
        is_negative = w.chance(3)
        w.used("negative axis" if is_negative else "axis")
        written_axes.append(str(axis - len(full) if is_negative else axis))
    if len(axes) > 1:
        w.used("several axes")
    text = written_axes[0] if len(axes) == 1 else f"({', '.join(written_axes)})"
    if w.chance(3) and not function.folded_by:
        w.used("axis by position")
        return [text]
    return [f"axis={text}"]


def _reduced_bounds(name, x, count):
    return {
        "sum": (count * min(x.low, 0), count * max(x.high, 0)),
        "mean": (x.low, x.high),
        "max": (x.low, x.high),
        "min": (x.low, x.high),
        "logsumexp": (x.low, x.high + log(count)),
        "norm1": (0.0, count * x.size),
        "norm2": (0.0, sqrt(count) * x.size),
    }[name]


@production(2, bool)
def softmax(w, shape, fuel):
    x = piece(w, shape, fuel)
    axis = w.count(-len(shape), len(shape) - 1)
    option = w.one_of(("", f", axis={axis}", f", {axis}"))
    w.rows.update(("softmax", *["axis"] * (option != "")))
    return called("softmax", f"{x.text}{option}", shape, 0.0, 1.0)


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


@production(2)
def rewritten(w, shape, fuel):
    """A form that the service computes by another, stable one."""
    pattern, low, high = w.one_of(REWRITTEN)
    x = within(w, shape, min(fuel, 4), low, high)
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
    x = within(w, full, min(fuel, 4), low, high)
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


@st.composite
def expressions(draw):
    """An expression with the values of its variables and the rows it uses."""
    w = Writer(draw, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    statements = []
    for name in INTERMEDIATES[: w.one_of((0, 0, 1, 2, 3))]:
        bound = shrunk(w, piece(w, random_shape(w, 2), w.count(1, 3)))
        statements.append(f"{name} = {bound.text}")
        w.bound.append(Piece(name, ATOM, bound.shape, bound.low, bound.high))
    result = piece(w, random_shape(w), w.count(2, MOST_FUEL))
    if statements:
        w.used("several statements")
    separator = w.one_of(("; ", "\n")) if statements else ""
    if separator == "\n":
        w.used("new line")
    text = separator.join([*statements, result.text])
    return Expression(text, w.values, result.shape, w.rows)
