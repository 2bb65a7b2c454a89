"""Answers that are allowed to hold infinities and nan: in tensors only, each told of."""

from dataclasses import replace
from typing import Any

import numpy as np

from service.computation.answers import (
    Answer,
    Array,
    DenseTensor,
    DiagonalTensor,
    FactoredTensor,
    IdentityTensor,
    Notice,
    Result,
    TensorFactor,
    Term,
)

_LISTED_POSITIONS = 10


def told_nonfinite(answer: Answer) -> Answer:
    """The answer with a warning for each tensor that is not finite, its kinds and positions."""
    dtype = answer.value.dtype
    results = {path: _in_tensors(found, dtype) for path, found in answer.results.items()}
    notices = _notices("/value", answer.value)
    for path, found in results.items():
        place = "/" + "/".join(path)
        for pointer, array in _tensors(place, found):
            notices += _notices(pointer, array)
    return replace(answer, results=results, warnings=(*answer.warnings, *notices))


def _in_tensors(found: Result, dtype: np.dtype[Any]) -> Result:
    """A result whose numbers outside of tensors are all finite, for JSON has no others."""
    if isinstance(found, IdentityTensor) and not np.isfinite(found.scale):
        half = found.shape[: len(found.shape) // 2]
        return DiagonalTensor(found.shape, np.full(half, found.scale, dtype))
    if isinstance(found, FactoredTensor):
        return replace(found, terms=tuple(_finite_term(term, dtype) for term in found.terms))
    return found


def _finite_term(term: Term, dtype: np.dtype[Any]) -> Term:
    if np.isfinite(term.coefficient):
        return term
    factor = TensorFactor(np.array(term.coefficient, dtype))
    return Term(1.0, "," + term.equation, (factor, *term.factors))


def _tensors(place: str, found: Result) -> list[tuple[str, Array]]:
    """The tensors of a result by their pointers into the answer."""
    if isinstance(found, np.ndarray):
        return [(place, found)]
    if isinstance(found, DiagonalTensor):
        return [(f"{place}/diagonal", found.diagonal)]
    if isinstance(found, DenseTensor):
        return [(f"{place}/tensor", found.tensor)]
    if not isinstance(found, FactoredTensor):
        return []
    return [
        (f"{place}/terms/{k}/factors/{m}/tensor", factor.tensor)
        for k, term in enumerate(found.terms)
        for m, factor in enumerate(term.factors)
        if isinstance(factor, TensorFactor)
    ]


def _notices(pointer: str, array: Array) -> list[Notice]:
    kinds = (
        ("nan", np.isnan(array)),
        ("inf", np.isposinf(array)),
        ("-inf", np.isneginf(array)),
    )
    told = []
    for kind, hit in kinds:
        places = np.argwhere(hit)[:_LISTED_POSITIONS].tolist()
        if places:
            more = ", …" if np.count_nonzero(hit) > len(places) else ""
            listed = ", ".join(map(str, places)) if array.ndim else "the scalar"
            told.append(f"{kind} at {listed}{more}")
    if not told:
        return []
    count = array.size - int(np.count_nonzero(np.isfinite(array)))
    message = f"{count} of {array.size} entries are not finite: {'; '.join(told)}"
    return [Notice("non_finite_result", message, pointer=pointer)]
