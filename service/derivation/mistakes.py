"""The likely mistake in a wrong derivative: what the usual ones would give, compared."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from service.calculus.differentiate import jacobian
from service.calculus.graph import (
    ONE,
    Elementwise,
    Node,
    Variable,
    construction_limit,
    topological,
    variable,
)
from service.calculus.rebuilding import rebuilt
from service.calculus.rules.elementwise import SIGN
from service.calculus.terms import filled
from service.deadline import deadline_in
from service.derivation.mistaken_graphs import (
    by_intermediates,
    counts_in,
    sums_cases,
    with_a_sum_for_a_mean,
    with_one_branch,
    with_one_factor_less,
    with_one_turned,
)
from service.derivation.steps import products_with_a_factor_left_out
from service.errors import (
    BudgetExceededError,
    DeadlineExceededError,
    ExpressionError,
    OverLimitError,
)
from service.language.declarations import Declarations
from service.language.elaborate import Elaborated, elaborate
from service.language.json_tree import tree_of
from service.language.parser import parse
from service.language.tree_text import written
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.settings import Limits

Array = NDArray[np.float64]
Mistake = Literal[
    "sign",
    "factor_two",
    "factor_half",
    "missing_mean",
    "missing_sum",
    "missing_chain_factor",
    "cases_outside_sum",
    "wrong_axis",
    "wrong_layout",
    "transposed",
    "forgotten_transpose",
]
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Point:
    """Values of the variables, the exact derivative there, and what is claimed."""

    values: Mapping[str, Array]
    exact: Array
    claimed: Array


def likely_mistake(
    found: Elaborated, wrt: str, points: Sequence[Point], limits: Limits, seconds: float
) -> Mistake | None:
    """The plainest mistake that explains the claim at every point, None where none is found.

    The search ends after so many seconds, and leaves out what is over a limit.
    """
    by = variable(wrt, found.shapes[wrt])
    try:
        with deadline_in(seconds):
            search = _Search(found, by, points, limits)
            return next((m for m, is_it in search.tests() if search.finds(is_it)), None)
    except DeadlineExceededError:
        return None


class _Search:
    def __init__(
        self, found: Elaborated, by: Variable, points: Sequence[Point], limits: Limits
    ) -> None:
        self._found = found
        self._by = by
        self._points = points
        self._limits = limits

    @cached_property
    def _exact(self) -> Node:
        return jacobian(self._found.node, [self._by])[self._by]

    def finds(self, is_it: Callable[[], bool]) -> bool:
        """Whether a test succeeds, within limits of its own."""
        try:
            with construction_limit(self._limits.max_graph_nodes):
                return is_it()
        except (OverLimitError, BudgetExceededError):
            return False

    def tests(self) -> Iterator[tuple[Mistake, Callable[[], bool]]]:
        """What to look for, in this order."""
        yield "sign", lambda: self._is_exact_times(-1.0)
        yield "factor_two", lambda: self._is_exact_times(2.0)
        yield "factor_half", lambda: self._is_exact_times(0.5)
        yield "missing_mean", self._lacks_a_mean
        yield "transposed", self._is_transposed
        yield "wrong_layout", self._is_other_layout
        yield "missing_sum", self._lacks_a_sum
        yield "cases_outside_sum", self._lacks_cases
        yield "wrong_axis", self._is_along_another_axis
        yield "forgotten_transpose", self._lacks_a_transpose
        yield "missing_chain_factor", self._lacks_a_factor

    def _agrees(self, values: Sequence[Array]) -> bool:
        """Whether other numbers are the claim at every point, and not the exact ones too."""
        is_other = False
        for other, point in zip(values, self._points, strict=True):
            if other.shape != point.claimed.shape or not np.all(np.isfinite(other)):
                return False
            scale = max(float(np.max(np.abs(point.claimed), initial=0.0)), 1e-300)
            if float(np.max(np.abs(other - point.claimed), initial=0.0)) > _CLOSE * scale:
                return False
            is_other |= other.shape != point.exact.shape or not np.allclose(
                other, point.exact, rtol=_CLOSE, atol=_CLOSE * scale
            )
        return is_other

    def _is_node(self, node: Node) -> bool:
        """Whether a graph gives the claim at every point."""
        plan = compile_plan([node])
        estimate, limits = plan.estimate, self._limits
        if estimate.peak_bytes > limits.max_peak_bytes or estimate.flops > limits.max_flops:
            return False
        return self._agrees([np.asarray(execute(plan, p.values)[0]) for p in self._points])

    def _is_exact_times(self, factor: float) -> bool:
        return self._agrees([factor * p.exact for p in self._points])

    def _lacks_a_mean(self) -> bool:
        """Whether the claim is not divided by a count, everywhere or in one term."""
        counts = counts_in(self._found)
        if any(self._is_exact_times(count) for _, count in counts):
            return True
        return self._is_derivative_of(with_a_sum_for_a_mean(self._found, counts))

    def _is_derivative_of(self, others: Iterator[Node]) -> bool:
        """Whether the claim is the derivative of one of other expressions."""
        return any(self._is_node(jacobian(n, [self._by])[self._by]) for n in others)

    def _is_transposed(self) -> bool:
        return self._by.ndim == 2 and self._agrees(
            [np.swapaxes(p.exact, -1, -2) for p in self._points]
        )

    def _is_other_layout(self) -> bool:
        out = self._found.node.ndim
        axes = (*range(out, out + self._by.ndim), *range(out))
        return bool(out and self._by.ndim) and self._agrees(
            [np.transpose(p.exact, axes) for p in self._points]
        )

    def _lacks_a_sum(self) -> bool:
        """Whether the claim, summed over an axis that it has too many, is exact."""
        extra = self._points[0].claimed.ndim - self._points[0].exact.ndim
        if extra != 1:
            return False
        return any(
            all(
                p.claimed.shape[axis] != 1
                and np.sum(p.claimed, axis=axis).shape == p.exact.shape
                and np.allclose(np.sum(p.claimed, axis=axis), p.exact, rtol=_CLOSE)
                for p in self._points
            )
            for axis in range(self._points[0].claimed.ndim)
        )

    def _lacks_cases(self) -> bool:
        """Whether the claim takes every term of a sum, whichever case it is in."""
        if not sums_cases(self._found):
            return False
        made: dict[Node, Node] = {}
        for node in topological([self._exact]):
            is_case = isinstance(node, Elementwise) and (
                node.function.is_indicator or node.function is SIGN
            )
            made[node] = filled(ONE, node.shape) if is_case else rebuilt(node, made)
        if made[self._exact] is not self._exact and self._is_node(made[self._exact]):
            return True
        return self._is_derivative_of(with_one_branch(self._found))

    def _lacks_a_transpose(self) -> bool:
        """Whether the claim has a square matrix for its transpose, once or everywhere."""
        for name in sorted(self._exact.variables):
            shape = self._found.shapes[name]
            if len(shape) == 2 and shape[0] == shape[1] and shape[0] != 1:
                plan = compile_plan([self._exact])
                turned = [{**p.values, name: p.values[name].T.copy()} for p in self._points]
                if self._agrees([np.asarray(execute(plan, v)[0]) for v in turned]):
                    return True
        return any(map(self._is_node, with_one_turned(self._exact)))

    def _is_along_another_axis(self) -> bool:
        """Whether the claim is the derivative of the expression with another axis somewhere."""
        for tree in _with_other_axes(tree_of(self._found.syntax)):
            try:
                text = written(tree, self._limits).text
                declared = Declarations(self._found.shapes)
                syntax = parse(text, self._limits)
                other = elaborate(text, syntax, declared, self._limits).node
            except (ExpressionError, OverLimitError):
                continue
            if self._is_node(jacobian(other, [self._by])[self._by]):
                return True
        return False

    def _lacks_a_factor(self) -> bool:
        """Whether the claim leaves a local derivative, or a part of one, out of the chain."""
        shape = self._points[0].claimed.shape
        candidates = chain(
            products_with_a_factor_left_out(self._found, self._by),
            with_one_factor_less(self._exact),
            by_intermediates(self._found, self._by, shape),
        )
        return any(self._is_node(node) for node in candidates if node.shape == shape)


def _with_other_axes(tree: Any) -> Iterator[Any]:  # noqa: ANN401  # any JSON
    """The tree with one axis of one operation changed, or named where none is."""
    pending: list[tuple[Any, Callable[[Any], Any]]] = [(tree, lambda t: t)]
    while pending:
        node, around = pending.pop()
        if not isinstance(node, dict):
            continue
        options = node.get("options", {})
        axis = options.get("axis")
        if _AXIS.fullmatch(str(node["op"])) or isinstance(axis, int):
            for other in (0, 1, -1):
                if other != axis:
                    yield around({**node, "options": {**options, "axis": other}})
        for place, argument in enumerate(node.get("args", ())):
            pending.append((argument, _replacing(node, place, around)))


def _replacing(
    node: Any,  # noqa: ANN401  # any JSON
    place: int,
    around: Callable[[Any], Any],
) -> Callable[[Any], Any]:
    def replaced(argument: Any) -> Any:  # noqa: ANN401  # any JSON
        args = list(node["args"])
        args[place] = argument
        return around({**node, "args": args})

    return replaced


_AXIS = re.compile("softmax|log_softmax|normalize|cosine_similarity|cumsum")
