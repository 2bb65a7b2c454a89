"""Productions along axes: vectors of parts, indices, slices, reductions."""

from functools import cache
from math import log, prod, sqrt

from hypothesis import strategies as st

from service.calculus.rules.table import FUNCTIONS
from tests.calculus.expressions.entries import (
    added,
    multiplied,
)
from tests.calculus.expressions.pieces import (
    POSTFIX,
    Piece,
    brought_within,
    called,
    stacked,
)
from tests.calculus.expressions.writing import (
    MOST_ENTRIES,
    piece,
    production,
)

REDUCTIONS = [
    (name, f)
    for f in FUNCTIONS.values()
    if "keepdims" in {p.name for p in f.parameters}
    for name in (f.name, *f.aliases)
]


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
        kind = w.one_of(("whole", "slice", "slice", *["new"] * 8 * (size == 1)))
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
    if function.name == "prod":
        x = brought_within(w, x, -1.5, 1.5)
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
        "prod": (-(max(x.size, 1.0) ** count), max(x.size, 1.0) ** count),
        "mean": (x.low, x.high),
        "max": (x.low, x.high),
        "min": (x.low, x.high),
        "logsumexp": (x.low, x.high + log(count)),
        "norm1": (0.0, count * x.size),
        "norm2": (0.0, sqrt(count) * x.size),
        "norm_inf": (0.0, x.size),
        "var": (0.0, x.size**2),
        "std": (0.0, x.size),
    }[name]


@production(2, bool)
def softmax(w, shape, fuel):
    x = piece(w, shape, fuel)
    axis = w.count(-len(shape), len(shape) - 1)
    option = w.one_of(("", f", axis={axis}", f", {axis}"))
    w.rows.update(("softmax", *["axis"] * (option != "")))
    return called("softmax", f"{x.text}{option}", shape, 0.0, 1.0)
