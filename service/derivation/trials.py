"""A claim and the exact derivative at one point after the other, and whether they agree."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.calculus.differentiate import jacobian
from service.calculus.graph import Node, construction_limit, variable
from service.calculus.terms import number_of
from service.computation.answers import Answer, DenseTensor, Notice
from service.computation.compute import Computer
from service.computation.requests import Request
from service.deadline import deadline_in
from service.derivation.rounding import Rounding
from service.derivation.subgradients import may_be_subgradient
from service.errors import (
    DeadlineExceededError,
    ExpressionError,
    GradserveError,
    OverLimitError,
)
from service.language.declarations import Declarations
from service.language.elaborate import Elaborated, elaborate
from service.language.parser import Dialect, parse
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.settings import Limits

Array = NDArray[np.float64]
Values = Mapping[str, Array]
Outcome = Literal["agrees", "differs", "kink", "unclear"]
_OF_TERMS = 0.01
_ROUNDING = 1e-12
_BOUNDING = 0.1  # of the time of a request
_MODERATE = 15.0
_LEAST = 1e-9
_OF_ZERO = 1e-13  # what others' rounding may leave of a derivative that is 0
_FLOOR = 1e-280  # where numbers go to 0 by underflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claimed derivative of an expression by one variable: numbers, or an expression.

    `tolerance` is the error allowed: of numbers as a part of the largest entry of the exact
    derivative, of an expression as a part of each entry.
    """

    expression: str
    variables: Values
    wrt: str
    numbers: Array | None = None
    claimed: str | None = None
    tolerance: float = 1e-6
    dialect: Dialect = "numpy"
    claimed_dialect: Dialect = "numpy"
    pointer_at: Callable[[int, int], str] | None = None
    claimed_pointer_at: Callable[[int, int], str] | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What is exact and what is claimed at a point, which may be at a kink.

    `outcome`: `kink` where the claim is another subgradient, `unclear` where rounding or the
    range of numbers hides whether it agrees.
    """

    values: Values
    exact: Array
    claimed: Array
    outcome: Outcome
    is_at_kink: bool

    @property
    def is_finite(self) -> bool:
        """Whether all numbers of the claim are finite."""
        return bool(np.all(np.isfinite(self.claimed)))

    def worst(self) -> tuple[float | None, tuple[int, ...]]:
        """The largest error, None where it is not finite, and its place."""
        if not self.exact.size:
            return 0.0, (0,) * self.exact.ndim
        errors = np.abs(self.claimed - self.exact)
        bad = ~np.isfinite(errors)
        flat = int(np.argmax(bad if bad.any() else errors))
        position = tuple(int(k) for k in np.unravel_index(flat, errors.shape))
        return (None if bad.any() else float(errors[position])), position


class Trials:
    """A claim tried at points, with what is needed for it made once."""

    def __init__(self, claim: Claim, computer: Computer, limits: Limits) -> None:
        self._claim = claim
        self._computer = computer
        self._limits = limits
        self.answer = computer.answer(
            replace(self._derivative_request(), representation="auto")
        )

    def given(self) -> Trial:
        """The trial at the given point.

        Raises:
            GradserveError: for what is wrong with the expression, the claim or the values.
        """
        answer = self.answer
        if not isinstance(answer.jacobians[self._claim.wrt], DenseTensor):
            answer = self._computer.answer(self._derivative_request())
        claimed = self._claimed(self._claim.variables)
        return self._trial(self._claim.variables, answer, claimed)

    def at(self, values: Values) -> Trial | None:
        """The trial at another point; None where the exact derivative is not finite."""
        request = replace(self._derivative_request(), variables=values, allows_nonfinite=True)
        answer = self._computer.answer(request)
        if not np.all(np.isfinite(self._dense(answer))) or not np.all(
            np.isfinite(answer.value)
        ):
            return None
        return self._trial(values, answer, self._claimed(values))

    def value(self, values: Values) -> Array:
        """The value of the expression."""
        request = replace(
            self._derivative_request(), operation="evaluate", wrt=None, variables=values
        )
        return self._computer.answer(request).value

    def elaborated(self) -> Elaborated | None:
        """The expression's graph, None where it takes more than a computation may."""
        return self._found

    def literals(self) -> list[float]:
        """The magnitudes of the expression's numbers that no other points are about."""
        if self._found is None:
            return []
        numbers = (number_of(node) for node in self._found.nodes.values())
        sizes = {abs(float(n)) for n in numbers if n is not None}
        return sorted(s for s in sizes if _LEAST < s < 1 / _LEAST and s not in (0.5, 1, 2))

    def is_same_graph(self) -> bool:
        """Whether an expression is the exact derivative's own graph."""
        graphs = self._graphs
        return graphs is not None and graphs[0] is graphs[1]

    def not_finite(self) -> Notice:
        """What the claim makes that is not finite at the given point, and where."""
        try:
            self._computer.answer(self._claim_request(self._claim.variables))
        except ExpressionError as error:
            fault = _of_claim(error).faults[0]
            return Notice(
                "claim_not_finite", fault.message, fault.pointer, fault.start, fault.end
            )
        return Notice("claim_not_finite", "the claim is not finite", "/claim/expression")

    def _trial(self, values: Values, answer: Answer, claimed: Array) -> Trial:
        exact = self._dense(answer)
        outcome = self._outcome(values, answer, claimed)
        return Trial(values, exact, claimed, outcome, bool(answer.kinks))

    def _outcome(self, values: Values, answer: Answer, claimed: Array) -> Outcome:
        exact = self._dense(answer)
        if claimed.shape != exact.shape:
            return "differs"
        if not np.all(np.isfinite(claimed)):
            return "differs" if self._is_moderate(values) else "unclear"
        errors, tolerance = np.abs(claimed - exact), self._claim.tolerance
        if self._claim.numbers is not None:
            largest = float(np.max(np.abs(exact), initial=0.0))
            allowed = np.asarray(tolerance * largest if largest else _OF_ZERO)
        else:
            allowed = tolerance * np.abs(exact)
        if np.all(errors <= allowed):
            return "agrees"
        terms, rounding = self._bounds(values, np.abs(exact) + np.abs(claimed))
        if self._claim.numbers is None:
            allowed = np.maximum(allowed, _OF_TERMS * tolerance * terms)
        if np.all(errors <= allowed + rounding + _FLOOR):
            is_hidden = np.any(np.isinf(rounding) & (errors > allowed))
            return "unclear" if is_hidden else "agrees"
        if answer.kinks and self._is_subgradient(values, exact, claimed):
            return "kink"
        return "differs"

    def _bounds(self, values: Values, size: Array) -> tuple[Array, Array]:
        """The size of the terms of each entry, and what rounding may leave of it.

        Unknown bounds are infinite, unless no intermediate value is large. Where there is no
        memory or time to find them, a part of the largest entry may be rounding.
        """
        largest = np.max(size, initial=0.0)
        if self._rounding is None or not self._rounding.is_affordable:
            return size, np.asarray(self._claim.tolerance * largest)
        try:
            with deadline_in(_BOUNDING * self._limits.compute_seconds):
                terms, rounding = self._rounding.at(values)
        except DeadlineExceededError:
            return size, np.asarray(self._claim.tolerance * largest)
        is_unknown = np.isinf(rounding)
        if is_unknown.any() and self._is_moderate(values):
            rounding = np.where(is_unknown, _ROUNDING * size, rounding)
        return np.where(np.isfinite(terms), terms, 0.0), rounding

    def _is_subgradient(self, values: Values, exact: Array, claimed: Array) -> bool:
        wrt = self._claim.wrt

        def derivative(x: Array) -> Array | None:
            request = replace(
                self._derivative_request(), variables={**values, wrt: x}, allows_nonfinite=True
            )
            found = self._dense(self._computer.answer(request))
            return found if np.all(np.isfinite(found)) else None

        return may_be_subgradient(
            derivative, values[wrt], exact, claimed, self._claim.tolerance
        )

    def _is_moderate(self, values: Values) -> bool:
        """Whether the claim's intermediate values are too small to overflow or saturate."""
        if self._found_claim is None:
            return self._claim.numbers is not None
        sites = {s.node: None for s in self._found_claim.sites if s.node.variables}
        plan = compile_plan(list(sites))
        if plan.estimate.peak_bytes > self._limits.max_peak_bytes:
            return False
        largest = max(
            (
                float(np.max(np.abs(v[np.isfinite(v)]), initial=0.0))
                for v in execute(plan, values)
            ),
            default=0.0,
        )
        return largest <= _MODERATE

    def _derivative_request(self) -> Request:
        claim = self._claim
        return Request(
            operation="jacobian",
            expression=claim.expression,
            variables=claim.variables,
            wrt=[claim.wrt],
            representation="dense",
            dialect=claim.dialect,
            pointer_at=claim.pointer_at,
        )

    def _claim_request(self, values: Values) -> Request:
        assert self._claim.claimed is not None
        return Request(
            operation="evaluate",
            expression=self._claim.claimed,
            variables=values,
            dialect=self._claim.claimed_dialect,
            pointer_at=self._claim.claimed_pointer_at,
        )

    def _dense(self, answer: Answer) -> Array:
        found = answer.jacobians[self._claim.wrt]
        if isinstance(found, DenseTensor):
            return found.tensor
        raise TypeError(found)

    def _claimed(self, values: Values) -> Array:
        if self._claim.numbers is not None:
            return self._claim.numbers
        request = replace(self._claim_request(values), allows_nonfinite=True)
        try:
            return self._computer.answer(request).value
        except GradserveError as error:
            raise _of_claim(error) from error.__cause__

    @cached_property
    def _found(self) -> Elaborated | None:
        claim = self._claim
        return self._elaborated_as(claim.expression, claim.dialect)

    @cached_property
    def _found_claim(self) -> Elaborated | None:
        claim = self._claim
        if claim.claimed is None:
            return None
        return self._elaborated_as(claim.claimed, claim.claimed_dialect)

    def _elaborated_as(self, text: str, dialect: Dialect) -> Elaborated | None:
        declared = Declarations({n: v.shape for n, v in self._claim.variables.items()})
        try:
            with construction_limit(self._limits.max_graph_nodes):
                syntax = parse(text, self._limits, dialect)
                return elaborate(text, syntax, declared, self._limits, dialect)
        except (OverLimitError, DeadlineExceededError):
            return None

    @cached_property
    def _graphs(self) -> list[Node] | None:
        """The graph of the exact derivative, and that of the claim if it has one."""
        found = self._found
        if found is None:
            return None
        by = variable(self._claim.wrt, found.shapes[self._claim.wrt])
        claimed = self._found_claim
        try:
            with construction_limit(self._limits.max_graph_nodes):
                exact = jacobian(found.node, [by])[by]
        except (OverLimitError, DeadlineExceededError):
            return None
        return [exact] if claimed is None else [exact, claimed.node]

    @cached_property
    def _rounding(self) -> Rounding | None:
        if self._graphs is None:
            return None
        try:
            with construction_limit(self._limits.max_graph_nodes):
                return Rounding(self._graphs, self._limits)
        except (OverLimitError, DeadlineExceededError):
            return None


def _of_claim(error: GradserveError) -> GradserveError:
    """The error with its places in the claim."""
    error.faults = tuple(
        replace(fault, pointer="/claim" + fault.pointer)
        if fault.pointer and fault.pointer.startswith("/expression")
        else fault
        for fault in error.faults
    )
    return error
