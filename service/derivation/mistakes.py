"""The likely mistake in a wrong derivative: what the usual ones would give, compared."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from service.calculus.differentiate import jacobian
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
from service.calculus.rebuilding import rebuilt
from service.calculus.rules.loss_functions import LOSS_FUNCTIONS
from service.calculus.terms import filled
from service.derivation.steps import products_with_a_factor_left_out
from service.errors import GradserveError
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
_MOST_TRIED = 40
_PIECEWISE_SUMS = frozenset(("sum", "mean", "matmul", "dot", *(f.name for f in LOSS_FUNCTIONS)))


@dataclass(frozen=True, slots=True)
class Point:
    """Values of the variables, the exact derivative there, and what is claimed."""

    values: Mapping[str, Array]
    exact: Array
    claimed: Array


def mistakes_in(
    found: Elaborated, wrt: str, points: Sequence[Point], limits: Limits
) -> Iterator[Mistake]:
    """The mistakes that explain the claim at every point, the plainest first."""
    by = variable(wrt, found.shapes[wrt])
    search = _Search(found, by, points, limits)
    for mistake, is_it in search.tests():
        if is_it():
            yield mistake


class _Search:
    def __init__(
        self, found: Elaborated, by: Variable, points: Sequence[Point], limits: Limits
    ) -> None:
        self._found = found
        self._by = by
        self._points = points
        self._limits = limits
        self._exact = jacobian(found.node, [by])[by]

    def tests(self) -> Iterator[tuple[Mistake, Callable[[], bool]]]:
        """What to look for, in this order."""
        yield "sign", lambda: self._is_exact_times(-1.0)
        yield "factor_two", lambda: self._is_exact_times(2.0)
        yield "factor_half", lambda: self._is_exact_times(0.5)
        yield "missing_mean", lambda: any(map(self._is_exact_times, self._counts()))
        yield "transposed", self._is_transposed
        yield "wrong_layout", self._is_other_layout
        yield "missing_sum", self._lacks_a_sum
        yield "cases_outside_sum", self._lacks_cases
        yield "forgotten_transpose", self._lacks_a_transpose
        yield "wrong_axis", self._is_along_another_axis
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
        if plan.estimate.peak_bytes > self._limits.max_peak_bytes:
            return False
        return self._agrees([np.asarray(execute(plan, p.values)[0]) for p in self._points])

    def _is_exact_times(self, factor: float) -> bool:
        return self._agrees([factor * p.exact for p in self._points])

    def _counts(self) -> Iterator[float]:
        """The numbers that means in the expression divide by."""
        losses = {f.name for f in LOSS_FUNCTIONS}
        for site in self._found.sites:
            size = float(np.prod([s for s in site.operands[0].shape if isinstance(s, int)]))
            if site.name in ("mean", "var", "std"):
                kept = [s for s in site.node.shape if isinstance(s, int)]
                yield size / float(np.prod(kept))
            elif site.name in losses and site.operands[0].ndim:
                yield float(np.max([s for s in site.operands[0].shape if isinstance(s, int)]))
                yield size
            elif site.name == "divide" and not site.operands[1].variables:
                (divisor,) = execute(compile_plan([site.operands[1]]), {})
                if not np.ndim(divisor):
                    yield float(divisor)

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
                np.sum(p.claimed, axis=axis).shape == p.exact.shape
                and np.allclose(np.sum(p.claimed, axis=axis), p.exact, rtol=_CLOSE)
                for p in self._points
            )
            for axis in range(self._points[0].claimed.ndim)
        )

    def _lacks_cases(self) -> bool:
        """Whether the claim takes every term of a sum, whichever case it is in."""
        if not any(site.name in _PIECEWISE_SUMS for site in self._found.sites):
            return False
        made: dict[Node, Node] = {}
        for node in topological([self._exact]):
            is_case = isinstance(node, Elementwise) and node.function.is_indicator
            made[node] = filled(ONE, node.shape) if is_case else rebuilt(node, made)
        return made[self._exact] is not self._exact and self._is_node(made[self._exact])

    def _lacks_a_transpose(self) -> bool:
        """Whether the claim has a square matrix for its transpose, once or everywhere."""
        for name in sorted(self._exact.variables):
            shape = self._found.shapes[name]
            if len(shape) == 2 and shape[0] == shape[1] and shape[0] != 1:
                plan = compile_plan([self._exact])
                turned = [{**p.values, name: p.values[name].T.copy()} for p in self._points]
                if self._agrees([np.asarray(execute(plan, v)[0]) for v in turned]):
                    return True
        return any(map(self._is_node, self._with_one_turned()))

    def _with_one_turned(self) -> Iterator[Node]:
        """The exact derivative with one square factor of one product transposed."""
        order = topological([self._exact])
        tried = 0
        for node in order:
            if not isinstance(node, Contraction):
                continue
            for position, f in enumerate(node.factors):
                is_square = f.node.ndim == 2 and f.node.shape[0] == f.node.shape[1]
                if not is_square or f.node.is_symmetric or not f.node.variables:
                    continue
                tried += 1
                if tried > _MOST_TRIED:
                    return
                factors = list(node.factors)
                factors[position] = Factor(f.node, f.letters[::-1], f.exponent)
                sizes = dict(enumerate(node.sizes))
                other = contract(factors, range(node.ndim), sizes, node.coefficient)
                made: dict[Node, Node] = {}
                for part in order:
                    made[part] = other if part is node else rebuilt(part, made)
                yield made[self._exact]

    def _is_along_another_axis(self) -> bool:
        """Whether the claim is the derivative of the expression with another axis somewhere."""
        for tree in _with_other_axes(tree_of(self._found.syntax)):
            try:
                text = written(tree, self._limits).text
                declared = Declarations(self._found.shapes)
                syntax = parse(text, self._limits)
                other = elaborate(text, syntax, declared, self._limits).node
            except GradserveError:
                continue
            if self._is_node(jacobian(other, [self._by])[self._by]):
                return True
        return False

    def _lacks_a_factor(self) -> bool:
        """Whether the claim leaves a local derivative out of the chain."""
        products = products_with_a_factor_left_out(self._found, self._by)
        return any(self._is_node(node) for node in products)


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
