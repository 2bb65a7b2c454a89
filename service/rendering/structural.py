"""Deltas, picks, slices, running sums and pairings as the language writes them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from service.calculus.dimensions import Dimension, NamedSize, combined
from service.calculus.graph import (
    ONE,
    Delta,
    Factor,
    Node,
    Number,
    OneHot,
    Pairing,
    Selection,
    Triangle,
)
from service.calculus.numbers import magnitude, multiplied
from service.rendering.formula import (
    Formula,
    call,
    diagonal,
    einsum,
    eye,
    filled,
    indexed,
    onehot,
    raised,
    size_of,
    size_text,
)
from service.rendering.pieces import Piece


@dataclass(slots=True)
class Product:
    """A contraction taken apart: its number, its scalars, the pieces over letters."""

    ndim: int
    sizes: tuple[Dimension, ...]
    coefficient: Number
    over: list[Formula] = field(default_factory=list)
    under: list[Formula] = field(default_factory=list)
    counts: dict[Dimension, Number] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    deltas: list[tuple[int, int]] = field(default_factory=list)

    def divides_by(self, *sizes: Dimension) -> bool:
        """Whether the product is divided by these sizes, which then are taken out of it."""
        named = Counter(n for n in sizes if isinstance(n, NamedSize))
        number = prod(n for n in sizes if isinstance(n, int))
        if any(self.counts.get(n, 0) < k for n, k in named.items()):
            return False
        if number > 1 and magnitude(self.coefficient) * number != 1:
            return False
        for n, k in named.items():
            self.counts[n] -= k
        self.coefficient = multiplied(self.coefficient, ONE * number)
        return True

    def divisors(self) -> list[Formula]:
        """What is left of the sizes that the product is divided by."""
        return [raised(size_of(n), k) for n, k in self.counts.items() if k]

    def carried(self) -> set[int]:
        """The output letters that something carries."""
        letters = {x for p in self.pieces for x in p.letters if x < self.ndim}
        return letters.union(*self.deltas)


def add_structural(product: Product, structural: list[Factor]) -> None:
    """Picks, slices and running sums on what they act on; the rest as matrices."""
    left = [f for f in structural if not _acts(product, f, structural)]
    left = _without_pairings(product, left)
    for f in left:
        formula, letters = structural_formula(f.node), f.letters
        if len(letters) == 2 and letters[0] == letters[1]:
            formula, letters = diagonal(formula), letters[:1]
        product.pieces.append(Piece(letters, [formula]))


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
