"""Productions of einsum, matrix powers, systems, cross products, cofactors and constants."""

from math import factorial

from tests.calculus.expressions.matrices import invertible, is_square
from tests.calculus.expressions.pieces import FACTOR, SUM, Piece, called, joined
from tests.calculus.expressions.writing import (
    piece,
    production,
    split,
    within,
)

LETTERS = "ijkl"


@production(5, lambda shape: len(shape) <= 3)
def contraction_by_subscripts(w, shape, fuel):
    """einsum of two operands that share a summed letter, or of one with a diagonal or a sum."""
    out = LETTERS[: len(shape)]
    sizes = dict(zip(out, shape, strict=True))
    summed = "s"
    sizes[summed] = w.other_size(shape)
    w.used("einsum")
    if w.chance(2):
        x, inside = _operand(w, [*out, summed], sizes, fuel)
        bound = sizes[summed] * x.size
        return called("einsum", f'"{inside}->{out}", {x.text}', shape, -bound, bound)
    fuels = split(w, fuel)
    cut = w.count(0, len(out))
    left, from_left = _operand(w, [*out[:cut], summed], sizes, fuels[0])
    right, from_right = _operand(w, [*out[cut:], summed], sizes, fuels[1])
    bound = sizes[summed] * left.size * right.size
    quote = w.one_of(('"', "'"))
    subscripts = f"{quote}{from_left},{from_right}->{out}{quote}"
    return called("einsum", f"{subscripts}, {left.text}, {right.text}", shape, -bound, bound)


def _operand(w, letters, sizes, fuel):
    """An operand over the letters in any order, and its subscript."""
    order = list(letters)
    turn = w.count(0, len(order) - 1)
    order = order[turn:] + order[:turn]
    shape = tuple(sizes[x] for x in order)
    assert len(shape) <= 4
    return piece(w, shape, fuel), "".join(order)


@production(3, bool)
def running_sums(w, shape, fuel):
    x = piece(w, shape, fuel)
    axis = w.count(-len(shape), len(shape) - 1)
    options = [f", axis={axis}", f", {axis}", *[""] * (len(shape) == 1)]
    bound = max(shape) * x.size
    w.used("cumsum")
    return called("cumsum", f"{x.text}{w.one_of(tuple(options))}", shape, -bound, bound)


@production(3, is_square)
def power_of_matrix(w, shape, fuel):
    w.used("matrix_power")
    exponent = w.count(-2, 3)
    if exponent < 0:
        x = invertible(w, shape[0], fuel)
        bound = 2.0 * (2.0 * shape[0]) ** (-exponent - 1)
    else:
        x = within(w, shape, fuel, -1.5, 1.5)
        bound = max(1.0, 1.5**exponent * shape[0] ** max(exponent - 1, 0))
    return called("matrix_power", f"{x.text}, {exponent}", shape, -bound, bound)


@production(2, lambda shape: 1 <= len(shape) <= 2)
def system(w, shape, fuel):
    fuels = split(w, fuel)
    matrix = invertible(w, shape[0], fuels[0])
    x = piece(w, shape, fuels[1])
    bound = 2 * shape[0] * x.size
    return called(w.used("solve"), f"{matrix.text}, {x.text}", shape, -bound, bound)


@production(12, lambda shape: bool(shape) and shape[-1] == 3)
def cross_product(w, shape, fuel):
    fuels = split(w, fuel)
    x, y = piece(w, shape, fuels[0]), piece(w, shape[-1:], fuels[1])
    bound = 2 * x.size * y.size
    return called(w.used("cross"), f"{x.text}, {y.text}", shape, -bound, bound)


@production(4, bool)
def kronecker_product(w, shape, fuel):
    """kron of two operands whose sizes multiply to these, axes of the second left out."""
    pairs = [w.one_of([k for k in range(1, n + 1) if n % k == 0]) for n in shape]
    others = [n // k for n, k in zip(shape, pairs, strict=True)]
    while others and others[0] == 1 and w.chance(2):
        others.pop(0)
    fuels = split(w, fuel)
    x, y = piece(w, tuple(pairs), fuels[0]), piece(w, tuple(others), fuels[1])
    bound = x.size * y.size
    return called(w.used("kron"), f"{x.text}, {y.text}", shape, -bound, bound)


@production(2, is_square)
def cofactors(w, shape, fuel):
    x = within(w, shape, fuel, -2.0, 2.0)
    bound = max(1.0, factorial(shape[0] - 1) * x.size ** (shape[0] - 1))
    return called(w.used("cofactor"), x.text, shape, -bound, bound)


@production(8, is_square)
@production(3, bool)
def with_a_constant(w, shape, fuel):
    """x plus zeros, ones, eye or onehot of its shape, or of its last axis.

    Beside an axis of size 1 a constant without a size would take that of something larger.
    """
    finds_size = 1 not in shape
    kinds = ["zeros", "ones", *["vector"] * 3 * (finds_size and len(shape) == 1)]
    kinds += ["matrix"] * 3 * (finds_size and len(shape) == 2)
    if is_square(shape):
        kinds += ["eye"] * 9
    kind = w.used(w.one_of((*kinds, "onehot")))
    x = piece(w, shape, fuel)
    if kind == "onehot":
        inside = f"{shape[-1]}, {w.count(-shape[-1], shape[-1] - 1)}"
    elif kind == "eye":
        inside = "" if finds_size and w.chance(2) else str(shape[0])
    elif kind in ("vector", "matrix"):
        inside = w.one_of("01")
    else:
        inside = str(shape[0]) if len(shape) == 1 else f"({', '.join(map(str, shape))})"
    text = f"{kind}({inside})" if inside else w.used("eye alone") and kind
    constant = Piece(text, FACTOR, shape, 0.0, 1.0)
    return joined(x, w.used("+"), constant, SUM, shape, x.low, x.high + 1)
