"""Losses as sums over rows: graphs for parts of a batch that add up to the whole batch's.

The graph is built once for a number of rows that stays a name, so that the axis of the samples
differs from every other axis and 1/N stays a factor. Each node is then one of three kinds:
the same for all rows, one value for each row, or a sum over the rows, linear in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from service.calculus.differentiate import gradient
from service.calculus.dimensions import NamedSize, Shape, substituted
from service.calculus.graph import (
    Contraction,
    Elementwise,
    Factor,
    LinearAlgebra,
    Node,
    Reduction,
    Size,
    Stack,
    Sum,
    Variable,
    topological,
    variable,
)
from service.calculus.normal_form import contract
from service.calculus.rebuilding import rebuilt
from service.calculus.terms import add, scaled, size_of
from service.errors import GradserveError
from service.rendering.render import formulas
from service.training.problems import BatchGraphs, Problem

_NAME = "rows"
_ROWS = NamedSize(((_NAME, 1),))
_MOST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a loss is no sum over rows, as a sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Shares:
    """Graphs for each part of a batch; their plain sum over the parts is the whole batch's.

    `statistics` are values of the whole batch that depend on its columns alone, such as the
    sum of the sample weights: variables of the graphs, with names that no expression can have.
    The value of one is the sum over the parts of its own graphs, one for each part; those may
    contain the statistics before it. `parts` holds what is minimised and its gradient.
    """

    statistics: Mapping[str, tuple[Node, ...]]
    parts: tuple[BatchGraphs, ...]


def shares(problem: Problem, rows: int, parts: Sequence[int]) -> Shares | Reason:
    """Graphs for parts of a batch of `rows` rows, or why there are none.

    `parts` are the numbers of rows of the parts, each at least 1; which rows of the batch a
    part holds does not matter.

    Raises:
        GradserveError: for whatever is wrong with the expression, with its place.
    """
    assert sum(parts) == rows, (rows, parts)
    assert min(parts) >= 1, parts
    problem.graphs(rows)  # so that what is wrong with the expression is told as it is
    try:
        named = problem.graphs(_ROWS)
    except GradserveError as error:
        return Reason(f"the loss is not defined for every number of rows: {error}")
    roots = (named.total, named.data_loss)
    kinds = _Kinds(frozenset(problem.columns), frozenset(problem.parameters))
    for node in topological(roots):
        mixed = kinds.classify(node)
        if mixed is not None:
            return Reason(f"the loss is no sum over rows: {_text(node)} {mixed}")
    made = {n: _Part(kinds, n, rows, topological(roots)) for n in sorted(set(parts))}
    by = [variable(name, array.shape) for name, array in problem.parameters.items()]
    graphs = {n: part.graphs(named, by) for n, part in made.items()}
    used = set().union(*(part.needed(roots) for part in made.values()))
    names = [name for name in made[parts[0]].statistics if name in used]
    statistics = {name: tuple(made[n].statistics[name] for n in parts) for name in names}
    return Shares(statistics, tuple(graphs[n] for n in parts))


@dataclass(frozen=True, slots=True)
class _Kind:
    """The same for all rows, or a value for each row along `axis`, or a sum over the rows."""

    axis: int | None = None
    is_sum: bool = False


_SAME, _SUMMED = _Kind(), _Kind(is_sum=True)


class _Kinds:
    """The kinds of the nodes met so far, operands first."""

    def __init__(self, columns: frozenset[str], parameters: frozenset[str]) -> None:
        self.of: dict[Node, _Kind] = {}
        self.linear: dict[Node, int] = {}
        self._columns = columns
        self._parameters = parameters

    def classify(self, node: Node) -> str | None:
        """Take note of the kind of a node; what is wrong where it has none."""
        found = self._kind(node)
        if isinstance(found, str):
            return found
        axes = [k for k, size in enumerate(node.shape) if isinstance(size, NamedSize)]
        if axes != ([] if found.axis is None else [found.axis]):
            return "mixes the rows"
        if found.axis is not None and node.shape[found.axis] != _ROWS:
            return "makes another axis of the rows"
        self.of[node] = found
        return None

    def _kind(self, node: Node) -> _Kind | str:
        if isinstance(node, Variable):
            return _Kind(0) if node.name in self._columns else _SAME
        if isinstance(node, Contraction):
            return self._contraction(node)
        if isinstance(node, Sum | Stack):
            return self._combination(node)
        return self._function(node)

    def _combination(self, node: Sum | Stack) -> _Kind | str:
        kinds = {self.of[o] for o in node.operands}
        if kinds <= {_SAME, _SUMMED}:
            return _SUMMED if _SUMMED in kinds else _SAME
        if len(kinds) > 1:
            return "mixes the rows"
        (kind,) = kinds
        assert kind.axis is not None
        return _Kind(kind.axis + isinstance(node, Stack))

    def _function(self, node: Node) -> _Kind | str:
        if any(self._is_used_up(o) for o in node.operands):
            return "is no linear function of a sum over all rows"
        axes = {self.of[o].axis for o in node.operands} or {None}
        if len(axes) > 1:
            return "mixes the rows"
        (axis,) = axes
        if axis is None:
            return _SAME
        if isinstance(node, Elementwise):
            return _Kind(axis)
        if isinstance(node, Reduction) and axis not in node.axes:
            return _Kind(axis - sum(k < axis for k in node.axes))
        if isinstance(node, LinearAlgebra) and axis < node.operands[0].ndim - 2:
            return _Kind(axis)
        return "needs all rows at once"

    def _is_used_up(self, operand: Node) -> bool:
        """Whether it is a sum over rows that changes with the parameters: no statistic."""
        return self.of[operand].is_sum and not self._parameters.isdisjoint(operand.variables)

    def _contraction(self, node: Contraction) -> _Kind | str:
        named = [x for x, size in enumerate(node.sizes) if isinstance(size, NamedSize)]
        if len(named) > 1:
            return "multiplies rows with each other"
        if any(node.sizes[x] != _ROWS for x in named):
            return "makes another axis of the rows"
        sums = [k for k, f in enumerate(node.factors) if self.of[f.node].is_sum]
        used = [k for k in sums if self._is_used_up(node.factors[k].node)]
        if named:
            if used:
                return "multiplies rows with a sum over all rows"
            return _Kind(named[0]) if named[0] < node.ndim else _SUMMED
        linear = used or (sums if len(sums) == 1 else [])
        if len(used) > 1 or (used and node.factors[used[0]].exponent != 1):
            return "multiplies sums over all rows"
        if not linear or node.factors[linear[0]].exponent != 1:
            return _SAME
        self.linear[node] = linear[0]
        return _SUMMED


class _Part:
    """The graphs for `count` of the batch's `rows` rows.

    A size is the batch's, an axis the part's; what is the same for all rows counts by the
    part's share of them, and a sum inside of anything else is a statistic.
    """

    def __init__(self, kinds: _Kinds, count: int, rows: int, order: Sequence[Node]) -> None:
        self._kinds = kinds
        self._count = {_NAME: count}
        self._rows = {_NAME: rows}
        self._share = Fraction(count, rows)
        self._values: dict[Node, Node] = {}
        self._sums: dict[Node, Node] = {}
        self.statistics: dict[str, Node] = {}
        for node in order:
            if kinds.of[node].is_sum:
                self._sums[node] = self._summed(node)
                name = f"statistic {len(self.statistics)}"
                self.statistics[name] = self._sums[node]
                self._values[node] = variable(name, node.shape)
            else:
                self._values[node] = self._value(node)

    def graphs(self, named: BatchGraphs, by: Sequence[Variable]) -> BatchGraphs:
        """What the part adds to the total, to the loss of the data and to the gradient."""
        total = self._added(named.total)
        slopes = gradient(total, by)
        by_name = {v.name: slopes[v] for v in by}
        return BatchGraphs(total, self._added(named.data_loss), by_name)

    def needed(self, roots: Sequence[Node]) -> list[str]:
        """The statistics that the graphs contain, each after those that it contains."""
        met = set().union(*(self._added(root).variables for root in roots))
        for name in reversed(self.statistics):
            if name in met:
                met |= self.statistics[name].variables
        return [name for name in self.statistics if name in met]

    def _added(self, node: Node) -> Node:
        """What the part adds to a node that is linear in the sums over the rows."""
        if node in self._sums:
            return self._sums[node]
        return scaled(self._values[node], self._share)

    def _value(self, node: Node) -> Node:
        if isinstance(node, Variable):
            return variable(node.name, self._shape(node.shape))
        if isinstance(node, Size):
            return size_of(substituted(node.dimension, self._rows))
        if isinstance(node, Contraction):
            return self._product(node, [self._values[f.node] for f in node.factors])
        if isinstance(node, Sum):
            terms = [(c, self._values[t]) for c, t in node.terms]
            return add(terms, self._shape(node.shape))
        return rebuilt(node, self._values)

    def _summed(self, node: Node) -> Node:
        if isinstance(node, Sum):
            return add([(c, self._added(t)) for c, t in node.terms], node.shape)
        if isinstance(node, Stack):
            return rebuilt(node, {p: self._added(p) for p in node.parts})
        assert isinstance(node, Contraction)
        operands = [self._values[f.node] for f in node.factors]
        if node in self._kinds.linear:
            place = self._kinds.linear[node]
            operands[place] = self._added(node.factors[place].node)
        return self._product(node, operands)

    def _product(self, node: Contraction, operands: Sequence[Node]) -> Node:
        factors = [
            Factor(made, f.letters, f.exponent)
            for made, f in zip(operands, node.factors, strict=True)
        ]
        sizes = dict(enumerate(self._shape(node.sizes)))
        return contract(factors, range(node.ndim), sizes, node.coefficient)

    def _shape(self, shape: Shape) -> Shape:
        return tuple(substituted(size, self._count) for size in shape)


def _text(node: Node) -> str:
    """A node as a user would write it, where that is short."""
    try:
        text = formulas(node).text
    except GradserveError:
        return "a part of it"
    return text if len(text) <= _MOST_SHOWN else "a part of it"
