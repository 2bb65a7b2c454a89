"""A contraction in matrix notation: scalars in front, letters reduced, axes put in place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from service.calculus.dimensions import Dimension, NamedSize, combined
from service.calculus.graph import (
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
from service.rendering.formula import (
    Formula,
    call,
    diagonal,
    einsum,
    eye,
    filled,
    indexed,
    matrix_product,
    onehot,
    outer,
    raised,
    size_text,
)
from service.rendering.pieces import Piece, assembled
from service.rendering.reduction import reduced

Write = Callable[[Node], Formula]
SignedSum = Callable[[Sum, int], tuple[int, Formula]]


@dataclass(slots=True)
class Product:
    """A contraction taken apart: its number, its scalars, the pieces over letters."""

    ndim: int
    sizes: tuple[Dimension, ...]
    coefficient: Number
    over: list[Formula] = field(default_factory=list)
    under: list[Formula] = field(default_factory=list)
    counts: list[Formula] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    deltas: list[tuple[int, int]] = field(default_factory=list)

    def carried(self) -> set[int]:
        """The output letters that something carries."""
        letters = {x for p in self.pieces for x in p.letters if x < self.ndim}
        return letters.union(*self.deltas)


def taken_apart(
    node: Contraction, coefficient: Number, write: Write, signed: SignedSum
) -> Product:
    """The parts of a contraction times a number."""
    product = Product(node.ndim, node.sizes, coefficient)
    structural: list[Factor] = []
    for f in node.factors:
        if isinstance(f.node, Delta) and max(f.letters) < node.ndim:
            product.deltas.append((f.letters[0], f.letters[1]))
        elif isinstance(f.node, Delta | OneHot | Selection | Triangle | Pairing):
            structural.append(f)
        elif isinstance(f.node, Size) and f.exponent < 0:
            product.counts.append(raised(write(f.node), -f.exponent))
        else:
            _add_factor(product, f, write, signed)
    _add_structural(product, structural)
    return product


def _add_factor(product: Product, factor: Factor, write: Write, signed: SignedSum) -> None:
    node, letters, exponent = factor
    if isinstance(node, Sum) and is_whole(exponent):
        wanted = 0 if is_even(exponent) else -1 if product.coefficient < 0 else 1
        sign, formula = signed(node, wanted)
        if sign < 0 and not is_even(exponent):
            product.coefficient = -product.coefficient
    else:
        formula = write(node)
    if len(letters) == 2 and letters[0] == letters[1]:
        formula, letters = diagonal(formula), letters[:1]
    power = raised(formula, magnitude(exponent))
    if letters:
        parts = ([], [power]) if exponent < 0 else ([power], [])
        product.pieces.append(Piece(letters, *parts))
    else:
        (product.under if exponent < 0 else product.over).append(power)


def _add_structural(product: Product, structural: list[Factor]) -> None:
    """Picks, slices and running sums on what they act on; the rest as matrices."""
    left = [f for f in structural if not _acts(product, f, structural)]
    left = _without_pairings(product, left)
    for f in left:
        product.pieces.append(Piece(f.letters, [structural_formula(f.node)]))


def _acts(product: Product, factor: Factor, structural: Sequence[Factor]) -> bool:
    """Whether a pick, slice or running sum was written on the one piece that it sums over."""
    node = factor.node
    summed = factor.letters[1] if isinstance(node, Triangle) else factor.letters[0]
    if summed < product.ndim or isinstance(node, Pairing | Delta):
        return False
    if any(summed in f.letters for f in structural if f is not factor):
        return False
    carriers = [p for p in product.pieces if summed in p.letters]
    if len(carriers) != 1 or carriers[0].letters.count(summed) != 1:
        return False
    (piece,) = carriers
    axis = piece.letters.index(summed)
    items = [":"] * axis
    formula = piece.formula
    if isinstance(node, OneHot):
        items.append(_position_text(node.position, node.shape[0]))
        letters = piece.letters[:axis] + piece.letters[axis + 1 :]
        formula = indexed(formula, items, len(letters))
    elif isinstance(node, Selection):
        if factor.letters[1] in piece.letters:
            return False
        items.append(slice_text(node))
        letters = tuple(factor.letters[1] if x == summed else x for x in piece.letters)
        formula = indexed(formula, items, len(letters))
    else:
        if factor.letters[0] in piece.letters:
            return False
        letters = tuple(factor.letters[0] if x == summed else x for x in piece.letters)
        formula = call("cumsum", (formula,), len(letters), (("axis", str(axis)),))
    product.pieces = [p for p in product.pieces if p is not piece]
    if letters:
        product.pieces.append(Piece(letters, [formula]))
    else:
        product.over.append(formula)
    return True


def _position_text(position: Dimension, size: Dimension) -> str:
    """A position as an index; one that is counted from the end by its negative."""
    if isinstance(position, NamedSize):
        from_end = combined(position, size, -1)
        return str(from_end) if isinstance(from_end, int) else size_text(position)
    return str(position)


def slice_text(node: Selection) -> str:
    """The slice that a selection makes."""
    size, count = node.shape
    last = combined(node.first, combined(count, 1, -1), node.step)
    first = "" if node.first == 0 and node.step > 0 else _position_text(node.first, size)
    if node.step > 0:
        end = combined(last, 1)
        stop = "" if end == size else _position_text(end, size)
    else:
        first = "" if combined(node.first, 1) == size else first
        stop = "" if last == 0 else _position_text(combined(last, 1, -1), size)
    return f"{first}:{stop}" + (f":{node.step}" if node.step != 1 else "")


def structural_formula(node: Node) -> Formula:
    """A factor that is never stored as the language writes it."""
    if isinstance(node, Delta):
        return eye(node.shape[0])
    if isinstance(node, OneHot):
        return onehot(node.shape[0], node.position)
    if isinstance(node, Triangle):
        return call("cumsum", (eye(node.shape[0]),), 2, (("axis", "0"),), degree=0)
    if isinstance(node, Selection):
        return indexed(eye(node.shape[0]), (":", slice_text(node)), 2)
    assert isinstance(node, Pairing)
    rows, columns = pairing_matrices(node)
    return einsum("ij,ik->ijk", (rows, columns), 3)


def pairing_matrices(node: Pairing) -> tuple[Formula, Formula]:
    """The matrices that give the first and the second of the two indices that one tells."""
    _, outer_size, inner_size = node.shape
    tall = (filled("ones", (inner_size, 1)), filled("ones", (outer_size, 1)))
    rows = call("kron", (eye(outer_size), tall[0]), 2, degree=0)
    columns = call("kron", (tall[1], eye(inner_size)), 2, degree=0)
    return rows, columns


def _without_pairings(product: Product, structural: list[Factor]) -> list[Factor]:
    """Pairings of whole pieces as Kronecker products, others as two matrices."""
    pairings = [f for f in structural if isinstance(f.node, Pairing)]
    rest = [f for f in structural if not isinstance(f.node, Pairing)]
    while pairings:
        first = pairings.pop(0)
        if _written_as_kron(product, first, pairings):
            continue
        rows, columns = pairing_matrices(first.node)  # type: ignore[arg-type]  # filtered above
        p, i, j = first.letters
        product.pieces += (Piece((p, i), [rows]), Piece((p, j), [columns]))
    return rest


def _written_as_kron(product: Product, first: Factor, others: list[Factor]) -> bool:
    """Whether the two pieces that pairings join became a Kronecker product."""
    p, i, j = first.letters
    if min(i, j) < product.ndim:
        return False
    mine = [x for x in product.pieces if i in x.letters or j in x.letters]
    if len(mine) != 2 or {*mine[0].letters} & {*mine[1].letters}:
        return False
    left, right = mine if i in mine[0].letters else mine[::-1]
    if (left.letters, right.letters) == ((i,), (j,)):
        product.pieces = [x for x in product.pieces if x not in mine]
        formula = call("kron", (left.formula, right.formula), 1)
        product.pieces.append(Piece((p,), [formula]))
        return True
    for second in others:
        q, k, m = second.letters
        if (
            {*left.letters} == {i, k}
            and {*right.letters} == {j, m}
            and min(k, m) >= product.ndim
        ):
            formula = call("kron", (left.turned((i, k)), right.turned((j, m))), 2)
            product.pieces = [x for x in product.pieces if x not in mine]
            product.pieces.append(Piece((p, q), [formula]))
            others.remove(second)
            return True
    return False


def written_product(product: Product, *, is_loose: bool) -> Formula:
    """The product in matrix notation, or as einsum where that cannot say it.

    `is_loose`: it need not be written along axes that nothing in it carries.
    """
    pieces = reduced(product.pieces, product.ndim)
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
        if pieces and not pieces[0].under and not under and not product.counts:
            return assembled(product.coefficient, over + pieces[0].over, (), ())
        if pieces:
            main = _vector(product, pieces[0], over, under)
            if main is None:
                return assembled(
                    product.coefficient,
                    over + pieces[0].over,
                    under + pieces[0].under,
                    product.counts,
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
    return assembled(product.coefficient, over, under, product.counts, main)


def _vector(
    product: Product, piece: Piece, over: Sequence[Formula], under: Sequence[Formula]
) -> Formula | None:
    """The product of vectors apart from the scalars, where it is written so."""
    if product.counts and not under and not piece.under and len(piece.over) > 1:
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
