"""What a person would write in place of a sum: rows, cases, common factors, softmax.

Each pattern is a graph of the same value, or the parts that the writer puts together.
"""

from collections.abc import Sequence

from service.calculus.applications import apply_elementwise, apply_matrix
from service.calculus.dimensions import Shape
from service.calculus.graph import (
    ONE,
    Contraction,
    Delta,
    Elementwise,
    Factor,
    LinearAlgebra,
    Node,
    Number,
    OneHot,
    Reduction,
    Sum,
)
from service.calculus.normal_form import contract
from service.calculus.numbers import is_whole
from service.calculus.rules.choices import WHERE, complement
from service.calculus.rules.matrices import COFACTOR, DET, INV
from service.calculus.terms import ZERO, add, filled, is_zero, scaled, unit_part
from service.rendering.factoring import Terms, unless_a_sum

_MOST_ROWS = 8


def rows_of(node: Node) -> list[Node] | None:
    """The parts along the first axis of a sum of terms that have one position there each."""
    content, unit = unit_part(node)
    terms = unit.terms if isinstance(unit, Sum) else ((ONE, unit),)
    size = node.shape[0] if node.ndim else 0
    if not isinstance(size, int) or not 1 < size <= _MOST_ROWS:
        return None
    rows: dict[int, list[tuple[Number, Node]]] = {}
    for coefficient, term in terms:
        picked = _row(term)
        if picked is None:
            return None
        rows.setdefault(picked[0], []).append((content * coefficient, picked[1]))
    if 2 * len(rows) < size:
        return None
    shape = node.shape[1:]
    return [add(rows[k], shape) if k in rows else filled(ZERO, shape) for k in range(size)]


def _row(term: Node) -> tuple[int, Node] | None:
    """The one position of a term along its first axis, and what stands there."""
    if isinstance(term, OneHot):
        return (term.position, filled(ONE, ())) if isinstance(term.position, int) else None
    if not isinstance(term, Contraction):
        return None
    for f in term.factors:
        if (
            isinstance(f.node, OneHot)
            and f.letters == (0,)
            and isinstance(f.node.position, int)
        ):
            rest = [g for g in term.factors if g is not f]
            if any(0 in g.letters for g in rest):
                return None
            sizes = {x: n for x, n in enumerate(term.sizes) if x}
            row = contract(rest, range(1, term.ndim), sizes, term.coefficient)
            return f.node.position, row
    return None


def shifted_by_logsumexp(node: Node) -> tuple[Node, tuple[int, ...]] | None:
    """z and the axes, where the node is z − logsumexp(z) along them."""
    coefficient, unit = unit_part(node)
    if not isinstance(unit, Sum):
        return None
    for k, (c, total) in enumerate(unit.terms):
        if coefficient * c != -1:
            continue
        spread = _spread(total)
        if spread is None or spread.function.name != "logsumexp":
            continue
        rest = [(coefficient * d, t) for m, (d, t) in enumerate(unit.terms) if m != k]
        if add(rest, node.shape) is spread.argument:
            return spread.argument, spread.axes
    return None


def normalized_axes(x: Node, divisor: Node) -> tuple[int, ...] | None:
    """The axes, where the divisor is the Euclidean norm of x along them."""
    spread = _spread(divisor)
    if spread is None or spread.function.name != "norm2" or spread.argument is not x:
        return None
    return spread.axes


def _spread(node: Node) -> Reduction | None:
    """The reduction that a node is, constant along the axes that it reduced."""
    if not isinstance(node, Contraction) or len(node.factors) != 1 or node.coefficient != 1:
        return None
    (factor,) = node.factors
    inner = factor.node
    if factor.exponent != 1 or not isinstance(inner, Reduction):
        return None
    kept = tuple(k for k in range(inner.argument.ndim) if k not in inner.axes)
    is_same = factor.letters == kept and node.shape == inner.argument.shape
    return inner if is_same else None


def split_by_condition(terms: Terms, shape: Shape) -> Node | None:
    """[c] · a + [not c] · b as where(c, a, b)."""
    if len(terms) != 2:
        return None
    (c, first), (d, second) = terms
    if not isinstance(first, Contraction) or not isinstance(second, Contraction):
        return None
    for f in first.factors:
        if not _is_condition(f):
            continue
        other = complement(f.node)
        twin = next(
            (g for g in second.factors if g.node is other and g.letters == f.letters), None
        )
        if twin is None:
            continue
        deltas = [g for g in first.factors if isinstance(g.node, Delta)]
        if deltas != [g for g in second.factors if isinstance(g.node, Delta)]:
            return None
        branches = []
        for number, term, mine in ((c, first, f), (d, second, twin)):
            rest = [g for g in term.factors if g is not mine and g not in deltas]
            if any(x not in f.letters for g in rest for x in g.letters):
                return None
            sizes = {x: term.sizes[x] for x in f.letters}
            branches.append(contract(rest, f.letters, sizes, term.coefficient * number))
        condition, chosen = f.node, branches
        if f is not _positive(f, twin):
            condition, chosen = twin.node, branches[::-1]
        choice = apply_elementwise(WHERE, condition, *chosen)
        factors = [*deltas, Factor(choice, f.letters)]
        return unless_a_sum(contract(factors, range(len(shape)), dict(enumerate(shape))))
    return None


def _is_condition(factor: Factor) -> bool:
    node = factor.node
    return isinstance(node, Elementwise) and node.function.is_indicator and factor.exponent == 1


def _positive(first: Factor, second: Factor) -> Factor:
    """Of two complementary conditions the one to be written: a > b before a ≥ b or a = b."""
    names = ("greater", "not_equal", "greater_equal", "equal")

    def rank(factor: Factor) -> int:
        assert isinstance(factor.node, Elementwise)
        return names.index(factor.node.function.name)

    return min(first, second, key=rank)


def with_whole_cases(node: Contraction) -> Node:
    """A fraction beside a choice, taken into its cases where fewer numbers are left then."""
    if is_whole(node.coefficient):
        return node
    for position, f in enumerate(node.factors):
        is_choice = isinstance(f.node, Elementwise) and f.node.function is WHERE
        if not is_choice or f.exponent != 1:
            continue
        condition, *cases = f.node.operands
        inside = [scaled(case, node.coefficient) for case in cases]
        if _numbers_in(inside) > _numbers_in(cases):
            continue
        choice = Factor(apply_elementwise(WHERE, condition, *inside), f.letters)
        factors = [*node.factors[:position], choice, *node.factors[position + 1 :]]
        return contract(factors, range(node.ndim), dict(enumerate(node.sizes)))
    return node


def with_inverse(node: Node) -> Node:
    """cofactor(A) / det(A) as the transposed inverse."""
    if not isinstance(node, Contraction):
        return node
    for f in node.factors:
        if not isinstance(f.node, LinearAlgebra) or f.node.function is not COFACTOR:
            continue
        det = apply_matrix(DET, f.node.arguments[0])
        below = next((g for g in node.factors if g.node is det and g.exponent <= -1), None)
        if below is None or f.exponent != 1:
            continue
        rest = [g for g in node.factors if g is not f and g is not below]
        rest.append(Factor(apply_matrix(INV, f.node.arguments[0]), f.letters[::-1]))
        rest.append(Factor(det, (), below.exponent + 1))
        sizes = dict(enumerate(node.sizes))
        return contract(rest, range(node.ndim), sizes, node.coefficient)
    return node


def _numbers_in(cases: Sequence[Node]) -> int:
    """How many of some nodes are written with a number in front."""
    return sum(abs(unit_part(case)[0]) != 1 for case in cases if not is_zero(case))
