"""The one path from text to numbers: plans kept by the raw text, answers checked."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from time import monotonic, perf_counter

import numpy as np

from service.calculus.structure import Diagonal, Identity, Zero
from service.computation.answers import (
    Answer,
    Array,
    Cost,
    DenseTensor,
    DiagonalTensor,
    Factor,
    FactoredTensor,
    IdentityFactor,
    IdentityTensor,
    Kink,
    OnesFactor,
    Representation,
    StructuredTensor,
    TensorFactor,
    Term,
    ZeroTensor,
)
from service.computation.requests import (
    Compiled,
    DerivativeForm,
    OperationName,
    Question,
    WatchedKink,
    compile_question,
)
from service.computation.tracing import located_failure
from service.errors import GradserveError
from service.language.places import located
from service.numeric.execute import execute
from service.settings import Limits

_KEPT_PLANS = 512
_LISTED_POSITIONS = 10
_QUICK_FLOPS = 1_000_000
_QUICK_BYTES = 4_000_000


class Computer:
    """Answers questions; keeps the plans of the last ones. Any thread may use it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._plans: OrderedDict[Question, Compiled] = OrderedDict()
        self._lock = Lock()

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
        started = perf_counter()
        question = _question(operation, expression, variables, wrt, representation)
        try:
            compiled = self._compiled(question)
            deadline = monotonic() + self._limits.compute_seconds
            outputs = execute(compiled.plan, variables, deadline)
            answer = _answer(compiled, outputs, started)
            if not _is_finite(answer):
                raise located_failure(compiled, variables, self._limits)
        except GradserveError as error:
            raise located(error, expression) from error.__cause__
        return answer

    def is_quick(
        self,
        operation: OperationName,
        expression: str,
        variables: Mapping[str, Array],
        wrt: Sequence[str] | None = None,
        representation: Representation = "auto",
    ) -> bool:
        """Whether the plan is known and so small that a thread would cost more than it."""
        question = _question(operation, expression, variables, wrt, representation)
        with self._lock:
            compiled = self._plans.get(question)
        if compiled is None:
            return False
        estimate = compiled.plan.estimate
        return estimate.flops < _QUICK_FLOPS and estimate.bytes_moved < _QUICK_BYTES

    def _compiled(self, question: Question) -> Compiled:
        with self._lock:
            compiled = self._plans.get(question)
            if compiled is not None:
                self._plans.move_to_end(question)
                return compiled
        compiled = compile_question(question, self._limits)
        with self._lock:
            self._plans[question] = compiled
            if len(self._plans) > _KEPT_PLANS:
                self._plans.popitem(last=False)
        return compiled


def _question(
    operation: OperationName,
    expression: str,
    variables: Mapping[str, Array],
    wrt: Sequence[str] | None,
    representation: Representation,
) -> Question:
    shapes = tuple((name, value.shape) for name, value in variables.items())
    asked = None if wrt is None else tuple(wrt)
    return Question(operation, expression, shapes, asked, representation)


def _answer(compiled: Compiled, outputs: Sequence[Array], started: float) -> Answer:
    gradients: dict[str, Array] = {}
    jacobians: dict[str, StructuredTensor] = {}
    for form in compiled.forms:
        if compiled.question.operation == "gradient":
            gradients[form.name] = outputs[form.outputs[0]]
        else:
            jacobians[form.name] = _structured(form, outputs)
    kinks = [_met(watched, outputs, compiled.question.expression) for watched in compiled.kinks]
    estimate = compiled.plan.estimate
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
        gradients=gradients,
        jacobians=jacobians,
    )


def _structured(form: DerivativeForm, outputs: Sequence[Array]) -> StructuredTensor:
    arrays = iter(outputs[k] for k in form.outputs)
    if isinstance(form.special, Zero):
        return ZeroTensor(form.shape)
    if isinstance(form.special, Identity):
        return IdentityTensor(form.shape, float(next(arrays)))
    if isinstance(form.special, Diagonal):
        return DiagonalTensor(form.shape, next(arrays))
    if form.terms is None:
        return DenseTensor(form.shape, next(arrays))
    terms = []
    for term in form.terms:
        coefficient = float(term.coefficient) * float(next(arrays))
        factors: list[Factor] = []
        for f in term.factors:
            size = int(str(f.size))
            if f.tensor is not None:
                factors.append(TensorFactor(next(arrays)))
            else:
                factors.append(
                    IdentityFactor(size) if len(f.letters) == 2 else OnesFactor(size)
                )
        equation = term.equation(len(form.shape))
        if not factors:
            factors.append(TensorFactor(np.array(1.0)))
        terms.append(Term(coefficient, equation, tuple(factors)))
    return FactoredTensor(form.shape, tuple(terms))


def _met(watched: WatchedKink, outputs: Sequence[Array], expression: str) -> Kink | None:
    values = outputs[watched.output]
    rule = watched.rule
    hit = np.equal(values, 0.0) if rule.test == "zero" else np.less(values, 1.0)
    count = int(np.count_nonzero(hit))
    if not count:
        return None
    flat = np.flatnonzero(hit)[:_LISTED_POSITIONS]
    positions = tuple(
        tuple(int(k) for k in np.unravel_index(place, values.shape)) for place in flat
    )
    site = watched.site
    return Kink(
        expression=expression[site.start : site.end],
        start=site.start,
        end=site.end,
        rule=rule.rule,
        count=count,
        positions=positions,
        value=rule.value if rule.test == "zero" else float(values[positions[0]]),
        subdifferential=rule.subdifferential,
    )


def _is_finite(answer: Answer) -> bool:
    """Whether every number of the answer is finite."""
    arrays = [answer.value, *answer.gradients.values()]
    for tensor in answer.jacobians.values():
        if isinstance(tensor, DenseTensor):
            arrays.append(tensor.tensor)
        elif isinstance(tensor, DiagonalTensor):
            arrays.append(tensor.diagonal)
        elif isinstance(tensor, IdentityTensor):
            arrays.append(np.array(tensor.scale))
        elif isinstance(tensor, FactoredTensor):
            for term in tensor.terms:
                arrays.append(np.array(term.coefficient))
                arrays += [f.tensor for f in term.factors if isinstance(f, TensorFactor)]
    return all(bool(np.isfinite(a).all()) for a in arrays)
