"""What deltas, selections and one-hot rows do to the contraction that holds them.

They are factors that are never stored: over a summed letter they rename or restrict it.
"""

import numpy as np
from numpy.typing import NDArray

from service.calculus.canonical import is_square
from service.calculus.dimensions import Dimension, combined
from service.calculus.graph import (
    ONE,
    Constant,
    Contraction,
    Delta,
    Elementwise,
    Factor,
    Node,
    OneHot,
    Pairing,
    Selection,
    Stack,
    Triangle,
    digest_of,
    intern_node,
    text_bytes,
)
from service.calculus.numbers import from_float
from service.calculus.terms import filled

STRUCTURAL = (Delta, Selection, OneHot)


def delta(size: Dimension) -> Delta:
    """The identity of this size, shape (size, size)."""
    return intern_node(
        Delta, digest_of("delta", text_bytes(size)), (size, size), (), is_symmetric=True
    )


def triangle(size: Dimension) -> Triangle:
    """T of shape (size, size) with T_ij = 1 where i ≥ j."""
    return intern_node(Triangle, digest_of("triangle", text_bytes(size)), (size, size), ())


def selection(size: Dimension, count: Dimension, first: Dimension, step: int) -> Node:
    """S of shape (size, count) with S_ij = 1 where i = first + step·j."""
    if count == 1:
        step = 1
    if first == 0 and step == 1 and size == count:
        return delta(size)
    digest = digest_of("selection", text_bytes(size, count, first, step))
    return intern_node(Selection, digest, (size, count), (), first=first, step=step)


def one_hot(size: Dimension, position: Dimension) -> OneHot:
    """The row e_position of the identity, shape (size,)."""
    digest = digest_of("onehot", text_bytes(size, position))
    return intern_node(OneHot, digest, (size,), (), position=position)


def constant(value: NDArray[np.float64]) -> Constant:
    """A literal array; the caller has made it contiguous and gives it away."""
    digest = digest_of("constant", text_bytes(value.shape), value.tobytes())
    value.flags.writeable = False
    is_symmetric = is_square(value.shape) and np.array_equal(value, value.T)
    return intern_node(
        Constant, digest, value.shape, (), value=value, is_symmetric=is_symmetric
    )


def renamed(factors: list[Factor], old: int, new: int) -> list[Factor]:
    """The factors with one letter in place of another."""
    return [
        Factor(f.node, tuple(new if x == old else x for x in f.letters), f.exponent)
        if old in f.letters
        else f
        for f in factors
    ]


def resolve(
    factors: list[Factor], output: list[int], sizes: dict[int, Dimension]
) -> list[Factor] | None:
    """The factors with every structural factor resolved that can be; None when they are zero.

    A summed letter that is resolved away leaves `sizes`. Deltas between output letters stay,
    as stars on the letter that comes first in `output`, and every other factor carries that
    letter.
    """
    changed = True
    while changed:
        changed = False
        factors = _idempotent(factors)
        for position, factor in enumerate(factors):
            if not isinstance(factor.node, STRUCTURAL):
                continue
            rest = factors[:position] + factors[position + 1 :]
            result = _resolve_one(factor, rest, output, sizes)
            if result is None:
                return None
            if result is not _UNCHANGED:
                factors, changed = result, True
                break
    return _starred(factors, output)


_UNCHANGED: list[Factor] = []


def _idempotent(factors: list[Factor]) -> list[Factor]:
    """The factors with each structural one once: its entries are 0 and 1."""
    seen: set[tuple[Node, tuple[int, ...]]] = set()
    kept = []
    for f in factors:
        if isinstance(f.node, STRUCTURAL):
            if (f.node, f.letters) in seen:
                continue
            seen.add((f.node, f.letters))
        kept.append(f)
    return kept


def _resolve_one(
    factor: Factor, rest: list[Factor], output: list[int], sizes: dict[int, Dimension]
) -> list[Factor] | None:
    node = factor.node
    if isinstance(node, Delta):
        return _resolve_delta(factor, rest, output, sizes)
    resolve_row = _resolve_one_hot if isinstance(node, OneHot) else _resolve_selection
    result = resolve_row(factor, rest, output)
    if result is not _UNCHANGED:
        sizes.pop(factor.letters[0], None)
    return result


def _resolve_delta(
    factor: Factor, rest: list[Factor], output: list[int], sizes: dict[int, Dimension]
) -> list[Factor] | None:
    first, second = factor.letters
    if first == second:
        return rest
    if second not in output:
        sizes.pop(second, None)
        return renamed(rest, second, first)
    if first not in output:
        sizes.pop(first, None)
        return renamed(rest, first, second)
    return _UNCHANGED


def _resolve_one_hot(
    factor: Factor, rest: list[Factor], output: list[int]
) -> list[Factor] | None:
    node = factor.node
    assert isinstance(node, OneHot)
    (letter,) = factor.letters
    carriers = [f for f in rest if letter in f.letters]
    for other in carriers:
        if isinstance(other.node, OneHot) and other.node is not node:
            return None
    if letter in output:
        return _UNCHANGED
    if not carriers:
        return rest
    if len(carriers) > 1:
        return _UNCHANGED
    return _picked(factor, rest, carriers[0])


def _picked(factor: Factor, rest: list[Factor], carrier: Factor) -> list[Factor] | None:
    """Σ_i e_i · carrier, where the carrier can be picked from at once."""
    node = factor.node
    assert isinstance(node, OneHot)
    (letter,) = factor.letters
    others = [f for f in rest if f is not carrier]
    if carrier.letters.count(letter) > 1:
        return _UNCHANGED
    axis = carrier.letters.index(letter)
    left = carrier.letters[:axis] + carrier.letters[axis + 1 :]
    if isinstance(carrier.node, OneHot):
        return others
    if isinstance(carrier.node, Selection):
        selected = carrier.node
        if axis == 1:
            place = combined(selected.first, node.position, selected.step)
            return [*others, Factor(one_hot(selected.shape[0], place), left)]
        gap, count = combined(node.position, selected.first, -1), selected.shape[1]
        if not isinstance(gap, int) or not isinstance(count, int):
            return _UNCHANGED
        position, offset = divmod(gap, selected.step)
        if offset or not 0 <= position < count:
            return None
        return [*others, Factor(one_hot(count, position), left)]
    if isinstance(carrier.node, Pairing) and isinstance(node.position, int):
        return _picked_from_pairing(carrier, axis, node.position, left, others)
    if isinstance(carrier.node, Stack) and axis == 0 and isinstance(node.position, int):
        part = carrier.node.parts[node.position]
        return [*others, Factor(part, left, carrier.exponent)]
    if (
        isinstance(carrier.node, Constant)
        and carrier.exponent == ONE
        and isinstance(node.position, int)
    ):
        value = np.array(carrier.node.value.take(node.position, axis=axis))
        picked = constant(value) if left else filled(from_float(float(value)), ())
        return [*others, Factor(picked, left)]
    return _UNCHANGED


def _picked_from_pairing(
    carrier: Factor, axis: int, position: int, left: tuple[int, ...], others: list[Factor]
) -> list[Factor]:
    """P_pij with one of its indices at a position, where p = i · n + j."""
    size, count, inner = carrier.node.shape
    if axis == 0:
        if not isinstance(inner, int):
            return _UNCHANGED
        row, column = divmod(position, inner)
        picks = [
            Factor(one_hot(n, place), (letter,))
            for n, place, letter in zip((count, inner), (row, column), left, strict=True)
        ]
        return [*others, *picks]
    if axis == 1:
        places = selection(size, inner, combined(0, inner, position), 1)
    elif isinstance(inner, int):
        places = selection(size, count, position, inner)
    else:
        return _UNCHANGED
    return [*others, Factor(places, left)]


def _resolve_selection(
    factor: Factor, rest: list[Factor], output: list[int]
) -> list[Factor] | None:
    node = factor.node
    assert isinstance(node, Selection)
    row, column = factor.letters
    if row == column or row in output:
        return _UNCHANGED
    carriers = [f for f in rest if row in f.letters]
    if not carriers:
        return rest
    if len(carriers) == 1 and isinstance(carriers[0].node, Selection):
        other = carriers[0]
        others = [f for f in rest if f is not other]
        twin = other.node
        assert isinstance(twin, Selection)
        if other.letters[0] == row and other.letters[1] not in (row, column) and twin is node:
            return [*others, Factor(delta(node.shape[1]), (column, other.letters[1]))]
        if other.letters[1] == row and other.letters[0] not in (row, column):
            composed = selection(
                twin.shape[0],
                node.shape[1],
                combined(twin.first, node.first, twin.step),
                twin.step * node.step,
            )
            return [*others, Factor(composed, (other.letters[0], column))]
    return _UNCHANGED


def _starred(factors: list[Factor], output: list[int]) -> list[Factor]:
    deltas = [f for f in factors if isinstance(f.node, Delta)]
    if not deltas:
        return factors
    rank = {letter: position for position, letter in enumerate(output)}
    root = {x: x for f in deltas for x in f.letters}

    def find(letter: int) -> int:
        while root[letter] != letter:
            letter = root[letter]
        return letter

    for f in deltas:
        first, second = sorted((find(x) for x in f.letters), key=rank.__getitem__)
        root[second] = first
    others = [
        Factor(f.node, tuple(find(x) if x in root else x for x in f.letters), f.exponent)
        for f in factors
        if not isinstance(f.node, Delta)
    ]
    size = {x: n for f in deltas for x, n in zip(f.letters, f.node.shape, strict=True)}
    stars = [Factor(delta(size[x]), (find(x), x)) for x in root if find(x) != x]
    return others + stars


def is_structured(term: Node) -> bool:
    """Whether deltas or scattering selections tie the term's axes; picks and slices do not."""
    return isinstance(term, STRUCTURAL) or (
        isinstance(term, Contraction)
        and any(
            isinstance(f.node, STRUCTURAL) and f.letters[0] < term.ndim for f in term.factors
        )
    )


def is_indicator(node: Node) -> bool:
    """Whether every entry of a node is 0 or 1."""
    return isinstance(node, (*STRUCTURAL, Pairing)) or (
        isinstance(node, Elementwise) and node.function.is_indicator
    )
