"""How far rounding alone can take a graph's value from its exact one, entry by entry."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from service.calculus.applications import apply_elementwise, stack
from service.calculus.graph import (
    Constant,
    Contraction,
    Elementwise,
    Factor,
    LinearAlgebra,
    Node,
    Number,
    Reduction,
    Stack,
    Sum,
    Variable,
    topological,
)
from service.calculus.normal_form import contract
from service.calculus.rules.elementwise import ABS
from service.calculus.terms import add
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.settings import Limits

Array = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)
_SAFETY = 64.0
_BEYOND_SINGLE = 1e30
_SINGLE = _EPS / float(np.finfo(np.float32).eps)


def size_of_terms(root: Node) -> Node:
    """A graph of the sums of the terms' magnitudes, where the root adds the terms.

    What rounding leaves of terms that cancel is a part of it.
    """
    made: dict[Node, Node] = {}
    for node in topological([root]):
        made[node] = _size(node, made)
    return made[root]


def _size(node: Node, made: Mapping[Node, Node]) -> Node:
    if isinstance(node, Sum):
        return add([(_magnitude(c), made[t]) for c, t in node.terms], node.shape)
    if isinstance(node, Contraction):
        factors = [
            Factor(
                made[f.node] if f.exponent > 0 else apply_elementwise(ABS, f.node),
                f.letters,
                f.exponent,
            )
            for f in node.factors
        ]
        sizes = dict(enumerate(node.sizes))
        return contract(factors, range(node.ndim), sizes, _magnitude(node.coefficient))
    if isinstance(node, Stack):
        return stack([made[p] for p in node.parts])
    if isinstance(node, Variable | Constant | Elementwise | Reduction | LinearAlgebra):
        return apply_elementwise(ABS, node)
    return node


def _magnitude(number: Number) -> Number:
    return -number if number < 0 else number


class Rounding:
    """Bounds of the rounding of some graphs together, at any point, if memory allows."""

    def __init__(self, roots: Sequence[Node], limits: Limits) -> None:
        self._plan = compile_plan([*roots, *map(size_of_terms, roots)])
        self._count = len(roots)
        self.is_affordable = self._plan.estimate.peak_bytes <= limits.max_peak_bytes

    def at(self, values: Mapping[str, Array]) -> tuple[Array, Array]:
        """The size of the terms, and what rounding may leave; infinite where nobody knows.

        The terms tell what cancels in sums. What a function makes of rounded arguments is seen
        in single precision, which errs in the same way, but more.
        """
        double = execute(self._plan, values)
        with np.errstate(all="ignore"):
            single = execute(self._plan, {n: v.astype(np.float32) for n, v in values.items()})
            terms = np.asarray(sum(double[self._count :]))
            bound = _SAFETY * _EPS * terms
            for exact, rounded in zip(double, single[: self._count], strict=False):
                bound = bound + _SAFETY * _SINGLE * np.abs(exact - rounded)
                is_huge = np.abs(exact) > _BEYOND_SINGLE
                bound = np.where(is_huge, _SAFETY * _EPS * terms, bound)
        return terms, np.where(np.isnan(bound), np.inf, bound)
