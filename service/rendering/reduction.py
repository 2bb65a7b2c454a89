"""The reduction of a product letter by letter: dots, matrix products, traces, sums.

A letter with two vectors is a dot product, one with a vector and a matrix or with two matrices
a product of matrices, a weight between them a diagonal; what is left is for einsum.
"""

from collections.abc import Iterable, Sequence

from service.rendering.formula import (
    Formula,
    call,
    diagonal,
    matrix_product,
)
from service.rendering.pieces import Piece, in_order, joined
from service.rendering.structural import Product


def reduced(product: Product) -> list[Piece]:
    """The pieces with every summed letter gone that matrix notation can say."""
    ndim = product.ndim
    current = _merged(product.pieces, ndim)
    while True:
        letters = sorted({x for p in current for x in p.letters if x >= ndim})
        ranked = [(rank, x) for x in letters if (rank := _rank(current, x)) is not None]
        if not ranked:
            return current
        _, letter = min(ranked)
        current = _merged(_without(current, letter, product), ndim)


def _carriers(pieces: Sequence[Piece], letter: int) -> tuple[list[Piece], list[Piece]]:
    vectors = [p for p in pieces if p.letters == (letter,)]
    return vectors, [p for p in pieces if letter in p.letters and len(p.letters) > 1]


def _rank(pieces: Sequence[Piece], letter: int) -> int | None:
    """How soon a letter is reduced; None where only einsum can say it."""
    _, others = _carriers(pieces, letter)
    if any(len(p.letters) > 2 for p in others) or len(others) > 2:
        return None
    return len(others)


def _without(pieces: list[Piece], letter: int, product: Product) -> list[Piece]:
    """The pieces with one letter summed over."""
    vectors, others = _carriers(pieces, letter)
    rest = [p for p in pieces if letter not in p.letters]
    if not others:
        return [*rest, Piece((), [_summed(vectors[0])])]
    if len(others) == 1:
        (matrix,) = others
        (left,) = (x for x in matrix.letters if x != letter)
        if vectors:
            return [*rest, Piece((left,), [_times_vector(matrix, vectors[0], left)])]
        name = "mean" if product.divides_by(product.sizes[letter]) else "sum"
        axis = matrix.letters.index(letter)
        total = call(name, (matrix.formula,), 1, (("axis", str(axis)),))
        return [*rest, Piece((left,), [total])]
    weight = diagonal(vectors[0].formula) if vectors else None
    return [*rest, joined(others[0], others[1], letter, weight)]


def _times_vector(matrix: Piece, vector: Piece, left: int) -> Formula:
    """A matrix by a vector, on the side where the matrix is not transposed."""
    written = matrix.formula
    is_turned = written.op == "transpose"
    if is_turned:
        written = written.args[0]
    if (matrix.letters[0] == left) != is_turned:
        return matrix_product(written, vector.formula)
    return matrix_product(vector.formula, written)


def _summed(vector: Piece) -> Formula:
    """Σ of a product of vectors: a dot product of two, else the sum of the product."""
    over = in_order(vector.over)
    if not vector.under and len(over) == 2:
        left, right = over
        if right.op == "matmul" and right.args[0].ndim == 1 and left.op != "matmul":
            return matrix_product(right, left)
        return matrix_product(left, right)
    if not vector.under and len(over) == 1 and over[0].op == "power":
        base, exponent = over[0].args
        if base.op == "name" and exponent.value == 2:
            return matrix_product(base, base)
    (only,) = over if len(over) == 1 and not vector.under else (None,)
    if only is not None and only.op == "abs":
        return call("norm1", only.args, 0, degree=only.degree)
    if only is not None and only.op == "diag":
        return call("trace", only.args, 0, degree=only.degree)
    return call("sum", (vector.formula,), 0, degree=vector.formula.degree)


def _merged(pieces: list[Piece], ndim: int) -> list[Piece]:
    """Pieces at the same letters as one, and pairs that are closed over both as scalars."""
    merged: dict[frozenset[int] | tuple[int, ...], Piece] = {}
    for piece in pieces:
        key = frozenset(piece.letters) if len(piece.letters) < 3 else piece.letters
        found = merged.get(key)
        if found is None:
            merged[key] = Piece(piece.letters, list(piece.over), list(piece.under))
        elif _closes(found, piece, pieces, ndim):
            product = matrix_product(found.formula, piece.formula)
            merged[key] = Piece((), [call("trace", (product,), 0, degree=product.degree)])
        elif len(key) == 2 and found.letters != piece.letters:
            merged[key] = Piece(
                found.letters, [*found.over, piece.turned(found.letters)], found.under
            )
        else:
            found.over += piece.over
            found.under += piece.under
    done: list[Piece] = []
    scalars = Piece((), [])
    for piece in merged.values():
        if len(piece.letters) == 2 and _is_closed(piece, merged.values(), ndim):
            formula = piece.formula
            scalars.over.append(call("sum", (formula,), 0, degree=formula.degree))
        elif piece.letters:
            done.append(piece)
        else:
            scalars.over += piece.over
            scalars.under += piece.under
    return [*done, scalars] if scalars.over or scalars.under else done


def _closes(first: Piece, second: Piece, pieces: Sequence[Piece], ndim: int) -> bool:
    """Whether two matrices are the trace of a product: Σ_st M_st N_ts and nothing beside."""
    return (
        len(first.letters) == 2
        and first.letters == second.letters[::-1]
        and all(x >= ndim for x in first.letters)
        and not first.under
        and not second.under
        and sum(bool({*p.letters} & {*first.letters}) for p in pieces) == 2
    )


def _is_closed(piece: Piece, others: Iterable[Piece], ndim: int) -> bool:
    """Whether nothing but the piece carries its letters, and all of them are summed."""
    own = {*piece.letters}
    return all(x >= ndim for x in own) and not any(
        own & {*other.letters} for other in others if other is not piece
    )
