"""Productions of vectors and matrices: products, transposes, inverses, determinants."""

from math import factorial, log

from tests.calculus.expressions.pieces import (
    FACTOR,
    POSTFIX,
    PRODUCT,
    SPELLINGS,
    SUM,
    Piece,
    brought_within,
    called,
    joined,
    product_bounds,
)
from tests.calculus.expressions.writing import (
    pair,
    piece,
    positive,
    production,
    split,
    within,
)


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
    if sign in ("transpose", "T"):
        return called(sign, x.text, shape, x.low, x.high)
    text = x.at(POSTFIX)
    if sign == ".T" and text[-1].isdigit():
        text = f"({text})"
    return Piece(f"{text}{sign}", POSTFIX, shape, x.low, x.high)


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


@production(30, lambda shape: shape == ())
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
