"""Where a non-finite number comes from: the first operation that made it from finite ones."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from service.calculus.differentiate import pull_back
from service.calculus.graph import ONE, LinearAlgebra, Node, topological, variable
from service.calculus.rules.choices import WHERE
from service.calculus.rules.matrices import INV
from service.calculus.terms import filled
from service.computation.answers import Array
from service.computation.requests import Compiled
from service.errors import (
    BudgetExceededError,
    ExpressionError,
    GradserveError,
    NonFiniteResultError,
    SingularMatrixError,
)
from service.language.declarations import Declarations
from service.language.elaborate import Elaborated, Site, elaborate
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.numeric.plan import Plan
from service.settings import Limits

Mask = NDArray[np.bool_]

_MOST_TEXT = 40

_HINT = (
    "keep the operands inside the domain, leave the bad entries out with where(...), "
    'or ask for "nonfinite": "allow"'
)
_SECOND_ORDER = ("hessian", "hvp")


def located_failure(
    compiled: Compiled, values: Mapping[str, Array], limits: Limits
) -> GradserveError:
    """The error for an answer that is not finite, with the place that made it so."""
    question = compiled.question
    elaborated = elaborate(
        question.expression, compiled.syntax, Declarations(compiled.shapes), limits
    )
    nodes = list(
        dict.fromkeys(
            [elaborated.node, *(n for s in elaborated.sites for n in (*s.operands, s.node))]
        )
    )
    plan = compile_plan(nodes)
    if plan.estimate.peak_bytes > limits.max_peak_bytes:
        return BudgetExceededError(
            "the result is not finite, and the search for the place needs an estimated "
            f"{plan.estimate.peak_bytes:,} bytes, over the limit of {limits.max_peak_bytes:,}",
            hint="try the expression on less data",
        )
    trace = _Trace(
        question.expression, elaborated, dict(zip(nodes, execute(plan, values), strict=True))
    )
    site = trace.first_bad_value()
    if site is not None:
        return trace.value_error(site)
    found = trace.first_bad_derivative(frozenset(compiled.wrt))
    if found is not None:
        return found
    if question.operation in _SECOND_ORDER:
        return NonFiniteResultError(
            "the second derivative is not finite here: every operation and its derivative is",
            start=compiled.syntax.start,
            end=compiled.syntax.end,
            hint="move off the point where a norm or a power has no second derivative, "
            "or scale the variables",
        )
    return NonFiniteResultError(
        "the derivative overflows: every operation is finite, their product is not",
        start=compiled.syntax.start,
        end=compiled.syntax.end,
        hint="scale the variables",
    )


class _Trace:
    """The values of every operation, and which of their entries the result can see."""

    def __init__(self, text: str, elaborated: Elaborated, values: dict[Node, Array]) -> None:
        self.text = text
        self.sites = elaborated.sites
        self.root = elaborated.node
        self.values = values
        self._plans: dict[tuple[Node, ...], Plan] = {}
        self.seen: dict[Node, Mask] = {self.root: np.ones(values[self.root].shape, dtype=bool)}
        for site in reversed(self.sites):
            if site.node in self.seen:
                self._pass_down(site, self.seen[site.node])

    def _pass_down(self, site: Site, seen: Mask) -> None:
        """Mark the entries of the operands that reach entries which are seen."""
        moved = _moved_back(site, seen) if site.entries == "moved" else []
        for position, operand in enumerate(site.operands):
            value = self.values[operand]
            if moved:
                reached = moved[position]
            elif not site.is_entrywise:
                reached = np.full(value.shape, bool(seen.any()))
            else:
                chosen = seen
                if site.name == WHERE.name and position:
                    condition = np.broadcast_to(self.values[site.operands[0]], seen.shape) != 0
                    chosen = seen & (condition if position == 1 else ~condition)
                reached = _folded(chosen, value.shape)
            before = self.seen.get(operand)
            self.seen[operand] = reached if before is None else before | reached

    def _bad(self, node: Node) -> Mask:
        """Where a node is not finite and the result can see it."""
        bad = ~np.isfinite(self.values[node])
        seen = self.seen.get(node)
        return bad & seen if seen is not None else np.zeros_like(bad)

    def first_bad_value(self) -> Site | None:
        """The first operation on the way to a bad result that made it from finite operands."""
        if not self._bad(self.root).any():
            return None
        made = {site.node for site in self.sites}
        guilty = {self.root}
        blamed = None
        for site in reversed(self.sites):
            if site.node not in guilty:
                continue
            bad = [o for o in site.operands if self._bad(o).any()]
            guilty.update(bad)
            if not any(o in made for o in bad):
                blamed = site
        return blamed

    def value_error(self, site: Site) -> ExpressionError:
        """What the operation gave, where, and from what."""
        if _inverts(site):
            return SingularMatrixError(
                f"the matrix in {self._named(site)} is singular to working precision",
                start=site.start,
                end=site.end,
            )
        bad = self._bad(site.node)
        value = self.values[site.node]
        place = np.unravel_index(int(np.flatnonzero(bad)[0]), bad.shape)
        met = self._met(site, place)
        return NonFiniteResultError(
            f"{self._named(site)} is {value[place]} {_positioned(place, bad)}{met}",
            start=site.start,
            end=site.end,
            hint=_HINT,
        )

    def first_bad_derivative(self, wrt: frozenset[str]) -> ExpressionError | None:
        """The first operation whose own derivative is not finite at its operands' values."""
        for site in self.sites:
            if site.node not in self.seen or wrt.isdisjoint(site.node.variables):
                continue
            for operand, slope in self._slopes(site, wrt):
                bad = ~np.isfinite(slope) & self.seen[operand]
                if bad.any():
                    return self._derivative_error(site, operand, slope, bad)
        return None

    def _slopes(self, site: Site, wrt: frozenset[str]) -> list[tuple[Node, Array]]:
        """The derivative of an operation's sum by each operand that depends on `wrt`.

        Literals stay what they are; operations that differ by their place only share a plan.
        """
        fresh = {
            o: variable(f"operand {k}", o.shape)
            for k, o in enumerate(site.operands)
            if o.variables
        }
        local = site.build(*(fresh.get(o, o) for o in site.operands))
        moving = [o for o in fresh if not wrt.isdisjoint(o.variables)]
        by = [fresh[o] for o in moving]
        slopes = pull_back(local, filled(ONE, local.shape), by)
        outputs = tuple(slopes[v] for v in by)
        plan = self._plans.get(outputs)
        if plan is None:
            plan = self._plans[outputs] = compile_plan(outputs)
        found = execute(plan, {v.name: self.values[o] for o, v in fresh.items()})
        return list(zip(moving, found, strict=True))

    def _derivative_error(
        self, site: Site, operand: Node, slope: Array, bad: Mask
    ) -> ExpressionError:
        place = np.unravel_index(int(np.flatnonzero(bad)[0]), bad.shape)
        return NonFiniteResultError(
            f"the derivative of {self._named(site)} is {slope[place]} "
            f"{_positioned(place, bad)}, at the value {self.values[operand][place]}",
            start=site.start,
            end=site.end,
            hint=_HINT,
        )

    def _named(self, site: Site) -> str:
        text = " ".join(self.text[site.start : site.end].split())
        if len(text) > _MOST_TEXT:
            text = text[: _MOST_TEXT - 1] + "…"
        return f"{text} at {site.start}–{site.end}"

    def _met(self, site: Site, place: tuple[np.intp, ...]) -> str:
        """The operands' entries at that place, for an operation entry by entry."""
        if not site.is_entrywise:
            return ""
        shape = self.values[site.node].shape
        entries = [np.broadcast_to(self.values[o], shape)[place] for o in site.operands]
        return ", from " + " and ".join(str(entry) for entry in entries)


def _inverts(site: Site) -> bool:
    """Whether the operation itself inverts a matrix, as inv and solve do."""
    fresh = [variable(f"operand {k}", o.shape) for k, o in enumerate(site.operands)]
    return any(
        isinstance(node, LinearAlgebra) and node.function is INV
        for node in topological([site.build(*fresh)])
    )


def _moved_back(site: Site, seen: Mask) -> list[Mask]:
    """Where the entries that are seen stand in the operands of an operation that moves them."""
    fresh = [variable(f"operand {k}", o.shape) for k, o in enumerate(site.operands)]
    weights = variable("seen", site.node.shape)
    slopes = pull_back(site.build(*fresh), weights, fresh)
    plan = compile_plan([slopes[v] for v in fresh])
    found = execute(plan, {weights.name: seen.astype(np.float64)})
    return [np.not_equal(slope, 0.0) for slope in found]


def _folded(seen: Mask, shape: tuple[int, ...]) -> Mask:
    """Which entries of an operand of this shape reach a seen entry once broadcast."""
    extra = seen.ndim - len(shape)
    stretched = tuple(k + extra for k, n in enumerate(shape) if n == 1 != seen.shape[k + extra])
    folded = np.any(seen, axis=(*range(extra), *stretched), keepdims=True)
    return np.asarray(folded, dtype=np.bool_).reshape(shape)


def _positioned(place: tuple[np.intp, ...], bad: Mask) -> str:
    if not bad.shape:
        return "at the scalar"
    count = int(np.count_nonzero(bad))
    return f"at position {[int(k) for k in place]} ({count} of {bad.size} entries)"
