"""What the usual mistakes lead to: a mean left out, one branch for all, a factor less."""

from collections.abc import Callable, Iterator, Sequence

from service.calculus.differentiate import jacobian
from service.calculus.dimensions import Shape
from service.calculus.graph import (
    ONE,
    Contraction,
    Elementwise,
    Factor,
    Node,
    Variable,
    topological,
    variable,
)
from service.calculus.normal_form import contract
from service.calculus.numbers import from_float
from service.calculus.rebuilding import rebuilt, substituted
from service.calculus.rules.choices import WHERE
from service.calculus.rules.loss_functions import LOSS_FUNCTIONS
from service.calculus.terms import add, filled, number_of
from service.errors import ExpressionError
from service.language.elaborate import Elaborated, Site

_LOSSES = frozenset(f.name for f in LOSS_FUNCTIONS)
_SUMS = frozenset(("sum", "mean", "matmul", "dot", "norm1", *_LOSSES))
_OWN_CASES = frozenset(("norm1", *_LOSSES))
_MOST_TRIED = 40
_CLOSE = 1e-9
_INTERMEDIATE = "the intermediate"  # no name of the language: it has a space
Change = Callable[[Sequence[Node]], Node]


def counts_in(found: Elaborated) -> list[tuple[int, float]]:
    """The numbers that the expression divides by, each with the place of its operation."""
    sizes = {n for shape in found.shapes.values() for n in shape if isinstance(n, int)}
    counts = [(k, c) for k, site in enumerate(found.sites) for c in _counts(site, sizes)]
    return [(k, count) for k, count in counts if count != 1]


def _counts(site: Site, sizes: set[int]) -> Iterator[float]:
    if not site.operands:
        return
    shape = [s for s in site.operands[0].shape if isinstance(s, int)]
    size = _product(shape)
    if site.name in ("mean", "var", "std"):
        yield size / (_product([s for s in site.node.shape if isinstance(s, int)]) or 1.0)
    elif site.name in _LOSSES and shape:
        yield float(max(shape))
        yield size
    elif site.name == "divide":
        divisor = number_of(site.operands[1])
        if divisor is not None and not site.operands[1].ndim:
            yield float(divisor)
    elif site.name == "multiply":
        for operand in site.operands:
            factor = number_of(operand)
            if factor and any(abs(float(factor) * n - 1) < _CLOSE for n in sizes):
                yield 1 / float(factor)


def _product(sizes: Sequence[int]) -> float:
    result = 1.0
    for size in sizes:
        result *= size
    return result


def with_a_sum_for_a_mean(
    found: Elaborated, counts: Sequence[tuple[int, float]]
) -> Iterator[Node]:
    """The expression with one operation times the count that it divides by."""
    for place, count in counts[:_MOST_TRIED]:
        build = found.sites[place].build

        def change(
            operands: Sequence[Node],
            build: Callable[..., Node] = build,
            count: float = count,
        ) -> Node:
            node = build(*operands)
            return add([(from_float(count), node)], node.shape)

        yield from _again(found, {place: change})


def sums_cases(found: Elaborated) -> bool:
    """Whether the expression sums what is defined by cases."""
    cases = {site.node for site in found.sites if _is_by_cases(site)}
    for site in found.sites:
        if site.name in _OWN_CASES and site.kinks() and site.operands[0].ndim:
            return True
        if site.name in _SUMS and not cases.isdisjoint(topological(site.operands)):
            return True
    return False


def _is_by_cases(site: Site) -> bool:
    is_indicator = isinstance(site.node, Elementwise) and site.node.function.is_indicator
    is_choice = site.name == WHERE.name or (site.is_entrywise and bool(site.kinks()))
    return is_indicator or is_choice


def with_one_branch(found: Elaborated) -> Iterator[Node]:
    """The expression with the first branch of every choice, and with the second."""
    places = [k for k, site in enumerate(found.sites) if site.name == WHERE.name]
    for truth in (1, 0) if places else ():
        changes: dict[int, Change] = {}
        for place in places:
            build = found.sites[place].build

            def change(
                operands: Sequence[Node],
                build: Callable[..., Node] = build,
                truth: int = truth,
            ) -> Node:
                return build(filled(truth * ONE, operands[0].shape), *operands[1:])

            changes[place] = change
        yield from _again(found, changes)


def by_intermediates(found: Elaborated, by: Variable, shape: Shape) -> Iterator[Node]:
    """The derivatives of this shape by the values between the variable and the result."""
    places = [k for k, site in enumerate(found.sites) if by.name in site.node.variables]
    for place in places[:_MOST_TRIED]:
        node = found.sites[place].node
        if node is found.node or node is by or found.node.shape + node.shape != shape:
            continue
        between = variable(_INTERMEDIATE, node.shape)

        def change(_: Sequence[Node], between: Variable = between) -> Node:
            return between

        for whole in _again(found, {place: change}):
            partial = jacobian(whole, [between])[between]
            yield substituted(partial, {_INTERMEDIATE: node})


def _again(found: Elaborated, changes: dict[int, Change]) -> Iterator[Node]:
    """The expression made again with some of its operations changed, if it can be."""
    made: dict[Node, Node] = {}
    for place, site in enumerate(found.sites):
        operands = [made.get(o, o) for o in site.operands]
        try:
            node = changes[place](operands) if place in changes else site.build(*operands)
        except ExpressionError:
            return
        if node is not site.node:
            made[site.node] = node
    if found.node in made:
        yield made[found.node]


def with_one_turned(exact: Node) -> Iterator[Node]:
    """A derivative with one square factor of one product transposed."""
    for node, position in _factors_in(exact):
        f = node.factors[position]
        is_square = f.node.ndim == 2 and f.node.shape[0] == f.node.shape[1]
        if is_square and not f.node.is_symmetric and f.node.variables:
            turned = Factor(f.node, f.letters[::-1], f.exponent)
            factors = [*node.factors[:position], turned, *node.factors[position + 1 :]]
            yield _with(exact, node, _contracted(node, factors))


def with_one_factor_less(exact: Node) -> Iterator[Node]:
    """A derivative with one factor left out of one product, and its number then too."""
    for node, position in _factors_in(exact):
        rest = [*node.factors[:position], *node.factors[position + 1 :]]
        carried = {letter for f in rest for letter in f.letters}
        if not node.factors[position].node.variables or any(
            letter >= node.ndim and letter not in carried
            for letter in node.factors[position].letters
        ):
            continue
        less = _contracted(node, rest)
        yield _with(exact, node, less)
        if node.coefficient not in (0, 1):
            yield _with(exact, node, add([(1 / node.coefficient, less)], less.shape))


def _factors_in(exact: Node) -> Iterator[tuple[Contraction, int]]:
    products = (n for n in topological([exact]) if isinstance(n, Contraction))
    places = ((node, k) for node in products for k in range(len(node.factors)))
    for _, place in zip(range(_MOST_TRIED), places, strict=False):
        yield place


def _contracted(node: Contraction, factors: Sequence[Factor]) -> Node:
    sizes = dict(enumerate(node.sizes))
    return contract(factors, range(node.ndim), sizes, node.coefficient)


def _with(root: Node, old: Node, new: Node) -> Node:
    made: dict[Node, Node] = {}
    for node in topological([root]):
        made[node] = new if node is old else rebuilt(node, made)
    return made[root]
