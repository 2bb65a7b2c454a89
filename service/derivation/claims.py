"""A claimed derivative judged against the exact one, and the likely mistake named."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.computation.answers import Answer, Notice
from service.computation.certificate import taylor_rate
from service.computation.compute import Computer
from service.deadline import deadline_in
from service.derivation.mistakes import Mistake, Point, likely_mistake
from service.derivation.trial_points import points_along, points_around
from service.derivation.trials import Claim, Trial, Trials
from service.derivation.value_structures import ValueStructure, assignments, structures_of
from service.errors import DeadlineExceededError, UnknownNameError
from service.language.places import nearest, shown
from service.settings import Limits

Array = NDArray[np.float64]
Values = Mapping[str, Array]
Verdict = Literal["correct", "wrong", "undecided"]
_FEWEST = 3  # other points that a claim must be right at
_MOST_KEPT = 8
_MOST_BOUNDS = 4
_STRUCTURED = 10
_MOST_KEPT_NUMBERS = 2**22
_SEED = 7
# Parts of the time of a request: the rest is left for the answer's numbers.
_TRYING, _SEARCHING, _RATING = 0.25, 0.15, 0.05


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a claim; `exact` holds the derivative at the given point.

    `largest_error` is absolute, at `position` of the claim; None where its shape is another,
    or where it is not finite. `exact` also has the warnings about the claim.
    """

    verdict: Verdict
    largest_error: float | None
    position: tuple[int, ...] | None
    mistake: Mistake | None
    taylor_rate: float | None
    exact: Answer


def judged(
    claim: Claim, computer: Computer, limits: Limits, seconds: float | None = None
) -> Judgement:
    """Whether the claim is the derivative, at the given point and at others.

    An expression is right if it is the same graph, or agrees with the exact derivative entry
    by entry at points of every sign and scale: first of the variable alone, then of the others
    that the expression uses. Data that are symmetric, orthogonal, distributions, labels or of
    length 1 may have to be so for the claim to hold; that is told in a warning. Numbers are
    right if they agree at the given point; at a kink, other subgradients leave it undecided.

    Raises:
        GradserveError: for whatever is wrong with the expression, the claim or their values.
    """
    if claim.wrt not in claim.variables:
        close = nearest(claim.wrt, claim.variables)
        offer = f"; did you mean {shown(close)}?" if close else ""
        raise UnknownNameError(f"unknown variable {shown(claim.wrt)}{offer}", pointer="/wrt")
    with deadline_in(limits.compute_seconds if seconds is None else seconds):
        trials = Trials(claim, computer, limits)
        return _Judge(claim, limits, trials).judgement()


class _Judge:
    def __init__(self, claim: Claim, limits: Limits, trials: Trials) -> None:
        self._claim = claim
        self._limits = limits
        self._trials = trials
        self._kept: list[Trial] = []
        self._notices: list[Notice] = []

    def judgement(self) -> Judgement:
        """The verdict."""
        verdict = self._verdict()
        return self._told(verdict, self._mistake() if verdict == "wrong" else None)

    def _mistake(self) -> Mistake | None:
        """What explains the claim at the points kept; a choice at kinks alone is none."""
        differing = [t for t in self._kept if t.outcome == "differs"]
        is_choice = self._claim.claimed is not None and all(t.is_at_kink for t in differing)
        points = [Point(t.values, t.exact, t.claimed) for t in self._kept if t.is_finite]
        found = self._trials.elaborated()
        if is_choice or not points or found is None:
            return None
        seconds = _SEARCHING * self._limits.compute_seconds
        return likely_mistake(found, self._claim.wrt, points, self._limits, seconds)

    def _verdict(self) -> Verdict:
        given = self._trials.given()
        self._kept.append(given)
        if self._claim.claimed is None:
            return _VERDICTS.get(given.outcome, "correct")
        if given.claimed.shape != given.exact.shape:
            self._keep_some()
            return "wrong"
        if self._trials.is_same_graph():
            return "correct"
        if not given.is_finite:
            self._notices.append(self._trials.not_finite())
        if given.outcome == "differs":
            self._keep_some()
            return "wrong"
        rng = np.random.default_rng(_SEED)
        values, wrt = self._claim.variables, self._claim.wrt
        bounds = self._trials.literals()[:_MOST_BOUNDS]
        outcomes = self._tried(points_along(values, wrt, bounds, rng))
        if "differs" in outcomes:
            return "wrong"
        others = self._others()
        around = self._tried(points_around(values, (wrt, *others), rng)) if others else []
        if "differs" in around and not self._holds_by_structure(others, rng):
            return "wrong"
        is_known = outcomes.count("agrees") + around.count("agrees") >= _FEWEST
        if given.outcome != "agrees" or not (is_known or given.exact.size == 0):
            return "undecided"
        return "correct"

    def _others(self) -> list[str]:
        """The variables of the expression beside the one differentiated by.

        What only the claim names, such as a count, cannot be other than it is.
        """
        found = self._trials.elaborated()
        used = found.names if found else frozenset(self._claim.variables)
        return [n for n in self._claim.variables if n in used and n != self._claim.wrt]

    def _tried(self, points: Iterable[Values]) -> list[str]:
        """What the claim is at each point, as far as time allows; the last may differ."""
        outcomes: list[str] = []
        try:
            with deadline_in(_TRYING * self._limits.compute_seconds):
                for values in points:
                    trial = self._trials.at(values)
                    if trial is None:
                        continue
                    self._keep(trial)
                    outcomes.append(trial.outcome)
                    if trial.outcome == "differs":
                        self._keep_some()
                        break
        except DeadlineExceededError:
            pass  # the points tried so far decide
        return outcomes

    def _keep(self, trial: Trial) -> None:
        """Keep a point for the search of a mistake; one where the claim differs always."""
        kept = len(self._kept)
        is_small = (kept + 1) * trial.exact.size <= _MOST_KEPT_NUMBERS
        if trial.outcome == "differs" or (kept < _MOST_KEPT and is_small):
            self._kept.append(trial)

    def _keep_some(self) -> None:
        """A few more points, so that a mistake explains more than a coincidence.

        Their data are as structured as the given: a mistake is beside what the data excuse.
        """
        rng = np.random.default_rng(_SEED)
        others = self._others()
        given = self._claim.variables
        strictest = {n: s for n in others for s in structures_of(given[n])}
        try:
            with deadline_in(_TRYING * self._limits.compute_seconds / 2):
                for values in self._structured(strictest, others, rng):
                    if len(self._kept) >= _MOST_KEPT:
                        return
                    trial = self._trials.at(values)
                    if trial is not None:
                        self._keep(trial)
        except DeadlineExceededError:
            return

    def _holds_by_structure(self, others: Sequence[str], rng: np.random.Generator) -> bool:
        """Whether the claim is right for data that are structured as the given ones are."""
        values = self._claim.variables
        structures = {n: list(structures_of(values[n])) for n in others}
        kept = list(self._kept)
        for assignment in assignments({n: s for n, s in structures.items() if s}):
            outcomes = self._tried(self._structured(assignment, others, rng))
            self._kept = kept
            if outcomes and "differs" not in outcomes:
                self._notices += [
                    Notice(
                        "only_for_structure",
                        f"the claim is right while {shown(name)} is {structure.words}, as it "
                        "is here, but not for other values",
                        pointer=f"/variables/{name}",
                    )
                    for name, structure in assignment.items()
                ]
                return True
        self._notices.append(
            Notice(
                "only_for_given_values",
                "the claim is right for the values given of "
                f"{', '.join(map(shown, others))}, but not for others",
                pointer="/variables",
            )
        )
        return False

    def _structured(
        self,
        assignment: Mapping[str, ValueStructure],
        others: Sequence[str],
        rng: np.random.Generator,
    ) -> Iterable[Values]:
        wrt = self._claim.wrt
        free = [n for n in others if n not in assignment]
        points = points_around(self._claim.variables, (wrt, *free), rng)
        for values in islice(points, _STRUCTURED):
            given = self._claim.variables
            yield {
                **values,
                **{n: s.another(given[n], rng) for n, s in assignment.items()},
            }

    def _told(self, verdict: Verdict, mistake: Mistake | None) -> Judgement:
        given = self._kept[0]
        exact = self._trials.answer
        if self._notices:
            exact = replace(exact, warnings=(*exact.warnings, *self._notices))
        if given.claimed.shape != given.exact.shape:
            return Judgement(verdict, None, None, mistake, None, exact)
        shown_at = given
        if verdict == "wrong" and given.outcome == "agrees":
            shown_at = next((t for t in self._kept if t.outcome == "differs"), given)
        largest, position = shown_at.worst()
        return Judgement(verdict, largest, position, mistake, self._taylor_rate(), exact)

    def _taylor_rate(self) -> float | None:
        """How fast f(x + h d) − f(x) − h · claim · d goes to 0; 2 for a right claim."""
        given = self._kept[0]
        if not given.is_finite:
            return None
        try:
            with deadline_in(_RATING * self._limits.compute_seconds):
                value = self._trials.value
                return taylor_rate(value, given.values, self._claim.wrt, given.claimed)
        except DeadlineExceededError:
            return None


_VERDICTS: Mapping[str, Verdict] = {
    "differs": "wrong",
    "kink": "undecided",
    "unclear": "undecided",
}

__all__ = ["Claim", "Judgement", "Verdict", "judged"]
