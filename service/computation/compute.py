"""The one path from text to numbers: plans kept by the raw text, answers checked."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from time import perf_counter

import numpy as np

from service.calculus.rules.records import Kink as KinkRule
from service.computation.answers import (
    Answer,
    Array,
    Cost,
    FactoredTensor,
    Kink,
    Path,
    Representation,
    Result,
    StructuredTensor,
)
from service.computation.budget import Allowance
from service.computation.certifying import certificate_of
from service.computation.forms import arrays_of, is_finite, one_term
from service.computation.nonfinite import told_nonfinite
from service.computation.operations import OPERATIONS, OUTPUT, OperationName, direction_name
from service.computation.requests import (
    Compiled,
    Question,
    Request,
    WatchedKink,
    compile_question,
)
from service.computation.stacking import stacked_jacobian
from service.computation.tracing import located_failure
from service.deadline import deadline_in
from service.errors import BudgetExceededError, GradserveError, NonFiniteInputError
from service.language.places import located
from service.numeric.execute import execute
from service.settings import Limits

_KEPT_PLANS = 512
_LISTED_POSITIONS = 10
_QUICK_FLOPS = 1_000_000
_QUICK_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """Questions whose plan was kept, and those whose was not."""

    hits: int
    misses: int


class Computer:
    """Answers questions; keeps the plans of the last ones. Any thread may use it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._plans: OrderedDict[Question, Compiled] = OrderedDict()
        self._lock = Lock()
        self._hits = self._misses = 0

    @property
    def plan_counts(self) -> PlanCounts:
        """How often a plan was there, and how often it had to be compiled."""
        with self._lock:
            return PlanCounts(self._hits, self._misses)

    def run(
        self,
        operation: OperationName,
        expression: str,
        variables: Mapping[str, Array],
        wrt: Sequence[str] | None = None,
        representation: Representation = "auto",
    ) -> Answer:
        """The value of an expression and the derivatives asked for.

        A derivative of y by x has shape y.shape + x.shape; a gradient the shape of x.

        Raises:
            GradserveError: for whatever is wrong with the request, with its place.
        """
        return self.answer(
            Request(
                operation=operation,
                expression=expression,
                variables=variables,
                wrt=wrt,
                representation=representation,
            )
        )

    def answer(self, request: Request, allowance: Allowance | None = None) -> Answer:
        """The value of an expression and the results of the operation asked for.

        What it costs is taken from the allowance, if there is one.

        Raises:
            GradserveError: for whatever is wrong with the request, with its place.
        """
        started = perf_counter()
        question = request.question
        try:
            values = _inputs(request)
            with deadline_in(allowance.seconds if allowance else self._limits.compute_seconds):
                if allowance:
                    compiled = self._compiled(question)
                    allowance.take(compiled.plan.estimate.flops, compiled.answer_bytes)
                answer = self._answered(question, values, started)
                if not _is_finite(answer):
                    answer = self._multiplied_out(answer, question, values)
                if not _is_finite(answer):
                    if request.allows_nonfinite:
                        return told_nonfinite(answer)
                    variables = _one_sample(request, values, answer)
                    raise located_failure(self._compiled(question), variables, self._limits)
                if request.certify:
                    certificate = certificate_of(self.answer, request, answer)
                    answer = replace(answer, certificate=certificate)
        except GradserveError as error:
            raise located(error, request.expression, request.pointer_at) from error.__cause__
        return answer

    def _answered(
        self, question: Question, values: Mapping[str, Array], started: float
    ) -> Answer:
        compiled = self._compiled(question)
        outputs = execute(compiled.plan, values)
        if any(value.dtype == np.float32 for value in values.values()):
            # A plan without inputs computes literals alone, in float64.
            outputs = [output.astype(np.float32, copy=False) for output in outputs]
        return _answer(compiled, outputs, started)

    def _multiplied_out(
        self, answer: Answer, question: Question, values: Mapping[str, Array]
    ) -> Answer:
        """The answer with its non-finite factors multiplied by those that may hide them.

        A mask and what it hides may be factors apart: only their product is finite then.
        """
        broken = [path for path, found in answer.results.items() if not is_finite(found)]
        if not any(isinstance(answer.results[path], FactoredTensor) for path in broken):
            return answer
        try:
            dense = replace(question, representation="dense")
            whole = self._answered(dense, values, perf_counter())
        except BudgetExceededError:
            return answer
        results = dict(answer.results)
        for path in broken:
            product = whole.results[path]
            if question.representation == "factored" and isinstance(product, StructuredTensor):
                product = one_term(product)
            results[path] = product
        return replace(answer, results=results)

    def is_quick(self, request: Request) -> bool:
        """Whether the plan is known and so small that a thread would cost more than it."""
        with self._lock:
            compiled = self._plans.get(request.question)
        if compiled is None:
            return False
        estimate = compiled.plan.estimate
        return estimate.flops < _QUICK_FLOPS and estimate.bytes_moved < _QUICK_BYTES

    def _compiled(self, question: Question) -> Compiled:
        with self._lock:
            compiled = self._plans.get(question)
            if compiled is not None:
                self._plans.move_to_end(question)
                self._hits += 1
                return compiled
            self._misses += 1
        compiled = compile_question(question, self._limits)
        with self._lock:
            self._plans[question] = compiled
            if len(self._plans) > _KEPT_PLANS:
                self._plans.popitem(last=False)
        return compiled


def _inputs(request: Request) -> dict[str, Array]:
    """The values by the names of the plan's inputs, an axis of samples in front of all."""
    values = {
        name: _in_precision(value, request.dtype, f"/variables/{name}")
        for name, value in request.variables.items()
    }
    field = OPERATIONS[request.operation].directions
    for name, direction in request.directions.items():
        pointer = f"/{field}" if name == OUTPUT else f"/{field}/{name}"
        direction = _in_precision(direction, request.dtype, pointer)
        has_both = request.many and request.batch and (name == OUTPUT or name in request.batch)
        values[direction_name(name)] = np.moveaxis(direction, 1, 0) if has_both else direction
    return values


def _in_precision(value: Array, dtype: str, pointer: str) -> Array:
    """The value in the precision asked for.

    Raises:
        NonFiniteInputError: a number is beyond the range of float32.
    """
    if dtype == "float64":
        return value
    with np.errstate(over="ignore"):
        rounded = value.astype(np.float32)
    finite = np.isfinite(rounded)
    if not finite.all():
        place = np.unravel_index(int(np.argmin(finite)), finite.shape)
        raise NonFiniteInputError(
            f"found the value {float(value[place])} at position {[int(k) for k in place]}, "
            "beyond the range of float32",
            pointer=pointer,
            hint="compute in float64",
        )
    return rounded  # type: ignore[return-value]  # Array names the usual dtype


def _one_sample(
    request: Request, values: Mapping[str, Array], answer: Answer
) -> Mapping[str, Array]:
    """The variables' values in the first sample whose answer is not finite."""
    if not request.batch:
        return values
    sample = 0
    for found in (answer.value, *answer.results.values()):
        bad = [np.argwhere(~np.isfinite(a)) for a in arrays_of(found) if a.ndim]
        places = [b[0, 0] for b in bad if b.size]
        if places:
            sample = int(min(places))
            break
    count = len(request.variables[request.batch[0]])
    sample = min(sample, count - 1)
    return {
        name: value[sample] if name in request.batch else value
        for name, value in values.items()
        if name in request.variables
    }


def _answer(compiled: Compiled, outputs: Sequence[Array], started: float) -> Answer:
    results: dict[Path, Result] = {form.path: form.result(outputs) for form in compiled.forms}
    kinks = [_met(watched, outputs, compiled.question.expression) for watched in compiled.kinks]
    estimate = compiled.plan.estimate
    stacked = None
    if compiled.stacked:
        parts = [outputs[k] for k in compiled.stacked]
        stacked = stacked_jacobian(outputs[0].ndim, compiled.wrt, parts)
    return Answer(
        value=outputs[0],
        kinks=tuple(kink for kink in kinks if kink is not None),
        warnings=compiled.notices,
        cost=Cost(
            estimate.flops,
            estimate.bytes_moved,
            estimate.peak_bytes,
            compiled.answer_bytes,
            perf_counter() - started,
        ),
        group=OPERATIONS[compiled.question.operation].group,
        results=results,
        stacked=stacked,
    )


def _met(watched: WatchedKink, outputs: Sequence[Array], expression: str) -> Kink | None:
    site = watched.site
    values = outputs[watched.output]
    return met(watched.rule, values, expression[site.start : site.end], site.start)


def met(rule: KinkRule, values: Array, expression: str, start: int = 0) -> Kink | None:
    """Where the watched values are at a kink of an expression, if anywhere."""
    hit = np.equal(values, 0.0) if rule.test == "zero" else np.less(values, 1.0)
    count = int(np.count_nonzero(hit))
    if not count:
        return None
    flat = np.flatnonzero(hit)[:_LISTED_POSITIONS]
    positions = tuple(
        tuple(int(k) for k in np.unravel_index(place, values.shape)) for place in flat
    )
    return Kink(
        expression=expression,
        start=start,
        end=start + len(expression),
        rule=rule.rule,
        count=count,
        positions=positions,
        value=rule.value if rule.test == "zero" else float(values[positions[0]]),
        subdifferential=rule.subdifferential,
    )


def _is_finite(answer: Answer) -> bool:
    """Whether every number of the answer is finite."""
    return is_finite(answer.value) and all(map(is_finite, answer.results.values()))
