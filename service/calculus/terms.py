"""Numbers, multiples and sums in normal form: what needs no letters to be normalised."""

from collections.abc import Iterable

from service.calculus.canonical import is_square, own_factors, swapped_factors
from service.calculus.dimensions import Dimension, NamedSize, Shape
from service.calculus.graph import (
    ONE,
    Contraction,
    Factor,
    Node,
    Number,
    Size,
    Sum,
    count_construction,
    digest_of,
    intern_node,
    text_bytes,
)
from service.calculus.numbers import (
    added,
    content_of,
    keeps_range,
    multiplied,
    number_bytes,
    raised,
)

ZERO = 0 * ONE


def number(value: Number) -> Node:
    """A scalar number."""
    return filled(value, ())


def filled(value: Number, shape: Shape) -> Node:
    """A tensor with every entry the same number: a broadcast that is never stored."""
    return _contraction(value, (), len(shape), shape)


def size_of(dimension: Dimension) -> Node:
    """A dimension as a scalar."""
    if isinstance(dimension, NamedSize):
        digest = digest_of("size", text_bytes(dimension))
        return intern_node(Size, digest, (), (), dimension=dimension)
    return number(ONE * dimension)


def number_of(node: Node) -> Number | None:
    """The number that every entry of a node is, where it is one."""
    if isinstance(node, Contraction) and not node.factors:
        return node.coefficient
    return None


def is_zero(node: Node) -> bool:
    """Whether a node is zero by its formula."""
    return isinstance(node, Contraction) and node.coefficient == 0


def scaled(node: Node, coefficient: Number) -> Node:
    """A node times a number."""
    if coefficient == 1:
        return node
    if isinstance(node, Contraction) and keeps_range(node.coefficient, ONE, coefficient):
        both = multiplied(coefficient, node.coefficient)
        return unwrapped(both, node.factors, node.ndim, node.sizes)
    factor = Factor(node, tuple(range(node.ndim)))
    return unwrapped(coefficient, (factor,), node.ndim, node.shape)


def unit_part(node: Node) -> tuple[Number, Node]:
    """A node as coefficient times a node of coefficient 1."""
    if isinstance(node, Contraction) and node.coefficient != 1:
        return node.coefficient, unwrapped(ONE, node.factors, node.ndim, node.sizes)
    return ONE, node


def add(terms: Iterable[tuple[Number, Node]], shape: Shape) -> Node:
    """The linear combination of nodes of one shape, like terms collected."""
    count_construction()
    collected: dict[Node, Number] = {}
    pending = list(terms)
    pending.reverse()
    while pending:
        coefficient, node = pending.pop()
        own, unit = unit_part(node)
        if not keeps_range(own, ONE, coefficient):
            own, unit = ONE, node
        coefficient = multiplied(coefficient, own)
        if isinstance(unit, Sum):
            pending.extend(_multiple(coefficient, c, t) for c, t in reversed(unit.terms))
            continue
        before = collected.get(unit)
        collected[unit] = coefficient if before is None else added(before, coefficient)
    kept = sorted(
        ((c, unit) for unit, c in collected.items() if c != 0), key=lambda t: t[1].digest
    )
    if not kept:
        return filled(ZERO, shape)
    if len(kept) == 1:
        return scaled(kept[0][1], kept[0][0])
    content = content_of([c for c, _ in kept])
    if content != 1:
        kept = [(multiplied(c, raised(content, -ONE)), unit) for c, unit in kept]
    return scaled(_sum(tuple(kept), shape), content)


def _multiple(coefficient: Number, own: Number, term: Node) -> tuple[Number, Node]:
    """A multiple of own · term as coefficient and node."""
    if keeps_range(own, ONE, coefficient):
        return multiplied(coefficient, own), term
    return coefficient, scaled(term, own)


def _contraction(
    coefficient: Number, factors: tuple[Factor, ...], ndim: int, sizes: Shape
) -> Contraction:
    described = [number_bytes(coefficient), text_bytes(ndim, sizes)]
    for f in factors:
        described += (f.node.digest, text_bytes(f.letters), number_bytes(f.exponent))
    shape = sizes[:ndim]
    return intern_node(
        Contraction,
        digest_of("contraction", *described),
        shape,
        [f.node for f in factors],
        coefficient=coefficient,
        factors=factors,
        sizes=sizes,
        is_symmetric=is_square(shape) and swapped_factors(factors) == factors,
    )


def unwrapped(
    coefficient: Number, factors: tuple[Factor, ...], ndim: int, sizes: Shape
) -> Node:
    """A contraction, or the one node that it is."""
    if coefficient == 0:
        return filled(ZERO, sizes[:ndim])
    if coefficient == 1 and len(factors) == 1 and len(sizes) == ndim:
        node, letters, exponent = factors[0]
        if exponent == 1 and letters == tuple(range(ndim)):
            return node
    return _contraction(coefficient, factors, ndim, sizes)


def _sum(terms: tuple[tuple[Number, Node], ...], shape: Shape) -> Sum:
    described = [b for c, node in terms for b in (number_bytes(c), node.digest)]
    operands = [node for _, node in terms]
    is_symmetric = False
    if is_square(shape):
        own = {(c, own_factors(t)) for c, t in terms}
        is_symmetric = all((c, swapped_factors(factors)) in own for c, factors in own)
    digest = digest_of("sum", *described)
    return intern_node(Sum, digest, shape, operands, terms=terms, is_symmetric=is_symmetric)
