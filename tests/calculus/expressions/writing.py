"""How a piece is written: a production is drawn for its shape, and draws its parts."""

from functools import cache

import numpy as np
from hypothesis import strategies as st

from tests.calculus.expressions.pieces import (
    FACTOR,
    POSTFIX,
    POWER,
    SUM,
    Piece,
    brought_within,
    called,
    leaf,
    narrowed,
    scaled_down,
    shrunk,
    variable,
    written,
)

MOST_ENTRIES = 120
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
