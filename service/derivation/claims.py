"""A claimed derivative judged against the exact one, and the likely mistake named."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.calculus.differentiate import jacobian
from service.calculus.graph import construction_limit, variable
from service.computation.answers import Answer, DenseTensor
from service.computation.certificate import taylor_rate
from service.computation.compute import Computer
from service.computation.requests import Request
from service.deadline import deadline_in
from service.derivation.mistakes import Mistake, Point, mistakes_in
from service.errors import GradserveError, NonFiniteResultError, UnknownNameError
from service.language.declarations import Declarations
from service.language.elaborate import Elaborated, elaborate
from service.language.parser import Dialect, parse
from service.language.places import nearest, shown
from service.settings import Limits

Array = NDArray[np.float64]
Verdict = Literal["correct", "wrong", "undecided"]
_POINTS = 6
_SPREAD = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claimed derivative of an expression by one variable: numbers, or an expression.

    `tolerance` is the error allowed, as a part of the largest entry of the exact derivative.
    """

    expression: str
    variables: Mapping[str, Array]
    wrt: str
    numbers: Array | None = None
    claimed: str | None = None
    tolerance: float = 1e-6
    dialect: Dialect = "numpy"
    claimed_dialect: Dialect = "numpy"
    pointer_at: Callable[[int, int], str] | None = None
    claimed_pointer_at: Callable[[int, int], str] | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a claim; `exact` holds the derivative at the given point.

    `largest_error` is absolute, at `position` of the claim; None where its shape is another.
    """

    verdict: Verdict
    largest_error: float | None
    position: tuple[int, ...] | None
    mistake: Mistake | None
    taylor_rate: float | None
    exact: Answer


def judged(claim: Claim, computer: Computer, limits: Limits) -> Judgement:
    """Whether the claim is the derivative, at the given point and at others near it.

    An expression is right if it is the same graph, or agrees with the exact derivative at six
    points; numbers, if they agree at the given one.

    Raises:
        GradserveError: for whatever is wrong with the expression, the claim or their values.
    """
    if claim.wrt not in claim.variables:
        close = nearest(claim.wrt, claim.variables)
        offer = f"; did you mean {shown(close)}?" if close else ""
        raise UnknownNameError(f"unknown variable {shown(claim.wrt)}{offer}", pointer="/wrt")
    exact = computer.answer(_request(claim, "jacobian", claim.variables, "auto"))
    with deadline_in(limits.compute_seconds), construction_limit(limits.max_graph_nodes):
        return _Judge(claim, computer, limits, exact).judgement()


def _request(
    claim: Claim,
    operation: Literal["jacobian", "evaluate"],
    variables: Mapping[str, Array],
    representation: Literal["auto", "dense"] = "dense",
) -> Request:
    return Request(
        operation=operation,
        expression=claim.expression,
        variables=variables,
        wrt=[claim.wrt] if operation == "jacobian" else None,
        representation=representation,
        dialect=claim.dialect,
        pointer_at=claim.pointer_at,
    )


class _Judge:
    def __init__(self, claim: Claim, computer: Computer, limits: Limits, exact: Answer) -> None:
        self._claim = claim
        self._computer = computer
        self._limits = limits
        self._exact = exact

    def judgement(self) -> Judgement:
        """The verdict."""
        points = list(self._points())
        if self._is_same_graph() or all(
            p.claimed.shape == p.exact.shape and self._agrees(p) for p in points
        ):
            return self._told("correct", points)
        mistake = next(
            mistakes_in(self._elaborated(), self._claim.wrt, points, self._limits), None
        )
        has_kinks = bool(self._exact.kinks) and self._claim.numbers is not None
        is_other_side = has_kinks and points[0].claimed.shape == points[0].exact.shape
        if is_other_side and mistake in (None, "cases_outside_sum", "missing_chain_factor"):
            return self._told("undecided", points)
        return self._told("wrong", points, mistake)

    def _told(
        self, verdict: Verdict, points: Sequence[Point], mistake: Mistake | None = None
    ) -> Judgement:
        errors = [
            np.abs(p.claimed - p.exact) for p in points if p.claimed.shape == p.exact.shape
        ]
        largest, position, rate = None, None, None
        if errors:
            worst = max(errors, key=lambda e: float(np.max(e, initial=0.0)))
            flat = int(np.argmax(worst)) if worst.size else 0
            largest = float(np.max(worst, initial=0.0))
            position = tuple(int(k) for k in np.unravel_index(flat, worst.shape))
            rate = self._taylor_rate(points[0])
        return Judgement(verdict, largest, position, mistake, rate, self._exact)

    def _agrees(self, point: Point) -> bool:
        scale = float(np.max(np.abs(point.exact), initial=0.0))
        noise = _NOISE * max(1.0, float(np.max(np.abs(self._exact.value), initial=0.0)))
        error = float(np.max(np.abs(point.claimed - point.exact), initial=0.0))
        return error <= self._claim.tolerance * scale + noise

    def _points(self) -> Iterator[Point]:
        """The given point, and for an expression others near it where both are finite."""
        rng = np.random.default_rng(_SEED)
        for k in range(_POINTS if self._claim.claimed is not None else 1):
            values = self._claim.variables
            if k:
                values = {
                    n: v * np.exp(_SPREAD * rng.normal(size=v.shape)) for n, v in values.items()
                }
            try:
                exact = self._derivative(values)
                claimed = self._claimed(values)
            except NonFiniteResultError:
                if not k:
                    raise
                continue
            yield Point(values, exact, claimed)

    def _derivative(self, values: Mapping[str, Array]) -> Array:
        answer = self._computer.answer(_request(self._claim, "jacobian", values))
        found = answer.jacobians[self._claim.wrt]
        if isinstance(found, DenseTensor):
            return found.tensor
        raise TypeError(found)

    def _claimed(self, values: Mapping[str, Array]) -> Array:
        if self._claim.numbers is not None:
            return self._claim.numbers
        assert self._claim.claimed is not None
        request = Request(
            operation="evaluate",
            expression=self._claim.claimed,
            variables=values,
            dialect=self._claim.claimed_dialect,
            pointer_at=self._claim.claimed_pointer_at,
        )
        try:
            return self._computer.answer(request).value
        except GradserveError as error:
            raise _of_claim(error) from error.__cause__

    def _elaborated(self) -> Elaborated:
        claim = self._claim
        declared = Declarations({n: v.shape for n, v in claim.variables.items()})
        syntax = parse(claim.expression, self._limits, claim.dialect)
        return elaborate(claim.expression, syntax, declared, self._limits, claim.dialect)

    def _is_same_graph(self) -> bool:
        """Whether an expression is the exact derivative's own graph."""
        claim = self._claim
        if claim.claimed is None:
            return False
        found = self._elaborated()
        by = variable(claim.wrt, found.shapes[claim.wrt])
        declared = Declarations({n: v.shape for n, v in claim.variables.items()})
        syntax = parse(claim.claimed, self._limits, claim.claimed_dialect)
        own = elaborate(
            claim.claimed, syntax, declared, self._limits, claim.claimed_dialect
        ).node
        return own is jacobian(found.node, [by])[by]

    def _taylor_rate(self, point: Point) -> float | None:
        """How fast f(x + h d) − f(x) − h · claim · d goes to 0; 2 for a right claim."""
        claim = self._claim

        def value(values: Mapping[str, Array]) -> Array:
            return self._computer.answer(_request(claim, "evaluate", values)).value

        return taylor_rate(value, point.values, claim.wrt, point.claimed)


def _of_claim(error: GradserveError) -> GradserveError:
    """The error with its places in the claim."""
    error.faults = tuple(
        replace(fault, pointer="/claim" + fault.pointer)
        if fault.pointer and fault.pointer.startswith("/expression")
        else fault
        for fault in error.faults
    )
    return error


_SEED = 7
_NOISE = 1e-13  # what rounding leaves of a derivative that is 0
