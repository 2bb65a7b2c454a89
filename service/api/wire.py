"""Answers as JSON: arrays go flat and contiguous to orjson, never through lists."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from service.calculus.dimensions import Shape
from service.computation.analysis import Analysis
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
    Notice,
    OnesFactor,
    StructuredTensor,
    TensorFactor,
    Term,
    ZeroTensor,
)
from service.language.declarations import convention_of
from service.numeric.plan import Estimate
from service.rendering.render import Formulas

LARGEST_COUNT = 2**63 - 1
Json = dict[str, Any]
OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def encode(document: Json, *, is_pretty: bool = False) -> bytes:
    """The document as JSON text."""
    return orjson.dumps(document, option=OPTIONS | (orjson.OPT_INDENT_2 if is_pretty else 0))


def document(answer: Answer) -> Json:
    """The answer of any operation: its value, its results by their places, and what is told."""
    found: Json = {"value": tensor(answer.value)}
    if answer.group is not None:
        found[answer.group] = {}
    for path, result in answer.results.items():
        inner = found
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = (
            tensor(result) if isinstance(result, np.ndarray) else structured(result)
        )
    if answer.stacked is not None:
        columns = [
            {"name": c.name, "start": c.start, "stop": c.stop} for c in answer.stacked.columns
        ]
        found["stacked"] = {
            "jacobian": structured(answer.stacked.jacobian),
            "columns": columns,
        }
    return found | about(answer)


def analysis_document(analysis: Analysis) -> Json:
    """The answer of an analysis."""
    return {
        **formula_document(analysis.formulas),
        "tree": tree_fragment(analysis.tree),
        "shape": sizes(analysis.shape),
        **variables_document(analysis.variables, analysis.assumed),
        "conventions": conventions(()),
        "warnings": [warning(notice) for notice in analysis.notices],
        "cost": estimate_document(analysis.estimate, analysis.answer_bytes),
    }


def variables_document(variables: Mapping[str, Shape], assumed: Sequence[str]) -> Json:
    """The variables and what was assumed of them."""
    return {
        "variables": {n: {"shape": sizes(shape)} for n, shape in variables.items()},
        "assumptions": [
            {
                "name": name,
                "shape": sizes(variables[name]),
                "message": f"{name} is {convention_of(name)}",
            }
            for name in assumed
        ],
    }


def estimate_document(estimate: Estimate | None, answer_bytes: int) -> Json | None:
    """An estimate of cost; None where there is none."""
    if estimate is None:
        return None
    figures = {
        "flops": estimate.flops,
        "bytes_moved": estimate.bytes_moved,
        "peak_bytes": estimate.peak_bytes,
        "answer_bytes": answer_bytes,
    }
    return {name: min(n, LARGEST_COUNT) for name, n in figures.items()}


def formula_document(formulas: Formulas) -> Json:
    """A formula in every form."""
    return {
        "text": formulas.text,
        "notation": formulas.notation,
        "latex": formulas.latex,
        "mathml": formulas.mathml,
    }


def sizes(shape: Shape) -> list[int | str]:
    """A shape, its sizes as numbers or in words."""
    return [size if isinstance(size, int) else str(size) for size in shape]


def tree_fragment(tree: Any) -> orjson.Fragment:  # noqa: ANN401  # any JSON
    """JSON of any depth as text, without recursion."""
    parts: list[bytes] = []
    pending: list[Any] = [tree]
    while pending:
        item = pending.pop()
        if isinstance(item, bytes):
            parts.append(item)
        elif isinstance(item, dict):
            inside = [
                part
                for place, (name, value) in enumerate(item.items())
                for part in (b"," * (place > 0), orjson.dumps(name), b":", value)
            ]
            pending += [b"}", *reversed(inside), b"{"]
        elif isinstance(item, list):
            inside = [part for k, value in enumerate(item) for part in (b"," * (k > 0), value)]
            pending += [b"]", *reversed(inside), b"["]
        else:
            parts.append(orjson.dumps(item))
    return orjson.Fragment(b"".join(parts))


def tensor(array: Array) -> Json:
    """A `Tensor`."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return {"shape": list(array.shape), "dtype": array.dtype.name, "data": flat}


def structured(derivative: StructuredTensor) -> Json:
    """A `StructuredTensor`."""
    shape = list(derivative.shape)
    match derivative:
        case ZeroTensor():
            return {"structure": "zero", "shape": shape}
        case IdentityTensor(scale=scale):
            return {"structure": "identity", "shape": shape, "scale": float(scale)}
        case DiagonalTensor(diagonal=diagonal):
            return {"structure": "diagonal", "shape": shape, "diagonal": tensor(diagonal)}
        case DenseTensor(tensor=numbers):
            return {"structure": "dense", "shape": shape, "tensor": tensor(numbers)}
        case FactoredTensor(terms=terms):
            return {"structure": "factored", "shape": shape, "terms": [_term(t) for t in terms]}


def _term(term: Term) -> Json:
    return {
        "coefficient": float(term.coefficient),
        "equation": term.equation,
        "factors": [_factor(factor) for factor in term.factors],
    }


def _factor(factor: Factor) -> Json:
    match factor:
        case TensorFactor(tensor=numbers):
            return {"kind": "tensor", "tensor": tensor(numbers)}
        case IdentityFactor(size=size):
            return {"kind": "identity", "size": size}
        case OnesFactor(size=size):
            return {"kind": "ones", "size": size}


def about(answer: Answer) -> Json:
    """What is told of an answer beside its numbers."""
    told: Json = {
        "conventions": conventions(answer.kinks),
        "warnings": [warning(notice) for notice in answer.warnings],
        "cost": cost(answer.cost),
    }
    if answer.certificate is not None:
        told["certificate"] = {
            "verdict": answer.certificate.verdict,
            "largest_error": answer.certificate.largest_error,
            "taylor_rate": answer.certificate.taylor_rate,
        }
    return told


def cost(found: Cost) -> Json:
    """A `Cost`."""
    return {
        "flops": int(found.flops),
        "bytes_moved": int(found.bytes_moved),
        "peak_bytes": int(found.peak_bytes),
        "answer_bytes": int(found.answer_bytes),
        "seconds": float(found.seconds),
    }


def conventions(
    kinks: Sequence[Kink], layout: str = "numerator", loss_factor: str | None = None
) -> Json:
    """What was chosen."""
    return {
        "layout": layout,
        "loss_factor": loss_factor,
        "kinks": [_kink(kink) for kink in kinks],
    }


def _kink(kink: Kink) -> Json:
    return {
        "expression": kink.expression,
        "start": kink.start,
        "end": kink.end,
        "rule": kink.rule,
        "count": kink.count,
        "positions": [list(position) for position in kink.positions],
        "value": kink.value,
        "subdifferential": kink.subdifferential,
    }


def warning(notice: Notice) -> Json:
    """A `Warning`."""
    return {
        "code": notice.code,
        "message": notice.message,
        "pointer": notice.pointer,
        "start": notice.start,
        "end": notice.end,
    }
