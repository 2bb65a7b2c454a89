"""Derivations and judgements of claims as JSON."""

from service.api.wire import (
    Json,
    about,
    conventions,
    estimate_document,
    formula_document,
    sizes,
    structured,
    tensor,
    variables_document,
    warning,
)
from service.derivation.claims import Judgement
from service.derivation.derive import Derivation, Derivative
from service.derivation.steps import Array, Partial, Step


def derivation_document(derivation: Derivation) -> Json:
    """The answer of a derivation."""
    return {
        "derivatives": {n: _derivative(d) for n, d in derivation.derivatives.items()},
        **variables_document(derivation.variables, derivation.assumed),
        "conventions": conventions((), derivation.layout),
        "warnings": [warning(notice) for notice in derivation.notices],
        "cost": estimate_document(derivation.estimate, derivation.answer_bytes),
    }


def judgement_document(judgement: Judgement, wrt: str) -> Json:
    """The answer of a check."""
    exact = judgement.exact
    return {
        "verdict": judgement.verdict,
        "largest_error": judgement.largest_error,
        "position": None if judgement.position is None else list(judgement.position),
        "mistake": judgement.mistake,
        "taylor_rate": judgement.taylor_rate,
        "exact": structured(exact.jacobians[wrt]),
        **about(exact),
    }


def _derivative(derivative: Derivative) -> Json:
    steps = derivative.steps
    return formula_document(derivative.formulas) | {
        "index_notation": derivative.index_notation,
        "numpy": derivative.numpy,
        "structure": derivative.structure,
        "shape": sizes(derivative.shape),
        "steps": None if steps is None else [_step(step) for step in steps],
    }


def _step(step: Step) -> Json:
    first = step.partials[0]
    return {
        "number": step.number,
        "symbol": step.symbol,
        "definition": formula_document(step.definition),
        "local_derivative": formula_document(first.formulas),
        "structure": first.structure,
        "shape": sizes(first.shape),
        "partials": [_partial(partial) for partial in step.partials],
        "rule": step.rule.name,
        "conditions": list(step.rule.conditions),
        "source": step.rule.source,
        "becomes": formula_document(step.becomes),
        "value": _tensor(step.value),
        "local_value": _tensor(first.value),
    }


def _partial(partial: Partial) -> Json:
    return formula_document(partial.formulas) | {
        "by": partial.by,
        "structure": partial.structure,
        "shape": sizes(partial.shape),
        "value": _tensor(partial.value),
    }


def _tensor(value: Array | None) -> Json | None:
    return None if value is None else tensor(value)
