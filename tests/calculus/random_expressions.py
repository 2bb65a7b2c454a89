"""Random expressions as text over the whole language, with values inside every domain.

Shapes come first: for a target shape one production is drawn, which draws the shapes of its
parts. Every piece carries bounds of its entries, so that logarithms, roots, quotients and
inverses get arguments inside their domains by construction. Sizes differ from each other
wherever a production does not need them equal, so that a wrong letter shows.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from service.calculus.rules.table import FUNCTIONS
from tests.calculus.expressions import axes, entries, losses, matrices, products, rewritten
from tests.calculus.expressions.pieces import (
    ATOM,
    INTERMEDIATES,
    SPELLINGS,
    Piece,
    Writer,
    random_shape,
    shrunk,
)
from tests.calculus.expressions.writing import piece

MOST_FUEL = 12
MODULES = (
    axes,
    entries,
    losses,
    matrices,
    products,
    rewritten,
)  # imported for their productions
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
    *("stack by matrix", "stretched stack by stack", "size 1", "eye alone"),
}


@dataclass(frozen=True)
class Expression:
    """A text, the values of its variables, its shape, and the rows it uses."""

    text: str
    values: dict
    shape: tuple
    rows: Counter


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
