"""The parts of random expressions: texts with a shape and bounds, leaves, moved intervals."""

from collections import Counter
from dataclasses import dataclass, field
from math import prod

import numpy as np
from hypothesis import strategies as st

SIZES = (2, 3, 4, 5)
NAMES = "wxyzvhpqABCDXYZαβθ"
INTERMEDIATES = ("u", "mean_of", "Σ")
MOST_VARIABLES = 4
MOST_LITERALS = 8
LARGE = 40.0
COMPARISON, SUM, PRODUCT, FACTOR, POWER, POSTFIX, ATOM = range(7)

SPELLINGS = {
    "add": ("+", "⊕"),
    "subtract": ("-", "−", "⊖"),
    "multiply": ("*", ".*", "⊗"),
    "divide": ("/", "./", "⊘"),
    "power": ("**", "^", ".^"),
    "matmul": ("@", "·", "dot"),
    "greater": (">",),
    "greater_equal": (">=", "≥"),
    "less": ("<",),
    "less_equal": ("<=", "≤"),
    "equal": ("==",),
    "not_equal": ("!=", "≠"),
    "transpose": (".T", "'", "ᵀ", "transpose", "T"),
}
CONSTANTS = {"pi": np.pi, "π": np.pi, "e": np.e}
NUMBERS = ("2", "0.5", "3", "1.25", "1", "0.1", "2.5e-1", "7E-1", ".75", "2.")


@dataclass(frozen=True)
class Piece:
    """A text of this shape, how tightly it binds, and between what its entries lie."""

    text: str
    level: int
    shape: tuple
    low: float
    high: float

    def at(self, level):
        """The text where the grammar asks for at least this level."""
        return self.text if self.level >= level else f"({self.text})"

    @property
    def size(self):
        return max(abs(self.low), abs(self.high))


@dataclass
class Writer:
    """One expression on its way: what it draws from, its variables, the rows it has used."""

    draw: object
    rng: np.random.Generator
    variables: list = field(default_factory=list)
    bound: list = field(default_factory=list)
    values: dict = field(default_factory=dict)
    rows: Counter = field(default_factory=Counter)

    def one_of(self, options):
        return self.draw(st.sampled_from(options))

    def count(self, low, high):
        return self.draw(st.integers(low, high))

    def chance(self, one_in):
        return self.count(1, one_in) == one_in

    def used(self, row):
        self.rows[row] += 1
        return row

    def spelled(self, operation):
        return self.used(self.one_of(SPELLINGS[operation]))

    def other_size(self, shape):
        """A size that the shape does not have."""
        return self.one_of([n for n in SIZES if n not in shape] or SIZES)


def written(x):
    """A number as a literal, exact to the digits shown."""
    return f"{x:.12g}"


def called(name, inside, shape, low, high):
    return Piece(f"{name}({inside})", ATOM, shape, low, high)


def joined(left, operator, right, level, shape, low, high):
    """left operator right, both at the levels that associativity to the left asks for."""
    text = f"{left.at(level)} {operator} {right.at(level + 1)}"
    return Piece(text, level, shape, low, high)


def product_bounds(left, right):
    corners = [x * y for x in (left.low, left.high) for y in (right.low, right.high)]
    return min(corners), max(corners)


def stacked(parts):
    """[a, b, …] of pieces of one shape."""
    text = f"[{', '.join(part.text for part in parts)}]"
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    return Piece(text, ATOM, (len(parts), *parts[0].shape), low, high)


def random_shape(w, most=3):
    ndim = w.one_of([n for n in (0, 1, 2, 2, 3) if n <= most])
    sizes = list(w.draw(st.permutations(SIZES))[:ndim])
    kind = (
        w.one_of(("distinct",) * 4 + ("one", "one", "square", "square")) if ndim else "distinct"
    )
    if kind == "one":
        sizes[w.count(0, ndim - 1)] = 1
    elif kind == "square":
        sizes[-1] = sizes[-2 % ndim]
    return tuple(sizes)


def narrowed(w, shape):
    """A shape that broadcasts to this one."""
    tail = shape[len(shape) - w.count(0, len(shape)) :]
    return tuple(1 if n > 1 and w.chance(3) else n for n in tail)


def leaf(w, shape):
    known = [piece for piece in w.bound if piece.shape == shape]
    kinds = ["variable", "variable", *["bound"] * 3 * bool(known)]
    kind = w.one_of(kinds + ["literal"] * (prod(shape) <= MOST_LITERALS))
    if kind == "bound":
        w.used("named intermediate")
        return w.one_of(known)
    return literal(w, shape) if kind == "literal" else variable(w, shape)


def variable(w, shape, *, is_positive=False):
    low, high = (0.4, 2.5) if is_positive else (-2.0, 2.0)
    known = [v for v in w.variables if v.shape == shape and v.low >= low]
    has_room = len(w.variables) < MOST_VARIABLES
    if known and not (has_room and w.chance(3)):
        return w.one_of(known)
    if not has_room and prod(shape) <= MOST_LITERALS:
        return literal(w, shape, is_positive=is_positive)
    name = w.one_of([n for n in NAMES if n not in w.values])
    w.values[name] = w.rng.uniform(low, high, size=shape)
    w.variables.append(Piece(name, ATOM, shape, low, high))
    return w.variables[-1]


def literal(w, shape, *, is_positive=False):
    if not shape:
        return number(w, is_positive=is_positive)
    w.used("vector literal" if len(shape) == 1 else "nested literal")
    return stacked([literal(w, shape[1:], is_positive=is_positive) for _ in range(shape[0])])


def number(w, *, is_positive=False):
    text = w.one_of(NUMBERS if is_positive else (*NUMBERS, "0", *CONSTANTS))
    if text in CONSTANTS:
        w.used(text)
    value = CONSTANTS[text] if text in CONSTANTS else float(text)
    if is_positive or not w.chance(4):
        return Piece(text, ATOM, (), value, value)
    w.used("unary minus")
    return Piece(f"-{text}", FACTOR, (), -value, -value)


def scaled_down(w, piece, by):
    sign = w.spelled("divide")
    text = f"{piece.at(PRODUCT)} {sign} {written(by)}"
    return Piece(text, PRODUCT, piece.shape, piece.low / by, piece.high / by)


def shrunk(w, piece):
    """The piece, or one like it whose entries are not large."""
    if piece.size <= LARGE:
        return piece
    kind = w.one_of(("divide", "divide", "sin", "tanh"))
    if kind == "divide":
        return scaled_down(w, piece, float(f"{piece.size / 2:.1g}"))
    return called(w.used(kind), piece.text, piece.shape, -1.0, 1.0)


def brought_within(w, piece, low, high):
    """The piece moved and scaled so that its entries lie in an interval."""
    if low <= piece.low and piece.high <= high:
        return piece
    if piece.high - piece.low > 8 * (high - low):
        piece = called(w.used("sin"), piece.text, piece.shape, -1.0, 1.0)
    width = max(piece.high - piece.low, 0.01)
    factor = min(float(f"{0.9 * (high - low) / width:.2g}"), 1.0)
    middle = (piece.low + piece.high) / 2
    offset = float(f"{(low + high) / 2 - factor * middle:.3g}")
    if factor != 1:
        bounds = (factor * piece.low, factor * piece.high)
        text = f"{written(factor)} * {piece.at(FACTOR)}"
        piece = Piece(text, PRODUCT, piece.shape, *bounds)
    text = f"{piece.at(SUM)} {'-' if offset < 0 else '+'} {written(abs(offset))}"
    return Piece(text, SUM, piece.shape, piece.low + offset, piece.high + offset)
