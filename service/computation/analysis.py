"""What an expression is without values: its tree, shapes, assumptions and cost."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from service.calculus.dimensions import Shape, numbers
from service.calculus.graph import Contraction, Node, Size, construction_limit, topological
from service.calculus.structure import entries
from service.computation.answers import Notice
from service.computation.budget import BYTES_PER_NUMBER
from service.computation.requests import unused
from service.deadline import deadline_in
from service.errors import DeadlineExceededError, GradserveError, OverLimitError
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.json_tree import tree_of
from service.language.parser import Dialect, parse
from service.language.places import located
from service.language.tree_text import written
from service.numeric.compile import compile_plan
from service.numeric.plan import Estimate
from service.rendering.as_written import formula_as_written
from service.rendering.render import Formulas, shown
from service.settings import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisRequest:
    """An expression and what is known of its names.

    `shapes` are those of the variables, `valued` the names that have theirs from a value,
    `sizes` the names that stand in them for sizes;
    `pointer_at`, where the expression stands for a JSON tree, gives the pointer to the node at
    a place of it.
    """

    expression: str
    shapes: Mapping[str, Shape]
    sizes: Set[str] = frozenset()
    valued: Set[str] = frozenset()
    dialect: Dialect = "numpy"
    pointer_at: Callable[[int, int], str] | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """An expression's canonical text and tree, its formulas, shape, variables and cost.

    `assumed` are the variables that have their shapes by convention. The estimate is that of
    the value alone; None where a size is a name.
    """

    formulas: Formulas
    tree: Any
    shape: Shape
    variables: Mapping[str, Shape]
    assumed: tuple[str, ...]
    notices: tuple[Notice, ...]
    estimate: Estimate | None
    answer_bytes: int


def estimated(nodes: Sequence[Node]) -> tuple[Estimate | None, int]:
    """What the nodes would take to compute, and their bytes; None where a size is a name."""
    if not all(map(is_sized, nodes)):
        return None, 0
    numbers_of = sum(entries(numbers(node.shape)) for node in nodes)
    return compile_plan(nodes).estimate, BYTES_PER_NUMBER * numbers_of


@contextmanager
def bounded(
    request: AnalysisRequest, limits: Limits, seconds: float | None = None
) -> Iterator[None]:
    """Inside, so many seconds and nodes at the most; a mistake is told with its place."""
    try:
        with (
            deadline_in(limits.compute_seconds if seconds is None else seconds),
            construction_limit(limits.max_graph_nodes),
        ):
            yield
    except GradserveError as error:
        raise located(error, request.expression, request.pointer_at) from error.__cause__


def analysed(
    request: AnalysisRequest, limits: Limits, seconds: float | None = None
) -> Analysis:
    """What an expression is, within so many seconds.

    Raises:
        GradserveError: for whatever is wrong with the expression, with its place.
    """
    with bounded(request, limits, seconds):
        return _analysed(request, limits)


def _analysed(request: AnalysisRequest, limits: Limits) -> Analysis:
    syntax = parse(request.expression, limits, request.dialect)
    declared = Declarations(request.shapes, request.sizes, by_convention=True)
    try:
        found = elaborate(request.expression, syntax, declared, limits, request.dialect)
        estimate, answer_bytes = estimated([found.node])
    except (OverLimitError, DeadlineExceededError) as error:
        raise error.at(syntax.start, syntax.end) from None
    tree = tree_of(found.syntax)
    written_as = shown(formula_as_written(found.syntax, found.nodes, limits))
    return Analysis(
        formulas=replace(written_as, text=written(tree, limits).text),
        tree=tree,
        shape=found.node.shape,
        variables=found.shapes,
        assumed=found.assumed,
        notices=unused_of(request, found.names, ()),
        estimate=estimate,
        answer_bytes=answer_bytes,
    )


def unused_of(
    request: AnalysisRequest, used: Set[str], wrt: Sequence[str]
) -> tuple[Notice, ...]:
    """A notice for each shape and each value that the expression does not use."""
    shapes = [name for name in request.shapes if name not in request.valued]
    values = [name for name in request.shapes if name in request.valued]
    return unused(shapes, used, wrt, "shapes") + unused(values, used, wrt)


def is_sized(root: Node) -> bool:
    """Whether every size in the graph is a number."""
    return not any(
        isinstance(node, Size)
        or not all(isinstance(size, int) for size in node.shape)
        or (
            isinstance(node, Contraction)
            and not all(isinstance(size, int) for size in node.sizes)
        )
        for node in topological([root])
    )
