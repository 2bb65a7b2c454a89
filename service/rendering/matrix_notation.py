"""A contraction in matrix notation: scalars in front, letters reduced, axes put in place."""

from collections.abc import Callable, Sequence

from service.calculus import numbers
from service.calculus.graph import (
    ONE,
    Contraction,
    Delta,
    Factor,
    Node,
    Number,
    OneHot,
    Pairing,
    Selection,
    Size,
    Sum,
    Triangle,
)
from service.calculus.numbers import is_even, is_whole, magnitude
from service.calculus.structure import LETTERS
from service.calculus.terms import ZERO
from service.rendering.formula import (
    Formula,
    call,
    diagonal,
    einsum,
    eye,
    filled,
    indexed,
    matrix_product,
    multiplied,
    outer,
    raised,
)
from service.rendering.pieces import Piece, assembled
from service.rendering.reduction import reduced
from service.rendering.structural import Product, add_structural

Write = Callable[[Node], Formula]
NumberApart = Callable[[Sum, Number], tuple[Number, Formula]]


def taken_apart(
    node: Contraction, coefficient: Number, write: Write, apart: NumberApart
) -> Product:
    """The parts of a contraction times a number."""
    product = Product(node.ndim, node.sizes, coefficient)
    structural: list[Factor] = []
    for f in node.factors:
        if isinstance(f.node, Size) and f.exponent < 0:
            product.counts[f.node.dimension] = -f.exponent
    for f in node.factors:
        if isinstance(f.node, Delta) and max(f.letters) < node.ndim:
            product.deltas.append((f.letters[0], f.letters[1]))
        elif isinstance(f.node, Delta | OneHot | Selection | Triangle | Pairing):
            structural.append(f)
        elif not isinstance(f.node, Size) or f.exponent > 0:
            _add_factor(product, f, write, apart)
    add_structural(product, structural)
    return product


def _add_factor(product: Product, factor: Factor, write: Write, apart: NumberApart) -> None:
    node, letters, exponent = factor
    if isinstance(node, Sum) and is_whole(exponent):
        beside = ZERO if is_even(exponent) else product.coefficient
        if exponent == 1:
            number, formula = apart(node, beside)
        else:
            number, formula = apart(node, ONE if beside > 0 else -ONE if beside else ZERO)
        if not is_even(exponent):
            product.coefficient = numbers.multiplied(product.coefficient, number)
    else:
        formula = write(node)
        if formula.op == "sum" and exponent == 1 and not letters and not formula.options:
            sizes = node.sizes if isinstance(node, Contraction) else ()
            if sizes and product.divides_by(*sizes):
                formula = call("mean", formula.args, 0, degree=formula.degree)
    if len(letters) == 2 and letters[0] == letters[1]:
        formula, letters = diagonal(formula), letters[:1]
    power = raised(formula, magnitude(exponent))
    if letters:
        parts = ([], [power]) if exponent < 0 else ([power], [])
        product.pieces.append(Piece(letters, *parts))
    else:
        (product.under if exponent < 0 else product.over).append(power)


def written_product(product: Product, *, is_loose: bool) -> Formula:
    """The product in matrix notation, or as einsum where that cannot say it.

    `is_loose`: it need not be written along axes that nothing in it carries.
    """
    pieces = reduced(product)
    over, under = list(product.over), list(product.under)
    for piece in [p for p in pieces if not p.letters]:
        over += piece.over
        under += piece.under
    pieces = [p for p in pieces if p.letters]
    is_stuck = any(x >= product.ndim for p in pieces for x in p.letters)
    if product.ndim > 2 or is_stuck or any(len(p.letters) > 2 for p in pieces):
        main = _general(product, pieces, is_loose=is_loose)
    elif product.ndim == 2:
        main = _matrix(product, pieces, is_loose=is_loose)
    elif product.ndim == 1:
        if pieces and not pieces[0].under and not under and not product.divisors():
            return assembled(product.coefficient, over + pieces[0].over, (), ())
        if pieces:
            main = _vector(product, pieces[0], over, under)
            if main is None:
                return assembled(
                    product.coefficient,
                    over + pieces[0].over,
                    under + pieces[0].under,
                    product.divisors(),
                )
        else:
            main = None if is_loose else filled("ones", product.sizes[:1])
    else:
        main = None
        flat = [f for f in over if f.op == "matmul"]
        if len(flat) == 1 and not under:
            over.remove(flat[0])
            main = flat[0]
    if main is not None and main.op == "negate":
        product.coefficient = -product.coefficient
        main = main.args[0]
    return assembled(product.coefficient, over, under, product.divisors(), main)


def _vector(
    product: Product, piece: Piece, over: Sequence[Formula], under: Sequence[Formula]
) -> Formula | None:
    """The product of vectors apart from the scalars, where it is written so."""
    if product.divisors() and not under and not piece.under and len(piece.over) > 1:
        return None
    if len(piece.over) == 1 and not piece.under and piece.over[0].op == "matmul":
        return piece.over[0]
    return None


def _matrix(product: Product, pieces: Sequence[Piece], *, is_loose: bool) -> Formula | None:
    by_letters = {p.letters: p for p in pieces}
    rows, columns = by_letters.get((0,)), by_letters.get((1,))
    if product.deltas:
        return diagonal(rows.formula) if rows else eye(product.sizes[0])
    matrix = next((p for p in pieces if len(p.letters) == 2), None)
    if matrix is not None:
        formula = matrix.turned((0, 1))
        is_plain = formula.op in ("name", "transpose", "matmul")
        if rows is not None and columns is not None and not is_plain:
            return multiplied([outer(rows.formula, columns.formula), formula])
        if rows is not None:
            formula = matrix_product(diagonal(rows.formula), formula)
        if columns is not None:
            formula = matrix_product(formula, diagonal(columns.formula))
        return formula
    if is_loose and rows is None:
        return columns.formula if columns else None
    if is_loose and columns is None:
        assert rows is not None
        return indexed(rows.formula, (":", "None"), 2)
    if rows is None and columns is None:
        return filled("ones", product.sizes[:2])
    left = rows.formula if rows else filled("ones", product.sizes[:1])
    right = columns.formula if columns else filled("ones", product.sizes[1:2])
    return outer(left, right)


def _general(product: Product, pieces: Sequence[Piece], *, is_loose: bool) -> Formula | None:
    """Any product as einsum: deltas as identities, missing axes as ones."""
    ndim = product.ndim
    if not pieces and not product.deltas:
        return None if is_loose else filled("ones", product.sizes[:ndim])
    deltas = [(pair, eye(product.sizes[pair[0]])) for pair in product.deltas]
    tensors = [(p.letters, p.formula) for p in sorted(pieces, key=lambda p: _place(p, ndim))]
    operands = sorted(deltas) + tensors
    if ndim == 4 and sorted({*x} for x, _ in operands) in _KRONECKER:
        operands.sort(key=lambda o: min(o[0]))
    carried = {x for letters, _ in operands for x in letters}
    operands += [
        ((x,), filled("ones", product.sizes[x : x + 1]))
        for x in range(ndim)
        if x not in carried
    ]
    output = tuple(range(ndim))
    if len(operands) == 1 and operands[0][0] == output:
        return operands[0][1]
    summed = dict.fromkeys(x for letters, _ in operands for x in letters if x >= ndim)
    names = {x: LETTERS[ndim + k] for k, x in enumerate(summed)}
    names |= {x: LETTERS[x] for x in range(ndim)}
    inputs = ",".join("".join(names[x] for x in letters) for letters, _ in operands)
    subscripts = f"{inputs}->{LETTERS[:ndim]}"
    return einsum(subscripts, [formula for _, formula in operands], ndim)


def _place(piece: Piece, ndim: int) -> tuple[list[int], str]:
    """Where a piece stands among others: by its output letters, then by what it says."""
    return [min(x, ndim) for x in piece.letters], piece.formula.text


_KRONECKER = (
    [{0, 2}, {1, 3}],
    [{1, 3}, {0, 2}],
    [{0, 3}, {1, 2}],
    [{1, 2}, {0, 3}],
    [{0, 2}, {3, 1}],
)
